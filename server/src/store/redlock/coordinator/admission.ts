import type { Random } from '../../../core/ports.js';
import type { ErrandOutcome, NodeErrand, NodeStanding } from './redis-node.js';
import { quarantineMs, type RedlockSettings } from './settings.js';

/** How often the mark of a node that waits is read again: a wipe removes it, and the wait begins anew. */
const REREAD_MS = 1_000;
const NONCE_BYTES = 16;

/** A wait that this server times by its own monotonic clock, from its own first sight of this nonce. */
interface Wait {
  readonly nonce: string;
  readonly sinceMs: number;
}

/** What a decision to admit depends on beyond the node itself. */
export interface AdmissionTerms {
  /** The greatest time to live of any server, as far as the nodes have told. */
  readonly greatestTtlMs: number;
  /** The configuration is agreed on, and greatest times to live have been asked for since the wait began. */
  mayAdmit(waitingSinceMs: number): boolean;
}

/**
 * The way of one node from a stranger to a voter. What may have lost its memory, for whatever reason, has no valid
 * admission; it gets one when somebody has watched it keep one mark for the whole of the quarantine.
 */
export class Admission {
  /** As last seen. */
  #admitted = false;
  /** It has been a voter in this process: it is no part of a new cluster. */
  #wasAdmitted = false;
  #wait: Wait | undefined;
  #markReadMs = Number.NEGATIVE_INFINITY;
  /** Its admission must be taken away before anything it says of it is believed. */
  #distrusted = false;

  constructor(
    private readonly settings: RedlockSettings,
    private readonly random: Pick<Random, 'bytes'>,
  ) {}

  get admitted(): boolean {
    return this.#admitted;
  }

  get wasAdmitted(): boolean {
    return this.#wasAdmitted;
  }

  get distrusted(): boolean {
    return this.#distrusted;
  }

  get waitingSinceMs(): number | undefined {
    return this.#wait?.sinceMs;
  }

  /** Another process or history: whatever is known concerns the one before. */
  begin(): void {
    this.#admitted = false;
    this.#distrusted = false;
    this.#markReadMs = Number.NEGATIVE_INFINITY;
  }

  /** The node may have lost what it knew in spite of its admission. */
  distrust(): void {
    this.#distrusted = true;
    this.#admitted = false;
    this.#wait = undefined;
  }

  /** Any answer of the node. */
  seen({ admitted }: NodeStanding): void {
    if (this.#distrusted) return;
    if (this.#admitted && !admitted) this.#markReadMs = Number.NEGATIVE_INFINITY;
    this.#admitted = admitted;
    if (!admitted) return;
    this.#wasAdmitted = true;
    this.#wait = undefined;
  }

  /** The answer of an errand that `next` asked for. Call `seen` with its standing afterwards. */
  done(outcome: ErrandOutcome, receivedMs: number): void {
    switch (outcome.kind) {
      case 'unadmit':
        this.#distrusted = false;
        this.#restart();
        return;
      case 'reset':
        this.#restart();
        return;
      case 'mark':
        this.#markRead(outcome.nonce, receivedMs);
        return;
      case 'admit':
        if (!outcome.admitted) this.#restart();
        return;
      case 'pulse':
      case 'confirm':
      case 'census':
      case 'declare':
        return;
    }
  }

  /** What brings the node closer to a vote now. */
  next(nowMs: number, terms: AdmissionTerms): NodeErrand | undefined {
    if (this.#distrusted) return { kind: 'unadmit' };
    if (this.#admitted) return undefined;
    const wait = this.#wait;
    if (wait === undefined || nowMs - this.#markReadMs >= REREAD_MS) return this.#mark();
    if (this.leftMs(nowMs, terms.greatestTtlMs) !== 0 || !terms.mayAdmit(wait.sinceMs)) return undefined;
    return { kind: 'admit', nonce: wait.nonce, configuration: this.settings.configuration };
  }

  /** How much of the wait is left; `undefined` while none has begun. */
  leftMs(nowMs: number, greatestTtlMs: number): number | undefined {
    if (this.#wait === undefined) return undefined;
    return Math.max(0, this.#wait.sinceMs + quarantineMs(this.settings, greatestTtlMs) - nowMs);
  }

  /** A new nonce every time: one that was written before could be found again after a wipe. */
  #mark(): NodeErrand {
    const bytes = this.random.bytes(NONCE_BYTES);
    const nonce = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return { kind: 'mark', nonce };
  }

  #markRead(nonce: string | undefined, receivedMs: number): void {
    this.#markReadMs = receivedMs;
    if (nonce === undefined) this.#wait = undefined;
    else if (this.#wait?.nonce !== nonce) this.#wait = { nonce, sinceMs: receivedMs };
  }

  #restart(): void {
    this.#wait = undefined;
    this.#markReadMs = Number.NEGATIVE_INFINITY;
  }
}
