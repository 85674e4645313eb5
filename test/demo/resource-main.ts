/** A resource worth protecting, in a process of its own: it takes writes, unless their token is below one it has seen. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { ResourceEvent, Write, WriteAnswer } from './resource-protocol.js';

const checksTokens = !process.argv.includes('--no-token-check');
const log: Write[] = [];
let highest = 0n;

function take(write: Write): WriteAnswer {
  const token = BigInt(write.token);
  if (checksTokens && token < highest) return { accepted: false, highest: String(highest) };
  if (token > highest) highest = token;
  log.push(write);
  return { accepted: true, highest: String(highest) };
}

const server = createServer(async (request, response) => {
  const answer = request.method === 'POST' ? take((await json(request)) as Write) : log;
  response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ kind: 'ready', url: `http://127.0.0.1:${port}` } satisfies ResourceEvent);
});
process.on('disconnect', () => process.exit());
