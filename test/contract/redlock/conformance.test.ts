import { expect } from 'chai';
import type { ScriptRule } from '../../support/redlock/script-context.js';
import { ConformanceBench } from './conformance-bench.js';

const DEFAULT_RUNS = 200;
const DEFAULT_SEED = 20_261_122;
/** For long runs, and to go back to what one has found. */
const RUNS = Number(process.env['CONFORMANCE_RUNS'] ?? DEFAULT_RUNS);
const SEED = Number(process.env['CONFORMANCE_SEED'] ?? DEFAULT_SEED);
const RULES: readonly ScriptRule[] = ['ballots', 'owner of a release', 'adoption swap', 'quarantine', 'window'];
const BOUND_MS = 60_000 + RUNS * 200;

describe('the model of a node and a real Redis', function () {
  this.timeout(BOUND_MS);
  let bench: ConformanceBench;
  before(async () => {
    bench = await ConformanceBench.start();
  });
  after(() => bench?.stop());

  it('answer the same to the same, and keep the same', async () => {
    const { report, seen } = await bench.compare(RUNS, SEED);
    expect(report).to.equal('');
    if (RUNS < DEFAULT_RUNS) return;
    for (const what of EVERYTHING) expect(seen.get(what) ?? 0, what).to.be.greaterThan(RUNS / 100);
  });

  for (const rule of RULES) {
    it(`control: a model without ${rule} is told apart`, async () => {
      expect((await bench.compare(DEFAULT_RUNS, DEFAULT_SEED, [rule])).report).to.include('the real Redis');
    });
  }
});

/** A search that never saw these proves nothing about them. */
const EVERYTHING = [
  ...['ok', 'held', 'mine', 'low', 'ahead', 'behind', 'wrong_type', 'not_admitted'].map((vote) => `acquire ${vote}`),
  ...['ok', 'held', 'low', 'ahead', 'behind', 'wrong_type', 'other_configuration'].map((vote) => `hand_off ${vote}`),
  ...['released', 'gone', 'wrong_type'].map((vote) => `release ${vote}`),
  ...['extend', 'adopt'].flatMap((verb) => ['ok', 'missing', 'lost', 'wrong_type'].map((vote) => `${verb} ${vote}`)),
  ...['repair', 'introduce'].flatMap((verb) => ['ok', 'refused', 'wrong_type'].map((vote) => `${verb} ${vote}`)),
  ...['acquire', 'hand_off', 'repair', 'introduce'].map((verb) => `${verb} out_of_memory`),
  ...['forgotten', 'kept', 'absent', 'wrong_type'].map((vote) => `forget ${vote}`),
  ...['claimed', 'equal', 'other'].map((answer) => `confirm ${answer}`),
  ...['admit true', 'admit false', 'declare true', 'declare false', 'census', 'reset', 'pulse', 'mark', 'unadmit'],
  ...['released', 'wanted'].map((hint) => `hint ${hint}`),
];
