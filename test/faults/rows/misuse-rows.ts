import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { constants, connect as dial } from 'node:http2';
import { connect } from '@holdfast/client';
import { LeaseServiceService } from '@holdfast/protocol';
import { PATIENCE_MS, TTL_MS } from '../harness/cell.js';
import { ONE_SERVER } from '../harness/plan.js';
import { BEAT_ROWS } from './beat-rows.js';
import { R } from './client-rows.js';
import { FRAME_ROWS } from './frame-rows.js';
import { NOISE_ROWS } from './noise-rows.js';
import { READER_ROWS } from './reader-rows.js';
import { type PlayedRow, type Row, seconds } from './row.js';
import { SIZE_ROWS } from './size-rows.js';

const STREAMS = 20_000;
/** So few that those just cancelled do not count with them towards what a connection may have. */
const AT_ONCE = 20;
/** Node ends a connection after a thousand. */
const A_CONNECTION = 500;
const SESSION = {
  ':method': 'POST',
  ':path': LeaseServiceService.session.path,
  'content-type': 'application/grpc',
  te: 'trailers',
};
/** A message without anything in it, behind its length. */
const EMPTY_MESSAGE = Buffer.alloc(5);
const METRICS_CONNECTIONS = 2;

const H2: PlayedRow = {
  id: 'H2',
  title: `${STREAMS} streams opened and cancelled at once`,
  kind: 'played',
  play: async (stage) => {
    const cell = await stage.cell(ONE_SERVER);
    const { address, pid } = cell.server();
    const files = (): number => readdirSync(`/proc/${pid}/fd`).length;
    const arrived = (): Promise<number> => cell.metric('holdfast_stream_messages_total\\{direction="in"\\}');
    const flood = async (): Promise<void> => {
      const connection = dial(`http://${address}`);
      connection.on('error', () => connection.destroy());
      for (let opened = 0; opened < A_CONNECTION; opened += AT_ONCE) {
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
    };
    const arrivedBefore = await arrived();
    const [filesBefore, startMs] = [files(), performance.now()];
    for (let opened = 0; opened < STREAMS; opened += A_CONNECTION) await flood();
    const tookMs = performance.now() - startMs;
    const count = (await arrived()) - arrivedBefore;
    stage.check('H2', `the server has seen ${count} streams`, count === STREAMS);
    let left: readonly number[] = [];
    await stage.soon('I7', 'no stream left', PATIENCE_MS, async () => {
      left = [await cell.metric('holdfast_streams'), files()];
      // What asks for metrics has connections, too.
      return left[0] === 0 && files() <= filesBefore + METRICS_CONNECTIONS;
    });
    stage.check('I7', `streams and files left: ${left}, files before: ${filesBefore}`, left[0] === 0);
    const client = await connect(address);
    await (await client.acquire(R, { ttlMs: TTL_MS })).release();
    await client.close();
    const filesAfter = files();
    return () =>
      `${count} reached the server in ${seconds(tookMs)}; 0 streams, ${filesAfter} files open, ${filesBefore} before`;
  },
};

const ON_SOCKETS = 'real sockets, the server in the process of the tests';

function onWire(id: string, title: string, ...names: readonly string[]): Row {
  const files = names.map((name) => `wire/${name}.test.ts`);
  return { id, title, kind: 'tested', files, grep: new RegExp(`\\[${id}\\]`), scope: ON_SOCKETS };
}

export const MISUSE_ROWS: readonly Row[] = [
  READER_ROWS.H1,
  H2,
  SIZE_ROWS.H5,
  ...FRAME_ROWS,
  NOISE_ROWS.H7,
  {
    id: 'H8',
    title: 'connections that have become old, and a balancer’s GOAWAY',
    kind: 'tested',
    files: ['faults/connection-age.test.ts'],
    scope: 'all in processes of their own',
  },
  onWire('H11', 'a megabyte of metadata, ten thousand headers', 'hostile-bytes'),
  BEAT_ROWS.H12,
  onWire('H13', 'connections without end', 'limits'),
];
