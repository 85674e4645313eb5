import { expect } from 'chai';
import fc from 'fast-check';
import { PlayedInDirectory, PlayedInMemory } from './played-embedded.js';
import { PlayedRedlock } from './played-redlock.js';
import type { PlayedStore, StoreChoice } from './played-store.js';
import { StorePlayer } from './store-player.js';

const DEFAULT_RUNS = 600;
/** For long runs, and to go back to what one has found. */
const RUNS = Number(process.env['CONFORMANCE_RUNS'] ?? DEFAULT_RUNS);
const SEED = Number(process.env['CONFORMANCE_SEED'] ?? 20_261_122);

type Weights = Readonly<Record<StoreChoice['kind'], number>>;

const CALLS = { acquire: 6, retry: 4, extend: 6, adopt: 6, 'hand off': 6, release: 4, time: 6 };
const IN_MEMORY: Weights = { ...CALLS, nominate: 4, withdraw: 1, persist: 3, acknowledge: 12, crash: 3, restart: 1 };
const IN_DIRECTORY: Weights = { ...CALLS, nominate: 4, withdraw: 1, persist: 0, acknowledge: 0, crash: 0, restart: 3 };
const ON_NODES: Weights = { ...CALLS, nominate: 0, withdraw: 0, persist: 0, acknowledge: 0, crash: 0, restart: 0 };

describe('what stores promise, held against what they answer', function () {
  this.timeout(60_000 + RUNS * 100);

  it('the embedded store, crashed at any moment (S1, S2, S3, S6)', async () => {
    const { report, seen } = await explore(RUNS, IN_MEMORY, async () => new PlayedInMemory('by hand'));
    expect(report).to.equal('');
    expectSeen(seen, [
      ...['acquire granted', 'acquire held', 'acquire mine', 'acquire mine, perhaps', 'extend renewed', 'extend lost'],
      ...['adopt adopted', 'adopt lost', 'hand off granted', 'hand off lost'],
      ...['release released', 'release gone', 'crash', 'restart'],
    ]);
  });

  it('the embedded store in a directory', async () => {
    const runs = Math.min(RUNS, 10);
    const { report } = await explore(runs, IN_DIRECTORY, () => PlayedInDirectory.open());
    expect(report).to.equal('');
  });

  it('the redlock store over five models of nodes (S1, S2, S3, S6)', async () => {
    const { report, seen } = await explore(Math.ceil(RUNS / 8), ON_NODES, () => PlayedRedlock.open());
    expect(report).to.equal('');
    expectSeen(seen, [
      ...['acquire granted', 'acquire held', 'acquire mine', 'extend renewed', 'extend lost', 'adopt adopted'],
      ...['adopt lost', 'hand off granted', 'hand off lost', 'release released', 'release gone'],
    ]);
  });

  it('control: a disk that acknowledges what it has not got is found out', async () => {
    const { report } = await explore(DEFAULT_RUNS, IN_MEMORY, async () => new PlayedInMemory('lying'));
    expect(report).to.include('instead of');
  });
});

function expectSeen(seen: ReadonlyMap<string, number>, whats: readonly string[]): void {
  if (RUNS < DEFAULT_RUNS) return;
  for (const what of whats) expect(seen.get(what) ?? 0, what).to.be.greaterThan(5);
}

function sequencesOf(weights: Weights): fc.Arbitrary<readonly StoreChoice[]> {
  const kinds = Object.entries(weights).filter(([, weight]) => weight > 0);
  const kind = fc.oneof(
    ...kinds.map(([name, weight]) => ({ arbitrary: fc.constant(name as StoreChoice['kind']), weight })),
  );
  return fc.array(fc.record({ kind, name: fc.nat(1), who: fc.nat(7), pick: fc.nat(23) }), {
    minLength: 10,
    maxLength: 80,
    size: 'max',
  });
}

async function explore(
  runs: number,
  weights: Weights,
  open: () => Promise<PlayedStore & { cleanUp?(): Promise<void> }>,
): Promise<{ readonly report: string; readonly seen: ReadonlyMap<string, number> }> {
  const seen = new Map<string, number>();
  const property = fc.asyncProperty(sequencesOf(weights), async (choices) => {
    const played = await open();
    const player = new StorePlayer(played);
    try {
      await player.play(choices);
    } finally {
      await played.cleanUp?.();
    }
    for (const [what, count] of player.seen) seen.set(what, (seen.get(what) ?? 0) + count);
  });
  const details = await fc.check(property, { numRuns: runs, seed: SEED });
  if (!details.failed) return { report: '', seen };
  const { errorInstance, numRuns, numShrinks, counterexample } = details;
  const story = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const found = `CONFORMANCE_SEED=${SEED}, found by sequence ${numRuns}, made shorter ${numShrinks} times`;
  return { report: [found, JSON.stringify(counterexample), story].join('\n'), seen };
}
