import { type Failure, printable } from './failure.js';
import type { AcquireRequest, Limits, OpenFrame } from './frames.js';
import { isUuidV7 } from './uuid-v7.js';

/** The protocol version this server speaks. */
export const PROTOCOL_VERSION = 1;
/** Longest wait: a day. */
const MAX_WAIT_MS = 86_400_000;
/** Bound for the names of clients and namespaces. */
export const MAX_LABEL_BYTES = 256;

const CONTROL = /\p{Cc}/u;

/** What is wrong with the name in `field`, or `undefined`. */
export function checkName(field: string, name: string, maxBytes: number): Failure | undefined {
  if (name.length === 0) return invalid(field, name, `1 to ${maxBytes} bytes`, 'is empty');
  const bytes = name.length > maxBytes ? Number.POSITIVE_INFINITY : Buffer.byteLength(name);
  if (bytes > maxBytes) {
    return invalid(field, name, `1 to ${maxBytes} bytes`, `is ${Buffer.byteLength(name)} bytes long`);
  }
  if (CONTROL.test(name)) return invalid(field, name, 'no control characters', 'contains a control character');
  return undefined;
}

/** What is wrong with an acquire, or `undefined`. Fields are named as on the wire. */
export function checkAcquire(request: AcquireRequest, limits: Limits): Failure | undefined {
  const count = request.names.length;
  if (count !== 1) return invalid('acquire.resources', String(count), 'exactly 1', `has ${count} entries`);
  const name = request.names[0] ?? '';
  return (
    checkName('acquire.resources[0].name', name, limits.maxNameBytes) ??
    checkMs('acquire.ttl_ms', request.ttlMs ?? limits.defaultTtlMs, limits.minTtlMs, limits.maxTtlMs) ??
    checkMs('acquire.wait_ms', request.waitMs, 0, MAX_WAIT_MS)
  );
}

/** What is wrong with an Open, or `undefined`. */
export function checkOpen(open: OpenFrame): Failure | undefined {
  if (open.protocolVersion !== PROTOCOL_VERSION) {
    return {
      reason: 'PROTOCOL_VERSION_UNSUPPORTED',
      message: `this server speaks protocol version ${PROTOCOL_VERSION}, not ${open.protocolVersion}`,
      field: 'open.protocol_version',
      value: String(open.protocolVersion),
      limit: String(PROTOCOL_VERSION),
    };
  }
  if (!isUuidV7(open.sessionId)) {
    return invalid('open.session_id', open.sessionId, 'a UUIDv7 in lower-case text form', 'is not a UUIDv7');
  }
  return (
    checkName('open.client_name', open.clientName, MAX_LABEL_BYTES) ??
    (open.namespace === '' ? undefined : checkName('open.namespace', open.namespace, MAX_LABEL_BYTES))
  );
}

/** What is wrong with a session's namespace, where the store has only one. */
export function checkNamespace(namespace: string, onlyNamespace: string | undefined): Failure | undefined {
  if (onlyNamespace === undefined || namespace === onlyNamespace) return undefined;
  const [field, value, limit] = ['open.namespace', printable(namespace), printable(onlyNamespace)];
  const message = `${field} is ${value}; the store of this server has only the namespace ${limit}`;
  return { reason: 'FIELD_INVALID', message, field, value, limit };
}

function checkMs(field: string, value: number, least: number, most: number): Failure | undefined {
  if (value >= least && value <= most) return undefined;
  return invalid(field, String(value), `${least} to ${most}`, `is ${value}`);
}

function invalid(field: string, value: string, limit: string, what: string): Failure {
  const message = `${field} ${what}; allowed: ${limit}`;
  return { reason: 'FIELD_INVALID', message, field, value: printable(value), limit };
}
