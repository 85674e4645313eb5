import { constants } from 'node:http2';
import { hostileConnection } from '../../fuzz/hostile-connections.js';
import { SeededRandom } from '../../simulation/seeded-random.js';
import { framed, RawConnection } from './raw-calls.js';

/** What somebody may do to a server who is no client of it. */
export const PESTERINGS = ['hostile_bytes', 'cancelled_streams'] as const;
export type Pestering = (typeof PESTERINGS)[number];

const CONNECTIONS = 20;
const STREAMS = 200;
/** So few that those just cancelled do not count with them towards what a connection may have. */
const AT_ONCE = 20;
const EMPTY_MESSAGE = framed(Buffer.alloc(0));

/** Resolves when it is over. That the server ends connections, or is not there, is no failure. */
export async function pester(address: string, by: Pestering, seed: number): Promise<void> {
  switch (by) {
    case 'hostile_bytes': {
      const random = new SeededRandom(seed);
      const port = Number(address.slice(address.lastIndexOf(':') + 1));
      await Promise.all(Array.from({ length: CONNECTIONS }, () => hostileConnection(port, random)));
      return;
    }
    case 'cancelled_streams':
      return cancelStreams(address, STREAMS);
  }
}

/** Opens so many session streams on one connection, as long as it lasts, and cancels each when the server has it. */
export async function cancelStreams(address: string, count: number): Promise<void> {
  const connection = new RawConnection(address);
  for (let opened = 0; opened < count && !connection.isOver; opened += AT_ONCE) {
    const streams = Array.from({ length: AT_ONCE }, () => connection.call());
    const closed = streams.map((stream) => new Promise<void>((resolve) => void stream.once('close', () => resolve())));
    for (const stream of streams) stream.write(EMPTY_MESSAGE);
    // The server has them when it answers what was sent after them.
    await connection.arrived();
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await Promise.all(closed);
  }
  connection.destroy();
}
