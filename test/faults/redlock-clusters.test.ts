import { expect } from 'chai';
import { grantee, hashOf, resource } from '../contract/store-bids.js';
import { eventually } from '../support/deadline.js';
import { FaultRig, lockKey, MAX_TTL_MS, PATIENCE_MS, quarantineOf, WINDOW_MS } from '../support/redlock/fault-rig.js';

const ALL = [1, 2, 3, 4, 5];
const HOUR_MS = 3_600_000;

describe('faults: locks that outlast every lease, and servers that do not belong together', function () {
  this.timeout(30_000);
  let rig: FaultRig;
  beforeEach(async () => {
    rig = await FaultRig.start();
  });
  afterEach(() => rig.finish());

  /** As a node has it whose clock was set back while the lock stood. */
  async function outlast(name: string, numbers: readonly number[]): Promise<void> {
    const value = `${hashOf('long gone')}:${Date.now() * 1_000}`;
    await Promise.all(rig.redises(...numbers).map(({ client }) => client.set(lockKey(name), value, 'PX', HOUR_MS)));
  }

  it('E3: a lock that clocks set back keep for an hour at a majority is in the way until an operator has it forgotten', async () => {
    const server = await rig.firstServer();
    await outlast('r', [1, 2, 3]);
    await outlast('r', [4]);
    const answer = await server.on.acquire('r', grantee('somebody', { ttlMs: MAX_TTL_MS }));
    expect(answer.kind === 'held' && answer.retryAfterMs).to.be.greaterThan(HOUR_MS / 2);
    const outcome = await server.store.nodes.forget(resource('r'), false);
    expect(outcome).to.deep.equal({ kind: 'done', message: 'r was forgotten by 4 of 5 nodes' });
    await rig.hold(server, 'r', MAX_TTL_MS, 1_000);
  });

  it('E3: at a minority it is in nobody’s way, and is forgotten beside a lease that is kept', async () => {
    const server = await rig.firstServer();
    await outlast('r', [2, 5]);
    const holding = await rig.hold(server, 'r');
    holding.keep();
    const outcome = await server.store.nodes.forget(resource('r'), false);
    expect(outcome).to.deep.equal({ kind: 'done', message: 'r was forgotten by 2 of 5 nodes' });
    expect(await holding.extend()).to.equal('renewed');
    await rig.stands('r', 5);
    expect(new Set(await rig.values('r')).size).to.equal(1);
  });

  it('E3: a lease somebody may rely on is forgotten by force alone, and then its holder is told', async () => {
    const server = await rig.firstServer();
    const holding = await rig.hold(server, 'r');
    holding.keep();
    const refused = await server.store.nodes.forget(resource('r'), false);
    expect(refused.kind).to.equal('refused');
    expect(refused.message).to.match(/^r may be a lease somebody relies on: it ends by itself within [12] s$/);
    expect(await holding.extend()).to.equal('renewed');
    expect(await server.store.nodes.forget(resource('none'), false)).to.deep.equal({
      kind: 'refused',
      message: 'no node has a lock of none',
    });
    expect((await server.store.nodes.forget(resource('r'), true)).kind).to.equal('done');
    holding.takenAway();
    expect(await holding.extend()).to.equal('lost');
    await rig.hold(server, 'r');
  });

  it('two addresses of one node are refused for good, by their names', async () => {
    const first = await rig.firstServer();
    const twice = await rig.server({}, [], new Map([[4, rig.redis(2).url]]));
    const problem = 'redis-2 and redis-4 are one and the same Redis: each node must be a process of its own';
    await eventually(PATIENCE_MS, 'the verdict', () => twice.fatal.length > 0 || undefined);
    expect(twice.fatal).to.deep.equal([problem]);
    expect(await rig.attempt(twice, 'r')).to.deep.equal({ kind: 'unavailable', message: problem });
    await rig.hold(first, 'r');
  });

  for (const [what, changes] of [
    ['another window', { windowMs: 2 * WINDOW_MS }],
    ['another allowance for drift', { clockRateDrift: 0.02 }],
    ['another key template', { keyTemplate: 'locks:{ns}:{name}' }],
    ['other node ids', { nodeIds: ['a', 'b', 'c', 'd', 'e'] }],
  ] as const) {
    it(`B9: a server with ${what} grants nothing and says why; the first goes on (I10)`, async () => {
      const first = await rig.firstServer();
      const holding = await rig.hold(first, 'r');
      const stranger = await rig.server(changes);
      const words =
        / belongs to the configuration \w+ \(generation 1\), this server has \w+ \(generation 1\): all servers of/;
      await rig.refusal(stranger, 'other', words);
      for (let round = 0; round < 10; round += 1) {
        expect((await rig.attempt(stranger, `r${round}`)).kind).to.equal('unavailable');
      }
      expect(stranger.events.some(({ kind }) => kind === 'configuration_conflict')).to.equal(true);
      expect(await holding.extend()).to.equal('renewed');
      await rig.hold(first, 'other');
      for (const number of ALL) expect(first.node(number).state).to.equal('admitted');
    });
  }

  it('B9: two servers started at once on empty nodes with different windows: at most one of them grants', async () => {
    const servers = [await rig.server(), await rig.server({ windowMs: 2 * WINDOW_MS })];
    const granting = await eventually(2 * PATIENCE_MS, 'one that grants, or two that refuse', async () => {
      const attempts = await Promise.all(servers.map((server, index) => rig.attempt(server, `r${index}`)));
      const granted = attempts.filter(({ kind }) => kind === 'granted').length;
      const refused = attempts.filter(
        (each) => each.kind === 'unavailable' && /belongs to the conf/.test(each.message),
      );
      return granted + refused.length === servers.length ? granted : undefined;
    });
    expect(granting).to.be.lessThan(2);
  });

  it('B9: other addresses, limits and deadlines are no conflict: both grant, and the wait is that of the longer lease', async () => {
    const first = await rig.firstServer();
    const longTtlMs = 2 * MAX_TTL_MS;
    const second = await rig.nextServer({ maxTtlMs: longTtlMs, nodeDeadlineMs: 200 }, ALL);
    const holding = await rig.hold(second, 'r', longTtlMs);
    expect((await rig.attempt(first, 'r')).kind).to.equal('held');
    expect(await holding.release()).to.equal('released');
    await rig.hold(first, 'r');
    // Nobody is left to say so but the nodes.
    await rig.cluster.close(second.store);
    const flushedMs = performance.now();
    await rig.redis(3).client.flushall();
    await first.sees(3, 'quarantined');
    await first.sees(3, 'admitted');
    expect(performance.now() - flushedMs).to.be.greaterThan(quarantineOf(longTtlMs));
  });
});
