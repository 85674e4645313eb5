import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { startServer } from '../support/server-process.js';
import { acquire, WireClient } from '../wire/support/wire-client.js';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';

describe('traces of holdfast-server', function () {
  this.timeout(30_000);
  let collector: Server;
  let endpoint: string;
  const received: { readonly path: string | undefined; readonly body: string }[] = [];

  before(async () => {
    collector = createServer(async (request, response) => {
      received.push({ path: request.url, body: await text(request) });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    }).listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const address = collector.address();
    endpoint = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });

  after(() => {
    collector.closeAllConnections();
    collector.close();
  });

  it('go to the collector that the environment names, as children of their callers', async () => {
    const server = await startServer({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } });
    const client = new WireClient(server.address);
    try {
      const stream = await client.openSession();
      const request = acquire('orders/42');
      if (request.$case !== 'acquire') throw new Error('not an Acquire');
      const traceparent = `00-${traceId}-${parentId}-01`;
      stream.write({ id: 2, kind: { ...request, value: { ...request.value, traceparent } } });
      await stream.answer(2);
      stream.call.cancel();
    } finally {
      client.close();
      await server.stop();
    }
    expect(received).to.have.lengthOf(1);
    expect(received[0]?.path).to.equal('/v1/traces');
    const { resourceSpans } = JSON.parse(received[0]?.body ?? '');
    const [span] = resourceSpans[0].scopeSpans[0].spans;
    expect(span).to.include({ name: 'holdfast.acquire', traceId, parentSpanId: parentId });
    expect(JSON.stringify(span.attributes)).to.include('orders/42').and.to.include('granted');
  });

  it('do not keep the server from ending when the collector is gone', async () => {
    const server = await startServer({ env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:1/v1/traces' } });
    const client = new WireClient(server.address);
    try {
      const stream = await client.openSession();
      stream.write({ id: 2, kind: acquire('orders/42') });
      await stream.answer(2);
      stream.call.cancel();
    } finally {
      client.close();
    }
    expect(await server.stop()).to.deep.equal({ code: 0, signal: null });
  });
});
