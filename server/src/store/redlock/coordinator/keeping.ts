import type { Hash } from '../../../core/names.js';
import type { AdoptAnswer, AdoptBid, Answered, ExtendAnswer, ExtendBid } from '../../../core/ports.js';
import type { CoordinatorContext } from './coordinator-context.js';
import { ExtendMotion, type ExtensionOutcome } from './extend-motion.js';
import { ttlProblem } from './lease-terms.js';
import { type LockValue, lockValue, type NodeToken } from './redis-node.js';
import { sharesKeys } from './settings.js';

/** What keeps a lease: extensions, and adoptions, which extend under a new secret. */
export class Keeping {
  readonly #repairs: boolean;

  constructor(private readonly ctx: CoordinatorContext) {
    this.#repairs = !sharesKeys(ctx.settings);
  }

  extend(bids: readonly ExtendBid[], answered: Answered<ExtendAnswer>): void {
    const plain: ExtendMotion<'extend'>[] = [];
    const adoptions: ExtendMotion<'adopt'>[] = [];
    bids.forEach((bid, index) => {
      const key = this.ctx.keys.keyOf(bid.resource);
      if ((ttlProblem(bid.ttlMs) ?? this.ctx.keys.problemOf(bid.resource, key)) !== undefined) {
        answered(index, 'unknown');
        return;
      }
      const token = Number(bid.token);
      const value = lockValue(bid.hash, token);
      const entry = { key, value, expiryMs: this.ctx.terms.expiryMs(bid.ttlMs) };
      const presented = this.ctx.stragglers.olderThan(key, value);
      const done = ({ kind }: ExtensionOutcome): void => {
        if (kind === 'lost') this.#lost(key, value, bid.hash);
        answered(index, kind);
      };
      const lease = { hash: bid.hash, ttlMs: bid.ttlMs, token };
      if (presented === undefined) plain.push(this.#extension<'extend'>(entry, lease, done));
      else adoptions.push(this.#extension<'adopt'>({ ...entry, presented }, lease, done));
    });
    this.ctx.dispatcher.put('adopt', adoptions);
    this.ctx.dispatcher.put('extend', plain);
  }

  adopt(bids: readonly AdoptBid[], answered: Answered<AdoptAnswer>): void {
    const motions: ExtendMotion<'adopt'>[] = [];
    const unconfirmed = this.ctx.electorate.confirmed() ? undefined : 'the nodes have not confirmed this server yet';
    bids.forEach((bid, index) => {
      const key = this.ctx.keys.keyOf(bid.resource);
      const { hash, ttlMs } = bid.grantee;
      const problem = unconfirmed ?? ttlProblem(ttlMs) ?? this.ctx.keys.problemOf(bid.resource, key);
      if (problem !== undefined) {
        answered(index, { kind: 'unknown', message: problem });
        return;
      }
      const token = Number(bid.token);
      const value = lockValue(hash, token);
      const older = bid.presented.filter((each) => each !== hash);
      const presented = older.map((each) => lockValue(each, token));
      for (const each of older) this.ctx.kept.ended(each);
      this.ctx.stragglers.expect(key, value, presented, this.ctx.electorate.size);
      const entry = { key, presented, value, expiryMs: this.ctx.terms.expiryMs(ttlMs) };
      const done = (outcome: ExtensionOutcome): void => {
        if (outcome.kind === 'lost') this.#lost(key, value, hash);
        answered(index, outcome.kind === 'renewed' ? { kind: 'adopted', token: bid.token } : outcome);
      };
      motions.push(this.#extension<'adopt'>(entry, { hash, ttlMs, token }, done));
    });
    this.ctx.dispatcher.put('adopt', motions);
  }

  #extension<V extends 'extend' | 'adopt'>(
    entry: ExtendMotion<V>['entry'],
    { hash, ttlMs, token }: { readonly hash: Hash; readonly ttlMs: number; readonly token: NodeToken },
    answered: (outcome: ExtensionOutcome) => void,
  ): ExtendMotion<V> {
    const { key, value } = entry;
    const confirmed = (node: number): void => this.ctx.stragglers.confirmed(key, value, node);
    const ports = { electorate: this.ctx.electorate, actions: this.ctx.actions, answered, confirmed };
    const calledAtMs = this.ctx.actions.nowMs();
    const lease = this.ctx.kept.extended(hash, calledAtMs + entry.expiryMs, calledAtMs);
    return new ExtendMotion<V>(ports, entry, { ttlMs, token, lease, repairs: this.#repairs }, calledAtMs);
  }

  #lost(key: string, value: LockValue, hash: Hash): void {
    this.ctx.stragglers.forget(key, value);
    this.ctx.kept.ended(hash);
  }
}
