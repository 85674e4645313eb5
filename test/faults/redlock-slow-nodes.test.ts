import { expect } from 'chai';
import { eventually } from '../support/deadline.js';
import { FaultRig, type FaultServer, MAX_TTL_MS, NODE_DEADLINE_MS, PATIENCE_MS } from '../support/redlock/fault-rig.js';

const ALL = [1, 2, 3, 4, 5];
/** Longer than anything these tests do to a node. */
const LONG_TTL_MS = 10_000;
/** What a loaded machine may add to a call. */
const SLACK_MS = 1_000;
const SLOW_MS = 1_000;

describe('faults: Redis nodes that are slow, or busy with others', function () {
  this.timeout(30_000);
  let rig: FaultRig;
  beforeEach(async () => {
    rig = await FaultRig.start(5, { directives: [['enable-debug-command', 'yes']] });
  });
  afterEach(() => rig.finish());

  it('C16: grants go at the speed of the majority while two nodes sleep', async () => {
    const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS });
    const asleep = sleep([2, 3]);
    const tookMs = await timesOf(10, async (round) => (await rig.hold(server, `r${round}`, LONG_TTL_MS)).release());
    expect(Math.max(...tookMs)).to.be.lessThan(NODE_DEADLINE_MS + SLACK_MS);
    expect(tookMs.reduce((sum, ms) => sum + ms)).to.be.lessThan(SLOW_MS / 2);
    await asleep;
    for (let round = 0; round < 10; round += 1) await rig.stands(`r${round}`, 0, LONG_TTL_MS / 4);
  });

  it('C16: grants go at the speed of the majority past two nodes 200 ms away', async () => {
    const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS, nodeDeadlineMs: 2_000 }, [4, 5]);
    for (const number of [4, 5]) server.way(number).treat('down', { kind: 'delay', ms: 200 });
    const tookMs = await timesOf(10, async (round) => (await rig.hold(server, `r${round}`, LONG_TTL_MS)).release());
    expect([...tookMs].sort((a, b) => a - b)[5]).to.be.lessThan(150);
    for (let round = 0; round < 10; round += 1) await rig.stands(`r${round}`, 0, LONG_TTL_MS / 4);
  });

  it('C16: when a majority sleeps, acquires fail within one node deadline, and succeed afterwards (I5, I10)', async () => {
    const server = await rig.firstServer();
    const asleep = sleep([1, 2, 3]);
    await untilRefused(server, /3 of 5 nodes .*timed out after \d+ ms/);
    await asleep;
    await rig.hold(server, 'r', MAX_TTL_MS, SLOW_MS + PATIENCE_MS);
  });

  it('C19: CLIENT PAUSE of two nodes costs nothing, of all of them no more than a node deadline (I5)', async () => {
    const server = await rig.firstServer({ maxTtlMs: LONG_TTL_MS });
    await pause([1, 2], SLOW_MS);
    const tookMs = await timesOf(5, async (round) => (await rig.hold(server, `r${round}`, LONG_TTL_MS)).release());
    expect(Math.max(...tookMs)).to.be.lessThan(NODE_DEADLINE_MS + SLACK_MS);
    await pause([3, 4, 5], SLOW_MS);
    const name = await untilRefused(server, /timed out after \d+ ms|has not answered/);
    // Answered when the pause is over.
    await rig.stands(name, 0, SLOW_MS + LONG_TTL_MS / 4);
    await rig.hold(server, name, LONG_TTL_MS, LONG_TTL_MS / 4);
  });

  it('C19: CLIENT KILL on all nodes interrupts for an instant, and neither leases nor admissions are lost', async () => {
    const server = await rig.firstServer();
    const holding = await rig.hold(server, 'r');
    holding.keep();
    const before = server.events.length;
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(
        rig.redises(...ALL).map(({ client }) => client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
      );
      await rig.hold(server, `r${round}`);
      for (const number of ALL) await server.sees(number, 'admitted');
    }
    expect(await holding.extend()).to.equal('renewed');
    expect(server.events.slice(before).filter(({ kind }) => kind === 'node_quarantined')).to.deep.equal([]);
    expect(server.events.slice(before).some(({ kind }) => kind === 'node_down')).to.equal(true);
  });

  it('C19: nodes that take no more clients are down, in these words, until they do', async () => {
    const server = await rig.firstServer();
    await Promise.all(
      rig.redises(1, 2, 3).map(async ({ client }) => {
        // The test's own connection is the one that is left.
        await client.config('SET', 'maxclients', '1');
        await client.call('CLIENT', 'KILL', 'SKIPME', 'yes');
      }),
    );
    await rig.refusal(server, 'r', /redis-1 has too many clients, redis-2 has too many clients, redis-3 has too/);
    // What ended the connections at first, and then this; not both again and again.
    const told = server.events.filter((event) => event.kind === 'node_down' && event.node === 'redis-1');
    expect(told.length).to.be.within(1, 2);
    await Promise.all(rig.redises(1, 2, 3).map(({ client }) => client.config('SET', 'maxclients', '100')));
    await rig.hold(server, 'r');
  });

  it('C16: nodes busy with a long script of somebody else say so, and count again when that is over', async () => {
    const server = await rig.firstServer();
    const endless = rig.redises(1, 2, 3).map(async (redis) => {
      await redis.client.config('SET', 'busy-reply-threshold', '50');
      const other = redis.client.duplicate({ retryStrategy: () => null });
      other.on('error', () => undefined);
      await other.eval('while true do end', 0).catch(() => undefined);
      other.disconnect();
    });
    await untilRefused(server, /redis-\d (is busy with a script of somebody else|timed out)/);
    for (const { client } of rig.redises(1, 2, 3)) {
      await eventually(PATIENCE_MS, 'the end of the script', async () => {
        const ended = await client.script('KILL').catch(() => undefined);
        return ended === 'OK' || undefined;
      });
    }
    await Promise.all(endless);
    await rig.hold(server, 'r');
  });

  /** Takes lock after lock until one is refused in these words, and says which; none takes longer than a node may (I5). */
  function untilRefused(server: FaultServer, words: RegExp): Promise<string> {
    let round = 0;
    return eventually(PATIENCE_MS, `a refusal in the words ${words}`, async () => {
      round += 1;
      const startMs = performance.now();
      const attempt = await rig.attempt(server, `lock-${round}`);
      expect(performance.now() - startMs).to.be.lessThan(NODE_DEADLINE_MS + SLACK_MS);
      return attempt.kind === 'unavailable' && words.test(attempt.message) ? `lock-${round}` : undefined;
    });
  }

  function sleep(numbers: readonly number[]): Promise<unknown> {
    return Promise.all(
      rig.redises(...numbers).map(({ client }) => client.call('DEBUG', 'SLEEP', String(SLOW_MS / 1_000))),
    );
  }

  function pause(numbers: readonly number[], ms: number): Promise<unknown> {
    return Promise.all(rig.redises(...numbers).map(({ client }) => client.call('CLIENT', 'PAUSE', String(ms), 'ALL')));
  }
});

async function timesOf(rounds: number, act: (round: number) => Promise<unknown>): Promise<readonly number[]> {
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startMs = performance.now();
    await act(round);
    tookMs.push(performance.now() - startMs);
  }
  return tookMs;
}
