import type { Control } from '../../harness/stage.js';
import { cancelStreams } from '../../harness/stranger.js';
import { type PlayedRow, seconds } from '../row.js';
import { type Misused, misuse } from './misuse.js';

const STREAMS = 20_000;
/** Node ends a connection after a thousand. */
const A_CONNECTION = 500;
/** What so many streams leave until it is collected. */
const MOST_MB = 256;

const NO_END: Control = {
  without: 'counting the ends of streams',
  edits: [
    {
      file: 'server/src/rpc/lease-service.ts',
      original: "call.once('cancelled', calls.opened());",
      replacement: 'calls.opened();',
    },
  ],
  breaks: /^L4: the next is not served: .*open streams/,
};

async function stormed({ id, stage, cell }: Misused): Promise<string> {
  const { address } = cell.server();
  const arrived = (): Promise<number> => cell.metric('holdfast_stream_messages_total\\{direction="in"\\}');
  const before = await arrived();
  const startMs = performance.now();
  for (let opened = 0; opened < STREAMS; opened += A_CONNECTION) await cancelStreams(address, A_CONNECTION);
  const tookMs = performance.now() - startMs;
  const count = (await arrived()) - before;
  // Of the client that is served there are messages, too.
  stage.check(id, `the server has seen ${count} messages`, count >= STREAMS);
  return `${STREAMS} reached the server in ${seconds(tookMs)}`;
}

const H2: PlayedRow = {
  id: 'H2',
  title: `${STREAMS} streams opened and cancelled at once`,
  kind: 'played',
  controlRuns: 'afterwards',
  control: NO_END,
  play: misuse('H2', { mostMb: MOST_MB, play: stormed }),
};

export const STREAM_ROWS = { H2 };
