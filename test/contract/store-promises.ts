import type { Hash, LeaseId } from '../../server/src/core/names.js';

/** How stores may differ in what they promise. */
export interface StoreTraits {
  /** A bid made again under the same secret finds its own grant, rather than a holder. */
  readonly repeatsAnswers: boolean;
  /** A hand-off whose holder is gone may grant all the same. */
  readonly handsOffFreely: boolean;
  readonly clockRateDrift: number;
  readonly clockMarginMs: number;
  /** What calls take: so long before and after its moment an expiry may be seen or not. */
  readonly slackMs: number;
}

/** A lease that was granted, or may have been. */
export interface PromisedLease {
  readonly id: LeaseId;
  /** Any of these may stand: more than one after a crash in the middle of an adoption. */
  hashes: readonly Hash[];
  /** Those that a crash may bring back, in the order of their adoptions; the last one is the present one. */
  adoptions: readonly Hash[];
  /** `undefined` until it is told. */
  token: bigint | undefined;
  /** Its client knows of it. */
  told: boolean;
  /** Released, handed on or displaced: its client uses it no more. */
  over: boolean;
  standsUntilMs: number;
  goneAtMs: number;
  /** The longest time to live it was told, and the longest it was asked. */
  toldTtlMs: number;
  askedTtlMs: number;
}

interface Ended {
  readonly lease: PromisedLease;
  /** The call that ended it. */
  readonly call: number;
  /** Its end is written with the next grant of its own resource only. */
  readonly renounced: boolean;
}

/** One resource, by what the store has answered. */
interface Resource {
  standing: PromisedLease | undefined;
  /** What may stand as well since a crash. */
  maybe: readonly PromisedLease[];
  /** What a crash may bring back. */
  ended: readonly Ended[];
  greatestToken: bigint;
}

export type Presence = 'stands' | 'gone' | 'either';

/** What a store has promised so far, by its answers and nothing else: what must stand, and what may. */
export class StorePromises {
  readonly #resources = new Map<string, Resource>();

  constructor(
    private readonly traits: StoreTraits,
    private readonly nowMs: () => number,
  ) {}

  standing(name: string): PromisedLease | undefined {
    return this.#resource(name).standing;
  }

  /** What may stand besides since a crash. */
  maybe(name: string): readonly PromisedLease[] {
    return this.#resource(name).maybe.filter(({ goneAtMs }) => this.nowMs() < goneAtMs);
  }

  /** What has run out, and may not have been swept away yet. */
  runOut(name: string): readonly PromisedLease[] {
    const { standing, maybe } = this.#resource(name);
    return [...(standing === undefined ? [] : [standing]), ...maybe].filter((lease) => this.presence(lease) === 'gone');
  }

  presence(lease: PromisedLease): Presence {
    if (this.nowMs() + this.traits.slackMs < lease.standsUntilMs) return 'stands';
    return this.nowMs() < lease.goneAtMs ? 'either' : 'gone';
  }

  greatestToken(name: string): bigint {
    return this.#resource(name).greatestToken;
  }

  /** Whether its client would still use it; what others may hold since a crash is left alone. */
  mayUse(name: string, lease: PromisedLease): boolean {
    return !lease.over || this.maybe(name).length === 0;
  }

  /** A lease as it begins, by the call that asks for it. */
  newLease(id: LeaseId, hash: Hash, ttlMs: number): PromisedLease {
    const endMs = this.#expiry(ttlMs);
    return {
      id,
      hashes: [hash],
      adoptions: [hash],
      token: undefined,
      told: false,
      over: false,
      standsUntilMs: endMs,
      goneAtMs: endMs + this.traits.slackMs,
      toldTtlMs: 0,
      askedTtlMs: ttlMs,
    };
  }

  /** It stands from this call on, and nothing else does. */
  begins(name: string, lease: PromisedLease, call: number): void {
    const resource = this.#resource(name);
    for (const other of [resource.standing, ...resource.maybe]) {
      if (other !== undefined && other !== lease) this.#end(resource, other, call, false);
    }
    resource.ended = resource.ended.filter((end) => end.lease !== lease);
    resource.standing = lease;
    resource.maybe = [];
  }

  /** What may have stood does. Its client did not know; how long it lasts only the store does. */
  found(name: string, lease: PromisedLease): void {
    const resource = this.#resource(name);
    if (resource.standing === lease) return;
    resource.ended = resource.ended.filter((end) => end.lease !== lease);
    lease.over = false;
    resource.standing = lease;
    resource.maybe = resource.maybe.filter((other) => other !== lease);
    lease.standsUntilMs = Math.min(lease.standsUntilMs, this.nowMs());
  }

  /** By a call of this moment. */
  raised(lease: PromisedLease, ttlMs: number, calledAtMs: number): void {
    const endMs = this.#expiry(ttlMs) + calledAtMs - this.nowMs();
    lease.askedTtlMs = Math.max(lease.askedTtlMs, ttlMs);
    lease.standsUntilMs = Math.max(lease.standsUntilMs, endMs);
    lease.goneAtMs = Math.max(lease.goneAtMs, endMs + this.traits.slackMs);
  }

  ends(name: string, lease: PromisedLease, call: number): void {
    const resource = this.#resource(name);
    this.#end(resource, lease, call, resource.maybe.length > 0);
    // What was nominated goes with it.
    resource.ended = resource.ended.map((end) => (end.call === Number.POSITIVE_INFINITY ? { ...end, call } : end));
    if (resource.standing === lease) resource.standing = undefined;
    resource.maybe = resource.maybe.filter((other) => other !== lease);
  }

  /** Its client hears of it. */
  tell(name: string, lease: PromisedLease, token: bigint, ttlMs: number): void {
    const resource = this.#resource(name);
    lease.token = token;
    lease.told = true;
    lease.toldTtlMs = Math.max(lease.toldTtlMs, ttlMs);
    if (token > resource.greatestToken) resource.greatestToken = token;
  }

  /** A grant or an adoption of this call is on the disk, and so is everything that was answered before it. */
  durable(name: string, call: number): void {
    for (const [at, resource] of this.#resources) {
      resource.ended = resource.ended.filter((end) => end.call > call || (end.renounced && at !== name));
    }
  }

  /** A name is on the disk that nobody was told of: after a crash it may be in the way. */
  nominated(name: string, lease: PromisedLease): void {
    this.#end(this.#resource(name), lease, Number.POSITIVE_INFINITY, false);
  }

  /**
   * The store ends and is opened again: whatever was told and not given back stands for one time to live, whatever else may
   * have been written stands perhaps.
   */
  reopened(): void {
    for (const resource of this.#resources.values()) {
      const { standing, maybe, ended } = resource;
      const all = new Set([
        ...(standing === undefined ? [] : [standing]),
        ...maybe,
        ...ended.map(({ lease }) => lease),
      ]);
      if (all.size === 0) continue;
      const endMs = this.#expiry(Math.max(...[...all].map(({ askedTtlMs }) => askedTtlMs))) + this.traits.slackMs;
      const sure = standing?.told === true && this.nowMs() < standing.standsUntilMs ? standing : undefined;
      for (const lease of all) {
        lease.hashes = lease.adoptions;
        lease.standsUntilMs = lease === sure ? this.#expiry(lease.toldTtlMs) : this.nowMs();
        lease.goneAtMs = endMs;
      }
      resource.standing = sure;
      resource.maybe = [...all].filter((lease) => lease !== sure);
    }
  }

  #end(resource: Resource, lease: PromisedLease, call: number, renounced: boolean): void {
    lease.over = true;
    const others = resource.ended.filter((end) => end.lease !== lease);
    resource.ended = [...others, { lease, call, renounced }];
  }

  #expiry(ttlMs: number): number {
    return this.nowMs() + ttlMs * (1 + this.traits.clockRateDrift) + this.traits.clockMarginMs;
  }

  #resource(name: string): Resource {
    const known = this.#resources.get(name);
    if (known !== undefined) return known;
    const fresh: Resource = { standing: undefined, maybe: [], ended: [], greatestToken: 0n };
    this.#resources.set(name, fresh);
    return fresh;
  }
}
