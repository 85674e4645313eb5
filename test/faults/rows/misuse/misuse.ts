import { connect } from '@holdfast/client';
import { eventually } from '../../../support/deadline.js';
import type { ProcessEnd } from '../../../support/server-process.js';
import { WireClient } from '../../../wire/support/wire-client.js';
import { type Cell, SLACK_MS, TTL_MS } from '../../harness/cell.js';
import { ONE_SERVER } from '../../harness/plan.js';
import { ProcessWatch } from '../../harness/process-watch.js';
import type { Stage } from '../../harness/stage.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { R } from '../scenes.js';
import { servedWhile } from './served-while.js';

const HELD = 'held all the while';
/** So long that a loaded machine does not end it. */
const HELD_TTL_MS = 5_000;
const MEGABYTE = 2 ** 20;
/** What asks for metrics has connections, too. */
const METRICS_CONNECTIONS = 2;

const PING_MS = 1_500;

/** For connections that HTTP/2 gave up on and did not close: it takes a ping without an answer. */
export const FOUND_OUT_BY_PING = {
  serverArgs: ['--keepalive-interval', `${PING_MS}ms`, '--keepalive-timeout', `${PING_MS}ms`],
  goneWithinMs: 2 * PING_MS + SLACK_MS,
} as const;

/** How somebody misuses a server. */
export interface Misuse {
  readonly serverArgs?: readonly string[];
  /** How much more memory the server may have while it goes on. */
  readonly mostMb: number;
  /** How long what is left of it may take to be gone. Default: no longer than anything does on a loaded machine. */
  readonly goneWithinMs?: number;
  /** Answers a figure. */
  readonly play: (misused: Misused) => Promise<string>;
}

/** What whoever misuses a server has. */
export interface Misused {
  readonly id: string;
  readonly stage: Stage;
  readonly cell: Cell;
  readonly wire: WireClient;
  readonly watch: ProcessWatch;
}

/**
 * One server that somebody misuses, and a client that holds a lease and takes others all the while. The server lives, as
 * does that lease, everybody is served, and what the misuse has cost is given back. All of that is seen from outside.
 */
export function misuse(id: string, how: Misuse): PlayedRow['play'] {
  return async (stage) => {
    const { serverArgs = [] } = how;
    const cell = await stage.cell({ ...ONE_SERVER, clients: 1, maxTtlMs: HELD_TTL_MS, serverArgs });
    const { address, pid } = cell.server();
    const wire = new WireClient(address);
    try {
      return await whileAlive(stage, cell, endured(how, { id, stage, cell, wire, watch: new ProcessWatch(pid) }));
    } finally {
      wire.close();
    }
  };
}

async function endured(how: Misuse, misused: Misused): ReturnType<PlayedRow['play']> {
  const { mostMb, goneWithinMs = SLACK_MS } = how;
  const { id, stage, cell, wire, watch } = misused;
  const { address } = cell.server();
  const client = cell.client(1);
  await client.connect(address);
  await client.acquire(HELD, HELD_TTL_MS);
  await cell.metrics();
  const [filesBefore, bytesBefore] = [watch.files, watch.residentBytes];
  watch.forgetPeak();
  const misuse = how.play(misused);
  const servedMs = await servedWhile(client, misuse);
  const moreMb = Math.max(0, Math.round((watch.peakBytes - bytesBefore) / MEGABYTE));
  stage.check(id, `${moreMb} MB more, and ${mostMb} allowed`, moreMb <= mostMb);
  stage.check('I5', `served within ${seconds(servedMs)}`, servedMs < 2 * SLACK_MS);
  wire.close();
  let left = '';
  const goneMs = await stage.soon('I7', 'nothing left', goneWithinMs, async () => {
    const [streams, files] = [await cell.metric('holdfast_streams'), watch.files];
    left = `${streams - cell.clients.length} streams, ${files - filesBefore} files`;
    return streams === cell.clients.length && files <= filesBefore + METRICS_CONNECTIONS;
  });
  const isLeft = goneMs >= goneWithinMs;
  stage.check('I7', `${left} left`, !isLeft);
  if (isLeft) throw new Error(`${left} left`);
  const refusal = await refusalOfNext(address);
  stage.check('L4', `the next is not served: ${refusal}`, refusal === undefined);
  stage.check('I3', 'the holder lost its lease', await client.mayWrite(HELD));
  await client.release(HELD);
  const figure = await misuse;
  const cost = `${moreMb} MB more at most, nothing left after ${seconds(goneMs)}`;
  return (figures) => `${figure}; ${cost}; others served within ${seconds(servedMs)}; ${measured(figures)}`;
}

/** What somebody new is told; `undefined` when he is served. */
async function refusalOfNext(address: string): Promise<string | undefined> {
  try {
    const next = await connect(address, { connectTimeoutMs: 2 * SLACK_MS });
    await (await next.acquire(R, { ttlMs: TTL_MS })).release();
    await next.close();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** What is done to a server that must not end meanwhile. */
async function whileAlive<T>(stage: Stage, cell: Cell, done: Promise<T>): Promise<T> {
  let end: ProcessEnd | undefined;
  const ended = cell.server().ended.then((how): never => {
    end = how;
    throw new Error('the server has ended');
  });
  ended.catch(() => undefined);
  try {
    return await Promise.race([done, ended]);
  } catch (error) {
    // Whoever was connected may hear of it before the end of the process is known.
    await eventually(SLACK_MS, 'the end of the server', () => end).catch(() => undefined);
    if (end !== undefined) stage.check('L4', `the server ended with ${end.code ?? end.signal}`, false);
    throw error;
  }
}
