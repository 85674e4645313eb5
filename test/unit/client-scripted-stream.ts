import {
  type ClientFrame,
  type Denied_Reason,
  type ExtendedGroup,
  type Granted,
  type Holder,
  Released_Outcome,
  type ResumedLease,
  type ResumedLease_Outcome,
  type ServerFrame,
  SessionRequest,
} from '@holdfast/protocol';
import { expect } from 'chai';
import type { Stream, StreamEnd, StreamHandler } from '../../client/src/session/ports.js';
import type { Failure } from '../../server/src/core/failure.js';
import { wireStatus } from '../../server/src/rpc/failure-status.js';
import type { VirtualClock } from '../support/virtual-clock.js';

type Kind = NonNullable<ClientFrame['kind']>;
type Case = Kind['$case'];
type ValueOf<C extends Case> = Extract<Kind, { $case: C }>['value'];

/** A frame the client sent, taken apart. */
export interface Sent<C extends Case> {
  readonly id: number;
  readonly value: ValueOf<C>;
  /** When its message was written. */
  readonly atMs: number;
}

export const MAX_MESSAGE_BYTES = 65_536;
export const INTERVAL_MS = 1_000;

/** The server's side of one stream, which does nothing but what a test tells it to. */
export class ScriptedStream implements Stream {
  readonly messages: (readonly ClientFrame[])[] = [];
  readonly #sentAtMs: number[] = [];
  ended = false;
  /** What this server reads; a longer message fails the test. */
  maxMessageBytes = MAX_MESSAGE_BYTES;
  #push = 0n;

  constructor(
    private readonly clock: VirtualClock,
    private readonly handler: StreamHandler,
    readonly target: number,
    private readonly lastId: { value: number },
  ) {}

  send(frames: readonly ClientFrame[]): void {
    expect(this.ended, 'sent after end').to.equal(false);
    expect(SessionRequest.encode({ frames: [...frames] }).finish().length).to.be.at.most(this.maxMessageBytes);
    for (const { id } of frames) {
      expect(Number(id)).to.be.greaterThan(this.lastId.value);
      this.lastId.value = Number(id);
    }
    this.messages.push(structuredClone(frames));
    this.#sentAtMs.push(this.clock.nowMs());
  }

  end(): void {
    this.ended = true;
  }

  /** Every frame of one kind, in order. */
  sent<C extends Case>(kind: C): readonly Sent<C>[] {
    return this.messages.flatMap((frames, index) =>
      frames.flatMap((frame) =>
        frame.kind?.$case === kind
          ? [{ id: Number(frame.id), value: frame.kind.value as ValueOf<C>, atMs: this.#sentAtMs[index] ?? 0 }]
          : [],
      ),
    );
  }

  /** The last frame of one kind. */
  last<C extends Case>(kind: C): Sent<C> {
    const frame = this.sent(kind).at(-1);
    if (frame === undefined) throw new Error(`the client sent no ${kind}`);
    return frame;
  }

  ready(): void {
    this.handler.ready();
  }

  /** As a GOAWAY does. */
  closing(): void {
    this.handler.closing();
  }

  close(end: Partial<StreamEnd> = {}): void {
    this.handler.closed({ statusCode: 14, message: 'gone', failure: undefined, ...end });
  }

  say(id: number, kind: NonNullable<ServerFrame['kind']>): void {
    this.sayAll([{ id: BigInt(id), kind }]);
  }

  /** Says all of this in one message. */
  sayAll(frames: readonly ServerFrame[]): void {
    this.handler.receive(frames);
  }

  opened(changes: { heartbeatIntervalMs?: number; maxFramesPerMessage?: number; maxMessageBytes?: number } = {}): void {
    this.maxMessageBytes = changes.maxMessageBytes ?? MAX_MESSAGE_BYTES;
    const limits = {
      minTtlMs: 100,
      maxTtlMs: 60_000,
      defaultTtlMs: 30_000,
      maxNameBytes: 256,
      maxMessageBytes: this.maxMessageBytes,
      maxFramesPerMessage: changes.maxFramesPerMessage ?? 4_096,
      maxRequestsPerSession: 100_000,
      graceMs: 30_000,
    };
    const { heartbeatIntervalMs = INTERVAL_MS } = changes;
    const value = { protocolVersion: 1, serverId: 's', heartbeatIntervalMs, limits };
    this.say(this.last('open').id, { $case: 'opened', value });
  }

  grant(request: number, changes: Partial<Granted> & { anchor?: number; durationMs?: number } = {}): string {
    this.#push += 1n;
    const { anchor = request, durationMs = 30_000, ...rest } = changes;
    const leaseId = leaseIdOf(request);
    const value: Granted = {
      leaseId,
      tokens: [BigInt(request)],
      validity: { anchor: BigInt(anchor), durationMs },
      ttlMs: 30_000,
      heartbeatIntervalMs: INTERVAL_MS,
      push: this.#push,
      ...rest,
    };
    this.say(request, { $case: 'granted', value });
    return leaseId;
  }

  /** Grants whatever was asked for last. */
  grantLast(changes: Parameters<ScriptedStream['grant']>[1] = {}): number {
    const { id } = this.last('acquire');
    this.grant(id, changes);
    return id;
  }

  deny(request: number, reason: Denied_Reason, holder?: Holder, position = 0): void {
    this.say(request, { $case: 'denied', value: { reason, holder, position } });
  }

  queue(request: number, position: number, holder?: Holder): void {
    this.say(request, { $case: 'queued', value: { position, holder } });
  }

  /** Answers a beat, or pushes. */
  extend(id: number, anchor: number, groups: readonly { durationMs: number; requests: readonly number[] }[]): void {
    const wire: ExtendedGroup[] = groups.map(({ durationMs, requests }) => ({
      durationMs,
      requestIds: requests.map(BigInt),
    }));
    const value = { anchor: BigInt(anchor), groups: wire, heartbeatIntervalMs: 0 };
    this.say(id, { $case: 'extended', value });
  }

  /** Answers the last beat with an extension anchored at it. */
  extendAtBeat(durationMs: number, ...requests: readonly number[]): void {
    const { id } = this.last('heartbeat');
    this.extend(id, id, [{ durationMs, requests }]);
  }

  released(outcome = Released_Outcome.OUTCOME_RELEASED, id = this.last('release').id): void {
    this.say(id, { $case: 'released', value: { outcome } });
  }

  lose(request: number, reason = 1): void {
    this.#push += 1n;
    this.say(0, { $case: 'lost', value: { requestId: BigInt(request), reason, push: this.#push } });
  }

  fail(id: number, failure: Failure): void {
    this.say(id, { $case: 'failed', value: { status: wireStatus(failure) } });
  }

  /** The interval the next Resumed tells; 0 for none. */
  resumedIntervalMs = 0;

  resumed(...results: readonly { request: number; outcome: ResumedLease_Outcome; durationMs?: number }[]): void {
    this.#push += 1n;
    const { id } = this.last('resume');
    const leases: ResumedLease[] = results.map(({ durationMs, outcome, request }) => ({
      requestId: BigInt(request),
      outcome,
      validity: durationMs === undefined ? undefined : { anchor: BigInt(id), durationMs },
    }));
    this.say(id, {
      $case: 'resumed',
      value: { leases, push: this.#push, heartbeatIntervalMs: this.resumedIntervalMs },
    });
  }

  get push(): bigint {
    return this.#push;
  }
}

export function holder(clientName: string, heldMs: number): Holder {
  return { leaseId: leaseIdOf(999), clientName, heldMs: BigInt(heldMs) };
}

export function leaseIdOf(request: number): string {
  const tail = (0x9e3779b97f4a7c15n * BigInt(request + 1)) & 0xffffffffffffffffn;
  const hex = tail.toString(16).padStart(16, '0');
  return `01900000-0000-7000-${hex.slice(0, 4)}-${hex.slice(4)}`;
}
