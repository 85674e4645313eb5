import type { ResourceKey } from '../../server/src/core/names.js';
import type {
  AcquireAnswer,
  AcquireBid,
  AdoptAnswer,
  AdoptBid,
  Answered,
  Clock,
  ExtendAnswer,
  ExtendBid,
  Grantee,
  HandOffAnswer,
  HandOffBid,
  Introduction,
  LeaseStore,
  Nomination,
  ReleaseAnswer,
  ReleaseBid,
  StoredLease,
  StoreListener,
} from '../../server/src/core/ports.js';

interface Kept extends Omit<StoredLease, 'remainingMs'> {
  expiresAtMs: number;
}

/**
 * The least store that is right: one map, answers after a delay that the test chooses. What a call does happens at once
 * when it is made; only the answer is late, as it is on a real disk or network.
 */
export class ModelStore implements LeaseStore {
  readonly name = 'model';
  readonly capabilities = { resumeAfterRestart: true, severalServers: false, listsLeases: true };
  readonly nodes = undefined;
  readonly nominations: Nomination[] = [];
  readonly withdrawn: Nomination[] = [];
  /** When set, every verb answers that it cannot. */
  unavailable = false;
  /** How long an answer takes; asked for each call. */
  answerDelayMs: () => number = () => 0;
  readonly #kept = new Map<ResourceKey, Kept>();
  #lastToken = 0n;

  constructor(
    private readonly clock: Clock,
    private readonly drift = 0.01,
    private readonly marginMs = 5,
  ) {}

  /** As a restarted server finds it: every lease has a full TTL again. */
  restart(): void {
    for (const kept of this.#kept.values()) kept.expiresAtMs = this.#expiry(kept.ttlMs);
  }

  acquire(bids: readonly AcquireBid[], answered: Answered<AcquireAnswer>): void {
    this.#later(
      answered,
      bids.map((bid) => this.#acquire(bid)),
    );
  }

  extend(bids: readonly ExtendBid[], answered: Answered<ExtendAnswer>): void {
    this.#later(
      answered,
      bids.map((bid): ExtendAnswer => {
        if (this.unavailable) return 'unknown';
        const kept = this.#live(bid.resource);
        if (kept?.hash !== bid.hash || kept.token !== bid.token) return 'lost';
        kept.expiresAtMs = Math.max(kept.expiresAtMs, this.#expiry(bid.ttlMs));
        return 'renewed';
      }),
    );
  }

  handOff(bids: readonly HandOffBid[], answered: Answered<HandOffAnswer>): void {
    this.#later(
      answered,
      bids.map((bid): HandOffAnswer => {
        if (this.unavailable) return { kind: 'unavailable', message: 'switched off' };
        const kept = this.#kept.get(bid.resource);
        if (kept?.hash !== bid.from.hash || kept.token !== bid.from.token) return { kind: 'lost' };
        const previous = this.#live(bid.resource) === undefined ? 'gone' : 'released';
        return { kind: 'granted', token: this.#grant(bid.resource, bid.to), previous, wanted: false };
      }),
    );
  }

  adopt(bids: readonly AdoptBid[], answered: Answered<AdoptAnswer>): void {
    this.#later(
      answered,
      bids.map((bid): AdoptAnswer => {
        if (this.unavailable) return { kind: 'unknown', message: 'switched off' };
        const kept = this.#live(bid.resource);
        if (kept === undefined || !bid.presented.includes(kept.hash)) return { kind: 'lost' };
        if (bid.token !== kept.token) return { kind: 'lost' };
        const expiresAtMs = Math.max(kept.expiresAtMs, this.#expiry(bid.grantee.ttlMs));
        this.#kept.set(bid.resource, { ...kept, ...bid.grantee, expiresAtMs });
        return { kind: 'adopted', token: kept.token };
      }),
    );
  }

  release(bids: readonly ReleaseBid[], answered: Answered<ReleaseAnswer>): void {
    this.#later(
      answered,
      bids.map((bid): ReleaseAnswer => {
        if (this.unavailable) return 'unknown';
        const kept = this.#kept.get(bid.resource);
        if (kept === undefined || !bid.hashes.includes(kept.hash)) return 'gone';
        if (bid.token !== undefined && bid.token !== kept.token) return 'gone';
        this.#kept.delete(bid.resource);
        return 'released';
      }),
    );
  }

  nominate(nominations: readonly Nomination[]): void {
    this.nominations.push(...nominations);
  }

  withdraw(nominations: readonly Nomination[]): void {
    this.withdrawn.push(...nominations);
  }

  *storedLeases(): Iterable<StoredLease> {
    for (const kept of this.#kept.values()) {
      if (this.#live(kept.resource) !== undefined) {
        yield { ...kept, remainingMs: kept.expiresAtMs - this.clock.nowMs() };
      }
    }
  }

  listen(_listener: StoreListener): void {
    // Nobody shares it.
  }

  introduce(_introductions: readonly Introduction[]): void {
    // Nobody is told.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #acquire(bid: AcquireBid): AcquireAnswer {
    if (this.unavailable) return { kind: 'unavailable', message: 'switched off' };
    const kept = this.#live(bid.resource);
    if (kept === undefined) return { kind: 'granted', token: this.#grant(bid.resource, bid.grantee) };
    if (bid.earlierHashes.includes(kept.hash) || kept.hash === bid.grantee.hash) {
      return { kind: 'mine', hash: kept.hash, token: kept.token };
    }
    const heldMs = this.clock.wallMs() - kept.grantedAtWallMs;
    const holder = { leaseId: kept.leaseId, clientName: kept.clientName, heldMs };
    return { kind: 'held', holder, retryAfterMs: kept.expiresAtMs - this.clock.nowMs() };
  }

  #grant(resource: ResourceKey, grantee: Grantee): bigint {
    const wallUs = BigInt(Math.floor(this.clock.wallMs() * 1_000));
    this.#lastToken = this.#lastToken + 1n > wallUs ? this.#lastToken + 1n : wallUs;
    this.#kept.set(resource, {
      ...grantee,
      resource,
      token: this.#lastToken,
      grantedAtWallMs: this.clock.wallMs(),
      expiresAtMs: this.#expiry(grantee.ttlMs),
    });
    return this.#lastToken;
  }

  #live(resource: ResourceKey): Kept | undefined {
    const kept = this.#kept.get(resource);
    return kept !== undefined && kept.expiresAtMs > this.clock.nowMs() ? kept : undefined;
  }

  #expiry(ttlMs: number): number {
    return this.clock.nowMs() + ttlMs * (1 + this.drift) + this.marginMs;
  }

  #later<T>(answered: Answered<T>, answers: readonly T[]): void {
    const tell = (): void => {
      for (const [index, answer] of answers.entries()) answered(index, answer);
    };
    const delayMs = this.answerDelayMs();
    if (delayMs <= 0) void Promise.resolve().then(tell);
    else this.clock.after(delayMs, tell);
  }
}
