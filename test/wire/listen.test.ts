import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../server/src/process/system-clock.js';
import { systemRandom } from '../../server/src/process/system-random.js';
import { createRpcServer, type ListenAddress, ListenError, type RpcServer } from '../../server/src/rpc/index.js';
import { ScriptedCore } from './support/scripted-core.js';
import { WireClient } from './support/wire-client.js';

describe('Listening', () => {
  let rpc: RpcServer;
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-listen-'));
    rpc = createRpcServer({
      core: new ScriptedCore(),
      clock: systemClock,
      random: systemRandom(),
      reportDefect: () => undefined,
    });
  });

  afterEach(async () => {
    await rpc.shutdown(0);
    rmSync(directory, { recursive: true });
  });

  async function serves(target: string): Promise<void> {
    const client = new WireClient(target);
    await client.openSession();
    client.close();
  }

  async function refusalOf(address: ListenAddress): Promise<string> {
    const error = await rpc.listen(address).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof ListenError)) throw new Error(`not refused, but ${error}`);
    return error.message;
  }

  it('takes a free port and says which', async () => {
    const address = await rpc.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
    if (address.kind !== 'tcp') throw new Error('not a port');
    expect(address).to.include({ host: '127.0.0.1' });
    await serves(`127.0.0.1:${address.port}`);
  });

  it('takes a Unix socket, and removes it in the end', async () => {
    const path = join(directory, 'socket');
    expect(await rpc.listen({ kind: 'unix', path })).to.deep.equal({ kind: 'unix', path });
    await serves(`unix:${path}`);
    await rpc.shutdown(0);
    expect(existsSync(path)).to.equal(false);
  });

  it('takes over a Unix socket that a killed process left behind', async () => {
    const path = join(directory, 'socket');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', script]), 'exit');
    expect(existsSync(path), 'left behind').to.equal(true);
    await rpc.listen({ kind: 'unix', path });
    await serves(`unix:${path}`);
  });

  it('takes several addresses', async () => {
    await rpc.listen({ kind: 'unix', path: join(directory, 'one') });
    await rpc.listen({ kind: 'unix', path: join(directory, 'two') });
    await serves(`unix:${join(directory, 'one')}`);
    await serves(`unix:${join(directory, 'two')}`);
  });

  it('says what to do about a port or socket that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { readonly port: number };
    expect(await refusalOf({ kind: 'tcp', host: '127.0.0.1', port })).to.equal(
      `port ${port} on 127.0.0.1 is in use; stop the other process or choose another with --listen`,
    );
    other.close();

    const path = join(directory, 'socket');
    const another = createServer().listen(path);
    await once(another, 'listening');
    expect(await refusalOf({ kind: 'unix', path })).to.equal(
      `the socket ${path} is in use; stop the other process or choose another with --listen`,
    );
    another.close();
  });

  it('says what is wrong with a host of another machine, or a directory that is not there', async () => {
    const elsewhere = await refusalOf({ kind: 'tcp', host: '192.0.2.1', port: 0 });
    expect(elsewhere).to.contain('192.0.2.1').and.to.contain('no address of this machine');
    expect(await refusalOf({ kind: 'unix', path: join(directory, 'no/socket') })).to.contain('directory is missing');
  });
});
