import { hash } from 'node:crypto';
import {
  type Acquire as WireAcquire,
  ResumeEntry_Claim as WireClaim,
  type ClientFrame as WireFrame,
  type ResumeEntry as WireResumeEntry,
} from '@holdfast/protocol';
import { type Failure, printable } from '../core/failure.js';
import type { AcquireRequest, ClientFrame, ResumeEntry } from '../core/frames.js';
import type { Hash, LeaseId } from '../core/names.js';
import { isUuidV7 } from '../core/uuid-v7.js';

const SECRET_BYTES = 16;
const HASH_DIGITS = 32;
const MAX_EARLIER_SECRETS = 7;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** A value without meaning, found somewhere in a frame. Thrown only within this file. */
class MeaninglessValue extends Error {
  constructor(
    /** The field's name within its frame. */
    readonly field: string,
    readonly value: string,
    readonly limit: string,
  ) {
    super(`${field} is ${value}`);
  }

  /** Names the field from the frame down, as the core does. */
  failureOf(frame: WireFrame): Failure {
    const { field: within, value, limit } = this;
    const field = `${frameName(frame)}.${within}`;
    return { reason: 'FIELD_INVALID', message: `${field} is ${value}; allowed: ${limit}`, field, value, limit };
  }
}

/** What a frame is called in errors: the name of its field in `ClientFrame`. */
function frameName({ kind }: WireFrame): string {
  if (kind === undefined) return 'frame';
  switch (kind.$case) {
    case 'heldList':
      return 'held_list';
    case 'resume':
      return 'resume.entries';
    default:
      return kind.$case;
  }
}

/** A frame off the wire as the core sees it: secrets hashed, ids as numbers. A meaningless value makes it `invalid`. */
export function coreFrame(wire: WireFrame, id: number): ClientFrame {
  try {
    return meaningOf(wire, id);
  } catch (error) {
    if (error instanceof MeaninglessValue) return { kind: 'invalid', id, failure: error.failureOf(wire) };
    throw error;
  }
}

function meaningOf({ kind }: WireFrame, id: number): ClientFrame {
  switch (kind?.$case) {
    case 'acquire':
      return { kind: 'acquire', id, request: acquireRequest(kind.value) };
    case 'release':
      return { kind: 'release', id, requestId: safeNumber(kind.value.requestId, 'request_id') };
    case 'heartbeat':
      return {
        kind: 'heartbeat',
        id,
        pushSeen: safeNumber(kind.value.pushSeen, 'push_seen'),
        heldCount: kind.value.heldCount,
        heldHash: kind.value.heldHash,
      };
    case 'cancel':
      return { kind: 'cancel', id, requestId: safeNumber(kind.value.requestId, 'request_id') };
    case 'extend':
      return { kind: 'extend', id, requestId: safeNumber(kind.value.requestId, 'request_id') };
    case 'open':
      return {
        kind: 'open',
        id,
        protocolVersion: kind.value.protocolVersion,
        sessionId: kind.value.sessionId,
        secretHash: secretHash(kind.value.sessionSecret, 'session_secret'),
        clientName: kind.value.clientName,
        namespace: kind.value.namespace,
        resume: kind.value.resume,
      };
    case 'resume':
      return { kind: 'resume', id, entries: kind.value.entries.map(resumeEntry), last: kind.value.last };
    case 'heldList':
      return {
        kind: 'held_list',
        id,
        heartbeatId: safeNumber(kind.value.heartbeatId, 'heartbeat_id'),
        requestIds: kind.value.requestIds.map((requestId) => safeNumber(requestId, 'request_ids')),
        last: kind.value.last,
      };
    case 'close':
      return { kind: 'close', id };
    case undefined:
      return { kind: 'invalid', id, failure: unknownFrame() };
  }
}

function acquireRequest(wire: WireAcquire): AcquireRequest {
  if (wire.earlierSecrets.length > MAX_EARLIER_SECRETS) {
    const count = wire.earlierSecrets.length;
    throw new MeaninglessValue('earlier_secrets', `${count} secrets`, `at most ${MAX_EARLIER_SECRETS} secrets`);
  }
  const { traceparent, tracestate } = wire;
  return {
    names: wire.resources.map(({ name }) => name),
    // Beyond 2^53 the number is not exact, and far beyond every limit all the same.
    ttlMs: wire.ttlMs === undefined ? undefined : Number(wire.ttlMs),
    waitMs: Number(wire.waitMs),
    hash: secretHash(wire.secret, 'secret'),
    earlierHashes: wire.earlierSecrets.map((secret) => secretHash(secret, 'earlier_secrets')),
    manualExtension: wire.manualExtension,
    trace: traceparent === '' ? undefined : { traceparent, tracestate },
  };
}

function resumeEntry(wire: WireResumeEntry): ResumeEntry {
  const requestId = safeNumber(wire.requestId, 'request_id');
  if (wire.acquire === undefined) throw new MeaninglessValue('acquire', 'nothing', 'the request as it was made');
  const request = acquireRequest(wire.acquire);
  switch (wire.claim) {
    case WireClaim.CLAIM_HELD:
      return { claim: 'held', requestId, request, leaseId: leaseId(wire.leaseId), token: onlyToken(wire.tokens) };
    case WireClaim.CLAIM_OPEN:
      return { claim: 'open', requestId, request };
    case WireClaim.CLAIM_GIVEN_UP:
      return { claim: 'given_up', requestId, request };
    default:
      throw new MeaninglessValue('claim', String(wire.claim), 'CLAIM_HELD, CLAIM_OPEN or CLAIM_GIVEN_UP');
  }
}

function secretHash(secret: Uint8Array, field: string): Hash {
  if (secret.length !== SECRET_BYTES) {
    throw new MeaninglessValue(field, `${secret.length} bytes`, `exactly ${SECRET_BYTES} bytes`);
  }
  return hash('sha256', secret, 'hex').slice(0, HASH_DIGITS) as Hash;
}

function leaseId(text: string): LeaseId {
  if (!isUuidV7(text)) throw new MeaninglessValue('lease_id', printable(text), 'a UUIDv7 in canonical text form');
  return text as LeaseId;
}

function onlyToken(tokens: readonly bigint[]): bigint {
  const [token] = tokens;
  if (token === undefined || tokens.length > 1) {
    throw new MeaninglessValue('tokens', `${tokens.length} tokens`, 'one token for each resource, and one resource');
  }
  return token;
}

function safeNumber(value: bigint, field: string): number {
  if (value > MAX_SAFE) throw new MeaninglessValue(field, String(value), `at most ${MAX_SAFE}`);
  return Number(value);
}

function unknownFrame(): Failure {
  return {
    reason: 'UNKNOWN_FRAME',
    message: 'This server does not know the kind of this frame; it speaks protocol version 1.',
    field: 'frame.kind',
    value: 'unknown',
    limit: 'the kinds of ClientFrame in protocol version 1',
  };
}
