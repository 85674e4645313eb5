import type { Hash } from '../../../server/src/core/names.js';
import {
  type AcquireEntry,
  type AdoptEntry,
  anyValueOf,
  type BatchVerb,
  type BatchVerbs,
  type LockValue,
  lockValue,
  type NodeErrand,
  type NodeToken,
} from '../../../server/src/store/redlock/coordinator/redis-node.js';
import { hashOf, tokenOf } from '../../support/redis-entries.js';
import { ballotKey, ballotOf, nowUs, WRONG_TYPE } from '../../support/redlock/script-context.js';
import type { Choice, EntryChoice } from './conformance-choices.js';
import type { ModelSide } from './conformance-model.js';
import { lockKey } from './conformance-settings.js';
import type { Step } from './conformance-steps.js';

const PLAIN: EntryChoice = { name: 0, secret: 0, token: 0, value: 0, expiry: 0, more: 0 };
const HASHES: readonly Hash[] = ['a1', 'b2', 'c3', 'd4'].map(hashOf);
const EXPIRIES_MS = [30_000, 1_000, 250, 500.4, 60_000, 5_000, 2_000, 10_000];
const STEPS_US = [
  0, 137, 1_000, 90_000, 240_000, 300_000, 450_000, 1_100_000, 3_000_000, 4_999_000, 12_000_000, 40_000_000,
  310_000_000, 700_000_000, -137, -1_000, -100_000, -450_000, -2_000_000, -4_000_000, -12_000_000, -60_000_000,
];
const PLANTED_TEXTS = ['foreign', '', '9007199254740000', '1', `${HASHES[0]}:none`, '99999999999999999999'];

/** Makes steps of choices: what is proposed depends on what the model keeps, so that it comes near every edge. */
export class Chooser {
  /** What was proposed for each lock, the newest first. */
  readonly #proposed = new Map<string, LockValue[]>();
  #lastToken = 0;
  #nonces = 0;

  constructor(private readonly model: ModelSide) {}

  step(choice: Choice): Step {
    const { kind, server } = choice;
    const [first = PLAIN] = choice.entries;
    switch (kind) {
      case 'time':
        return { kind, byUs: STEPS_US[(first.more + first.token) % STEPS_US.length] ?? 0 };
      case 'plant':
        return this.#plant(first);
      case 'vanish':
        return { kind, key: this.#anyKey(first) };
      case 'flush':
      case 'new history':
        return { kind };
      case 'restart':
        return { kind, memory: first.more % 2 === 0 ? 'kept' : 'empty' };
      case 'verified':
      case 'script flush':
        return { kind, server };
      case 'acquire':
      case 'hand_off':
      case 'release':
      case 'extend':
      case 'adopt':
      case 'repair':
      case 'introduce':
      case 'forget':
        return this.#batch(kind, choice);
      default:
        return { kind: 'errand', server, errand: this.#errand(kind, server, first) };
    }
  }

  #batch<V extends BatchVerb>(verb: V, { server, memory, entries }: Choice): Step {
    const make: (entry: EntryChoice, server: number) => BatchVerbs[V]['entry'] = this.#makers[verb];
    const batch = { verb, entries: entries.map((entry) => make(entry, server)) };
    return { kind: 'batch', server, batch, outOfMemory: memory === 7 };
  }

  readonly #makers: { readonly [V in BatchVerb]: (entry: EntryChoice, server: number) => BatchVerbs[V]['entry'] } = {
    acquire: (entry, server) => this.#acquire(entry, server),
    hand_off: (entry, server) => {
      const key = this.#key(entry);
      return { key, from: this.#values(key, entry), value: this.#fresh(entry, server), expiryMs: expiryMs(entry) };
    },
    release: (entry, server) => {
      const key = this.#key(entry);
      const values = this.#values(key, entry);
      const tombstone = [tokenOf(values[0] ?? ''), 0, this.#token(entry, server)][entry.token % 3] ?? 0;
      return { key, values, tombstone: tombstone || 0, waitingSinceUs: this.#since(entry, server) };
    },
    extend: (entry) => {
      const key = this.#key(entry);
      return { key, value: this.#known(key, entry.value), expiryMs: expiryMs(entry) };
    },
    adopt: (entry) => this.#adopt(entry),
    repair: (entry, server) => {
      const key = this.#key(entry);
      const value = this.#known(key, entry.value);
      const leftUs = [400_000, 20_000_000, 900, -1_000, 2_000_000][entry.more % 5] ?? 0;
      const now = nowUs(this.model.context(server));
      return { key, value, token: tokenOf(value), ballot: this.#ballot(key, entry.token), notAfterUs: now + leftUs };
    },
    introduce: (entry) => {
      const key = this.#key(entry);
      return { key, value: this.#known(key, entry.value), holder: ['ada', 'bob on host-2'][entry.more % 2] ?? '' };
    },
    forget: (entry) => {
      const key = this.#key(entry);
      const leftMs = this.model.keys.expiresInMs(key);
      return { key, longerThanMs: [0, leftMs - 1_000, leftMs + 1_000, 44_477][entry.more % 4] ?? 0 };
    },
  };

  #acquire(entry: EntryChoice, server: number): AcquireEntry {
    const value = this.#fresh(entry, server);
    const earlierHashes = HASHES.filter((hash, at) => !value.startsWith(hash) && (entry.more >> at) % 2 === 1);
    const key = this.#key(entry);
    return { key, value, expiryMs: expiryMs(entry), earlierHashes, waitingSinceUs: this.#since(entry, server) };
  }

  #adopt(entry: EntryChoice): AdoptEntry {
    const key = this.#key(entry);
    const presented = this.#values(key, entry);
    const value = this.#remember(key, lockValue(this.#hash(entry), tokenOf(presented[0] ?? '') || 1));
    return { key, presented, value, expiryMs: expiryMs(entry) };
  }

  #errand(kind: NodeErrand['kind'], server: number, { more }: EntryChoice): NodeErrand {
    const { configuration } = this.model.settings(server);
    const maxTtlMs = [60_000, 30_000, 90_000][more % 3] ?? 0;
    // The latest, or the one before.
    const nonce = `nonce-${Math.max(1, this.#nonces - (more % 2))}`;
    switch (kind) {
      case 'mark':
        this.#nonces += 1;
        return { kind, nonce: `nonce-${this.#nonces}` };
      case 'admit':
        return { kind, nonce, configuration };
      case 'confirm':
        return { kind, configuration, maxTtlMs };
      case 'declare':
        return { kind, nonce, configuration, maxTtlMs };
      default:
        return { kind };
    }
  }

  #plant(entry: EntryChoice): Step {
    const lock = this.#key(entry);
    const text = PLANTED_TEXTS[entry.more % PLANTED_TEXTS.length] ?? '';
    const what = entry.value % 2 === 0 ? ({ kind: 'list' } as const) : ({ kind: 'text', text } as const);
    const key = entry.token % 3 === 2 ? ballotKey(lock) : lock;
    return { kind: 'plant', key, what, expiryMs: entry.expiry % 2 === 0 ? undefined : expiryMs(entry) };
  }

  #anyKey(entry: EntryChoice): string {
    const keys = this.model.keys.keys();
    return keys[(entry.more + entry.token) % Math.max(1, keys.length)] ?? this.#key(entry);
  }

  #key({ name }: EntryChoice): string {
    return lockKey(this.model.scene, name);
  }

  #hash({ secret }: EntryChoice): Hash {
    return HASHES[secret % HASHES.length] ?? hashOf('a1');
  }

  /** A value to be granted. */
  #fresh(entry: EntryChoice, server: number): LockValue {
    return this.#remember(this.#key(entry), lockValue(this.#hash(entry), this.#token(entry, server)));
  }

  #remember(key: string, value: LockValue): LockValue {
    this.#proposed.set(key, [value, ...(this.#proposed.get(key) ?? [])].slice(0, 4));
    return value;
  }

  /** Near the clock, the window's edges, the ballot, and what stands. */
  #token(entry: EntryChoice, server: number): NodeToken {
    const context = this.model.context(server);
    const now = nowUs(context);
    const windowUs = context.settings.windowMs * 1_000;
    const lock = this.#key(entry);
    const ballot = this.#ballot(lock, 0) ?? now;
    const there = tokenOf(this.model.keys.get(lock) ?? '') || now;
    const edges = [
      ...[ballot + 1, ballot, ballot - 1, there, there + 1, this.#lastToken],
      ...[now + windowUs, now + windowUs + 1, now - windowUs, now - windowUs - 1, now + windowUs - 1, now],
    ];
    const rising = Math.max(now, this.#lastToken + 1);
    const chosen = edges[entry.token - 12] ?? (rising > now + windowUs ? now : rising);
    const token = Number.isSafeInteger(chosen) && chosen > 0 ? chosen : now;
    this.#lastToken = token;
    return token;
  }

  #ballot(lock: string, offBy: number): NodeToken | undefined {
    if (offBy % 6 === 5 || this.model.keys.get(ballotKey(lock)) === WRONG_TYPE) return undefined;
    const ballot = ballotOf(this.model.context(0), lock);
    return ballot === undefined || offBy % 6 !== 4 ? ballot : ballot - 1;
  }

  /** A value that stands, stood, or never did. */
  #known(lock: string, which: number): LockValue {
    const there = this.model.keys.get(lock);
    const proposed = this.#proposed.get(lock) ?? [];
    const standing = there === undefined || there === WRONG_TYPE ? proposed[0] : there;
    const known = [standing, standing, proposed[0], proposed[1], proposed[2], standing, standing][which];
    const value = (known ?? lockValue(HASHES[0] ?? hashOf('a1'), 1)) as LockValue;
    if (which === 5) return lockValue(value.slice(0, 32) as Hash, (tokenOf(value) || 1) + 1);
    return which === 6 ? lockValue(HASHES[1] ?? hashOf('b2'), tokenOf(value) || 1) : value;
  }

  #values(lock: string, { value, more, secret }: EntryChoice): readonly LockValue[] {
    const values = [this.#known(lock, value)];
    if (more % 4 === 1) values.push(this.#known(lock, (value + 2) % 8));
    if (more % 8 === 3) values.push(anyValueOf(HASHES[secret % HASHES.length] ?? hashOf('a1')));
    return values;
  }

  #since({ more }: EntryChoice, server: number): number {
    return [0, 0, 1_000, 2_000, 3_000, nowUs(this.model.context(server))][more % 6] ?? 0;
  }
}

function expiryMs({ expiry }: EntryChoice): number {
  return EXPIRIES_MS[expiry % EXPIRIES_MS.length] ?? 1_000;
}
