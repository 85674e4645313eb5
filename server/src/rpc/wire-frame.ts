import {
  Denied_Reason,
  Lost_Reason,
  Released_Outcome,
  ResumedLease_Outcome,
  type Holder as WireHolder,
  type Limits as WireLimits,
  type ResumedLease as WireResumedLease,
  type ServerFrame as WireServerFrame,
  type Validity as WireValidity,
} from '@holdfast/protocol';
import type {
  DeniedReason,
  Holder,
  Limits,
  LostReason,
  ReleasedOutcome,
  ResumedLease,
  ServerFrame,
  Validity,
} from '../core/frames.js';
import { wireStatus } from './failure-status.js';

/** The version of the protocol this server speaks. */
export const PROTOCOL_VERSION = 1;

type WireKind = NonNullable<WireServerFrame['kind']>;

const DENIED: Readonly<Record<DeniedReason, Denied_Reason>> = {
  held: Denied_Reason.REASON_HELD,
  wait_expired: Denied_Reason.REASON_WAIT_EXPIRED,
  cancelled: Denied_Reason.REASON_CANCELLED,
};
const RELEASED: Readonly<Record<ReleasedOutcome, Released_Outcome>> = {
  released: Released_Outcome.OUTCOME_RELEASED,
  expired: Released_Outcome.OUTCOME_EXPIRED,
  unknown: Released_Outcome.OUTCOME_UNKNOWN,
};
const LOST: Readonly<Record<LostReason, Lost_Reason>> = {
  expired: Lost_Reason.REASON_EXPIRED,
  displaced: Lost_Reason.REASON_DISPLACED,
};
const RESUMED: Readonly<Record<ResumedLease['outcome'], ResumedLease_Outcome>> = {
  held: ResumedLease_Outcome.OUTCOME_HELD,
  lost: ResumedLease_Outcome.OUTCOME_LOST,
  unknown: ResumedLease_Outcome.OUTCOME_UNKNOWN,
  released: ResumedLease_Outcome.OUTCOME_RELEASED,
};

/** A frame of the core as generated code encodes it. */
export function wireFrame(frame: ServerFrame): WireServerFrame {
  return { id: BigInt(frame.id), kind: wireKind(frame) };
}

function wireKind(frame: ServerFrame): WireKind {
  switch (frame.kind) {
    case 'granted':
      return {
        $case: 'granted',
        value: {
          leaseId: frame.leaseId,
          tokens: frame.tokens as bigint[],
          validity: wireValidity(frame.validity),
          ttlMs: frame.ttlMs,
          heartbeatIntervalMs: frame.heartbeatIntervalMs,
          push: BigInt(frame.push),
        },
      };
    case 'released':
      return { $case: 'released', value: { outcome: RELEASED[frame.outcome] } };
    case 'extended':
      return {
        $case: 'extended',
        value: {
          anchor: BigInt(frame.anchor),
          groups: frame.groups.map(({ durationMs, requestIds }) => ({
            durationMs,
            requestIds: requestIds.map(BigInt),
          })),
          heartbeatIntervalMs: frame.heartbeatIntervalMs,
        },
      };
    case 'queued':
      return { $case: 'queued', value: { position: frame.position, holder: wireHolder(frame.holder) } };
    case 'denied': {
      const { position } = frame;
      return { $case: 'denied', value: { reason: DENIED[frame.reason], holder: wireHolder(frame.holder), position } };
    }
    case 'lost': {
      const { requestId, reason, push } = frame;
      return { $case: 'lost', value: { requestId: BigInt(requestId), reason: LOST[reason], push: BigInt(push) } };
    }
    case 'failed':
      return { $case: 'failed', value: { status: wireStatus(frame.failure) } };
    case 'opened':
      return {
        $case: 'opened',
        value: {
          protocolVersion: PROTOCOL_VERSION,
          serverId: frame.serverId,
          heartbeatIntervalMs: frame.heartbeatIntervalMs,
          limits: wireLimits(frame.limits),
        },
      };
    case 'resumed':
      return {
        $case: 'resumed',
        value: {
          leases: frame.leases.map(wireResumed),
          push: BigInt(frame.push),
          heartbeatIntervalMs: frame.heartbeatIntervalMs,
        },
      };
    case 'held_list_requested':
      return { $case: 'heldListRequested', value: {} };
    case 'draining':
      return { $case: 'draining', value: { remainingMs: frame.remainingMs } };
    case 'closed':
      return { $case: 'closed', value: {} };
  }
}

function wireValidity({ anchor, durationMs }: Validity): WireValidity {
  return { anchor: BigInt(anchor), durationMs };
}

function wireHolder(holder: Holder | undefined): WireHolder | undefined {
  if (holder === undefined) return undefined;
  const { leaseId, clientName, heldMs } = holder;
  return { leaseId: leaseId ?? '', clientName, heldMs: BigInt(Math.max(0, Math.floor(heldMs ?? 0))) };
}

function wireResumed(lease: ResumedLease): WireResumedLease {
  return {
    requestId: BigInt(lease.requestId),
    outcome: RESUMED[lease.outcome],
    validity: lease.outcome === 'held' ? wireValidity(lease.validity) : undefined,
  };
}

/** Written out, so that a limit of the core that the protocol does not know stays off the wire. */
function wireLimits(limits: Limits): WireLimits {
  return {
    minTtlMs: limits.minTtlMs,
    maxTtlMs: limits.maxTtlMs,
    defaultTtlMs: limits.defaultTtlMs,
    maxNameBytes: limits.maxNameBytes,
    maxMessageBytes: limits.maxMessageBytes,
    maxFramesPerMessage: limits.maxFramesPerMessage,
    maxRequestsPerSession: limits.maxRequestsPerSession,
    graceMs: limits.graceMs,
  };
}
