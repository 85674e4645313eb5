import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { expect } from 'chai';
import { ScriptedCore } from './support/scripted-core.js';
import { type Served, serve } from './support/served.js';
import { until } from './support/until.js';
import { open } from './support/wire-client.js';

describe('Connections and streams', () => {
  let served: Served;

  afterEach(() => served.stop());

  it('are bounded: one stream too many is refused with the bound and a delay', async () => {
    const core = new ScriptedCore();
    served = await serve(core, { maxStreams: 2 });
    const first = await served.client().openSession();
    await served.client().openSession();

    const third = served.client().session();
    third.write({ id: 1, kind: open() });
    const end = await third.ended();
    expect(end.code).to.equal('RESOURCE_EXHAUSTED');
    expect(end.infos[0]?.reason).to.equal('LIMIT_REACHED');
    expect(end.infos[0]?.metadata).to.include({ field: 'streams', limit: 'at most 2' });
    expect(end.retries).to.have.length(1);
    expect(core.streams).to.have.length(2);

    first.call.cancel();
    await first.ended();
    await until('one stream is left', () => served.rpc.openStreams() === 1);
    await served.client().openSession();
  });

  it('are bounded: one connection too many is closed at once [H13]', async () => {
    served = await serve(new ScriptedCore(), { maxConnections: 1 });
    const client = served.client();
    await client.openSession();
    const extra = connect(served.port, '127.0.0.1').resume();
    extra.on('error', () => undefined);
    await once(extra, 'close');
    await client.openSession();
  });

  it('are counted until they are gone, ended however they may', async () => {
    const core = new ScriptedCore();
    served = await serve(core);
    const client = served.client();
    const [closed, cancelled, refused] = [await client.openSession(), await client.openSession(), client.session()];
    closed.write({ id: 2, kind: { $case: 'close', value: {} } });
    cancelled.call.cancel();
    refused.writeRaw(Buffer.from([0xff]));
    await Promise.all([closed, cancelled, refused].map((stream) => stream.ended()));
    await until('no stream is left', () => served.rpc.openStreams() === 0);
    expect(core.streams.map(({ ended, closedCalls }) => Number(ended) + closedCalls)).to.deep.equal([1, 1, 1]);
  });

  it('are dropped when nobody answers on the other side [D8]', async () => {
    served = await serve(new ScriptedCore(), { keepaliveIntervalMs: 50, keepaliveTimeoutMs: 50 });
    const silent = connect(served.port, '127.0.0.1').resume();
    silent.on('error', () => undefined);
    // A valid beginning, then nothing: no answer to any ping.
    silent.write(
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]),
    );
    await once(silent, 'close');
  });

  it('outlive many pings that are answered', async () => {
    served = await serve(new ScriptedCore(), { keepaliveIntervalMs: 10, keepaliveTimeoutMs: 5_000 });
    const session = connectHttp2(`http://${served.target}`);
    for (let pings = 0; pings < 5; pings += 1) await once(session, 'ping');
    expect(session.closed || session.destroyed).to.equal(false);
    session.destroy();
  });

  it('are closed when no call has been made on them for long', async () => {
    served = await serve(new ScriptedCore(), { idleConnectionMs: 50 });
    const idle = connect(served.port, '127.0.0.1').resume();
    idle.on('error', () => undefined);
    idle.write(
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]),
    );
    await once(idle, 'close');
  });
});
