import { expect } from 'chai';
import fc from 'fast-check';
import { Alarm, Alarms } from '../../client/src/session/alarms.js';
import { SecretSource } from '../../client/src/session/secrets.js';
import { SendTimes } from '../../client/src/session/send-times.js';
import { VirtualClock } from '../support/virtual-clock.js';

const at = (monotonicMs: number) => ({ monotonicMs, wallMs: monotonicMs + 1_000_000 });

describe('client: send times', () => {
  it('never say later than a frame was sent, and say it to the millisecond', () => {
    const message = fc.record({
      frames: fc.integer({ min: 1, max: 5 }),
      pauseMs: fc.double({ min: 0, max: 5, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 200 }), (messages) => {
        const times = new SendTimes();
        const sent: { id: number; atMs: number }[] = [];
        let id = 0;
        let nowMs = 0;
        for (const { frames, pauseMs } of messages) {
          nowMs += pauseMs;
          times.sent(id + 1, id + frames, at(nowMs));
          for (let frame = 0; frame < frames; frame += 1) {
            id += 1;
            sent.push({ id, atMs: nowMs });
          }
        }
        for (const frame of sent) {
          const found = times.find(frame.id)?.monotonicMs ?? Number.NaN;
          expect(found)
            .to.be.at.most(frame.atMs)
            .and.at.least(frame.atMs - 1);
        }
        expect(times.find(id + 1)).to.equal(undefined);
        expect(times.find(0)).to.equal(undefined);
      }),
    );
  });

  it('are bounded, and then only get more cautious', () => {
    const times = new SendTimes();
    for (let id = 1; id <= 100_000; id += 1) times.sent(id, id, at(id * 2));
    for (let id = 1; id <= 100_000; id += 997) {
      const found = times.find(id);
      expect(found?.monotonicMs ?? 0).to.be.at.most(id * 2);
    }
    expect(times.find(100_000)?.monotonicMs).to.equal(200_000);
    expect(times.find(99_000)?.monotonicMs).to.equal(198_000);
  });

  it('are not known any more once they are pruned or the stream is another', () => {
    const times = new SendTimes();
    times.sent(1, 5, at(10));
    times.sent(6, 6, at(20));
    times.prune(15);
    expect(times.find(5)).to.equal(undefined);
    expect(times.find(6)?.monotonicMs).to.equal(20);
    times.prune(100);
    expect(times.find(6)).to.equal(undefined);
    times.sent(7, 7, at(200));
    times.clear();
    expect(times.find(7)).to.equal(undefined);
  });
});

describe('client: alarms', () => {
  it('ring in order, each at its time, whatever is set, moved and cleared', async () => {
    const step = fc.record({
      alarm: fc.nat(15),
      dueMs: fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = new VirtualClock(0);
        const alarms = new Alarms(clock);
        const due = new Map<number, number>();
        const rung = new Map<number, number>();
        const all = Array.from({ length: 16 }, (_, index) => new Alarm(() => rung.set(index, clock.nowMs())));
        for (const { alarm: index, dueMs } of steps) {
          const alarm = all[index] as Alarm;
          if (dueMs === undefined) {
            alarms.clear(alarm);
            due.delete(index);
          } else {
            alarms.set(alarm, dueMs);
            due.set(index, dueMs);
          }
          expect(alarms.size).to.equal(due.size);
          expect(clock.pending).to.be.at.most(1);
        }
        await clock.advance(500);
        expect([...rung].sort()).to.deep.equal([...due].sort());
      }),
      { numRuns: 30 },
    );
  });

  it('may be set again while they ring', async () => {
    const clock = new VirtualClock(0);
    const alarms = new Alarms(clock);
    const rung: number[] = [];
    const alarm: Alarm = new Alarm(() => {
      rung.push(clock.nowMs());
      if (rung.length < 3) alarms.set(alarm, clock.nowMs() + 10);
    });
    alarms.set(alarm, 10);
    await clock.advance(100);
    expect(rung).to.deep.equal([10, 20, 30]);
    expect(clock.pending).to.equal(0);
  });

  it('all ring after a stall, in order', async () => {
    const clock = new VirtualClock(0);
    const alarms = new Alarms(clock);
    const rung: string[] = [];
    alarms.set(new Alarm(() => rung.push('b')), 20);
    alarms.set(new Alarm(() => rung.push('a')), 10);
    clock.stall(1_000);
    await clock.advance(0);
    expect(rung).to.deep.equal(['a', 'b']);
  });
});

describe('client: secrets', () => {
  it('are never the same twice', () => {
    let calls = 0;
    const source = new SecretSource({
      bytes: (count) => {
        calls += 1;
        return Uint8Array.from({ length: count }, (_, index) => (index < 8 ? calls : index / 16) % 256);
      },
      unit: () => 0,
    });
    const secrets = Array.from({ length: 300 }, () => source.next().toString('hex'));
    expect(new Set(secrets.slice(0, 256)).size).to.equal(256);
    expect(calls).to.equal(2);
  });
});
