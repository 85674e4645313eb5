/**
 * A resource worth protecting, in a process of its own. It takes one JSON line for each write, and notes what became of it
 * in a file that only grows. Arguments: the file, and `fenced` or `unfenced`.
 */
import { appendFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { nowUs } from '../../history/events.js';
import { FencedLog } from '../../history/fenced-log.js';
import type { Entry, RequestedWrite, ResourceReady } from './resource-protocol.js';

const [file = '', mode = 'fenced'] = process.argv.slice(2);
// What the writes break is judged with the rest of the history.
const log = new FencedLog(() => undefined);
log.fenced = mode === 'fenced';

function take(line: string): Entry {
  const { resource, token, writer, operation } = JSON.parse(line) as RequestedWrite;
  const acceptedBefore = log.accepted;
  log.write({ resource, token: BigInt(token), writer });
  const kind = log.accepted > acceptedBefore ? 'write_accepted' : 'write_refused';
  return { atUs: nowUs(), kind, client: writer, resource, token, operation };
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  const lines = createInterface({ input: socket });
  // It passes on what befalls its socket: clients are killed in the middle of their writes.
  lines.on('error', () => socket.destroy());
  lines.on('line', (line) => {
    const entry = `${JSON.stringify(take(line))}\n`;
    appendFileSync(file, entry);
    socket.end(entry);
  });
});
server.listen(0, '127.0.0.1', () => {
  process.send?.({ kind: 'ready', port: (server.address() as AddressInfo).port } satisfies ResourceReady);
});
process.on('disconnect', () => process.exit());
