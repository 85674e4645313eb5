import fc from 'fast-check';
import type { BatchVerb, NodeErrand } from '../../../server/src/store/redlock/coordinator/redis-node.js';
import { type Scene, SERVERS, type Step } from './conformance-steps.js';

/** What becomes an entry once it is known what the node keeps. The least of each is the plainest. */
export interface EntryChoice {
  readonly name: number;
  readonly secret: number;
  readonly token: number;
  readonly value: number;
  readonly expiry: number;
  readonly more: number;
}

type StepKind = Step['kind'] | BatchVerb | NodeErrand['kind'];

export interface Choice {
  readonly kind: Exclude<StepKind, 'batch' | 'errand'>;
  readonly server: number;
  /** 7: out of memory, for a batch. */
  readonly memory: number;
  readonly entries: readonly EntryChoice[];
}

export interface Sequence {
  readonly scene: Scene;
  readonly choices: readonly Choice[];
}

const WEIGHTS: Readonly<Record<Choice['kind'], number>> = {
  acquire: 16,
  hand_off: 8,
  release: 8,
  extend: 5,
  adopt: 5,
  repair: 6,
  introduce: 3,
  forget: 3,
  pulse: 2,
  confirm: 2,
  mark: 2,
  admit: 3,
  unadmit: 1,
  census: 2,
  declare: 3,
  reset: 1,
  time: 14,
  plant: 4,
  vanish: 3,
  flush: 1,
  restart: 1,
  'new history': 1,
  verified: 1,
  'script flush': 1,
};

const entry: fc.Arbitrary<EntryChoice> = fc.record({
  name: fc.nat(2),
  secret: fc.nat(3),
  token: fc.nat(23),
  value: fc.nat(7),
  expiry: fc.nat(7),
  more: fc.nat(63),
});

const choice: fc.Arbitrary<Choice> = fc.record({
  kind: fc.oneof(
    ...Object.entries(WEIGHTS).map(([kind, weight]) => ({ arbitrary: fc.constant(kind as Choice['kind']), weight })),
  ),
  server: fc.nat(SERVERS.length - 1),
  memory: fc.nat(7),
  entries: fc.array(entry, { minLength: 1, maxLength: 4 }),
});

const rarely = fc.nat(3).map((one) => one === 3);

export const sequences: fc.Arbitrary<Sequence> = fc.record({
  scene: fc.record({ sharedKeys: rarely, stranger: rarely }),
  choices: fc.array(choice, { minLength: 5, maxLength: 50, size: 'max' }),
});
