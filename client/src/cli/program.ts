import { type CommandLine, readCommandLine } from './command-line.js';
import { EXIT } from './exit-codes.js';
import { explain } from './explain.js';
import { Output } from './output.js';
import { clientVersion } from './version.js';
import { type Voice, voice } from './voice.js';

/** The whole life of the process, from the command line to the exit code. What a command needs is loaded for it. */
export async function runProgram(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  // Whoever read stderr may be gone: that is no reason to leave a command alone.
  process.stderr.on('error', () => undefined);
  const write = (text: string): void => void process.stderr.write(text);
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  const speaker = voice(own.includes('--json'), write);
  const fail = (error: unknown): never => {
    const { code, message, exitCode } = explain(error);
    speaker.say('error', message, { code, exitCode });
    process.exit(exitCode);
  };
  process.on('uncaughtException', fail);
  try {
    const line = readCommandLine(args, environment, clientVersion());
    await obey(line, environment, speaker);
  } catch (error) {
    fail(error);
  }
}

async function obey(line: CommandLine, environment: NodeJS.ProcessEnv, speaker: Voice): Promise<void> {
  switch (line.kind) {
    case 'told':
      new Output(process.stdout).write(line.text);
      return;
    case 'lost':
      process.stderr.write(line.text);
      process.exitCode = EXIT.usage.code;
      return;
    case 'run': {
      const { runCommand } = await import('./run-command.js');
      // A connection that is still open, or a lease left to run out, must not keep the process.
      return process.exit(await runCommand(line.options, environment, speaker));
    }
    case 'ls': {
      const { listCommand } = await import('./list-command.js');
      return listCommand(line.options, line.json, new Output(process.stdout));
    }
    case 'nodes': {
      const { nodesCommand } = await import('./admin-command.js');
      return nodesCommand(line.options, line.json, new Output(process.stdout));
    }
    case 'order': {
      const { orderCommand } = await import('./admin-command.js');
      return orderCommand(line.options, line.json, new Output(process.stdout));
    }
  }
}
