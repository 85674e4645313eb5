import { resourceParts } from '../core/names.js';
import type { CoreEvent } from '../core/ports.js';
import type { Logger, LogLevel } from './logger.js';

/** Writes one log line for an event of the core. */
export function logEvent(logger: Logger, event: CoreEvent): void {
  const level = LEVELS[event.kind];
  if (!logger.enabled(level)) return;
  logger.log(level, fieldsOf(event), MESSAGES[event.kind]);
}

const LEVELS: Readonly<Record<CoreEvent['kind'], LogLevel>> = {
  session_opened: 'info',
  session_detached: 'info',
  session_ended: 'info',
  held_set_differs: 'warn',
  lease_lost: 'warn',
  store_unavailable: 'warn',
  store_available: 'info',
};

const MESSAGES: Readonly<Record<CoreEvent['kind'], string>> = {
  session_opened: 'session opened',
  session_detached: 'session lost its stream',
  session_ended: 'session ended',
  held_set_differs: 'client and server disagree on what the client holds',
  lease_lost: 'lease lost',
  store_unavailable: 'store unavailable',
  store_available: 'store available again',
};

function fieldsOf(event: CoreEvent): Readonly<Record<string, unknown>> {
  switch (event.kind) {
    case 'lease_lost': {
      const { namespace, name } = resourceParts(event.resource);
      const { sessionId, leaseId, reason } = event;
      // JSON knows no 64-bit numbers.
      return { event: event.kind, sessionId, leaseId, namespace, resource: name, token: `${event.token}`, reason };
    }
    case 'store_unavailable':
      return { event: event.kind, cause: event.message };
    case 'session_opened':
    case 'session_detached':
    case 'session_ended':
    case 'held_set_differs':
    case 'store_available': {
      const { kind, ...fields } = event;
      return { event: kind, ...fields };
    }
  }
}
