import { expect } from 'chai';
import { History } from '../history/history.js';
import { replay } from '../history/replay.js';
import { slopeOf } from '../history/things-left.js';
import { Story } from './history-story.js';

const QUEUE = { server: 's', resource: 'r' } as const;

function expectFine(story: Story): void {
  expect(story.violations()).to.deep.equal([]);
}

describe('the history checker', () => {
  describe('I1: tokens', () => {
    it('finds one that was granted twice', () => {
      const story = new Story().holds(0, 'a', 5).release(100, 'a', 5).holds(200, 'b', 5);
      expect(story.broken()).to.include('S2/I1');
      expect(story.violations()[0]).to.equal('S2/I1 at 0.210 ms: token 5 of r was granted twice, to a and b');
    });

    it('finds one that is less than what was told before its acquire was called', () => {
      const story = new Story().holds(0, 'a', 5).release(100, 'a', 5).holds(200, 'b', 4);
      expect(story.broken()).to.deep.equal(['S2/I1']);
    });

    it('takes no offence at gaps, at the same tokens of two resources, nor at a lesser one that was asked for before and is over', () => {
      expectFine(new Story().holds(0, 'a', 5).release(100, 'a', 5).holds(200, 'b', 9));
      expectFine(new Story().holds(0, 'a', 5).release(100, 'a', 5).holds(200, 'b', 5, 'other'));
      expectFine(new Story().invoke(0, 'late').holds(10, 'a', 5).release(100, 'a', 5).grant(200, 'late', 4, 190));
    });

    it('expects a token that is told while it is valid to be the greatest, whenever it was asked for', () => {
      const story = new Story().invoke(0, 'late').holds(10, 'a', 5).release(100, 'a', 5).grant(200, 'late', 4, 900);
      expect(story.broken()).to.deep.equal(['S2/I1']);
    });
  });

  describe('I2: the fenced resource', () => {
    const held = (): Story => new Story().holds(0, 'a', 1).holds(2_000, 'b', 2);

    it('finds a write of an old holder between those of a new one', () => {
      expect(held().writes(2_020, 'b', 2).writes(2_030, 'a', 1).writes(2_040, 'b', 2).broken()).to.deep.equal(['I2']);
    });

    it('finds two writers with one token, and a token that its writer never got', () => {
      expect(held().writes(2_020, 'b', 2).writes(2_030, 'a', 2).broken()).to.deep.equal(['I2']);
      expect(held().writes(2_020, 'b', 3).broken()).to.deep.equal(['I2']);
    });

    it('takes no offence at late writes before the new holder’s first, nor at refused ones', () => {
      expectFine(held().writes(2_020, 'a', 1).writes(2_030, 'a', 1).writes(2_040, 'b', 2));
      const refused = { kind: 'write_refused', client: 'a', resource: 'r', token: '1' } as const;
      expectFine(held().writes(2_020, 'b', 2).at(2_030, refused).writes(2_040, 'b', 2));
    });

    it('takes it that an acquire without an answer may have had a token', () => {
      const unknown = { kind: 'unknown', client: 'c', operation: 'c' } as const;
      expectFine(held().invoke(4_000, 'c').at(4_010, unknown).writes(4_020, 'c', 3));
      expectFine(held().invoke(4_000, 'c').at(4_010, { kind: 'died', client: 'c' }).writes(4_020, 'c', 3));
    });
  });

  describe('I3: beliefs', () => {
    it('finds two at a time, and says for how long', () => {
      const story = new Story().holds(0, 'a', 1).holds(990, 'b', 2);
      expect(story.broken()).to.have.members(['S1/I3', 'I4']);
      expect(story.violations().join()).to.include('b and a both hold r (2 and 1) for up to 10 µs');
      expect(replay(story.events).figures.overlapMs * 1_000).to.be.closeTo(10, 1e-6);
    });

    it('counts an overlap only until one of the two has stopped', () => {
      const story = new Story().holds(0, 'a', 1).holds(390, 'b', 2).stops(403, 'a', 1);
      expect(replay(story.events).figures.overlapMs * 1_000).to.be.closeTo(3, 1e-6);
    });

    it('finds an extension that makes one last into another’s', () => {
      const story = new Story().holds(0, 'a', 1).holds(1_010, 'b', 2).extend(1_020, 'a', 1, 3_000);
      expect(story.broken()).to.include('S1/I3');
    });

    it('finds one client that believes it twice', () => {
      expect(new Story().holds(0, 'a', 1).holds(500, 'a', 2).broken()).to.include('S1/I3');
    });

    it('takes no offence where one begins when the other ends', () => {
      expectFine(new Story().holds(0, 'a', 1).holds(1_000, 'b', 2));
      expectFine(new Story().holds(0, 'a', 1).invoke(400, 'b').release(510, 'a', 1).grant(510, 'b', 2, 900));
      expectFine(new Story().holds(0, 'a', 1).holds(500, 'b', 2, 'other'));
    });

    it('counts those apart that nobody promised to prevent', () => {
      const story = new Story().holds(0, 'a', 1).holds(500, 'b', 2);
      const excused = replay(story.events, { beliefsMayMeet: (atUs) => atUs < 1_000 });
      expect(excused.violations).to.deep.equal([]);
      expect(excused.excused).to.equal(1);
      expect(story.broken({ beliefsMayMeet: (atUs) => atUs < 500 })).to.include('S1/I3');
    });
  });

  describe('I4: holders stop before others start', () => {
    it('finds a grant before the deadline of somebody who has stopped, and has not given it back', () => {
      const story = new Story().holds(0, 'a', 1).stops(700, 'a', 1).holds(800, 'b', 2);
      expect(story.broken()).to.deep.equal(['I4']);
      expect(story.violations()[0]).to.include('b was granted r 200 µs before the deadline of a');
    });

    it('finds somebody who relies on it at its deadline, and an extension of what is over', () => {
      const look = { kind: 'look', client: 'a', resource: 'r', token: '1', held: true } as const;
      expect(new Story().holds(0, 'a', 1).at(1_010, look).broken()).to.deep.equal(['I4']);
      expect(new Story().holds(0, 'a', 1).extend(1_011, 'a', 1, 5_000).broken()).to.include('S4/I4');
      expect(new Story().holds(0, 'a', 1).release(50, 'a', 1).extend(60, 'a', 1, 5_000).broken()).to.include('S4/I4');
    });

    it('takes no offence after the deadline, nor after a release, nor at what an operator took away', () => {
      const look = { kind: 'look', client: 'a', resource: 'r', token: '1', held: true } as const;
      expectFine(new Story().holds(0, 'a', 1).at(1_009, look).stops(1_009, 'a', 1).holds(1_010, 'b', 2));
      expectFine(new Story().holds(0, 'a', 1).release(50, 'a', 1).holds(60, 'b', 2));
      expectFine(new Story().holds(0, 'a', 1).lost(50, 'a', 1, 'forced').holds(60, 'b', 2));
      expect(new Story().holds(0, 'a', 1).lost(50, 'a', 1, 'told').holds(60, 'b', 2).broken()).to.deep.equal(['I4']);
    });

    it('measures the least margin', () => {
      const story = new Story().holds(0, 'a', 1).holds(1_040, 'b', 2).holds(2_047, 'c', 3);
      expect((replay(story.events).figures.marginMs ?? 0) * 1_000).to.be.closeTo(7, 1e-6);
    });
  });

  describe('I5: answers', () => {
    it('finds an acquire that is settled late, twice or never', () => {
      expect(new Story().invoke(0, 'a', { waitMs: 100 }).at(352_001, denial('a')).broken()).to.deep.equal(['I5']);
      expect(new Story().invoke(0, 'a').at(10, denial('a')).at(20, denial('a')).broken()).to.deep.equal(['S5/I5']);
      expect(new Story().invoke(0, 'a').broken()).to.deep.equal(['S5/I5']);
    });

    it('takes no offence within the slack, nor for the time that a client stood still, nor at those of the dead', () => {
      expectFine(new Story().invoke(0, 'a', { waitMs: 100 }).at(352_000, denial('a')));
      const paused = new Story().invoke(0, 'a').at(1_000, { kind: 'paused', client: 'a' });
      expectFine(paused.at(900_000, { kind: 'resumed', client: 'a' }).at(900_001, denial('a')));
      expectFine(new Story().invoke(0, 'a').at(10, died('a')));
      expectFine(new Story().invoke(0, 'a').at(10, { kind: 'unknown', client: 'a', operation: 'a' }));
    });
  });

  describe('I6 and I7: what is left', () => {
    const allowed = { keysAllowed: { names: 1, ballotMs: 500 } };
    const key = (of: 'lock' | 'ballot' | 'own', expiresInMs?: number, name = 'r') =>
      ({ kind: 'key_left', node: 'n', key: name, of, ...(expiresInMs !== undefined && { expiresInMs }) }) as const;
    const count = (left: number, before?: number) =>
      ({
        kind: 'count_left',
        where: 's',
        what: 'waiters',
        count: left,
        ...(before !== undefined && { before }),
      }) as const;

    it('finds locks, keys that stay for ever or too long, and more ballots than names', () => {
      expect(new Story().at(0, key('lock', 5)).violations(allowed)).to.deep.equal([
        'I6 at 0.000 ms: n still has the lock r',
      ]);
      expect(new Story().at(0, key('ballot')).broken(allowed)).to.deep.equal(['I6']);
      expect(new Story().at(0, key('ballot', 501)).broken(allowed)).to.deep.equal(['I6']);
      const two = new Story().at(0, key('ballot', 500)).at(0, key('ballot', 500, 'other'));
      expect(two.violations(allowed)).to.deep.equal(['I6 at 0.000 ms: n keeps 2 ballots of 1 names']);
    });

    it('finds what is left in processes, and memory that grows', () => {
      expect(new Story().at(0, count(1)).broken()).to.deep.equal(['L4/I7']);
      expect(new Story().at(0, count(4, 3)).broken()).to.deep.equal(['L4/I7']);
      const heap = (grow: number) => Array.from({ length: 20 }, (_, cycle) => 1e6 + grow * cycle + (cycle % 3) * 100);
      expect(judgedHeap(heap(2_000)).join()).to.match(/^L4\/I7 .* s grows by \d+ bytes with each cycle$/);
      expect(judgedHeap(heap(0))).to.deep.equal([]);
      expect(() => judgedHeap([1, 2, 3])).to.throw('a slope needs 20 cycles, not 3');
      expect(slopeOf([1, 3, 5, 7])).to.equal(2);
    });

    it('takes no offence at a ballot for each name, at the nodes’ own keys, nor at what was there before', () => {
      expect(new Story().at(0, key('ballot', 500)).at(0, key('own')).violations(allowed)).to.deep.equal([]);
      expectFine(new Story().at(0, count(0)).at(0, count(3, 3)));
    });
  });

  describe('I8: the order of a queue', () => {
    const queued = (atUs: number, waiter: string) => [atUs, { kind: 'queued', ...QUEUE, waiter }] as const;
    const served = (atUs: number, waiter: string) => [atUs, { kind: 'served', ...QUEUE, waiter }] as const;

    it('finds a waiter that is passed over', () => {
      const story = new Story()
        .at(...queued(0, 'a'))
        .at(...queued(1, 'b'))
        .at(...served(2, 'b'));
      expect(story.violations()).to.deep.equal([
        'L2/I8 at 0.002 ms: s granted r to b before a, who had come first and stayed',
      ]);
    });

    it('takes no offence where the first was away, has left, waits elsewhere or for something else', () => {
      const first = (): Story => new Story().at(...queued(0, 'a')).at(...queued(1, 'b'));
      expectFine(
        first()
          .at(2, { kind: 'was_away', ...QUEUE, waiter: 'a' })
          .at(...served(3, 'b')),
      );
      expectFine(
        first()
          .at(2, { kind: 'left_queue', ...QUEUE, waiter: 'a' })
          .at(...served(3, 'b')),
      );
      expectFine(
        first()
          .at(...served(3, 'a'))
          .at(...served(4, 'b')),
      );
      expectFine(
        new Story()
          .at(...queued(0, 'a'))
          .at(1, { kind: 'queued', server: 't', resource: 'r', waiter: 'b' })
          .at(2, { kind: 'served', server: 't', resource: 'r', waiter: 'b' }),
      );
      expectFine(
        first()
          .at(2, { kind: 'server_died', server: 's' })
          .at(...queued(3, 'b'))
          .at(...queued(4, 'a'))
          .at(...served(5, 'b')),
      );
      expectFine(first().at(...served(2, 'moved here with its grant')));
    });
  });

  describe('I10: failing closed', () => {
    const begins = { kind: 'fault_begins', fault: 'no majority', closes: { codes: ['UNAVAILABLE'] } } as const;
    const failure = (client: string, code: string) => ({ kind: 'failure', client, operation: client, code }) as const;

    it('finds a grant without a majority, and a code that does not fit', () => {
      const granted = new Story().at(0, begins).holds(10, 'a', 1);
      expect(granted.broken()).to.deep.equal(['I10']);
      const failed = new Story().at(0, begins).invoke(10, 'a').at(20, failure('a', 'INTERNAL'));
      expect(failed.violations()[0]).to.match(
        /^I10 at 0.020 ms: a was refused r with INTERNAL under “no majority”; allowed/,
      );
      expect(new Story().invoke(0, 'a').at(1, failure('a', 'INTERNAL')).broken({ failureCodes: [] })).to.deep.equal([
        'I10',
      ]);
    });

    it('takes no offence at what began before, ended after, concerns others, or fails as it should', () => {
      expectFine(new Story().invoke(0, 'a').at(1, begins).grant(2, 'a', 1, 1_000));
      expectFine(
        new Story()
          .at(0, begins)
          .invoke(1, 'a')
          .at(2, { kind: 'fault_ends', fault: 'no majority' })
          .grant(3, 'a', 1, 9),
      );
      expectFine(new Story().at(0, { ...begins, closes: { codes: [], resources: ['other'] } }).holds(10, 'a', 1));
      expectFine(new Story().at(0, begins).invoke(10, 'a').at(20, failure('a', 'UNAVAILABLE')));
      expectFine(new Story().at(0, begins).invoke(10, 'a').at(20, denial('a')));
    });
  });

  describe('I11: recovery', () => {
    const ends = { kind: 'fault_ends', fault: 'f', recovers: { resources: ['r'], withinMs: 1 } } as const;
    const probe = (calledUs: number, granted: boolean) =>
      ({ kind: 'probe', resource: 'r', calledUs, granted }) as const;

    it('finds what comes back too late, or never', () => {
      expect(new Story().at(0, ends).holds(995, 'a', 1).broken()).to.deep.equal(['I11']);
      expect(new Story().at(0, ends).at(500, probe(400, false)).violations()[0]).to.match(
        /was granted never again after “f”/,
      );
      const asked = new Story().invoke(0, 'a').at(1, ends).grant(2, 'a', 1, 900);
      expect(asked.broken(), 'asked for before').to.deep.equal(['I11']);
    });

    it('takes no offence at what is granted in time, and says how long it took', () => {
      expectFine(new Story().at(0, ends).holds(990, 'a', 1));
      const probed = replay(new Story().at(0, ends).at(300, probe(200, false)).at(900, probe(800, true)).events);
      expect(probed.violations).to.deep.equal([]);
      expect(probed.figures.recoveryMs).to.equal(0.9);
    });
  });
});

function died(client: string) {
  return { kind: 'died', client } as const;
}

function denial(client: string) {
  return { kind: 'denial', client, operation: client } as const;
}

function judgedHeap(usedBytes: readonly number[]): readonly string[] {
  const history = new History({ nowMs: 0, note: () => undefined });
  history.thingsLeft([], [{ where: 's', usedBytes, mostBytesPerCycle: 500 }]);
  return history.violations;
}
