import type { CoreEvent } from '../core/ports.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** One kind of log line. */
export interface LogEventSpec {
  readonly level: LogLevel;
  /** The line's `msg`. */
  readonly message: string;
  /** The fields it has besides `level`, `time`, `event` and `msg`. */
  readonly fields: readonly string[];
}

function event<const F extends readonly string[]>(level: LogLevel, message: string, ...fields: F) {
  return { level, message, fields } as const;
}

/** Every kind of log line, by its `event`. The log and the table in docs/operations.md come from here. */
export const LOG_EVENTS = {
  ready: event('info', 'ready', 'address', 'metrics', 'store', 'dataDir', 'nodes', 'serverId', 'version', 'pid'),
  insecure: event('warn', 'anybody who can reach this server may use it'),
  unknown_variable: event('warn', 'a variable that looks like a setting is none; see --help', 'variable'),
  start_refused: event('fatal', 'cannot start', 'reason'),
  draining: event('info', 'draining; another signal stops at once', 'signal', 'streams', 'timeoutMs'),
  stopped: event('info', 'stopped'),
  stopped_at_once: event('warn', 'second signal: stopping at once', 'signal'),
  session_opened: event('info', 'session opened', 'sessionId', 'clientName', 'resumed'),
  session_detached: event('info', 'session lost its stream', 'sessionId', 'leases', 'waiters'),
  session_ended: event('info', 'session ended', 'sessionId', 'cause'),
  held_set_differs: event('warn', 'client and server disagree on what the client holds', 'sessionId'),
  lease_lost: event('warn', 'lease lost', 'sessionId', 'leaseId', 'namespace', 'resource', 'token', 'reason'),
  store_unavailable: event('warn', 'store unavailable', 'cause'),
  store_available: event('info', 'store available again'),
  node_up: event('info', 'connected to a node', 'node', 'version'),
  node_down: event('warn', 'a node cannot be used', 'node', 'kind', 'cause'),
  node_admitted: event('info', 'a node votes', 'node'),
  node_quarantined: event(
    'warn',
    'a node may have lost its memory, and does not vote before its quarantine is over',
    'node',
    'leftMs',
  ),
  node_evicts: event(
    'error',
    'a node throws keys away for want of memory: what it promised may be gone',
    'node',
    'evictedKeys',
  ),
  clock_shifted: event('warn', 'the clock of a node has shifted', 'node', 'byMs'),
  self_suspected: event(
    'warn',
    'this process may have stood still: nothing is granted until clocks are measured again',
    'why',
  ),
  self_trusted: event('info', 'clocks were measured again'),
  configuration_conflict: event(
    'error',
    'the nodes belong to a cluster with other settings: nothing is granted',
    'cause',
  ),
  not_granting: event('warn', 'nothing can be granted', 'voting', 'quorum', 'cause'),
  granting: event('info', 'leases can be granted', 'voting', 'quorum'),
  store_failed: event('fatal', 'the store has failed: stopping; the next start reads what it holds', 'error'),
  event_loop_stalled: event('warn', 'the event loop stood still', 'stalledMs'),
  defect: event('error', 'a defect ended one call; the server goes on', 'where', 'error'),
  crashed: event('fatal', 'an unexpected error: stopping', 'origin', 'error'),
} as const satisfies Readonly<Record<string, LogEventSpec>> & Readonly<Record<CoreEvent['kind'], LogEventSpec>>;

export type LogEventName = keyof typeof LOG_EVENTS;

/** The fields an event must come with. */
export type LogFields<E extends LogEventName> = Readonly<Record<(typeof LOG_EVENTS)[E]['fields'][number], unknown>>;
