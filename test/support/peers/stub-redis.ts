import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { World } from '../../simulation/world.js';

interface Kept {
  readonly value: string | Map<string, number>;
  endsMs: number;
}

/** What a script of one of the libraries does, given its keys and arguments. */
type Script = (redis: StubRedis, keys: readonly string[], args: readonly string[]) => number;

/**
 * The scripts of node-redlock 5.0.0-beta.2 and redis-semaphore 5.8.0, by the SHA-1 with which they are called. A library
 * of another version calls others, and is told so.
 */
const SCRIPTS: Readonly<Record<string, Script>> = {
  // node-redlock: acquire, extend, release.
  '96da70f7716f27d278a5218544df37fd8b0a5e4c': (redis, keys, [value = '', ttl]) => {
    if (keys.some((key) => redis.get(key) !== undefined)) return 0;
    for (const key of keys) redis.put(key, value, Number(ttl));
    return keys.length;
  },
  aed6f382e410db8ba7926d4e5e9aab410bf2a78a: (redis, keys, [value = '', ttl]) => {
    if (keys.some((key) => redis.get(key) !== value)) return 0;
    for (const key of keys) redis.put(key, value, Number(ttl));
    return keys.length;
  },
  e4612211c9f8f51c257e26e056b0a654b3187242: (redis, keys, [value]) => {
    const own = keys.filter((key) => redis.get(key) === value);
    for (const key of own) redis.delete(key);
    return own.length;
  },
  // redis-semaphore: refresh and release of a mutex, acquire and refresh of a semaphore.
  '594683e49a64ebaf975caf5f8079a1d097c438f1': (redis, [key = ''], [value = '', ttl]) => {
    if (redis.get(key) !== value) return 0;
    redis.put(key, value, Number(ttl));
    return 1;
  },
  '7157921a7cc7cfba979acf6d63f073151df17d12': (redis, [key = ''], [value]) => {
    if (redis.get(key) !== value) return 0;
    redis.delete(key);
    return 1;
  },
  '43ebdb49120d170e08af560cb4e46e36f8585936': (redis, [key = ''], [limit, member = '', ttl, now]) => {
    const members = redis.membersAfter(key, Number(now) - Number(ttl));
    if (members.size >= Number(limit)) return 0;
    redis.put(key, members.set(member, Number(now)), Number(ttl));
    return 1;
  },
  '999a49a1d07671a8027165641001f5bad44608b3': (redis, [key = ''], [, member = '', ttl, now]) => {
    const members = redis.membersAfter(key, Number(now) - Number(ttl));
    if (!members.has(member)) return 0;
    redis.put(key, members.set(member, Number(now)), Number(ttl));
    return 1;
  },
};

/** One Redis in a world's time: strings and sorted sets that expire, and the scripts of two libraries. */
export class StubRedis {
  readonly #kept = new Map<string, Kept>();

  constructor(readonly world: World) {}

  get(key: string): string | undefined {
    const value = this.#live(key);
    return typeof value === 'string' ? value : undefined;
  }

  put(key: string, value: string | Map<string, number>, ttlMs: number): void {
    this.#kept.set(key, { value, endsMs: this.world.nowMs + ttlMs });
  }

  delete(key: string): void {
    this.#kept.delete(key);
  }

  /** The members of a sorted set whose score is greater. */
  membersAfter(key: string, score: number): Map<string, number> {
    const value = this.#live(key);
    return new Map(value instanceof Map ? [...value].filter(([, own]) => own > score) : []);
  }

  removeMember(key: string, member: string): number {
    const value = this.#live(key);
    return value instanceof Map && value.delete(member) ? 1 : 0;
  }

  run(sha1: string, keys: readonly string[], args: readonly string[]): number {
    const script = SCRIPTS[sha1];
    if (script === undefined) throw new Error(`the libraries are of other versions: nobody knows the script ${sha1}`);
    return script(this, keys, args);
  }

  #live(key: string): Kept['value'] | undefined {
    const kept = this.#kept.get(key);
    return kept !== undefined && kept.endsMs > this.world.nowMs ? kept.value : undefined;
  }
}

/** One client's connection to one Redis: as much of ioredis as the libraries use. */
export class StubLink {
  requestMs = 1;
  replyMs = 1;
  /** `refusing`: the connection is lost, and every call fails; `silent`: calls vanish, and nothing is ever heard of them. */
  state: 'open' | 'refusing' | 'silent' = 'open';
  calls = 0;

  constructor(private readonly redis: StubRedis) {}

  /** Both ways of handing over what follows the number of keys: one by one, and as one list. */
  evalsha(sha1: string, keyCount: number, ...rest: readonly unknown[]): Promise<number> {
    const words = rest.flat().map(String);
    return this.#call(() => this.redis.run(sha1, words.slice(0, keyCount), words.slice(keyCount)));
  }

  eval(script: string, keyCount: number, ...rest: readonly unknown[]): Promise<number> {
    return this.evalsha(createHash('sha1').update(script).digest('hex'), keyCount, ...rest);
  }

  /** `SET key value PX ttl NX`. */
  set(key: string, value: string, _px: 'PX', ttlMs: number, _nx: 'NX'): Promise<'OK' | null> {
    return this.#call(() => {
      if (this.redis.get(key) !== undefined) return null;
      this.redis.put(key, value, ttlMs);
      return 'OK';
    });
  }

  zrem(key: string, member: string): Promise<number> {
    return this.#call(() => this.redis.removeMember(key, member));
  }

  #call<T>(run: () => T): Promise<T> {
    this.calls += 1;
    const { state, replyMs } = this;
    const { world } = this.redis;
    return new Promise((resolve, reject) => {
      if (state === 'silent') return;
      world.after(this.requestMs, () => {
        if (state === 'refusing') {
          reject(new Error('Connection is closed.'));
          return;
        }
        const answer = run();
        world.after(replyMs, () => resolve(answer));
      });
    });
  }
}

/** Links as the libraries' types want them. */
export function asClients(links: readonly StubLink[]): Redis[] {
  return links.map((link) => link as unknown as Redis);
}
