import { expect } from 'chai';
import { NodeLane } from '../../server/src/store/redlock/coordinator/node-lane.js';
import { lockValue, type RedisNode } from '../../server/src/store/redlock/coordinator/redis-node.js';
import { hashOf } from '../contract/store-bids.js';
import { VirtualClock } from '../support/virtual-clock.js';

const FAULT = { kind: 'fault', fault: { kind: 'error', message: 'failed' } } as const;

describe('the lane of a node', () => {
  let clock: VirtualClock;
  let lane: NodeLane;
  let reachable: boolean;
  let sent: { readonly key: string; readonly answer: () => void }[];

  beforeEach(() => {
    clock = new VirtualClock();
    sent = [];
    const node: Pick<RedisNode, 'batch'> = {
      batch: ({ entries }, answered) => void sent.push({ key: entries[0]?.key ?? '', answer: () => answered(FAULT) }),
    };
    reachable = true;
    const electorate = { reachable: () => reachable, observed: () => undefined };
    lane = new NodeLane(0, { node, clock, electorate, deadlineMs: 300, relieved: () => undefined });
  });

  const call = (key: string, answered: () => void = () => undefined): void =>
    void lane.call({ verb: 'forget', entries: [{ key, longerThanMs: 0 }] }, answered);
  const keys = (): readonly string[] => sent.map(({ key }) => key);

  it('lets nothing that an answer sets off overtake what waits already', () => {
    call('first', () => call('set off'));
    call('second');
    call('third');
    expect(keys()).to.deep.equal(['first', 'second']);
    sent[0]?.answer();
    sent[1]?.answer();
    expect(keys()).to.deep.equal(['first', 'second', 'third', 'set off']);
  });

  it('puts nothing back on a node that has been away since it missed it: it may have been released meanwhile', () => {
    const repair = { key: 'repaired', value: lockValue(hashOf('h'), 1), token: 1, ballot: undefined, notAfterUs: 1 };
    call('first');
    call('second');
    lane.repair(repair);
    reachable = false;
    for (const { answer } of sent.splice(0)) answer();
    lane.repair(repair);
    reachable = true;
    lane.cameBack();
    expect(keys()).to.deep.equal([]);
    lane.repair(repair);
    expect(keys()).to.deep.equal(['repaired']);
  });

  it('puts nothing back after a chore that failed: calls go on meanwhile, and may release it', async () => {
    const value = lockValue(hashOf('h'), 1);
    const repair = { key: 'repaired', value, token: 1, ballot: undefined, notAfterUs: 1 };
    call('first');
    call('second');
    lane.cleanUp({ key: 'left', values: [value], tombstone: 1, waitingSinceUs: 0 }, 60_000);
    lane.repair(repair);
    sent[0]?.answer();
    expect(keys()).to.deep.equal(['first', 'second', 'left']);
    sent[2]?.answer();
    lane.repair(repair);
    call('release');
    for (const { answer } of [...sent.slice(1, 2), ...sent.slice(3)]) answer();
    await clock.advance(1_000);
    expect(keys()).to.deep.equal(['first', 'second', 'left', 'release', 'left']);
  });
});
