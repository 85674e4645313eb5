import { constants } from 'node:os';
import { HoldfastError } from '../errors.js';
import { durationText } from './duration.js';
import { EXIT, SIGNAL_BASE } from './exit-codes.js';
import { OutputError } from './output.js';
import { DEFAULT_SERVER, isLocal } from './server-addresses.js';
import type { EndingSignal } from './signal-inbox.js';
import { UsageError } from './usage-error.js';

/** What to print, on one line that ends with the remedy, and what to exit with. */
export interface Explanation {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
}

/** A signal came before there was a command to pass it to. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';

  constructor(readonly signal: EndingSignal) {
    super(`stopped by ${signal}`);
  }
}

/** No server could be reached at all. */
export class NoServerError extends Error {
  override readonly name = 'NoServerError';

  constructor(servers: readonly string[], error: Error) {
    const what = servers.length === 1 ? `no server at ${servers[0]}` : `no server at any of ${servers.join(', ')}`;
    super(`${what} (${reasonOf(error.message)}); ${remedyOf(servers)}`, { cause: error });
  }
}

/** The system's words for it, if there are any in the text. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'connection refused'],
  [/ENOTFOUND|EAI_AGAIN|Name resolution failed/i, 'no such host'],
  [/ENOENT/, 'no such socket'],
  [/EHOSTUNREACH|ENETUNREACH/, 'no route to it'],
  [/EACCES|EPERM/, 'not permitted'],
];

function reasonOf(text: string): string {
  return REASONS.find(([pattern]) => pattern.test(text))?.[1] ?? text;
}

function remedyOf(servers: readonly string[]): string {
  const [server] = servers;
  if (server === DEFAULT_SERVER) return 'start one with: npx holdfast-server (in a checkout: make run)';
  if (servers.length === 1 && server !== undefined && isLocal(server)) {
    return `start one with: npx holdfast-server --listen ${server}`;
  }
  return 'check --server and HOLDFAST_SERVER, and that the server can be reached from here';
}

/** Fields of errors as options of the command line. */
const OPTIONS: Readonly<Record<string, string>> = {
  name: 'the resource',
  namespace: '--namespace',
  node_id: 'the node',
};
/** Those that are durations: the library has milliseconds, the command line units. */
const DURATIONS: Readonly<Record<string, string>> = {
  ttlMs: '--ttl',
  ttl_ms: '--ttl',
  waitMs: '--wait',
  wait_ms: '--wait',
};

export function explain(error: unknown): Explanation {
  if (error instanceof UsageError) return { code: 'USAGE', message: error.message, exitCode: EXIT.usage.code };
  if (error instanceof NoServerError) {
    return { code: 'UNAVAILABLE', message: error.message, exitCode: EXIT.unavailable.code };
  }
  if (error instanceof InterruptedError) {
    const exitCode = SIGNAL_BASE + constants.signals[error.signal];
    return { code: 'INTERRUPTED', message: error.message, exitCode };
  }
  if (error instanceof OutputError) {
    return { code: 'OUTPUT', message: error.message, exitCode: EXIT.outputFailed.code };
  }
  if (error instanceof HoldfastError) return explainHoldfast(error);
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'DEFECT', message: `unexpected: ${message}; please report it`, exitCode: EXIT.defect.code };
}

function explainHoldfast(error: HoldfastError): Explanation {
  const { code, message } = error;
  switch (code) {
    case 'WAIT_TIMEOUT':
      return { code, message: `${message}; wait longer with --wait`, exitCode: EXIT.notAcquired.code };
    case 'LEASE_LOST':
      return { code, message, exitCode: EXIT.leaseLost.code };
    case 'INVALID_ARGUMENT':
      return { code, message: inOptions(error), exitCode: EXIT.usage.code };
    case 'UNAVAILABLE':
    case 'LIMIT_REACHED':
      return { code, message: `${message}; try again later`, exitCode: EXIT.unavailable.code };
    case 'PROTOCOL':
      return {
        code,
        message: `${message}; check --server, and that client and server fit together`,
        exitCode: EXIT.unavailable.code,
      };
    case 'REFUSED':
      return { code, message, exitCode: EXIT.refused.code };
    case 'ACCESS_DENIED':
      return { code, message, exitCode: EXIT.accessDenied.code };
    case 'SERVER':
    case 'CLIENT_CLOSED':
      return { code, message: `${message}; see the server's log`, exitCode: EXIT.defect.code };
  }
}

function inOptions(error: HoldfastError): string {
  const { field = '', message } = error;
  const option = OPTIONS[field];
  return durationInOptions(error) ?? (option === undefined ? message : message.replace(field, option));
}

/** `undefined` for what is no duration, or does not say its bounds. */
function durationInOptions({ field = '', limit = '', value = '' }: HoldfastError): string | undefined {
  const option = DURATIONS[field];
  const [minMs, maxMs, ...others] = (limit.match(/\d+/g) ?? []).map(Number);
  if (option === undefined || !/^\d+$/.test(value) || minMs === undefined || maxMs === undefined || others.length > 0) {
    return undefined;
  }
  return `${option} is ${durationText(Number(value))}; the server allows ${durationText(minMs)} to ${durationText(maxMs)}`;
}
