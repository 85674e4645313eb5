import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { constants, connect as dial } from 'node:http2';
import { connect, InvalidArgumentError, type Lease, LeaseLostError } from '@holdfast/client';
import { LeaseServiceService } from '@holdfast/protocol';
import { eventually } from '../../support/deadline.js';
import { listed } from '../../support/listed.js';
import { freeAgainMs, PATIENCE_MS, SLACK_MS, TTL_MS } from '../harness/cell.js';
import { BEAT_ROWS } from './beat-rows.js';
import { LASTING_TTL_MS, R, SMALL } from './client-rows.js';
import { CROWD_ROWS } from './crowd-rows.js';
import { type PlayedRow, type Row, seconds } from './row.js';

const ONE_SERVER = { ...SMALL, nodes: 0, servers: 1, clients: 0 } as const;
const CROWD = 500;
const BAD_TTLS_MS = [-1, 0, 1, Number.NaN, 2 ** 31, 2 ** 63];

const J1: PlayedRow = {
  id: 'J1',
  title: `times to live of ${BAD_TTLS_MS.join(', ')} ms`,
  kind: 'played',
  play: async (stage) => {
    const cell = await stage.cell(ONE_SERVER);
    const client = await connect(cell.server().address);
    try {
      for (const ttlMs of BAD_TTLS_MS) {
        const error = await client.acquire(R, { ttlMs }).catch((reason: unknown) => reason);
        const isNamed = error instanceof InvalidArgumentError && /\bttl/i.test(error.message);
        stage.check('I10', `${ttlMs} ms: ${error}`, isNamed);
      }
      await (await client.acquire(R, { ttlMs: TTL_MS })).release();
    } finally {
      await client.close();
    }
    return () => `${BAD_TTLS_MS.length} refused by name, the next request served`;
  },
};

const A7: PlayedRow = {
  id: 'A7',
  title: 'what is done under the lease throws or never ends, and a disposal cannot reach the server',
  kind: 'played',
  play: async (stage) => {
    const cell = await stage.cell({ ...ONE_SERVER, nodes: 5 });
    const client = await connect(cell.server().address, { maxBackoffMs: 100 });
    try {
      const boom = new Error('boom');
      const thrown = await client
        .using(R, { ttlMs: TTL_MS }, () => Promise.reject(boom))
        .catch((error: unknown) => error);
      stage.check('A7', `rejected with ${thrown}`, thrown === boom);
      await stage.noLocksLeft([R], TTL_MS / 2, TTL_MS);
      const endless = client
        .using(R, { ttlMs: TTL_MS }, () => new Promise(() => undefined))
        .catch((error: unknown) => error);
      const disposed = await client.acquire('other', { ttlMs: TTL_MS, waitMs: PATIENCE_MS });
      await cell.server().kill();
      const startMs = performance.now();
      await disposed[Symbol.asyncDispose]();
      const tookMs = performance.now() - startMs;
      stage.check('A7', `the disposal took ${seconds(tookMs)}`, tookMs < TTL_MS + SLACK_MS);
      const ended = await endless;
      stage.check('A7', `what never ends ended with ${ended}`, ended instanceof LeaseLostError);
      return () => `the error as it was thrown, 0 keys left; a disposal without a server took ${seconds(tookMs)}`;
    } finally {
      await client.close();
    }
  },
};

const HOARD = 10_000;
const HOARD_TTL_MS = 20_000;
const LAG_MS = 100;

const A11: PlayedRow = {
  id: 'A11',
  title: `a client with ${HOARD} leases is killed`,
  kind: 'played',
  play: async (stage) => {
    const cell = await stage.cell({ ...ONE_SERVER, clients: 1, maxTtlMs: HOARD_TTL_MS });
    const client = cell.client(1);
    await client.connect(cell.server().address);
    await client.hoard(HOARD, HOARD_TTL_MS);
    await client.kill();
    const idleUntil = performance.now();
    let lagMs = 0;
    await stage.soon('L3', 'all leases gone', freeAgainMs(HOARD_TTL_MS) + SLACK_MS, async () => {
      const delay = await cell.metric('holdfast_event_loop_delay_seconds\\{quantile="0.5"\\}');
      lagMs = Math.max(lagMs, 1_000 * delay);
      return (await cell.metric('holdfast_leases')) === 0;
    });
    const tookMs = performance.now() - idleUntil;
    stage.check('A11', `half of the turns were late by ${lagMs} ms`, lagMs < LAG_MS);
    const gauges = await Promise.all(['waiters', 'streams'].map((each) => cell.metric(`holdfast_${each}`)));
    stage.check(
      'I7',
      `waiters and streams left: ${gauges}`,
      gauges.every((gauge) => gauge === 0),
    );
    return () => `all gone after ${seconds(tookMs)} (TTL 20 s), 0 waiters, 0 streams`;
  },
};

export const LIBRARY_ROWS = { A7, A11 };

const J16: PlayedRow = {
  id: 'J16',
  title: `${CROWD} wait for one resource, and it is released`,
  kind: 'played',
  play: async (stage) => {
    const cell = await stage.cell({ ...ONE_SERVER, nodes: 5 });
    const client = await connect(cell.server().address);
    try {
      const holder = await client.acquire(R, { ttlMs: TTL_MS });
      const granted: Lease[] = [];
      const crowd = Array.from({ length: CROWD }, () =>
        client.acquire(R, { ttlMs: TTL_MS, waitMs: 10 * PATIENCE_MS }).then(
          (lease) => void granted.push(lease),
          () => undefined,
        ),
      );
      await cell.waiting(CROWD);
      const before = await calls(cell.redis(1).client);
      await holder.release();
      await eventually(PATIENCE_MS, 'a grant', () => granted.length > 0 || undefined);
      const [lease] = await listed(cell.server().address);
      const cost = (await calls(cell.redis(1).client)) - before;
      stage.check('J16', `${granted.length} grants`, granted.length === 1);
      stage.check('J16', `${lease?.waiters} still wait`, lease?.waiters === CROWD - 1);
      stage.check('J16', `${cost} calls to a node`, cost < CROWD / 10);
      await client.close();
      await Promise.all(crowd);
      return () => `1 grant, ${CROWD - 1} wait on, ${cost} calls to each node`;
    } finally {
      await client.close();
    }
  },
};

/** Calls of scripts that a node has had. */
async function calls(redis: { info(section: string): Promise<string> }): Promise<number> {
  const count = /cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1];
  if (count === undefined) throw new Error('the node does not tell how many calls of scripts it has had');
  return Number(count);
}

const J18: PlayedRow = {
  id: 'J18',
  title: 'an extension after the release',
  kind: 'played',
  play: async (stage) => {
    const cell = await stage.cell({ ...ONE_SERVER, nodes: 5, maxTtlMs: LASTING_TTL_MS });
    const client = await connect(cell.server().address);
    try {
      const lease = await client.acquire(R, { ttlMs: LASTING_TTL_MS, autoExtend: false });
      await lease.extend();
      const released = lease.release();
      const error = await lease.extend().catch((reason: unknown) => reason);
      stage.check('S4', `the extension ended with ${error}`, error instanceof LeaseLostError);
      await released;
      const left = await listed(cell.server().address);
      stage.check('S4', 'it stands again', left.length === 0);
    } finally {
      await client.close();
    }
    await stage.noLocksLeft([R], SLACK_MS, LASTING_TTL_MS);
    return () => 'LeaseLostError, 0 keys left';
  },
};

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

export const EMBEDDED_ROWS: readonly Row[] = [
  {
    id: 'G1',
    title: 'the embedded store is killed again and again, and its disk refuses a write',
    kind: 'tested',
    files: ['faults/embedded-kill.test.ts'],
    grep: /G1/,
    scope: 'the store in a process of its own',
  },
  {
    id: 'G2',
    title: 'two processes open one data directory',
    kind: 'tested',
    files: ['faults/embedded-directory.test.ts'],
    grep: /G2/,
    scope: 'stores in processes of their own',
  },
];

export const MISUSE_ROWS: readonly Row[] = [
  onWire('H1', 'a client that stops reading', 'slow-reader'),
  H2,
  onWire('H5', 'messages over the limit, and small ones that unpack to more', 'misuse'),
  onWire('H6', 'malformed frames, a wrong first frame, ids that do not rise', 'misuse', 'frame-order'),
  onWire('H6b', 'bad values in frames, unknown kinds and fields', 'misuse'),
  onWire('H7', 'what is not gRPC', 'hostile-bytes'),
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

export const API_ROWS: readonly Row[] = [
  J1,
  {
    id: 'J12',
    title: 'a thousand waiters, some of whom give up',
    kind: 'tested',
    files: ['integration/fifo.test.ts'],
    scope: 'the server in a process of its own, its clients in that of the tests',
  },
  CROWD_ROWS.J15,
  J16,
  J18,
];
