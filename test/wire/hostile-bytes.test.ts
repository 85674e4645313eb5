import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import { Bystander } from './support/bystander.js';
import { ScriptedCore } from './support/scripted-core.js';
import { type Served, serve } from './support/served.js';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const GRPC_HEADERS = {
  ':method': 'POST',
  ':path': '/holdfast.v1.LeaseService/Session',
  'content-type': 'application/grpc',
  te: 'trailers',
};

/** Resolves when the other side has hung up, in whatever way. */
function hungUp(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => undefined).resume();
    socket.once('close', () => resolve());
  });
}

describe('What is not gRPC', () => {
  let core: ScriptedCore;
  let served: Served;
  let bystander: Bystander;

  beforeEach(async () => {
    core = new ScriptedCore();
    served = await serve(core);
    bystander = await Bystander.arrive(served);
  });

  afterEach(async () => {
    await bystander.isServed();
    await (await Bystander.arrive(served)).isServed();
    await served.stop();
    expect(served.defects).to.deep.equal([]);
  });

  async function sendAndHangUp(...chunks: readonly (string | Buffer)[]): Promise<void> {
    const socket = connectTcp(served.port, '127.0.0.1');
    const over = hungUp(socket);
    for (const chunk of chunks) socket.write(chunk);
    socket.end();
    await over;
  }

  it('is survived: random bytes [H7]', async () => {
    for (let round = 0; round < 20; round += 1) await sendAndHangUp(randomBytes(1 + round * 97));
  });

  it('is survived: random bytes after a valid beginning [H7]', async () => {
    for (let round = 0; round < 20; round += 1) await sendAndHangUp(PREFACE, randomBytes(1 + round * 97));
  });

  it('is survived: an HTTP/1 request [H7]', async () => {
    await sendAndHangUp('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  });

  it('is survived: a TLS handshake [H7]', async () => {
    const socket = connectTls({ port: served.port, host: '127.0.0.1', rejectUnauthorized: false });
    await hungUp(socket);
  });

  it('is survived: connections reset at once [H7]', async () => {
    for (let round = 0; round < 20; round += 1) {
      const socket = connectTcp(served.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.resetAndDestroy();
    }
  });

  async function streamWith(headers: OutgoingHttpHeaders): Promise<string> {
    const session = connectHttp2(`http://${served.target}`, { maxSendHeaderBlockLength: 4 * 1_024 * 1_024 });
    session.on('error', () => undefined);
    const request = session.request({ ...GRPC_HEADERS, ...headers });
    request.on('error', () => undefined).resume();
    const outcome = await new Promise<string>((resolve) => {
      request.once('response', () => resolve('answered'));
      request.once('close', () => resolve('refused'));
    });
    session.destroy();
    return outcome;
  }

  it('is refused: a megabyte of metadata [H11]', async () => {
    const before = core.streams.length;
    expect(await streamWith({ 'x-much': 'm'.repeat(1_024 * 1_024) })).to.equal('refused');
    expect(core.streams.length, 'streams that reached the core').to.equal(before);
  });

  it('is refused: ten thousand headers [H11]', async () => {
    const before = core.streams.length;
    const headers = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`x-${at}`, '1']));
    expect(await streamWith(headers)).to.equal('refused');
    expect(core.streams.length, 'streams that reached the core').to.equal(before);
  });
});
