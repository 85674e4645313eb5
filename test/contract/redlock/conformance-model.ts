import type { RedlockSettings } from '../../../server/src/store/redlock/coordinator/settings.js';
import { nodeKeys } from '../../../server/src/store/redlock/node/node-keys.js';
import { Keyspace } from '../../support/redlock/keyspace.js';
import { runErrand } from '../../support/redlock/model-errands.js';
import { runBatch } from '../../support/redlock/model-verbs.js';
import {
  BALLOT_PREFIX,
  BOOKKEEPING,
  HOLDER_PREFIX,
  PRECEDENCE_PREFIX,
  QUESTION_PREFIX,
  type ScriptContext,
  type ScriptRule,
  WANT_PREFIX,
  WRONG_TYPE,
} from '../../support/redlock/script-context.js';
import { settingsOf } from './conformance-settings.js';
import {
  type Answer,
  CLUSTER_ID,
  EXPIRING_MS,
  type KeptKey,
  type Keys,
  NO_TEXT,
  type Scene,
  SERVERS,
  type Step,
} from './conformance-steps.js';

const EPOCH_US = 1_790_000_000_000_000;
const BEGINNINGS = [
  [BALLOT_PREFIX, 'b'],
  [WANT_PREFIX, 'w'],
  [PRECEDENCE_PREFIX, 'p'],
  [QUESTION_PREFIX, 'q'],
  [HOLDER_PREFIX, 'i'],
] as const;

/** The model of a node, one step after the other. */
export class ModelSide {
  readonly keys = new Keyspace(() => this.clockUs / 1_000);
  readonly hints: string[] = [];
  clockUs = EPOCH_US;
  /** By their names in the model: what the last step of the clock let expire. */
  expired: readonly string[] = [];
  #life = 1;
  /** What each server's connection was verified for. */
  readonly #verifiedFor: string[] = SERVERS.map(() => this.identity);
  readonly #without: ReadonlySet<ScriptRule>;

  constructor(
    readonly scene: Scene,
    without: readonly ScriptRule[],
  ) {
    this.#without = new Set(without);
  }

  get identity(): string {
    return `run-and-history-${this.#life}`;
  }

  verifiedFor(server: number): string {
    return this.#verifiedFor[server] ?? '';
  }

  settings(server: number): RedlockSettings {
    return settingsOf(this.scene, server);
  }

  context(server: number): ScriptContext {
    return {
      keys: this.keys,
      settings: this.settings(server),
      identity: this.verifiedFor(server),
      serverId: SERVERS[server] ?? '',
      clockUs: this.clockUs,
      without: this.#without,
      outOfMemory: false,
      publish: (hint, key) => void this.hints.push(`${hint.slice(0, 1)}${key}`),
    };
  }

  run(step: Step): Answer {
    switch (step.kind) {
      case 'batch':
        return runBatch({ ...this.context(step.server), outOfMemory: step.outOfMemory }, step.batch);
      case 'errand':
        return runErrand(this.context(step.server), step.errand);
      case 'time':
        this.#time(step.byUs);
        return undefined;
      case 'plant':
        this.keys.set(step.key, step.what.kind === 'text' ? step.what.text : WRONG_TYPE, step.expiryMs);
        return undefined;
      case 'vanish':
        this.keys.delete(step.key);
        return undefined;
      case 'flush':
        this.keys.clear();
        return undefined;
      case 'restart':
        if (step.memory === 'empty') this.keys.clear();
        this.#life += 1;
        this.#verifiedFor.fill(this.identity);
        return UNVERIFIED;
      case 'new history':
        this.#life += 1;
        return undefined;
      case 'verified':
        this.#verifiedFor[step.server] = this.identity;
        return undefined;
      case 'script flush':
        return UNVERIFIED;
    }
  }

  contents(): Keys {
    const contents = new Map<string, KeptKey>();
    for (const key of this.keys.keys()) {
      const value = this.keys.get(key) ?? '';
      contents.set(realKey(key), { value: realValue(key, value), leftMs: this.keys.expiresInMs(key) });
    }
    return contents;
  }

  #time(byUs: number): void {
    const before = this.keys.keys();
    this.clockUs += byUs;
    this.expired = before.filter((key) => {
      const leftMs = this.keys.expiresInMs(key);
      return leftMs === -2 || (leftMs !== -1 && leftMs <= EXPIRING_MS);
    });
    for (const key of this.expired) this.keys.delete(key);
  }
}

function realValue(key: string, value: string): string {
  if (value === WRONG_TYPE) return NO_TEXT;
  if (key === BOOKKEEPING.mark || key.startsWith(HOLDER_PREFIX)) return value.replace(' ', '\u0000');
  if (!key.startsWith(WANT_PREFIX)) return value;
  const wants = JSON.parse(value) as readonly { who: string; sinceUs: number; seenUs: number }[];
  return wants.map(({ who, sinceUs, seenUs }) => `${who} ${sinceUs} ${seenUs}\n`).join('');
}

/** A call to a process whose scripts are gone does nothing. */
const UNVERIFIED: Answer = { kind: 'fault', fault: { kind: 'unverified', message: 'has lost its scripts' } };

/** What a key of the model is called at a real Redis. */
export function realKey(key: string): string {
  for (const [beginning, letter] of BEGINNINGS) {
    if (key.startsWith(beginning)) return `${key.slice(beginning.length)}\u0000${letter}`;
  }
  const keys = nodeKeys(CLUSTER_ID);
  const names: Readonly<Record<string, string>> = {
    [BOOKKEEPING.admission]: keys.admission,
    [BOOKKEEPING.configuration]: keys.configuration,
    [BOOKKEEPING.highestUs]: keys.seen,
    [BOOKKEEPING.mark]: keys.mark,
    [BOOKKEEPING.greatestTtlMs]: keys.greatestTtl,
    [BOOKKEEPING.wants]: keys.wants,
  };
  return names[key] ?? key;
}
