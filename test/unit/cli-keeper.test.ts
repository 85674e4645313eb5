import { expect } from 'chai';
import { Keeper, type KeptLease } from '../../client/src/cli/keeper.js';
import { VirtualClock } from '../support/virtual-clock.js';

const KILL_AFTER_MS = 500;
const START_MS = 1_000;

/** A lease whose end is told. */
class ScriptedLease implements KeptLease {
  readonly listeners = new Set<() => void>();
  endsMs = START_MS + 3_000;

  constructor(private readonly clock: VirtualClock) {}

  remainingMs(): number {
    return Math.max(0, this.endsMs - this.clock.nowMs());
  }

  on(_event: 'state', listener: () => void): void {
    this.listeners.add(listener);
  }

  off(_event: 'state', listener: () => void): void {
    this.listeners.delete(listener);
  }

  lose(): void {
    this.endsMs = 0;
    for (const listener of this.listeners) listener();
  }
}

describe('the keeper of a command', () => {
  let clock: VirtualClock;
  let lease: ScriptedLease;
  let sent: string[];
  let keeper: Keeper;

  beforeEach(() => {
    clock = new VirtualClock(START_MS);
    lease = new ScriptedLease(clock);
    sent = [];
    const signalAll = (signal: string): unknown => sent.push(`${signal} at ${clock.nowMs() - START_MS}`);
    keeper = new Keeper(lease, { signalAll }, clock, KILL_AFTER_MS, () => undefined);
    keeper.start();
  });

  it('leaves it alone while the lease is extended', async () => {
    for (let step = 0; step < 20; step += 1) {
      await clock.advance(1_000);
      lease.endsMs = clock.nowMs() + 3_000;
    }
    expect(sent).to.deep.equal([]);
    expect(keeper.stop).to.equal('none');
  });

  it('asks it to end in time, and then ends it when nothing is left', async () => {
    await clock.advance(10_000);
    expect(sent).to.deep.equal(['SIGTERM at 2500', 'SIGCONT at 2500', 'SIGKILL at 3000']);
    expect(keeper.stop).to.equal('killed');
    expect(clock.pending).to.equal(0);
  });

  it('does not wait longer than it said when the lease recovers after all', async () => {
    await clock.advance(2_600);
    lease.endsMs = START_MS + 60_000;
    await clock.advance(10_000);
    expect(sent).to.deep.equal(['SIGTERM at 2500', 'SIGCONT at 2500', 'SIGKILL at 3000']);
  });

  it('ends it at once when the lease is lost', async () => {
    await clock.advance(700);
    lease.lose();
    expect(sent).to.deep.equal(['SIGKILL at 700']);
    lease.lose();
    await clock.advance(10_000);
    expect(sent).to.have.length(1);
  });

  it('ends it at once after a stall beyond the end', () => {
    clock.stall(5_000);
    keeper.look();
    expect(sent).to.deep.equal(['SIGKILL at 5000']);
  });

  it('has less patience after a stall into the last moments', async () => {
    clock.stall(2_800);
    keeper.look();
    await clock.advance(10_000);
    expect(sent).to.deep.equal(['SIGTERM at 2800', 'SIGCONT at 2800', 'SIGKILL at 3000']);
  });

  it('notices within a second when time was lost that timers do not know of', async () => {
    await clock.advance(100);
    lease.endsMs = START_MS + 200;
    await clock.advance(10_000);
    expect(sent).to.deep.equal(['SIGKILL at 1000']);
  });

  it('does nothing more once the command has ended', async () => {
    await clock.advance(2_600);
    keeper.end();
    lease.lose();
    await clock.advance(10_000);
    expect(sent).to.deep.equal(['SIGTERM at 2500', 'SIGCONT at 2500']);
    expect(lease.listeners.size).to.equal(0);
  });
});
