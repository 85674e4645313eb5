import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { within } from '../../../support/deadline.js';
import { PATIENCE_MS } from '../../harness/cell.js';
import { endOf, framed, RawConnection } from '../../harness/raw-calls.js';
import type { Control } from '../../harness/stage.js';
import type { PlayedRow } from '../row.js';
import { type Misused, misuse } from './misuse.js';

const MEGABYTE = 2 ** 20;
const LIMIT = 65_536;
const LONG_MESSAGES = 8;
const LONG_MB = 8;
const BOMBS = 10;
const BOMB_MB = 32;
/** The messages themselves may take 3 MB, and twice that is allowed; the rest is what other requests take until it is collected. */
const MOST_MB = 48;

const NO_LIMIT: Control = {
  without: 'the limit of a message, also unpacked',
  edits: [
    {
      file: 'server/src/rpc/grpc-server.ts',
      original: "'grpc.max_receive_message_length': maxMessageBytes,",
      replacement: "'grpc.max_receive_message_length': -1,",
    },
  ],
  breaks: /^H5: \d+ MB more/,
};

async function tooLong({ id, stage, cell }: Misused): Promise<string> {
  const connection = new RawConnection(cell.server().address);
  const long = framed(Buffer.alloc(LONG_MB * MEGABYTE));
  const bomb = framed(gzipSync(Buffer.alloc(BOMB_MB * MEGABYTE)), { packed: true });
  if (bomb.length > LIMIT) throw new RangeError(`a bomb of ${bomb.length} bytes is over the limit by itself`);
  try {
    const calls = (count: number, bytes: Buffer, headers = {}) =>
      Array.from({ length: count }, async () => {
        const stream = connection.call(headers);
        stream.write(bytes);
        return endOf(stream);
      });
    const ends = await within(
      PATIENCE_MS,
      'the end of the calls',
      Promise.all([...calls(LONG_MESSAGES, long), ...calls(BOMBS, bomb, { 'grpc-encoding': 'gzip' })]),
    );
    for (const end of ends) {
      const isRefused = end.status === String(status.RESOURCE_EXHAUSTED) && end.message.includes(String(LIMIT));
      stage.check(id, `a call ended with ${end.status}: ${end.message}`, isRefused);
    }
    return `${ends.length} ended with RESOURCE_EXHAUSTED`;
  } finally {
    connection.destroy();
  }
}

const H5: PlayedRow = {
  id: 'H5',
  title: `${LONG_MESSAGES} messages of ${LONG_MB} MB, and ${BOMBS} small ones that unpack to ${BOMB_MB} MB each, at once`,
  kind: 'played',
  control: NO_LIMIT,
  play: misuse('H5', { mostMb: MOST_MB, play: tooLong }),
};

export const SIZE_ROWS = { H5 };
