import { expect } from 'chai';
import type {
  AcquireAnswer,
  AdoptAnswer,
  ExtendAnswer,
  Grantee,
  HandOffAnswer,
  LeaseStore,
  ReleaseAnswer,
} from '../../server/src/core/ports.js';
import { Batches } from './batches.js';
import { acquireBid, adoptBid, extendBid, handOffBid, releaseBid } from './store-bids.js';

/** A store's verbs for one entry. */
export class Verbs {
  readonly batch: Batches;

  constructor(store: () => LeaseStore) {
    this.batch = new Batches(store);
  }

  async acquire(name: string, to: Grantee, earlier: readonly string[] = []): Promise<AcquireAnswer> {
    return only(await this.batch.acquire([acquireBid(name, to, earlier)]));
  }

  async granted(name: string, to: Grantee): Promise<bigint> {
    return tokenOf(await this.acquire(name, to));
  }

  async extend(name: string, secret: string, token: bigint, ttlMs?: number): Promise<ExtendAnswer> {
    return only(await this.batch.extend([extendBid(name, secret, token, ttlMs)]));
  }

  async handOff(name: string, from: { secret: string; token: bigint }, to: Grantee): Promise<HandOffAnswer> {
    return only(await this.batch.handOff([handOffBid(name, from, to)]));
  }

  async handedOff(name: string, from: { secret: string; token: bigint }, to: Grantee): Promise<bigint> {
    return tokenOf(await this.handOff(name, from, to));
  }

  async adopt(name: string, presented: readonly string[], token: bigint, to: Grantee): Promise<AdoptAnswer> {
    return only(await this.batch.adopt([adoptBid(name, presented, token, to)]));
  }

  /** As for a request of which nobody knows the token. */
  async release(name: string, ...secrets: readonly string[]): Promise<ReleaseAnswer> {
    return only(await this.batch.release([releaseBid(name, ...secrets)]));
  }

  async releaseLease(name: string, secret: string, token: bigint): Promise<ReleaseAnswer> {
    return only(await this.batch.release([{ ...releaseBid(name, secret), token }]));
  }
}

function only<T>(answers: readonly T[]): T {
  expect(answers).to.have.length(1);
  return answers[0] as T;
}

export function tokenOf(answer: AcquireAnswer | HandOffAnswer): bigint {
  if (answer.kind !== 'granted') throw new Error(`expected a grant, got ${answer.kind}`);
  return answer.token;
}

export function expectRising(tokens: readonly bigint[]): void {
  const sorted = [...new Set(tokens)].sort((a, b) => (a < b ? -1 : 1));
  expect(tokens).to.deep.equal(sorted);
}
