import { Command, CommanderError } from 'commander';
import type { Order } from '../transport/admin-calls.js';
import { durationText, readDuration } from './duration.js';
import { EXIT, SIGNAL_BASE } from './exit-codes.js';
import { readName } from './names.js';
import { addOrders } from './order-commands.js';
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
}

/** An order to a server's nodes. */
export interface OrderOptions extends ServerOptions {
  readonly order: Order;
}

/** What the command line asks for. */
export type CommandLine =
  | { readonly kind: 'run'; readonly json: boolean; readonly options: RunOptions }
  | { readonly kind: 'ls'; readonly json: boolean; readonly options: ListOptions }
  | { readonly kind: 'nodes'; readonly json: boolean; readonly options: ServerOptions }
  | { readonly kind: 'order'; readonly json: boolean; readonly options: OrderOptions }
  /** Help or version: for stdout. */
  | { readonly kind: 'told'; readonly text: string }
  /** Nothing was asked for: help, for stderr. */
  | { readonly kind: 'lost'; readonly text: string };

/** Every option there is, as it was written. */
export interface Given {
  readonly server?: readonly string[];
  readonly namespace?: string;
  readonly connectTimeout: string;
  readonly json?: boolean;
  readonly ttl?: string;
  readonly wait?: string;
  readonly killAfter?: string;
  readonly name?: string;
  readonly allNamespaces?: boolean;
  readonly nodes?: boolean;
  readonly always?: boolean;
  readonly yes?: boolean;
}

const DEFAULT_CONNECT_TIMEOUT = '3s';
const DEFAULT_WAIT = '0s';
const RUN_FORM = 'write it like: holdfast run NAME -- COMMAND';

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
  const command = dashes < 0 ? undefined : args.slice(dashes + 1);
  const parsed: { line?: CommandLine; text: string } = { text: '' };
  const program = emptyProgram(version, (chunk) => {
    parsed.text += chunk;
  });
  addRun(program, (name, given) => {
    const options = {
      name: readName('the resource', name),
      command: checkedCommand(command),
      ...serverOptions(given, environment),
    };
    parsed.line = { kind: 'run', json: given.json === true, options: { ...options, ...runOptions(given) } };
  });
  addList(program, (prefix, given) => {
    if (command !== undefined) throw new UsageError('ls takes no command after --; that is for run');
    parsed.line = listLine(prefix, given, serverOptions(given, environment));
  });
  addOrders(program, (order, given) => {
    if (command !== undefined) throw new UsageError('only run takes a command after --');
    const { json = false } = given;
    parsed.line = { kind: 'order', json, options: { order, ...serverOptions(given, environment) } };
  });
  try {
    program.parse(dashes < 0 ? [...args] : args.slice(0, dashes), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'told', text: parsed.text };
    if (error.code !== 'commander.help') throw misuse(error, args, command);
  }
  return parsed.line ?? { kind: 'lost', text: parsed.text };
}

function emptyProgram(version: string, write: (chunk: string) => void): Command {
  return new Command('holdfast')
    .description('Distributed locks from the command line, over a Holdfast lease server.')
    .version(version, '--version', 'Print the version and exit.')
    .helpOption('-h, --help', 'Print help and exit.')
    .configureOutput({ writeOut: write, writeErr: write })
    .exitOverride()
    .allowExcessArguments(false)
    .option(
      '--server <host:port>',
      `The server; several, repeated or separated by commas, must share a store. [HOLDFAST_SERVER, default ${DEFAULT_SERVER}]`,
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option('--namespace <name>', "The tenant's space all names live in. [HOLDFAST_NAMESPACE, default default]")
    .option('--connect-timeout <duration>', 'How long to look for a server.', DEFAULT_CONNECT_TIMEOUT)
    .option('--json', 'Write JSON.')
    .addHelpText('after', EPILOGUE);
}

function addRun(program: Command, asked: (name: string, given: Given) => void): void {
  program
    .command('run')
    .usage('[options] <name> -- <command> [arguments...]')
    .description(
      'Run a command while holding a resource, and stop it in time if the resource cannot be held. ' +
        'The command finds the fencing token in HOLDFAST_TOKEN.',
    )
    .argument('<name>', 'The resource to hold.')
    .option('--ttl <duration>', "Time to live of the lease. Default: the server's.")
    .option('--wait <duration>', 'How long to wait for the resource.', DEFAULT_WAIT)
    .option(
      '--kill-after <duration>',
      'When the lease cannot be kept: SIGTERM this long before SIGKILL, at most a third of the TTL. ' +
        'Default: a sixth of the TTL, at most 5s.',
    )
    .option('--name <client>', 'The name others see. Default: host name and process id.')
    .addHelpText('after', '\nExample: holdfast run orders/42 --wait 30s -- ./migrate.sh --all')
    .action((name: string, _own: unknown, command: Command) => asked(name, command.optsWithGlobals<Given>()));
}

function addList(program: Command, asked: (prefix: string, given: Given) => void): void {
  program
    .command('ls')
    .description('List the leases a server knows, or the nodes of its store.')
    .argument('[prefix]', 'Only resources whose names begin with this.', '')
    .option('--all-namespaces', 'Leases of every namespace.')
    .option('--nodes', 'The nodes of the store instead of leases.')
    .action((prefix: string, _own: unknown, command: Command) => asked(prefix, command.optsWithGlobals<Given>()));
}

function listLine(prefix: string, given: Given, options: ServerOptions): CommandLine {
  const { json = false, allNamespaces = false, nodes = false } = given;
  if (!nodes) return { kind: 'ls', json, options: { prefix, allNamespaces, ...options } };
  if (prefix !== '' || allNamespaces) {
    throw new UsageError('ls --nodes lists nodes, not leases; it takes no prefix and no --all-namespaces');
  }
  return { kind: 'nodes', json, options };
}

function serverOptions(given: Given, environment: Environment): ServerOptions {
  const { HOLDFAST_SERVER: server, HOLDFAST_NAMESPACE: namespace } = environment;
  const servers =
    given.server !== undefined
      ? readServers('--server', given.server)
      : readServers('HOLDFAST_SERVER', [server === undefined || server === '' ? DEFAULT_SERVER : server]);
  return {
    servers,
    namespace:
      given.namespace !== undefined
        ? readName('--namespace', given.namespace)
        : readName('HOLDFAST_NAMESPACE', namespace === '' ? undefined : namespace),
    connectTimeoutMs: readDuration('--connect-timeout', given.connectTimeout, 1, HOUR),
  };
}

function runOptions(given: Given): Pick<RunOptions, 'ttlMs' | 'waitMs' | 'killAfterMs' | 'clientName'> {
  const { ttl, wait = DEFAULT_WAIT, killAfter, name } = given;
  const ttlMs = ttl === undefined ? undefined : readDuration('--ttl', ttl, 1, DAY);
  const killAfterMs = killAfter === undefined ? undefined : readDuration('--kill-after', killAfter, 0, DAY);
  if (ttlMs !== undefined && killAfterMs !== undefined) checkKillAfter(killAfterMs, ttlMs);
  return { ttlMs, waitMs: readDuration('--wait', wait, 0, DAY), killAfterMs, clientName: readName('--name', name) };
}

/** A lease is extended when half its TTL is gone: a command stopped earlier than a third before the end would never run. */
export function checkKillAfter(killAfterMs: number, ttlMs: number): void {
  if (killAfterMs * 3 <= ttlMs) return;
  const most = `at most ${durationText(Math.floor(ttlMs / 3))}, a third of the TTL`;
  throw new UsageError(`--kill-after is ${durationText(killAfterMs)}; it must be ${most}`);
}

function checkedCommand(command: readonly string[] | undefined): RunOptions['command'] {
  const [program, ...args] = command ?? [];
  if (program === undefined || program === '') throw new UsageError(`there is no command to run; ${RUN_FORM}`);
  return [program, ...args];
}

function misuse(error: CommanderError, args: readonly string[], command: readonly string[] | undefined): UsageError {
  const line = error.message
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
  if (args.includes('run') && command === undefined) return new UsageError(`${line}; ${RUN_FORM}`);
  return new UsageError(line.endsWith('?)') ? line : `${line}; see holdfast --help`);
}
