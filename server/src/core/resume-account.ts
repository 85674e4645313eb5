import type { ResumedLease, ResumeFrame } from './frames.js';
import type { LeaseRequest } from './lease-request.js';
import type { Attachment, Session } from './session.js';
import type { CoreSettings } from './session-api.js';
import type { Anchor } from './validity.js';

/** One Resume frame: its results gather here until every entry that wants one has it, and are then sent together. */
export class ResumeAccount {
  /** What its leases' validities count from. */
  readonly anchor: Anchor;
  readonly #frameId: number;
  readonly #results: ResumedLease[] = [];
  readonly #kept: LeaseRequest[] = [];
  /** Results to come, and one more until all entries have been read. */
  #pending: number;

  constructor(
    readonly session: Session,
    readonly attachment: Attachment,
    frame: ResumeFrame,
    private readonly settings: CoreSettings,
  ) {
    this.anchor = attachment.anchor;
    this.#frameId = frame.id;
    this.#pending = 1 + frame.entries.filter(({ claim }) => claim !== 'open').length;
  }

  /** The result of an entry that claimed HELD or GIVEN_UP. */
  result(result: ResumedLease): void {
    this.#results.push(result);
    this.#oneLess();
  }

  /** The client goes on holding this lease once it has the answer. */
  keeps(request: LeaseRequest): void {
    this.#kept.push(request);
  }

  /** Every entry has been read. */
  allRead(): void {
    this.#oneLess();
  }

  #oneLess(): void {
    this.#pending -= 1;
    const { attachment, session } = this;
    if (this.#pending > 0 || session.attachment !== attachment) return;
    const { held, port } = attachment;
    const push = held.nextPush();
    let intervalMs = session.heartbeatIntervalMs(this.settings);
    for (const request of this.#kept) {
      // One that ended while others were waited for has had its Lost: the client hears of both in one order or another.
      // Nor is one held that the client gave back while the answer was awaited.
      if (request.hasEnded || request.givenUp || request.state === 'releasing') continue;
      held.gained(push, request.id, request.heldLease().leaseId);
      intervalMs = Math.min(intervalMs, session.heartbeatIntervalMs(this.settings, request.ttlMs));
    }
    // A server that has just started knows of no lease when it answers Open: only now can it say how often to beat.
    attachment.toldIntervalMs = intervalMs;
    const leases = this.#results;
    port.send({ kind: 'resumed', id: this.#frameId, leases, push, heartbeatIntervalMs: intervalMs });
  }
}
