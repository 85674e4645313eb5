import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { ScriptedCore } from './support/scripted-core.js';
import { type Served, serve } from './support/served.js';
import { acquire, open } from './support/wire-client.js';

/** Longer than a test may take: a grace that must not be waited for. */
const LONG_MS = 60_000;

describe('Shutting down', () => {
  let core: ScriptedCore;
  let served: Served;

  beforeEach(async () => {
    core = new ScriptedCore();
    served = await serve(core);
  });

  afterEach(() => served.stop());

  it('tells streams to move, and is over as soon as they have', async () => {
    const stream = await served.client().openSession();
    const stopped = served.rpc.shutdown(LONG_MS);
    const draining = await stream.frame(({ kind }) => kind?.$case === 'draining');
    expect(draining.kind?.value).to.deep.equal({ remainingMs: LONG_MS });
    stream.write({ id: 2, kind: acquire('still served') });
    expect((await stream.answer(2)).kind?.$case).to.equal('granted');
    stream.call.cancel();
    await stopped;
    expect(core.latest.ended).to.equal(false);
  });

  it('takes no more connections, and leaves those alone that there are', async () => {
    const client = served.client();
    const stream = await client.openSession();
    const stopped = served.rpc.shutdown(LONG_MS);
    await stream.frame(({ kind }) => kind?.$case === 'draining');
    const refused = connect(served.port, '127.0.0.1');
    const [error] = await once(refused, 'error').catch((reason: unknown) => [reason]);
    expect(error).to.have.property('code', 'ECONNREFUSED');
    const another = client.session();
    another.write({ id: 1, kind: open() });
    expect((await another.answer(1)).kind?.$case).to.equal('opened');
    stream.call.cancel();
    another.call.cancel();
    await stopped;
  });

  it('keeps connections through the grace, keepalive or not', async () => {
    await served.stop();
    served = await serve(core, { keepaliveIntervalMs: 10, keepaliveTimeoutMs: 5_000 });
    const stream = await served.client().openSession();
    const stopped = served.rpc.shutdown(LONG_MS);
    await stream.frame(({ kind }) => kind?.$case === 'draining');
    // Each answer is a round trip; by the last, several pings have been due.
    const untilMs = performance.now() + 100;
    for (let id = 2; performance.now() < untilMs; id += 1) {
      stream.write({ id, kind: acquire('still served') });
      expect((await stream.answer(id)).kind?.$case).to.equal('granted');
    }
    stream.call.cancel();
    await stopped;
  });

  it('ends who stays beyond the grace, with a reason and a delay', async () => {
    const stream = await served.client().openSession();
    await served.rpc.shutdown(50);
    const end = await stream.ended();
    expect(end.code).to.equal('UNAVAILABLE');
    expect(end.infos[0]).to.include({ reason: 'DRAINING', domain: 'holdfast' });
    expect(end.retries).to.have.length(1);
  });

  it('is cut short when asked again', async () => {
    const stream = await served.client().openSession();
    const stopped = served.rpc.shutdown(LONG_MS);
    await Promise.all([stopped, served.rpc.shutdown(0)]);
    expect((await stream.ended()).code).to.equal('UNAVAILABLE');
  });

  it('does not wait for a client that neither reads nor leaves', async () => {
    const stream = await served.client().openSession();
    stream.call.pause();
    for (let id = 0; id < 500; id += 1) {
      core.latest.send({ kind: 'failed', id: 9, failure: { reason: 'INTERNAL', message: 'm'.repeat(10_000) } });
    }
    await served.rpc.shutdown(0);
    stream.call.resume();
    await stream.ended();
  });

  it('does not wait for connections on which nothing was ever said', async () => {
    const silent = connect(served.port, '127.0.0.1').resume();
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    await served.rpc.shutdown(LONG_MS);
    await closed;
  });

  it('is over at once when it never listened', async () => {
    const { createRpcServer } = await import('../../server/src/rpc/index.js');
    const { systemClock } = await import('../../server/src/process/system-clock.js');
    const { systemRandom } = await import('../../server/src/process/system-random.js');
    await createRpcServer({ core, clock: systemClock, random: systemRandom(), reportDefect: () => undefined }).shutdown(
      LONG_MS,
    );
  });
});
