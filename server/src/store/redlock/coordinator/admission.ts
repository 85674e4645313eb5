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
  /** The configuration is agreed on, and a quorum has told its greatest time to live since that moment. */
  mayAdmit(sinceMs: number): boolean;
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
    if (wait === undefined || nowMs - this.#markReadMs >= REREAD_MS) return this.mark();
    const endMs = this.#endMs(wait, terms.greatestTtlMs);
    if (nowMs < endMs || !terms.mayAdmit(endMs)) return undefined;
    return { kind: 'admit', nonce: wait.nonce, configuration: this.settings.configuration };
  }

  /** How much of the wait is left; `undefined` while none has begun. */
  leftMs(nowMs: number, greatestTtlMs: number): number | undefined {
    if (this.#wait === undefined) return undefined;
    return Math.max(0, this.#endMs(this.#wait, greatestTtlMs) - nowMs);
  }

  /**
   * The nodes' greatest times to live must be known as of this moment: when the wait began, and, so that a server that
   * came meanwhile is heard of, when it is over.
   */
  termsNeededMs(nowMs: number, greatestTtlMs: number): number {
    if (this.#wait === undefined) return Number.NEGATIVE_INFINITY;
    const endMs = this.#endMs(this.#wait, greatestTtlMs);
    return nowMs < endMs ? this.#wait.sinceMs : endMs;
  }

  #endMs({ sinceMs }: Wait, greatestTtlMs: number): number {
    return sinceMs + quarantineMs(this.settings, greatestTtlMs);
  }

  /** Begins a wait. A new nonce every time: one that was written before could be found again after a wipe. */
  mark(): NodeErrand {
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
