import { expect } from 'chai';
import type { Driver } from '../bench/generator/driver.js';
import { measure } from '../bench/generator/measure.js';
import { runJob } from '../bench/generator/run-job.js';
import { TurnOrder } from '../bench/generator/turn-order.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the benchmark’s load generator', () => {
  it('counts what ends within the window, of all workers, and waits for the rest', async () => {
    const ended = { warm: 0, measured: 0, cool: 0 };
    let under = 0;
    const window = { warmUpMs: 5, measureMs: 20 };
    let warm = true;
    const worker = (phase: { readonly measuring: boolean }) => async () => {
      under += 1;
      await turn();
      under -= 1;
      if (phase.measuring) ended.measured += 1;
      else if (warm) ended.warm += 1;
      else ended.cool += 1;
    };
    const measured = await measure([worker, worker, worker], window, () => {
      warm = false;
    });
    expect(under).to.equal(0);
    expect(warm).to.equal(false);
    const seconds = ended.measured / measured.perSecond;
    expect(seconds * 1_000).to.be.at.least(window.measureMs - 2);
    expect(ended.cool).to.be.at.most(3);
    expect(measured.p99Ms).to.be.at.least(measured.p50Ms);
    expect(measured.busy).to.be.within(0, 1);
  });

  it('fails with the first step that fails, and stops the others', async () => {
    let steps = 0;
    const failing = () => () => Promise.reject(new Error('refused'));
    const working = () => async () => {
      steps += 1;
      await turn();
    };
    const error = await measure([working, failing], { warmUpMs: 60_000, measureMs: 60_000 }, () => undefined).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.be.an('error').with.property('message', 'refused');
    const before = steps;
    await turn();
    await turn();
    expect(steps - before).to.be.at.most(1);
  });

  it('does not take nothing for a result', async () => {
    let begun = false;
    const tooLong = (phase: { readonly measuring: boolean }) => async () => {
      do await turn();
      while (!begun || phase.measuring);
    };
    const measuring = measure([tooLong], { warmUpMs: 1, measureMs: 5 }, () => {
      begun = true;
    });
    const error = await measuring.catch((reason: unknown) => reason);
    expect(error).to.be.an('error').with.property('message').that.includes('nothing finished');
  });
});

describe('a job of the load generator', () => {
  const window = { warmUpMs: 1, measureMs: 20 };
  const ignore = () => undefined;

  it('tells the time to the grant apart from that of the pair, and says how much will be under way', async () => {
    const told: number[] = [];
    const held = new Set<string>();
    const driver: Driver = {
      connect: async (inFlight) => {
        told.push(inFlight);
        return {
          acquire: async (name) => {
            await turn();
            held.add(name);
            return {
              release: async () => {
                for (let turns = 0; turns < 3; turns++) await turn();
                held.delete(name);
              },
            };
          },
          close: async () => void told.push(-inFlight),
        };
      },
    };
    const { acquire, p50Ms } = await runJob(driver, { kind: 'acquire-release', inFlight: 4, window }, ignore);
    expect(acquire?.p50Ms).to.be.lessThan(p50Ms);
    expect([told, held.size]).to.deep.equal([[4, -4], 0]);
  });

  it('counts each entry of a batch, and gives every batch names of its own', async () => {
    const batches: (readonly string[])[] = [];
    let steps = 0;
    let closed = 0;
    const driver: Driver = {
      batcher: async () => ({
        pairs: (names) => {
          batches.push(names);
          return async () => {
            steps += 1;
            await turn();
          };
        },
        close: async () => {
          closed += 1;
        },
      }),
    };
    const job = { kind: 'batches', batches: 3, entries: 1_000, callsPerNode: 2, window } as const;
    const { perSecond } = await runJob(driver, job, ignore);
    expect(batches.map(({ length }) => length)).to.deep.equal([1_000, 1_000, 1_000]);
    expect(new Set(batches.flat()).size).to.equal(3_000);
    const counted = (perSecond * window.measureMs) / 1_000;
    expect(counted)
      .to.be.greaterThan(steps)
      .and.at.most(1_000 * steps);
    expect(closed).to.equal(1);
  });

  it('is refused by a driver that cannot do it', async () => {
    const failed = await runJob({}, { kind: 'hand-off', clients: 2, window }, ignore).catch(
      (reason: unknown) => reason,
    );
    expect(failed).to.be.an('error').with.property('message').that.includes('its driver has no contenders');
  });
});

describe('turns on one lock', () => {
  it('are in order when whoever asked first is served first', () => {
    const order = new TurnOrder();
    const [first, second] = [order.asked(), order.asked()];
    order.granted(first, true);
    order.givenBack(first);
    const third = order.asked();
    order.granted(second, true);
    order.givenBack(second);
    order.granted(third, true);
    expect(order.outOfOrder).to.equal(0);
  });

  it('are out of order for everyone who is passed over, while that counts', () => {
    const order = new TurnOrder();
    const [first, second, third] = [order.asked(), order.asked(), order.asked()];
    order.granted(third, false);
    order.givenBack(third);
    order.granted(second, true);
    order.givenBack(second);
    order.granted(first, true);
    expect(order.outOfOrder).to.equal(1);
  });

  it('never overlap: that would be an error, not a figure', () => {
    const order = new TurnOrder();
    const [first, second] = [order.asked(), order.asked()];
    order.granted(first, true);
    expect(() => order.granted(second, true)).to.throw('turn 2 was granted while turn 1 held the lock');
    expect(() => order.givenBack(second)).to.throw('turn 2 gave back a lock held by turn 1');
  });
});
