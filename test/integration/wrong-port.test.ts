import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { connect, ProtocolError, UnavailableError } from '@holdfast/client';
import { expect } from 'chai';
import { runHoldfast } from '../support/holdfast-command.js';

const CONNECT_TIMEOUT_MS = 400;

/** Things that may be found on a port: what they do with a client is not Holdfast's. */
const OTHERS: Readonly<Record<string, () => Server>> = {
  'an HTTP server': () => createServer((_, response) => response.end('hello')),
  'an HTTP/2 server': () => createHttp2Server((_, response) => response.end('hello')),
  'a server that speaks first': () =>
    createTcpServer((socket) => socket.on('error', ignored).write('SSH-2.0-other\r\n')),
};

describe('a port with something else behind it', function () {
  this.timeout(30_000);

  for (const [what, make] of Object.entries(OTHERS)) {
    describe(what, () => {
      let server: Server;
      let address: string;
      const sockets = new Set<Socket>();

      before(async () => {
        server = make();
        server.on('connection', (socket: Socket) => sockets.add(socket));
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      });

      after(async () => {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      });

      it('is no server, says connect', async () => {
        const error = await connect(address, { connectTimeoutMs: CONNECT_TIMEOUT_MS }).catch((thrown) => thrown);
        expect(error).to.be.instanceOf(ProtocolError).and.include({ code: 'PROTOCOL', retryable: false });
        expect(error.message).to.equal(`something answers at ${address}, but it is not a Holdfast server`);
      });

      for (const args of [['ls'], ['run', 'x', '--connect-timeout', `${CONNECT_TIMEOUT_MS}ms`, '--', 'true']]) {
        it(`is no server, says holdfast ${args[0]}`, async () => {
          const { code, stdout, stderr } = await runHoldfast(args, { server: address });
          expect({ code, stdout }).to.deep.equal({ code: 69, stdout: '' });
          expect(stderr).to.equal(
            `holdfast: something answers at ${address}, but it is not a Holdfast server; ` +
              'check --server, and that client and server fit together\n',
          );
        });
      }
    });
  }

  it('differs from one with nothing behind it', async () => {
    const error = await connect('127.0.0.1:1', { connectTimeoutMs: CONNECT_TIMEOUT_MS }).catch((thrown) => thrown);
    expect(error).to.be.instanceOf(UnavailableError);
    const why = 'no connection to 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1';
    expect(error.message).to.equal(`no server answered within ${CONNECT_TIMEOUT_MS} ms: ${why}`);
  });
});

function ignored(): void {
  // The client may be gone first.
}
