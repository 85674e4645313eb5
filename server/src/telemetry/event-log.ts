import { resourceParts } from '../core/names.js';
import type { CoreEvent } from '../core/ports.js';
import type { Logger } from './logger.js';

/** Writes one log line for an event of the core. */
export function logEvent(logger: Logger, event: CoreEvent): void {
  if (!logger.enabled(event.kind)) return;
  switch (event.kind) {
    case 'session_opened': {
      const { kind, sessionId, clientName, resumed } = event;
      logger.log(kind, { sessionId, clientName, resumed });
      break;
    }
    case 'session_detached': {
      const { kind, sessionId, leases, waiters } = event;
      logger.log(kind, { sessionId, leases, waiters });
      break;
    }
    case 'session_ended':
      logger.log(event.kind, { sessionId: event.sessionId, cause: event.cause });
      break;
    case 'held_set_differs':
      logger.log(event.kind, { sessionId: event.sessionId });
      break;
    case 'lease_lost': {
      const { kind, sessionId, leaseId, reason } = event;
      const { namespace, name: resource } = resourceParts(event.resource);
      // JSON knows no 64-bit numbers.
      logger.log(kind, { sessionId, leaseId, namespace, resource, token: event.token.toString(), reason });
      break;
    }
    case 'store_unavailable':
      logger.log(event.kind, { cause: event.message });
      break;
    case 'store_available':
      logger.log(event.kind, {});
      break;
  }
}
