import { Mutex, RedlockMutex, RedlockSemaphore } from 'redis-semaphore';
import Redlock, { type Settings } from 'redlock';
import { History } from '../../history/history.js';
import { SeededRandom } from '../../simulation/seeded-random.js';
import { World } from '../../simulation/world.js';
import { inTimeOf } from './process-time.js';
import { type Plan, Stay } from './stay.js';
import { asClients, StubLink, StubRedis } from './stub-redis.js';

/** Does work while it holds a lock; `lost` aborts when the library says that the lock is lost. */
export type Using = (resource: string, ttlMs: number, work: (lost: AbortSignal) => Promise<void>) => Promise<unknown>;

/** Clients of a library at stub Redis nodes, in virtual time, with the history checker watching. */
export class PeerScene {
  readonly world = new World(new SeededRandom(1));
  readonly history = new History(this.world);
  readonly redises: readonly StubRedis[];
  /** What a library let reject with nobody to hear it. */
  readonly unheard: unknown[] = [];
  /** Who had each permit last. */
  readonly #permits = new Map<string, Stay>();
  /** The libraries have none. Theirs are in the order in which they told of grants. */
  #tokens = 0n;

  constructor(size: number) {
    this.redises = Array.from({ length: size }, () => new StubRedis(this.world));
  }

  /** One client's way to every node; `requestMs` says how long each takes to get there. */
  links(requestMs: readonly number[] = []): readonly StubLink[] {
    return this.redises.map((redis, index) => {
      const link = new StubLink(redis);
      link.requestMs = requestMs[index] ?? 1;
      return link;
    });
  }

  /** Somebody takes a lock, relies on it while the library does not say that it is lost, and gives it back. */
  stay(who: string, using: Using, plan: Plan, permits = 1): Stay {
    const stay = new Stay(this.history, this.world, who, plan);
    const work = (lost: AbortSignal): Promise<void> =>
      new Promise((done) => {
        this.#tokens += 1n;
        stay.beginsTrusting(this.#tokens, permits === 1 ? undefined : this.#permit(stay, plan, permits));
        this.world.after(plan.forMs, () => {
          stay.ends();
          done();
        });
        lost.addEventListener('abort', () => {
          stay.isToldOfLoss();
          done();
        });
      });
    using(plan.resource, plan.ttlMs, work).then(
      () => stay.ends(),
      () => stay.ends(),
    );
    return stay;
  }

  /** One that nobody relies on; where there is none, one has to be shared. */
  #permit(stay: Stay, { resource }: Plan, permits: number): string {
    const names = Array.from({ length: permits }, (_, index) => `${resource}, permit ${index + 1} of ${permits}`);
    const permit = names.find((name) => this.#permits.get(name)?.isOn !== true) ?? names.at(-1) ?? resource;
    this.#permits.set(permit, stay);
    return permit;
  }

  /** Does things at their times, and lets time pass until all is over. */
  async play(untilMs: number, acts: Readonly<Record<number, () => void>>): Promise<void> {
    for (const [atMs, act] of Object.entries(acts)) this.world.at(Number(atMs), act);
    const unheard = (reason: unknown): void => void this.unheard.push(reason);
    await inTimeOf(this.world, unheard, () => this.world.runUntil(untilMs));
    this.history.finish();
  }
}

/** node-redlock as it is configured by default, but for the randomness of its pauses. */
export function nodeRedlock(links: readonly StubLink[], settings: Partial<Settings> = {}): Using {
  const redlock = new Redlock(asClients(links), { retryCount: 10, retryDelay: 200, retryJitter: 0, ...settings });
  return (resource, ttlMs, work) => redlock.using([resource], ttlMs, work);
}

type OfRedisSemaphore = 'one node' | 'quorum' | { readonly permits: number };

/** redis-semaphore, with somebody who listens for losses. */
export function redisSemaphore(links: readonly StubLink[], kind: OfRedisSemaphore): Using {
  return async (resource, ttlMs, work) => {
    const lost = new AbortController();
    const options = { lockTimeout: ttlMs, onLockLost: (error: Error): void => lost.abort(error) };
    const clients = asClients(links);
    const lock =
      kind === 'one node'
        ? new Mutex(clients[0] as (typeof clients)[number], resource, options)
        : kind === 'quorum'
          ? new RedlockMutex(clients, resource, options)
          : new RedlockSemaphore(clients, resource, kind.permits, options);
    await lock.acquire();
    await work(lost.signal).finally(() => lock.release());
  };
}
