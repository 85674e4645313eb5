import type { LeaseId } from '../../server/src/core/names.js';
import type { Grantee } from '../../server/src/core/ports.js';
import { Batches } from './batches.js';
import { asKinds, CallWatch } from './call-watch.js';
import type { PlayedStore, StoreChoice } from './played-store.js';
import { acquireBid, adoptBid, extendBid, grantee, handOffBid, hashOf, releaseBid, resource } from './store-bids.js';
import { StoreExpectations } from './store-expectations.js';
import { type PromisedLease, StorePromises } from './store-promises.js';

const NAMES = ['a', 'b'];
const TTLS_MS = [1_000, 300, 2_500];
const PASSES_MS = [1, 20, 60, 250, 600, 1_500, 4_000];
/** No lease has it. */
const WRONG_TOKEN = 7n;
const KNOWN_LEASES = 6;

/** Plays a sequence of calls on a store, and holds every answer against what the store has promised by those before. */
export class StorePlayer {
  readonly #watch: CallWatch;
  readonly #promises: StorePromises;
  readonly #expect: StoreExpectations;
  readonly #batches: Batches;
  readonly #known = new Map<string, readonly PromisedLease[]>();
  readonly #secrets = new Map<LeaseId, string[]>();
  readonly #nominated = new Map<string, readonly PromisedLease[]>();
  /** Requests that are done with waiting. */
  readonly #granted = new Set<LeaseId>();
  #requests = 0;
  #calls = 0;

  constructor(private readonly played: PlayedStore) {
    this.#promises = new StorePromises(played.traits, () => played.nowMs());
    this.#expect = new StoreExpectations(this.#promises, played.traits);
    this.#batches = new Batches(() => played.store);
    this.#watch = new CallWatch(played);
  }

  /** How often each answer came. */
  get seen(): ReadonlyMap<string, number> {
    return this.#watch.seen;
  }

  async play(choices: readonly StoreChoice[]): Promise<void> {
    for (const choice of choices) {
      await this.#happen(choice);
      await this.played.settle();
      this.#watch.check();
    }
  }

  async #happen({ kind, name: at, who, pick }: StoreChoice): Promise<void> {
    const name = NAMES[at % NAMES.length] ?? '';
    switch (kind) {
      case 'acquire':
        return this.#acquire(name, this.#newRequest(name, pick), []);
      case 'retry':
        return this.#withOne(name, who, (lease) => this.#retry(name, lease, pick));
      case 'extend':
        return this.#withOne(name, who, (lease) => this.#extend(name, lease, pick));
      case 'adopt':
        return this.#withOne(name, who, (lease) => this.#adopt(name, lease, pick));
      case 'hand off':
        return this.#withOne(name, who, (lease) => this.#handOff(name, lease, pick));
      case 'release':
        return this.#withOne(name, who, (lease) => this.#release(name, lease, pick));
      case 'nominate':
        return this.#nominate(name, pick);
      case 'withdraw':
        return this.#withdraw(name, pick);
      case 'time':
        return this.played.passTime(PASSES_MS[pick % PASSES_MS.length] ?? 1);
      case 'persist':
        return this.played.persist();
      case 'acknowledge':
        return this.played.acknowledge();
      case 'crash':
      case 'restart':
        return this.#reopen(kind);
    }
  }

  async #reopen(kind: 'crash' | 'restart'): Promise<void> {
    if (kind === 'restart') await this.played.restart();
    else await this.played.crash();
    this.#watch.reopened(kind);
    this.#promises.reopened();
  }

  #newRequest(name: string, pick: number): PromisedLease {
    this.#requests += 1;
    const id = `lease-of-${this.#requests}` as LeaseId;
    this.#secrets.set(id, [`${this.#requests}`]);
    const lease = this.#promises.newLease(id, hashOf(`${this.#requests}`), ttlOf(pick));
    this.#remember(name, lease);
    return lease;
  }

  #remember(name: string, lease: PromisedLease): void {
    this.#known.set(name, [lease, ...(this.#known.get(name) ?? [])].slice(0, KNOWN_LEASES));
  }

  /** What stands, or one of those that were asked for lately. */
  async #withOne(name: string, who: number, act: (lease: PromisedLease) => Promise<void>): Promise<void> {
    const known = this.#known.get(name) ?? [];
    const lease = (who < 4 ? this.#promises.standing(name) : undefined) ?? known[who % Math.max(1, known.length)];
    if (lease !== undefined && this.#promises.mayUse(name, lease)) await act(lease);
  }

  #acquire(name: string, lease: PromisedLease, earlier: readonly string[]): Promise<void> {
    const secret = this.#secret(lease);
    const to = granteeOf(lease, secret);
    const call = this.#nextCall();
    const greatest = this.#promises.greatestToken(name);
    const expected = this.#expect.acquire(name, to.hash, earlier.map(hashOf));
    return this.#watch.call(`acquire ${name}`, expected, this.#batches.acquire([acquireBid(name, to, earlier)]), {
      applied: (kind) => {
        if (kind === 'granted') this.#promises.begins(name, lease, call);
        if (kind === 'mine' && expected.lease !== undefined) this.#promises.found(name, expected.lease);
      },
      answered: (answer) => {
        if (answer.kind === 'granted') {
          this.#watch.risen(answer.token, greatest);
          this.#granted.add(lease.id);
          this.#promises.tell(name, lease, answer.token, to.ttlMs);
          this.#promises.durable(name, call);
        }
        if (answer.kind === 'mine' && expected.lease !== undefined) {
          this.#watch.same(answer.token, expected.lease.token);
          this.#promises.tell(name, expected.lease, answer.token, 0);
        }
        if (answer.kind === 'held' && !(answer.retryAfterMs > 0))
          this.#watch.breaks('held, and to be asked again at once');
      },
    });
  }

  /** The request of a lease once more, under a new secret, or the same one where that does no harm. */
  #retry(name: string, lease: PromisedLease, pick: number): Promise<void> {
    const before = [...this.#secretsOf(lease)];
    const anew = pick % 3 > 0 || !this.played.traits.repeatsAnswers;
    if (anew) this.#newSecret(lease);
    const [secret = ''] = this.#secretsOf(lease).slice(-1);
    const again = this.#promises.newLease(lease.id, hashOf(secret), ttlOf(pick));
    this.#remember(name, again);
    return this.#acquire(name, again, anew ? before : before.slice(0, -1));
  }

  #extend(name: string, lease: PromisedLease, pick: number): Promise<void> {
    const secret = pick % 8 === 7 ? 'nobody' : this.#secret(lease);
    const token = pick % 8 === 6 ? WRONG_TOKEN : lease.token;
    if (token === undefined) return Promise.resolve();
    const ttlMs = ttlOf(pick);
    const calledAtMs = this.played.nowMs();
    const expected = this.#expect.extend(name, hashOf(secret), token);
    const answers = this.#batches.extend([extendBid(name, secret, token, ttlMs)]);
    return this.#watch.call(`extend ${name}`, expected, asKinds(answers), {
      applied: (kind) => {
        if (kind !== 'renewed' || expected.lease === undefined) return;
        this.#promises.found(name, expected.lease);
        this.#promises.raised(expected.lease, ttlMs, calledAtMs);
      },
      answered: ({ kind }) => {
        if (kind === 'renewed' && expected.lease !== undefined) this.#promises.tell(name, expected.lease, token, ttlMs);
      },
    });
  }

  #adopt(name: string, lease: PromisedLease, pick: number): Promise<void> {
    const token = pick % 8 === 6 ? WRONG_TOKEN : lease.token;
    if (token === undefined) return Promise.resolve();
    const presented = pick % 8 === 7 ? ['nobody'] : [...this.#secretsOf(lease)];
    const secret = pick % 8 === 7 ? 'nobody else' : this.#newSecret(lease);
    const to = { ...granteeOf(lease, secret), ttlMs: ttlOf(pick) };
    const call = this.#nextCall();
    const calledAtMs = this.played.nowMs();
    const expected = this.#expect.adopt(name, [...presented.map(hashOf), to.hash], token);
    return this.#watch.call(`adopt ${name}`, expected, this.#batches.adopt([adoptBid(name, presented, token, to)]), {
      applied: (kind) => {
        if (kind !== 'adopted' || expected.lease === undefined) return;
        this.#promises.found(name, expected.lease);
        this.#promises.raised(expected.lease, to.ttlMs, calledAtMs);
        expected.lease.hashes = [to.hash];
        expected.lease.adoptions = [...expected.lease.adoptions, to.hash];
      },
      answered: (answer) => {
        if (answer.kind !== 'adopted' || expected.lease === undefined) return;
        const { adoptions } = expected.lease;
        expected.lease.adoptions = adoptions.slice(adoptions.indexOf(to.hash));
        this.#watch.same(answer.token, token);
        this.#promises.tell(name, expected.lease, token, to.ttlMs);
        this.#promises.durable(name, call);
      },
    });
  }

  #handOff(name: string, from: PromisedLease, pick: number): Promise<void> {
    const secret = pick % 8 === 7 ? 'nobody' : this.#secret(from);
    const token = pick % 8 === 6 ? WRONG_TOKEN : from.token;
    if (token === undefined) return Promise.resolve();
    const standing = this.#promises.standing(name);
    const [next, ...nominated] = (this.#nominated.get(name) ?? []).filter(
      ({ id }) => id !== from.id && id !== standing?.id && !this.#granted.has(id),
    );
    const lease = next === undefined || pick % 4 === 3 ? this.#newRequest(name, pick) : this.#again(name, next);
    if (lease.id === next?.id) this.#nominated.set(name, nominated);
    const to = granteeOf(lease, this.#secret(lease));
    const call = this.#nextCall();
    const greatest = this.#promises.greatestToken(name);
    const expected = this.#expect.handOff(name, hashOf(secret), token, to.hash);
    return this.#watch.call(
      `hand off ${name}`,
      expected,
      this.#batches.handOff([handOffBid(name, { secret, token }, to)]),
      {
        applied: (kind) => {
          if (kind === 'granted') this.#promises.begins(name, lease, call);
        },
        answered: (answer) => {
          if (answer.kind !== 'granted') return;
          this.#watch.risen(answer.token, greatest);
          this.#granted.add(lease.id);
          this.#promises.tell(name, lease, answer.token, to.ttlMs);
        },
      },
    );
  }

  #release(name: string, lease: PromisedLease, pick: number): Promise<void> {
    const call = this.#nextCall();
    const secrets = pick % 8 === 7 ? ['nobody'] : [...this.#secretsOf(lease)];
    const token = pick % 8 === 6 ? WRONG_TOKEN : pick % 2 === 0 ? lease.token : undefined;
    const expected = this.#expect.release(name, secrets.map(hashOf), token);
    const answers = this.#batches.release([{ ...releaseBid(name, ...secrets), token }]);
    return this.#watch.call(`release ${name}`, expected, asKinds(answers), {
      applied: (kind) => {
        if (kind === 'released' && expected.lease !== undefined) this.#promises.ends(name, expected.lease, call);
      },
      answered: () => undefined,
    });
  }

  #nominate(name: string, pick: number): void {
    const lease = this.#newRequest(name, pick);
    this.#nominated.set(name, [...(this.#nominated.get(name) ?? []), lease]);
    this.#promises.nominated(name, lease);
    const to = granteeOf(lease, this.#secret(lease));
    this.played.store.nominate([{ resource: resource(name), to }]);
  }

  #withdraw(name: string, pick: number): void {
    const nominated = this.#nominated.get(name) ?? [];
    const lease = nominated[pick % Math.max(1, nominated.length)];
    if (lease === undefined) return;
    this.#nominated.set(
      name,
      nominated.filter((other) => other !== lease),
    );
    const to = granteeOf(lease, this.#secret(lease));
    this.played.store.withdraw([{ resource: resource(name), to }]);
  }

  /** The same request, asked now. */
  #again(name: string, { id, askedTtlMs }: PromisedLease): PromisedLease {
    const [secret = ''] = (this.#secrets.get(id) ?? []).slice(-1);
    const lease = this.#promises.newLease(id, hashOf(secret), askedTtlMs);
    this.#remember(name, lease);
    return lease;
  }

  #secretsOf({ id }: PromisedLease): string[] {
    const secrets = this.#secrets.get(id) ?? [];
    this.#secrets.set(id, secrets);
    return secrets;
  }

  /** The newest. */
  #secret(lease: PromisedLease): string {
    return this.#secretsOf(lease).at(-1) ?? '';
  }

  #newSecret(lease: PromisedLease): string {
    const secrets = this.#secretsOf(lease);
    const secret = `${lease.id}, ${secrets.length}`;
    secrets.push(secret);
    return secret;
  }

  #nextCall(): number {
    this.#calls += 1;
    return this.#calls;
  }
}

function granteeOf(lease: PromisedLease, secret: string): Grantee {
  return { ...grantee(lease.id, { secret, ttlMs: lease.askedTtlMs }), leaseId: lease.id };
}

function ttlOf(pick: number): number {
  return TTLS_MS[pick % TTLS_MS.length] ?? 1_000;
}
