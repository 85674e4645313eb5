import { expect } from 'chai';
import type { AcquireAnswer } from '../../server/src/core/store-port.js';
import { acquireBid, grantee, hashOf } from '../contract/store-bids.js';
import { CoordinatorRig, type RigServer } from '../support/redlock/coordinator-rig.js';

describe('a bid on a quorum of nodes', () => {
  let rig: CoordinatorRig;
  let server: RigServer;

  async function begin(size: number): Promise<void> {
    rig = await CoordinatorRig.of(size);
    server = await rig.server();
  }

  const acquire = (
    name: string,
    secret: string,
    earlier: readonly string[] = [],
    at = server,
  ): Promise<AcquireAnswer> => rig.during(at.on.acquire(name, grantee(secret), earlier));

  async function granted(name: string, secret: string, at = server): Promise<bigint> {
    const answer = await acquire(name, secret, [], at);
    if (answer.kind !== 'granted') throw new Error(`expected a grant, got ${JSON.stringify(answer)}`);
    return answer.token;
  }

  it('is granted in one call to each node, with the nodes’ time as its token', async () => {
    await begin(5);
    const before = server.nodes.map((node) => node.callsMade);
    const token = await granted('a', 'h');
    expect(server.nodes.map((node, index) => node.callsMade - (before[index] ?? 0))).to.deep.equal([1, 1, 1, 1, 1]);
    expect(Number(token)).to.be.closeTo(rig.redis(1).clockUs, 2_000_000);
    await rig.pass(1);
    expect(new Set(rig.values('a'))).to.deep.equal(new Set([`${hashOf('h')}:${token}`]));
  });

  it('is held while a quorum has another value, and says when it is worth asking again', async () => {
    await begin(5);
    await granted('a', 'h');
    const answer = await acquire('a', 'x');
    expect(answer.kind).to.equal('held');
    if (answer.kind === 'held') expect(answer.retryAfterMs).to.be.within(900, 1_015);
  });

  it('needs a quorum of true accepts: two of five are none, three are enough', async () => {
    await begin(5);
    for (const number of [1, 2]) rig.redis(number).stop();
    await rig.pass(1);
    await granted('a', 'h');
    rig.redis(3).stop();
    await rig.pass(1);
    const answer = await acquire('b', 'h');
    expect(answer.kind).to.equal('unavailable');
    if (answer.kind === 'unavailable')
      expect(answer.message).to.match(/^3 of 5 nodes did not vote: redis-1 .*, redis-2 .*, redis-3 /);
  });

  it('settles a tie of four at once: two refusals are enough', async () => {
    await begin(4);
    const other = await rig.server();
    for (const number of [1, 2]) rig.redis(number).pause();
    const [mine, theirs] = await rig.during(
      Promise.all([server.on.acquire('a', grantee('h')), other.on.acquire('a', grantee('x'))]),
    );
    expect([mine.kind, theirs.kind]).to.not.include('granted');
    for (const number of [1, 2]) rig.redis(number).resume();
    await rig.pass(50);
    expect(rig.values('a')).to.deep.equal([undefined, undefined, undefined, undefined]);
  });

  it('leaves nothing behind where it failed, also on nodes that were silent (D3, C3)', async () => {
    await begin(5);
    const other = await rig.server();
    for (const number of [4, 5]) rig.redis(number).pause();
    rig.redis(3).keys.set('holdfast:default:lock:a', 'somebody', 5_000);
    expect((await acquire('a', 'h')).kind).to.equal('held');
    for (const number of [4, 5]) rig.redis(number).resume();
    await rig.pass(50);
    expect(rig.values('a')).to.deep.equal([undefined, undefined, 'somebody', undefined, undefined]);
    await granted('a', 'x', other);
  });

  it('bids again above the ballots that refused it, in a second round', async () => {
    await begin(5);
    const other = await rig.server();
    const first = await granted('a', 'h');
    await rig.during(server.on.releaseLease('a', 'h', first));
    // As if another server, whose idea of the time is a little ahead, had been granted meanwhile.
    const ahead = Number(first) + 3_000_000;
    for (const redis of rig.redises) redis.keys.set('\u0000ballot holdfast:default:lock:a', String(ahead), 600_000);
    const second = await granted('a', 'x', other);
    expect(Number(second)).to.equal(ahead + 1);
    await rig.pass(10);
    expect(new Set(rig.values('a'))).to.deep.equal(new Set([`${hashOf('x')}:${second}`]));
  });

  it('is not led astray by a ballot that no clock explains (E6)', async () => {
    await begin(5);
    const ballot = (number: number, token: number): void =>
      rig.redis(number).keys.set('\u0000ballot holdfast:default:lock:a', String(token), 600_000);
    const ahead = rig.redis(1).clockUs + 3_000_000;
    for (const number of [1, 2]) ballot(number, ahead);
    ballot(5, Number.MAX_SAFE_INTEGER);
    const token = await granted('a', 'h');
    expect(Number(token)).to.equal(ahead + 1);
    await rig.during(server.on.releaseLease('a', 'h', token));
    for (const number of [1, 2, 3]) ballot(number, Number.MAX_SAFE_INTEGER);
    const answer = await acquire('a', 'x');
    expect(answer).to.include({ kind: 'unavailable' });
    expect(answer.kind === 'unavailable' && answer.message).to.match(
      /^3 of 5 nodes did not vote: redis-1 has a ballot far ahead of/,
    );
  });

  it('reports a grant to an older secret of the request, and adopts nothing by itself (S6)', async () => {
    await begin(5);
    const token = await granted('a', 'h');
    const answer = await acquire('a', 'newer', ['never used', 'h']);
    expect(answer).to.deep.equal({ kind: 'mine', hash: hashOf('h'), token });
    await rig.pass(10);
    expect(new Set(rig.values('a'))).to.deep.equal(new Set([`${hashOf('h')}:${token}`]));
  });

  it('removes what an older secret left on a minority, and counts it for nothing', async () => {
    await begin(5);
    const key = 'holdfast:default:lock:a';
    const stale = `${hashOf('older')}:${rig.redis(1).clockUs}`;
    for (const number of [1, 2]) rig.redis(number).keys.set(key, stale, 5_000);
    for (const number of [3]) rig.redis(number).keys.set(key, 'somebody', 5_000);
    expect((await acquire('a', 'newer', ['older'])).kind).to.equal('held');
    await rig.pass(10);
    expect(rig.values('a')).to.deep.equal([undefined, undefined, 'somebody', undefined, undefined]);
    await granted('a', 'newer');
  });

  it('removes what an older secret left on a minority also where it is granted without that', async () => {
    await begin(5);
    const stale = `${hashOf('older')}:${rig.redis(1).clockUs}`;
    for (const number of [1, 2]) rig.redis(number).keys.set('holdfast:default:lock:a', stale, 5_000);
    rig.slowReplies(server, 2, 20);
    const answer = await acquire('a', 'newer', ['older']);
    expect(answer.kind).to.equal('granted');
    await rig.pass(50);
    expect(rig.values('a').slice(0, 2)).to.deep.equal([undefined, undefined]);
    if (answer.kind !== 'granted') return;
    expect(await rig.during(server.on.extend('a', 'newer', answer.token))).to.equal('renewed');
    await rig.pass(50);
    expect(new Set(rig.values('a'))).to.deep.equal(new Set([`${hashOf('newer')}:${answer.token}`]));
  });

  it('removes what another bid of the same secret left behind', async () => {
    await begin(5);
    const key = 'holdfast:default:lock:a';
    for (const number of [1, 2, 3]) rig.redis(number).keys.set(key, `${hashOf('h')}:17`, 5_000);
    expect((await acquire('a', 'h')).kind).to.equal('held');
    await rig.pass(10);
    expect(rig.values('a').slice(0, 3)).to.deep.equal([undefined, undefined, undefined]);
    await granted('a', 'h');
  });

  it('is refused by nodes whose clocks are outside the window, and says so (E1, E6)', async () => {
    await begin(3);
    rig.redis(2).stepClock(60_000);
    rig.redis(3).stepClock(-60_000);
    const answer = await acquire('a', 'h');
    expect(answer.kind).to.equal('unavailable');
    if (answer.kind === 'unavailable') expect(answer.message).to.contain('has a clock too far from the others');
    await rig.pass(10);
    expect(rig.values('a')).to.deep.equal([undefined, undefined, undefined]);
  });

  it('is never delayed twice by a node that hangs (L6)', async () => {
    await begin(5);
    for (const number of [4, 5]) rig.redis(number).pause();
    rig.redis(3).keys.set('holdfast:default:lock:a', 'somebody', 50_000);
    const started = rig.clock.nowMs();
    await acquire('a', 'h');
    expect(rig.clock.nowMs() - started).to.be.within(95, 105);
    const again = rig.clock.nowMs();
    await acquire('a', 'h');
    expect(rig.clock.nowMs() - again).to.be.at.most(5);
    const free = rig.clock.nowMs();
    await granted('b', 'h');
    expect(rig.clock.nowMs() - free).to.be.at.most(5);
  });

  it('whose answers come too late for its time to live is no grant (A3, B3)', async () => {
    await begin(3);
    const asked = server.on.acquire('a', grantee('h', { ttlMs: 1_000 }));
    // The server stands still with the answers in its buffers.
    await rig.pass(0.1);
    rig.clock.stall(990);
    const answer = await rig.during(asked);
    expect(answer.kind).to.equal('unavailable');
    await rig.pass(10);
    expect(rig.values('a')).to.deep.equal([undefined, undefined, undefined]);
  });

  it('shares calls with all others of its turn, 256 to a call', async () => {
    await begin(5);
    const before = server.nodes[0]?.callsMade ?? 0;
    const bids = Array.from({ length: 1_000 }, (_, index) => acquireBid(`n${index}`, grantee(`h${index}`)));
    const answers = await rig.during(server.on.batch.acquire(bids));
    expect(answers.filter(({ kind }) => kind === 'granted')).to.have.length(1_000);
    expect((server.nodes[0]?.callsMade ?? 0) - before).to.equal(4);
  });

  it('of two servers never gives one resource to both, whatever the order of arrival (S1)', async () => {
    for (let round = 0; round < 40; round += 1) {
      await begin(round % 2 === 0 ? 5 : 3);
      const other = await rig.server();
      [server, other].forEach(({ nodes }, which) => {
        nodes.forEach((node, index) => {
          node.requestMs = () => ((round * 7 + index * 3 + which * 5) % 11) + 0.1;
        });
      });
      const answers = await rig.during(
        Promise.all([server.on.acquire('a', grantee('h')), other.on.acquire('a', grantee('x'))]),
      );
      expect(answers.filter(({ kind }) => kind === 'granted').length).to.be.at.most(1);
    }
  });
});
