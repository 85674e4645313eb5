import type { ResourceKey } from '../../server/src/core/names.js';
import type {
  AcquireAnswer,
  AcquireBid,
  AdoptAnswer,
  AdoptBid,
  Answered,
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
  StoreCapabilities,
  StoredLease,
  StoreListener,
  StoreNodes,
} from '../../server/src/core/ports.js';

/** What an answer says of who holds a resource at this server. */
export type Told =
  | { readonly kind: 'granted'; readonly grantee: Grantee; readonly token: bigint }
  | { readonly kind: 'renewed'; readonly token: bigint; readonly ttlMs: number }
  | { readonly kind: 'over'; readonly token: bigint | undefined; readonly isUnknown: boolean }
  | { readonly kind: 'held elsewhere'; readonly retryAfterMs: number }
  /** The store could not say. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'nothing' };

const NOTHING: Told = { kind: 'nothing' };
const UNKNOWN: Told = { kind: 'unknown' };

export interface StoreListening {
  /** Somebody's lease of it is asked for, or given back. */
  called(resource: ResourceKey): void;
  answered(resource: ResourceKey, told: Told): void;
  /** An answer to what was not reported as a call. */
  noted(resource: ResourceKey, told: Told): void;
}

/** A store as its server's core sees it, with somebody who listens to what the two say to each other. */
export class AskedStore implements LeaseStore {
  constructor(
    private readonly store: LeaseStore,
    private readonly listening: StoreListening,
  ) {}

  get name(): string {
    return this.store.name;
  }

  get capabilities(): StoreCapabilities {
    return this.store.capabilities;
  }

  get nodes(): StoreNodes | undefined {
    return this.store.nodes;
  }

  acquire(bids: readonly AcquireBid[], answered: Answered<AcquireAnswer>): void {
    const told = ({ grantee }: AcquireBid, answer: AcquireAnswer): Told => {
      switch (answer.kind) {
        case 'granted':
          return { kind: 'granted', grantee, token: answer.token };
        case 'held':
          return { kind: 'held elsewhere', retryAfterMs: answer.retryAfterMs };
        case 'unavailable':
          return UNKNOWN;
        case 'mine':
          return NOTHING;
      }
    };
    this.store.acquire(bids, this.#heard(bids, answered, told));
  }

  handOff(bids: readonly HandOffBid[], answered: Answered<HandOffAnswer>): void {
    const told = ({ from, to }: HandOffBid, answer: HandOffAnswer): Told => {
      if (answer.kind === 'granted') return { kind: 'granted', grantee: to, token: answer.token };
      return { kind: 'over', token: from.token, isUnknown: answer.kind === 'unavailable' };
    };
    this.store.handOff(bids, this.#heard(bids, answered, told));
  }

  adopt(bids: readonly AdoptBid[], answered: Answered<AdoptAnswer>): void {
    const told = ({ grantee, token }: AdoptBid, { kind }: AdoptAnswer): Told => {
      if (kind === 'adopted') return { kind: 'granted', grantee, token };
      return kind === 'unknown' ? UNKNOWN : NOTHING;
    };
    this.store.adopt(bids, this.#heard(bids, answered, told));
  }

  release(bids: readonly ReleaseBid[], answered: Answered<ReleaseAnswer>): void {
    this.store.release(
      bids,
      this.#heard(bids, answered, ({ token }) => ({ kind: 'over', token, isUnknown: false })),
    );
  }

  extend(bids: readonly ExtendBid[], answered: Answered<ExtendAnswer>): void {
    this.store.extend(bids, (index, answer) => {
      const bid = bids[index];
      if (bid !== undefined && answer === 'renewed') {
        this.listening.noted(bid.resource, { kind: 'renewed', token: bid.token, ttlMs: bid.ttlMs });
      } else if (bid !== undefined && answer === 'unknown') this.listening.noted(bid.resource, UNKNOWN);
      answered(index, answer);
    });
  }

  nominate(nominations: readonly Nomination[]): void {
    this.store.nominate(nominations);
  }

  withdraw(nominations: readonly Nomination[]): void {
    this.store.withdraw(nominations);
  }

  storedLeases(): Iterable<StoredLease> {
    return this.store.storedLeases();
  }

  listen(listener: StoreListener): void {
    this.store.listen(listener);
  }

  introduce(introductions: readonly Introduction[]): void {
    this.store.introduce(introductions);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  #heard<Bid extends { readonly resource: ResourceKey }, Answer>(
    bids: readonly Bid[],
    answered: Answered<Answer>,
    told: (bid: Bid, answer: Answer) => Told,
  ): Answered<Answer> {
    for (const { resource } of bids) this.listening.called(resource);
    return (index, answer) => {
      const bid = bids[index];
      if (bid !== undefined) this.listening.answered(bid.resource, told(bid, answer));
      answered(index, answer);
    };
  }
}
