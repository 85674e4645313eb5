import { expect } from 'chai';
import { ClockWatch } from '../../server/src/store/redlock/coordinator/clock-watch.js';
import { VirtualClock } from '../support/virtual-clock.js';

const ALL = [0, 1, 2, 3, 4];
/** How long the server's machine slept, and its monotonic clock stood still. */
const SLEPT_MS = 400;

describe('a server whose machine slept', () => {
  let clock: VirtualClock;
  let told: string[];
  let watch: ClockWatch;

  beforeEach(() => {
    clock = new VirtualClock();
    told = [];
    watch = new ClockWatch(ALL.length, 3, 0.01, {
      clock,
      measureAll: () => undefined,
      moved: (node) => told.push(`moved ${node}`),
      suspected: (why) => told.push(`suspected ${why}`),
      trusted: () => told.push('trusted'),
    });
  });

  afterEach(() => watch.close());

  async function measured(nodes: readonly number[], offsetMs: number): Promise<void> {
    const sentMs = clock.nowMs();
    await clock.advance(1);
    for (const node of nodes) watch.observed(node, { clockUs: (sentMs + offsetMs) * 1_000 }, sentMs, clock.nowMs());
    await clock.advance(1);
  }

  it('learns nothing from answers to what it asked before, and blames nobody on account of them', async () => {
    await measured(ALL, 0);
    const askedMs = clock.nowMs();
    await clock.advance(1);
    await measured([0, 1, 2], SLEPT_MS);
    expect(told).to.deep.equal(['suspected shift']);
    // Asked before, answered in the midst of it.
    watch.observed(3, { clockUs: (askedMs + SLEPT_MS / 2) * 1_000 }, askedMs, clock.nowMs());
    await measured(ALL, SLEPT_MS);
    await measured(ALL, SLEPT_MS);
    expect(told).to.deep.equal(['suspected shift', 'trusted']);
  });
});
