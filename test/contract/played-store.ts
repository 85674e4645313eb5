import type { LeaseStore } from '../../server/src/core/ports.js';
import type { StoreTraits } from './store-promises.js';

/** A store that a sequence is played on. */
export interface PlayedStore {
  readonly traits: StoreTraits;
  /** Calls are made one after the other. */
  readonly oneByOne: boolean;
  /** Another object after a crash. */
  readonly store: LeaseStore;
  nowMs(): number;
  passTime(ms: number): Promise<void>;
  /** Lets what can be answered by itself be answered. */
  settle(): Promise<void>;
  /** Lets whatever is under way come to its end, until a promise is kept. */
  finish(promise: Promise<unknown>): Promise<void>;
  /** A commit under way reaches the disk, and (`acknowledge`) the store hears of it. Nothing where there are none. */
  persist(): void;
  acknowledge(): void;
  /** Forgets everything that is not on the disk. */
  crash(): Promise<void>;
  /** Ends in good order, and is opened again. */
  restart(): Promise<void>;
}

export interface StoreChoice {
  readonly kind:
    | 'acquire'
    | 'retry'
    | 'extend'
    | 'adopt'
    | 'hand off'
    | 'release'
    | 'nominate'
    | 'withdraw'
    | 'time'
    | 'persist'
    | 'acknowledge'
    | 'crash'
    | 'restart';
  readonly name: number;
  readonly who: number;
  readonly pick: number;
}
