import type { LeaseStore, StoreCapabilities } from '../../server/src/core/ports.js';
import { TTL_MS } from './store-bids.js';
import { Verbs } from './verbs.js';

/** A store opened for one test. */
export interface StoreUnderTest {
  /** The store as it is now; another object after `restart`. */
  readonly store: LeaseStore;
  /** Lets the store's time pass. */
  passTime(ms: number): Promise<void>;
  /** Ends the store in good order and opens it again. */
  restart(): Promise<void>;
  cleanUp(): Promise<void>;
}

/** What a store claims, and how to open it. */
export interface StoreFactory {
  readonly capabilities: StoreCapabilities;
  /** Tokens rise from grant to grant, whatever the resource. */
  readonly tokensRiseStoreWide: boolean;
  /** A call made again, with the same secrets, gets the answer it got before. */
  readonly repeatsAnswers: boolean;
  /** How long after `ttlMs` a lease may still be in the way. */
  readonly expirySlackMs: number;
  open(): Promise<StoreUnderTest>;
}

/** What the rules of the contract are checked on: the store of the test that runs now. */
export class Subject {
  readonly on = new Verbs(() => this.store);
  #opened: StoreUnderTest | undefined;

  constructor(readonly factory: StoreFactory) {}

  get store(): LeaseStore {
    return this.#current.store;
  }

  async open(): Promise<void> {
    this.#opened = await this.factory.open();
  }

  cleanUp(): Promise<void> {
    return this.#current.cleanUp();
  }

  passTime(ms: number): Promise<void> {
    return this.#current.passTime(ms);
  }

  pastExpiry(): Promise<void> {
    return this.passTime(TTL_MS + this.factory.expirySlackMs);
  }

  restart(): Promise<void> {
    return this.#current.restart();
  }

  get #current(): StoreUnderTest {
    if (this.#opened === undefined) throw new Error('no store is open');
    return this.#opened;
  }
}
