import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { type CommandRun, runHoldfast } from '../support/holdfast-command.js';
import { type ServerProcess, startServer } from '../support/server-process.js';

const NONE = { grpc_proxy: '', https_proxy: '', http_proxy: '', no_grpc_proxy: '', no_proxy: '' };

describe('an HTTP proxy in the environment', function () {
  this.timeout(40_000);
  let proxy: Server;
  let server: ServerProcess;
  let asked: string[];

  before(async () => {
    proxy = createServer().on('connect', ({ url = '' }, socket) => {
      asked.push(url);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    server = await startServer();
  });
  beforeEach(() => {
    asked = [];
  });
  after(async () => {
    await server.stop();
    proxy.close();
  });

  async function list(host: string, variables: Readonly<Record<string, string>>): Promise<CommandRun> {
    const target = server.address.replace('127.0.0.1', host);
    return runHoldfast(['ls', '--connect-timeout', '2s'], { server: target, env: { ...NONE, ...variables } });
  }

  const proxyUrl = (): string => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  for (const host of ['localhost', '127.0.0.1']) {
    it(`stands between the client and ${host}`, async () => {
      const { code } = await list(host, { http_proxy: proxyUrl() });
      expect(code).to.be.greaterThan(0);
      expect(asked).to.include(server.address.replace('127.0.0.1', host));
    });

    it(`does not, where no_grpc_proxy names ${host}`, async () => {
      const { code, stderr } = await list(host, { http_proxy: proxyUrl(), no_grpc_proxy: 'localhost,127.0.0.1' });
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(asked).to.deep.equal([]);
    });
  }
});
