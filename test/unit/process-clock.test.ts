import { expect } from 'chai';
import { elapsed, systemClock } from '../../server/src/process/system-clock.js';
import { systemRandom } from '../../server/src/process/system-random.js';

function stall(forMs: number): void {
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs);
}

describe('system clock', () => {
  it('never calls back early, wherever in a millisecond the timer is set', async () => {
    for (let part = 0; part < 1; part += 0.04) {
      stall(part);
      const startMs = systemClock.nowMs();
      await elapsed(systemClock, 2);
      expect(systemClock.nowMs() - startMs).to.be.at.least(2);
    }
  });

  it('waits longer than a timer of Node can', async () => {
    let called = false;
    const timer = systemClock.after(2 ** 31 + 1_000, () => {
      called = true;
    });
    await elapsed(systemClock, 20);
    timer.cancel();
    expect(called).to.equal(false);
  });

  it('does not call back what was cancelled, also when it was due', async () => {
    let called = false;
    const timer = systemClock.after(1, () => {
      called = true;
    });
    stall(5);
    timer.cancel();
    await elapsed(systemClock, 5);
    expect(called).to.equal(false);
  });

  it('ends a turn after everything that is ready in it', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      systemClock.atTurnEnd(() => {
        order.push('end');
        resolve();
      });
      process.nextTick(() => order.push('tick'));
      queueMicrotask(() => order.push('microtask'));
    });
    expect(order).to.deep.equal(['tick', 'microtask', 'end']);
  });

  it('tells the wall clock in milliseconds since 1970', () => {
    expect(Math.abs(systemClock.wallMs() - Date.now())).to.be.below(1_000);
  });
});

describe('system randomness', () => {
  it('never gives the same bytes twice, nor bytes that change afterwards', () => {
    const random = systemRandom();
    const drawn = Array.from({ length: 2_000 }, () => random.bytes(16));
    const texts = drawn.map((bytes) => Buffer.from(bytes).toString('hex'));
    expect(new Set(texts).size).to.equal(2_000);
    for (let i = 0; i < 2_000; i += 1) random.bytes(16);
    expect(drawn.map((bytes) => Buffer.from(bytes).toString('hex'))).to.deep.equal(texts);
  });

  it('gives as many bytes as asked, also more than it keeps', () => {
    const random = systemRandom();
    for (const count of [0, 1, 16, 4_095, 4_096, 4_097, 10_000]) expect(random.bytes(count)).to.have.lengthOf(count);
  });
});
