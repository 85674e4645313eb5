import type { MembershipEvent } from '../store/redlock/open-redlock-store.js';
import type { Logger } from '../telemetry/logger.js';

/** Writes one log line for an event of the nodes. */
export function logNodeEvent(logger: Pick<Logger, 'log'>, event: MembershipEvent): void {
  switch (event.kind) {
    case 'node_up':
      logger.log(event.kind, { node: event.node, version: event.version });
      break;
    case 'node_down':
      logger.log(event.kind, { node: event.node, kind: event.fault.kind, cause: event.fault.message });
      break;
    case 'node_admitted':
      logger.log(event.kind, { node: event.node });
      break;
    case 'node_quarantined':
      logger.log(event.kind, { node: event.node, leftMs: Math.ceil(event.leftMs) });
      break;
    case 'node_evicts':
      logger.log(event.kind, { node: event.node, evictedKeys: event.evictedKeys });
      break;
    case 'clock_shifted':
      logger.log(event.kind, { node: event.node, byMs: Math.round(event.byMs) });
      break;
    case 'self_suspected':
      logger.log(event.kind, { why: event.why });
      break;
    case 'self_trusted':
      logger.log(event.kind, {});
      break;
    case 'configuration_conflict':
      logger.log(event.kind, { cause: event.message });
      break;
  }
}
