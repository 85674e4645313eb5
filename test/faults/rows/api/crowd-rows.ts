import { join } from 'node:path';
import { connect } from '@holdfast/client';
import { eventually } from '../../../support/deadline.js';
import { acquire, type FrameKind, WireClient, type WireStream } from '../../../wire/support/wire-client.js';
import { type Cell, PATIENCE_MS, SLACK_MS } from '../../harness/cell.js';
import type { Stage } from '../../harness/stage.js';
import { type Inspection, Inspector } from '../../soak/inspection.js';
import { type PlayedRow, type Row, seconds } from '../row.js';
import { R } from '../scenes.js';

const WAITERS = 100_000;
const NAMES = 100_000;
const FLOOD = 1_000_000;
const A_SESSION = 25_000;
/** Above the most that a resource may have. */
const TOO_MANY = 1_000;
const A_MESSAGE = 500;
/** Longer than the row. */
const TTL_MS = 120_000;
const WAIT_MS = 600_000n;
const FLOOD_MS = 45_000;
/** What of that by which it had grown a heap may keep. */
const HEAP_SHARE = 0.1;
const LIMITS = ['--max-waiters-per-resource', `${WAITERS}`, '--max-requests-per-session', `${A_SESSION}`];
const GAUGES = ['leases', 'waiters', 'streams', 'resources'];

interface Scene {
  readonly stage: Stage;
  readonly cell: Cell;
  readonly wire: WireClient;
  readonly inspector: Inspector;
}

/** A session that asks for a lot, and counts what it is answered. */
class Crowd {
  #nextId = 2;
  readonly #counts = new Map<string, number>();
  /** The words of the last refusal. */
  words = '';

  private constructor(private readonly stream: WireStream) {}

  static async open(wire: WireClient): Promise<Crowd> {
    return new Crowd(await wire.openSession());
  }

  /** Asks for so many, a few messages ahead of the answers where each has one at once. */
  async asks(count: number, kind: (index: number) => FrameKind, answeredAtOnce: boolean): Promise<void> {
    const before = this.answers;
    for (let asked = 0; asked < count; asked += A_MESSAGE) {
      const size = Math.min(A_MESSAGE, count - asked);
      const frames = Array.from({ length: size }, (_, index) => ({ id: this.#id(), kind: kind(asked + index) }));
      this.stream.write(...frames);
      const due = before + asked - 8 * A_MESSAGE;
      if (answeredAtOnce) await eventually(FLOOD_MS, 'answers', () => this.answers >= due || undefined);
    }
    if (answeredAtOnce) await eventually(FLOOD_MS, 'answers', () => this.answers >= before + count || undefined);
  }

  get answers(): number {
    return this.granted + this.refused;
  }

  get granted(): number {
    return this.#count('granted');
  }

  get refused(): number {
    return this.#count('failed');
  }

  /** Gives everything back. */
  async close(): Promise<void> {
    this.stream.write({ id: this.#id(), kind: { $case: 'close', value: {} } });
    await eventually(FLOOD_MS, 'the end of a session', () => {
      this.#take();
      return this.stream.end !== undefined || undefined;
    });
  }

  /** Is gone without a word. */
  leave(): void {
    this.stream.call.cancel();
  }

  #id(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  #count(kind: string): number {
    this.#take();
    return this.#counts.get(kind) ?? 0;
  }

  /** What is counted is kept no longer. */
  #take(): void {
    for (const { kind } of this.stream.frames.splice(0)) {
      if (kind === undefined) continue;
      this.#counts.set(kind.$case, (this.#counts.get(kind.$case) ?? 0) + 1);
      if (kind.$case === 'failed') this.words = kind.value.status?.message ?? '';
    }
    this.stream.messages.length = 0;
  }
}

function waitsFor(name: string): FrameKind {
  const asked = acquire(name);
  if (asked.$case !== 'acquire') throw new Error(asked.$case);
  return { ...asked, value: { ...asked.value, waitMs: WAIT_MS } };
}

const FLOODING = acquire(R);

/** All with one secret: making a million takes as long as refusing them. */
function flooding(index: number): FrameKind {
  if (FLOODING.$case !== 'acquire') throw new Error(FLOODING.$case);
  return { ...FLOODING, value: { ...FLOODING.value, resources: [{ name: `flood-${index}` }] } };
}

async function crowds(wire: WireClient, count: number): Promise<readonly Crowd[]> {
  return Promise.all(Array.from({ length: count }, () => Crowd.open(wire)));
}

/** Everybody goes, who came last first; nothing may be left, and the memory has to come back. */
async function allGone(
  { stage, cell, inspector }: Scene,
  all: readonly Crowd[],
  before: Inspection,
  during: Inspection,
) {
  const startMs = performance.now();
  for (const crowd of all.toReversed()) await crowd.close();
  await stage.soon('I7', 'nothing left', PATIENCE_MS, async () => {
    const left = await Promise.all(GAUGES.map((each) => cell.metric(`holdfast_${each}`)));
    return left.every((gauge) => gauge === 0);
  });
  const tookMs = performance.now() - startMs;
  const after = await inspector.inspect(cell.server());
  const moreBytes = after.heapBytes - before.heapBytes;
  const grownBytes = during.heapBytes - before.heapBytes;
  stage.check('I7', `the heap is larger by ${megabytes(moreBytes)}`, moreBytes < HEAP_SHARE * grownBytes);
  return { tookMs, moreBytes };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Somebody else is served all the same. */
async function servedMs(stage: Stage, cell: Cell): Promise<number> {
  const client = await connect(cell.server().address);
  try {
    const startMs = performance.now();
    await (await client.acquire('other', { ttlMs: TTL_MS, waitMs: PATIENCE_MS })).release();
    const tookMs = performance.now() - startMs;
    stage.check('I5', `served after ${seconds(tookMs)}`, tookMs < SLACK_MS);
    return tookMs;
  } finally {
    await client.close();
  }
}

async function waitersOnOne(scene: Scene): Promise<string> {
  const { stage, cell, wire, inspector } = scene;
  const before = await inspector.inspect(cell.server());
  const [holder, late, ...all] = await crowds(wire, 2 + WAITERS / A_SESSION);
  if (holder === undefined || late === undefined) throw new RangeError('nobody came');
  await holder.asks(1, () => acquire(R), true);
  const startMs = performance.now();
  await Promise.all(all.map((crowd) => crowd.asks(A_SESSION, () => waitsFor(R), false)));
  await eventually(
    FLOOD_MS,
    `${WAITERS} waiters`,
    async () => (await cell.metric('holdfast_waiters')) === WAITERS || undefined,
  );
  const tookMs = performance.now() - startMs;
  const during = await inspector.inspect(cell.server());
  await late.asks(TOO_MANY, () => waitsFor(R), true);
  stage.check('J15', `${late.refused} refused: ${late.words}`, late.refused === TOO_MANY && /waiters/.test(late.words));
  const otherMs = await servedMs(stage, cell);
  const each = Math.round((during.heapBytes - before.heapBytes) / WAITERS);
  // One of them without a word: its places are kept for the grace time.
  all.at(-1)?.leave();
  const gone = await allGone(scene, [holder, late, ...all.slice(0, -1)], before, during);
  return (
    `${WAITERS} waiters after ${seconds(tookMs)}, ${each} bytes each, ${TOO_MANY} more refused: “${late.words}”; ` +
    `another served in ${seconds(otherMs)}; gone after ${seconds(gone.tookMs)}, heap ${megabytes(gone.moreBytes)} larger`
  );
}

/** One session asks for more than it may have. */
async function flooded(stage: Stage, flood: Crowd, count: number): Promise<void> {
  await flood.asks(count, flooding, true);
  const isBounded = flood.granted === A_SESSION && /requests of the session/.test(flood.words);
  stage.check('J15', `${flood.granted} of a flood granted, others: ${flood.words}`, isBounded);
}

async function manyNames(scene: Scene): Promise<string> {
  const { stage, cell, wire, inspector } = scene;
  const before = await inspector.inspect(cell.server());
  const [flood, ...all] = await crowds(wire, 1 + NAMES / A_SESSION);
  if (flood === undefined) throw new RangeError('nobody came');
  const startMs = performance.now();
  await Promise.all(all.map((crowd, index) => crowd.asks(A_SESSION, (each) => acquire(`name-${index}-${each}`), true)));
  const tookMs = performance.now() - startMs;
  const granted = all.reduce((sum, crowd) => sum + crowd.granted, 0);
  stage.check('J15', `${granted} names granted`, granted === NAMES);
  const during = await inspector.inspect(cell.server());
  const floodMs = performance.now();
  await flooded(stage, flood, FLOOD);
  const floodedMs = performance.now() - floodMs;
  const otherMs = await servedMs(stage, cell);
  const each = Math.round((during.heapBytes - before.heapBytes) / NAMES);
  const gone = await allGone(scene, [...all, flood], before, during);
  return (
    `${NAMES} names after ${seconds(tookMs)}, ${each} bytes each; of ${FLOOD} more in ${seconds(floodedMs)} ${flood.granted} granted, ` +
    `others “${flood.words}”; another served in ${seconds(otherMs)}; gone after ${seconds(gone.tookMs)}, ` +
    `heap ${megabytes(gone.moreBytes)} larger`
  );
}

const J15: PlayedRow = {
  id: 'J15',
  title: `${WAITERS} waiters on one lock, ${NAMES} names, and a flood of ${FLOOD} names`,
  kind: 'played',
  controlRuns: 'afterwards',
  limitMs: 180_000,
  control: {
    without: 'the limit of requests for a session',
    edits: [
      {
        file: 'server/src/core/request-factory.ts',
        original: "return size < most ? undefined : tooMany('requests of the session', size + 1, most);",
        replacement: "return size >= 0 ? undefined : tooMany('requests of the session', size + 1, most);",
      },
    ],
    breaks: /^J15: [0-9]+ of a flood granted/,
  },
  play: async (stage) => {
    const inspector = new Inspector(join(stage.folder, 'inspections'));
    const cell = await stage.cell({
      nodes: 0,
      servers: 1,
      clients: 0,
      maxTtlMs: TTL_MS,
      serverArgs: [...LIMITS, '--grace', '1s'],
      // Both have something preloaded, and a process has one list of that.
      serverEnv: () => (stage.control === undefined ? inspector.env : {}),
    });
    const wire = new WireClient(cell.server().address);
    try {
      const [first] = await crowds(wire, 1);
      await first?.asks(TOO_MANY, (each) => acquire(`warm-${each}`), true);
      await first?.close();
      const scene = { stage, cell, wire, inspector };
      if (stage.control !== undefined) {
        const [flood] = await crowds(wire, 1);
        if (flood !== undefined) await flooded(stage, flood, A_SESSION + TOO_MANY);
        return () => '';
      }
      const waiters = await waitersOnOne(scene);
      const names = await manyNames(scene);
      return () => `${waiters}; ${names}`;
    } finally {
      wire.close();
    }
  },
};

export const CROWD_ROWS = { J15 } satisfies Readonly<Record<string, Row>>;
