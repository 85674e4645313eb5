import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants, connect as dial } from 'node:http2';
import { connect } from 'node:net';
import { LeaseServiceService } from '@holdfast/protocol';

/** What somebody may do to a server who is no client of it. */
export const PESTERINGS = ['random_bytes', 'cancelled_streams'] as const;
export type Pestering = (typeof PESTERINGS)[number];

const CALLS = 20;
const RANDOM_BYTES = 4_096;
const CALL_MS = 1_000;
const STREAMS = 200;
/** So few that those just cancelled do not count with them towards what a connection may have. */
const AT_ONCE = 20;
const SESSION = {
  ':method': 'POST',
  ':path': LeaseServiceService.session.path,
  'content-type': 'application/grpc',
  te: 'trailers',
};
/** A message without anything in it, behind its length. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/** Resolves when it is over; that the server ends connections is no failure. */
export async function pester(address: string, by: Pestering): Promise<void> {
  switch (by) {
    case 'random_bytes':
      await Promise.all(Array.from({ length: CALLS }, () => sendRandomBytes(address)));
      return;
    case 'cancelled_streams':
      return cancelStreams(address, STREAMS);
  }
}

async function sendRandomBytes(address: string): Promise<void> {
  const at = address.lastIndexOf(':');
  const socket = connect({ host: address.slice(0, at), port: Number(address.slice(at + 1)) });
  socket.on('error', () => socket.destroy());
  socket.setTimeout(CALL_MS, () => socket.destroy());
  socket.resume();
  socket.end(randomBytes(RANDOM_BYTES));
  await once(socket, 'close');
}

/** Opens so many session streams on one connection and cancels each when the server has it. */
export async function cancelStreams(address: string, count: number): Promise<void> {
  const connection = dial(`http://${address}`);
  connection.on('error', () => connection.destroy());
  for (let opened = 0; opened < count && !connection.destroyed; opened += AT_ONCE) {
    const streams = Array.from({ length: AT_ONCE }, () => connection.request(SESSION));
    for (const stream of streams) {
      stream.on('error', () => stream.destroy());
      stream.resume();
      stream.write(EMPTY_MESSAGE);
    }
    // The server has them when it answers what was sent after them.
    await new Promise<void>((resolve) => connection.ping(() => resolve()));
    const closed = streams.map((stream) => (stream.closed ? undefined : once(stream, 'close')));
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await Promise.all(closed);
  }
  connection.destroy();
}
