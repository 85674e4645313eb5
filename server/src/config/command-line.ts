import { Command, CommanderError, Option } from 'commander';
import { misuseReport } from './misuse.js';
import { environmentNameOf, flagOf, groupOf, OPTION_NAMES, OPTIONS, type OptionName } from './options.js';

/** What the command line asks for. */
export type CommandLine =
  | { readonly kind: 'serve' | 'check'; readonly flags: Readonly<Partial<Record<OptionName, string>>> }
  /** Help or version: to be printed on stdout. */
  | { readonly kind: 'told'; readonly text: string }
  /** An unknown flag or a missing value: to be printed on stderr. */
  | { readonly kind: 'misused'; readonly text: string };

const INTRODUCTION =
  'The Holdfast lease server: distributed locks that are fenced, fair and kept alive.\n\n' +
  'Every option can be given as an environment variable instead: --min-ttl is HOLDFAST_MIN_TTL. A flag wins over the ' +
  'environment. Durations carry their unit: 500ms, 30s, 1m, 1h.';

const EPILOGUE = `
Exit codes: 0 stopped as asked, 1 failed, 2 wrong configuration, 3 the store refused (in use, not writable, damaged).`;

/** Reads the arguments after the program's name. Prints nothing and never exits. */
export function readCommandLine(args: readonly string[], version: string): CommandLine {
  let text = '';
  const append = (chunk: string): void => {
    text += chunk;
  };
  const command = new Command('holdfast-server')
    .description(INTRODUCTION)
    .version(version, '--version', 'Print the version and exit.')
    .helpOption('--help', 'Print this text and exit.')
    .allowExcessArguments(false)
    .addHelpText('after', EPILOGUE)
    .configureOutput({ writeOut: append, writeErr: append })
    .exitOverride();
  command.option(
    '--check',
    'Check the configuration, the data directory and the addresses, print what is in effect, and exit.',
  );
  for (const name of OPTION_NAMES) command.addOption(commandOption(name));
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'told', text };
    return misuseOfFlag(text, version) ?? { kind: 'misused', text: misuseReport(text) };
  }
  const given = command.opts<Record<string, string | boolean>>();
  const flags: Partial<Record<OptionName, string>> = {};
  for (const name of OPTION_NAMES) {
    if (given[name] !== undefined) flags[name] = String(given[name]);
  }
  return { kind: given['check'] === true ? 'check' : 'serve', flags };
}

/**
 * The parser takes `--flag=value` as a whole for the unknown flag, and so guesses badly and prints what may be a password: ask
 * again without the value.
 */
function misuseOfFlag(complaint: string, version: string): CommandLine | undefined {
  const [, flag] = /unknown option '(--?[^'=]+)=/.exec(complaint) ?? [];
  const line = flag === undefined ? undefined : readCommandLine([flag], version);
  return line?.kind === 'misused' ? line : undefined;
}

function commandOption(name: OptionName): Option {
  const { kind, fallback, summary } = OPTIONS[name];
  const flags = `${flagOf(name)} ${kind.placeholder}`;
  return new Option(flags, `${summary} (${kind.bound}) [${environmentNameOf(name)}, default ${fallback}]`).helpGroup(
    `${groupOf(name)}:`,
  );
}
