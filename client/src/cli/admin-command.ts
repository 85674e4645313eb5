import { SystemClock } from '../system-clock.js';
import { giveOrder, listNodes } from '../transport/admin-calls.js';
import type { OrderOptions, ServerOptions } from './command-line.js';
import { firstServer } from './first-server.js';
import { nodeLines } from './node-table.js';
import type { Output } from './output.js';

/** What a server may need for an order, once it is connected: it waits for its nodes. */
const ORDER_MS = 15_000;

/** Lists the nodes of a server's store: a table for people, or one JSON object. */
export async function nodesCommand(options: ServerOptions, json: boolean, output: Output): Promise<void> {
  const clock = new SystemClock();
  const { nodes, quorum } = await firstServer(options.servers, (server) =>
    listNodes(server, clock.wallMs() + options.connectTimeoutMs),
  );
  if (json) {
    output.write(`${JSON.stringify({ quorum, nodes }, null, 2)}\n`);
    return;
  }
  const voting = nodes.filter(({ state }) => state === 'admitted').length;
  const verdict = `${voting} of ${nodes.length} nodes vote, and ${quorum} must agree to a grant`;
  output.write([...nodeLines(nodes), verdict, ''].join('\n'));
}

/** Gives an order, and says what came of it. */
export async function orderCommand(options: OrderOptions, json: boolean, output: Output): Promise<void> {
  const clock = new SystemClock();
  const { servers, order, namespace = '', connectTimeoutMs } = options;
  const message = await firstServer(servers, (server) =>
    giveOrder(server, order, namespace, clock.wallMs() + connectTimeoutMs + ORDER_MS),
  );
  output.write(json ? `${JSON.stringify({ message })}\n` : `${message}\n`);
}
