import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../support/deadline.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const PATIENCE_MS = 5_000;

describe('the relay of fault tests', () => {
  let server: Server;
  let proxy: TcpProxy;
  const sockets: Socket[] = [];
  let near: Socket;
  let far: Socket;

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await TcpProxy.start(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    ({ near, far } = await dialled());
  });

  /** Both ends of one more connection through the relay. */
  async function dialled(): Promise<{ readonly near: Socket; readonly far: Socket }> {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const dialling = connect({ host: '127.0.0.1', port: Number(proxy.address.split(':')[1]), allowHalfOpen: true });
    const [taken] = await accepted;
    sockets.push(dialling, taken);
    return { near: dialling, far: taken };
  }

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await proxy.stop();
    server.close();
    await once(server, 'close');
  });

  it('ends one direction alone, and passes what comes the other way', async () => {
    far.resume();
    proxy.halfClose('up');
    near.write('too late');
    await once(far, 'end');
    expect(far.bytesRead).to.equal(0);
    far.write('still heard');
    const [heard] = (await once(near, 'data')) as [Buffer];
    expect(heard.toString()).to.equal('still heard');
  });

  it('forgets a connection that was idle, for both directions, and keeps one that is not', async () => {
    for (const direction of ['up', 'down'] as const) proxy.treat(direction, { kind: 'forget_idle', ms: 60_000 });
    near.write('in use');
    await once(far, 'data');
    for (const direction of ['up', 'down'] as const) proxy.treat(direction, { kind: 'forget_idle', ms: 0 });
    near.write('forgotten');
    await eventually(PATIENCE_MS, 'a forgotten connection', () => proxy.forgotten === 1 || undefined);
    far.write('forgotten');
    for (const direction of ['up', 'down'] as const) proxy.treat(direction, { kind: 'pass' });
    near.write('too late');
    // What was written before has long passed the relay when another connection has been there and back.
    const other = await dialled();
    other.near.write('to');
    await once(other.far, 'data');
    other.far.write('fro');
    await once(other.near, 'data');
    expect([far.bytesRead, near.bytesRead]).to.deep.equal([6, 0]);
  });
});
