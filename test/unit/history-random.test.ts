import { expect } from 'chai';
import fc from 'fast-check';
import { replay } from '../history/replay.js';
import { type Act, HonestWorld } from './history-honest-world.js';

const acts: fc.Arbitrary<Act> = fc.record({
  kind: fc.constantFrom<Act['kind'][]>(
    ...(['acquire', 'acquire', 'acquire without answer', 'be denied', 'extend'] as const),
    ...(['release', 'release', 'stop', 'die', 'write', 'write', 'wait'] as const),
  ),
  client: fc.nat({ max: 3 }),
  resource: fc.nat({ max: 1 }),
  passUs: fc.nat({ max: 400 }),
});
const histories = fc.array(acts, { minLength: 10, maxLength: 60, size: 'max' });

/** What goes wrong once, in a world that is honest otherwise; the resource is one that nobody else wants. */
type Wrong = (world: HonestWorld) => void;

const RESOURCE = 'wronged';

const WRONGS: Readonly<Record<string, { readonly breaks: string; readonly happen: Wrong }>> = {
  'a token is granted again': {
    breaks: 'S2/I1',
    happen: (world) => {
      const { token } = world.acquire('first', RESOURCE);
      world.nowUs += 2_000;
      const operation = world.invoke('second', RESOURCE);
      world.story.grant(world.nowUs, 'second', token, world.nowUs + 5, operation);
    },
  },
  'a token goes back': {
    breaks: 'S2/I1',
    happen: (world) => {
      world.acquire('unused', 'another');
      const { token } = world.acquire('first', RESOURCE);
      world.nowUs += 2_000;
      const operation = world.invoke('second', RESOURCE);
      world.story.grant(world.nowUs, 'second', token - 1, world.nowUs + 5, operation);
    },
  },
  'a late write is accepted': {
    breaks: 'I2',
    happen: (world) => {
      const first = world.acquire('first', RESOURCE);
      world.write(world.acquire('second', RESOURCE));
      world.story.at(world.nowUs, {
        ...{ kind: 'write_accepted', client: 'first', resource: RESOURCE, token: String(first.token) },
      });
    },
  },
  'two believe it': {
    breaks: 'S1/I3',
    happen: (world) => {
      const { token } = world.acquire('first', RESOURCE);
      world.nowUs += 999;
      const operation = world.invoke('second', RESOURCE);
      world.story.grant(world.nowUs, 'second', token + 1_000_000, world.nowUs + 5, operation);
    },
  },
  'one starts before the deadline of another that has stopped': {
    breaks: 'I4',
    happen: (world) => {
      const { token } = world.acquire('first', RESOURCE);
      world.story.at(world.nowUs, { kind: 'belief_ends', client: 'first', resource: RESOURCE, token: String(token) });
      world.nowUs += 999;
      const operation = world.invoke('second', RESOURCE);
      world.story.grant(world.nowUs, 'second', token + 1_000_000, world.nowUs + 5, operation);
    },
  },
  'a lease is extended when it is over': {
    breaks: 'S4/I4',
    happen: (world) => {
      const { token } = world.acquire('first', RESOURCE);
      const lease = { client: 'first', resource: RESOURCE, token: String(token) };
      world.nowUs += 1_000;
      world.story.at(world.nowUs, { kind: 'extension', ...lease, deadlineUs: world.nowUs + 9 });
    },
  },
  'an acquire has no answer': {
    breaks: 'S5/I5',
    happen: (world) => {
      world.invoke('first', RESOURCE);
    },
  },
  'an answer comes too late': {
    breaks: 'I5',
    happen: (world) => {
      const operation = world.invoke('first', RESOURCE);
      world.nowUs += 250_001;
      world.story.at(world.nowUs, { kind: 'denial', client: 'first', operation });
    },
  },
  'a waiter is passed over': {
    breaks: 'L2/I8',
    happen: ({ story, nowUs }) => {
      const queue = { server: 's', resource: RESOURCE };
      story.at(nowUs, { kind: 'queued', ...queue, waiter: 'first' });
      story.at(nowUs, { kind: 'queued', ...queue, waiter: 'second' });
      story.at(nowUs, { kind: 'served', ...queue, waiter: 'second' });
    },
  },
  'something is granted when nothing can be certain': {
    breaks: 'I10',
    happen: (world) => {
      const closes = { codes: [], resources: [RESOURCE] };
      world.story.at(world.nowUs, { kind: 'fault_begins', fault: 'f', closes });
      world.acquire('first', RESOURCE);
    },
  },
  'nothing recovers': {
    breaks: 'I11',
    happen: ({ story, nowUs }) => {
      story.at(nowUs, { kind: 'fault_ends', fault: 'f', recovers: { resources: [RESOURCE], withinMs: 9 } });
    },
  },
  'a lock is left': {
    breaks: 'I6',
    happen: ({ story, nowUs }) => {
      story.at(nowUs, { kind: 'key_left', node: 'n', key: RESOURCE, of: 'lock', expiresInMs: 1 });
    },
  },
  'a waiter is left': {
    breaks: 'L4/I7',
    happen: ({ story, nowUs }) => {
      story.at(nowUs, { kind: 'count_left', where: 's', what: 'waiters', count: 1 });
    },
  },
};

describe('the history checker, over random histories', () => {
  it('never accuses a service that keeps what it promises', () => {
    let grants = 0;
    const honest = (all: readonly Act[]): void => {
      const world = new HonestWorld();
      for (const act of all) world.act(act);
      const history = replay(world.story.events);
      grants += history.grants;
      expect(history.violations).to.deep.equal([]);
      expect(history.figures.overlapMs).to.equal(0);
    };
    fc.assert(fc.property(histories, honest), { numRuns: 300 });
    expect(grants).to.be.greaterThan(500);
  });

  for (const [what, { breaks, happen }] of Object.entries(WRONGS)) {
    it(`always finds it when ${what}, and nothing that has not to do with it`, () => {
      const wronged = (before: readonly Act[], after: readonly Act[]): void => {
        const world = new HonestWorld();
        for (const act of before) world.act(act);
        happen(world);
        for (const act of after) world.act(act);
        const { found } = replay(world.story.events);
        expect(found.map(({ text }) => text.replace(/ at .*/, ''))).to.include(breaks);
        for (const { text } of found) expect(text).to.match(/wronged|waiters|first/);
      };
      fc.assert(fc.property(histories, histories, wronged), { numRuns: 50 });
    });
  }
});
