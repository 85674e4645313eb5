import type { OutgoingHttpHeaders } from 'node:http2';
import { SessionRequest } from '@holdfast/protocol';
import { within } from '../../../support/deadline.js';
import { acquire } from '../../../wire/support/wire-client.js';
import { PATIENCE_MS } from '../../harness/cell.js';
import { endOf, framed, RawConnection, type RawEnd } from '../../harness/raw-calls.js';
import type { Control } from '../../harness/stage.js';
import type { PlayedRow } from '../row.js';
import { FOUND_OUT_BY_PING, type Misused, misuse } from './misuse.js';

const TIMES = 10;
const HEADERS = 10_000;
const MEGABYTE = 2 ** 20;
const PARTS = 32;
const MOST_MB = 64;

/** Whoever takes the headers answers this: it is no Open. */
const MESSAGE = framed(Buffer.from(SessionRequest.encode({ frames: [{ id: 1n, kind: acquire('x') }] }).finish()));

const MANY: readonly { readonly what: string; readonly headers: OutgoingHttpHeaders }[] = [
  { what: 'a header of a megabyte', headers: { 'x-much': 'm'.repeat(MEGABYTE) } },
  { what: 'a megabyte in some headers', headers: named(PARTS, 'm'.repeat(MEGABYTE / PARTS)) },
  { what: `${HEADERS} headers`, headers: named(HEADERS, '1') },
];

function named(count: number, value: string): OutgoingHttpHeaders {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, value]));
}

async function refused({ id, stage, cell }: Misused): Promise<string> {
  for (const { what, headers } of MANY) {
    const ends = await Promise.all(Array.from({ length: TIMES }, () => ended(cell.server().address, headers)));
    const taken = ends.filter(({ status }) => status !== undefined);
    stage.check(id, `${what} were taken ${taken.length} times`, taken.length === 0);
  }
  return `${MANY.length * TIMES} refused`;
}

async function ended(address: string, headers: OutgoingHttpHeaders): Promise<RawEnd> {
  const connection = new RawConnection(address);
  try {
    const stream = connection.call(headers);
    stream.write(MESSAGE);
    return await within(PATIENCE_MS, 'the end of a call', endOf(stream));
  } finally {
    connection.destroy();
  }
}

const NO_LIMIT: Control = {
  without: 'the limits of Node.js on headers',
  edits: [
    {
      file: 'server/src/rpc/grpc-server.ts',
      original: '    const flusher = new TurnFlusher(clock);',
      replacement: `    const { commonServerOptions } = this.#server as never;
    Object.assign(commonServerOptions, { maxHeaderListPairs: 2 ** 24 });
    Object.assign(commonServerOptions['settings'], { maxHeaderListSize: 2 ** 24 });
    const flusher = new TurnFlusher(clock);`,
    },
  ],
  breaks: /^H11: .* were taken/,
};

const H11: PlayedRow = {
  id: 'H11',
  title: `a megabyte of metadata, ${HEADERS} headers, ${TIMES} times each at once`,
  kind: 'played',
  control: NO_LIMIT,
  play: misuse('H11', { ...FOUND_OUT_BY_PING, mostMb: MOST_MB, play: refused }),
};

export const HEADER_ROWS = { H11 };
