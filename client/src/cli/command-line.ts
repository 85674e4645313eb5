import { Command, CommanderError } from 'commander';
import { readDuration } from './duration.js';
import { EXIT, SIGNAL_BASE } from './exit-codes.js';
import { DEFAULT_SERVER, readServers } from './server-addresses.js';
import { UsageError } from './usage-error.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

/** What every command needs to find its server. */
export interface ServerOptions {
  readonly servers: readonly string[];
  /** `undefined`: the server's default namespace. */
  readonly namespace: string | undefined;
  readonly connectTimeoutMs: number;
}

/** `holdfast run`. */
export interface RunOptions extends ServerOptions {
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** `undefined`: the server's default. */
  readonly ttlMs: number | undefined;
  readonly waitMs: number;
  /** `undefined`: follows from the TTL. */
  readonly killAfterMs: number | undefined;
  readonly clientName: string | undefined;
}

/** `holdfast ls`. */
export interface ListOptions extends ServerOptions {
  readonly prefix: string;
  readonly allNamespaces: boolean;
  readonly json: boolean;
}

/** What the command line asks for. */
export type CommandLine =
  | { readonly kind: 'run'; readonly json: boolean; readonly options: RunOptions }
  | { readonly kind: 'ls'; readonly json: boolean; readonly options: ListOptions }
  /** Help or version: for stdout. */
  | { readonly kind: 'told'; readonly text: string }
  /** Nothing was asked for: help, for stderr. */
  | { readonly kind: 'lost'; readonly text: string };

interface Given {
  readonly server?: readonly string[];
  readonly namespace?: string;
  readonly connectTimeout: string;
  readonly json?: boolean;
  readonly ttl?: string;
  readonly wait?: string;
  readonly killAfter?: string;
  readonly name?: string;
  readonly allNamespaces?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const EPILOGUE = `
Durations carry their unit: 500ms, 30s, 1m. With --json, messages on stderr are JSON lines.

Exit codes: that of the command run, ${SIGNAL_BASE} + n when signal n ended it, and
${Object.values(EXIT)
  .map(({ code, meaning }) => `  ${String(code).padEnd(5)}${meaning.replaceAll('`', '')}`)
  .join('\n')}`;

/** Reads the arguments after the program's name. Prints nothing and never exits; what is wrong is a `UsageError`. */
export function readCommandLine(args: readonly string[], environment: Environment, version: string): CommandLine {
  const dashes = args.indexOf('--');
  const own = dashes < 0 ? args : args.slice(0, dashes);
  const command = dashes < 0 ? undefined : args.slice(dashes + 1);
  const output = { text: '' };
  let asked: (() => CommandLine) | undefined;
  const program = programOf(version, output, (make) => {
    asked = make;
  });
  addRun(program, environment, command, (make) => {
    asked = make;
  });
  addList(program, environment, (make) => {
    asked = make;
  });
  try {
    program.parse([...own], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'told', text: output.text };
    if (error.code === 'commander.help') return { kind: 'lost', text: output.text };
    throw misuse(error, command);
  }
  const line = asked?.();
  if (line === undefined) return { kind: 'lost', text: program.helpInformation() };
  if (line.kind !== 'run' && command !== undefined) throw new UsageError(`only run takes a command after --`);
  return line;
}
