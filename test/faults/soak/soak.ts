import { join } from 'node:path';
import { nowUs } from '../../history/events.js';
import type { KeysAllowed } from '../../history/keys-left.js';
import type { CountLeft } from '../../history/things-left.js';
import { eventually } from '../../support/deadline.js';
import { BALLOT_MS, leftovers } from '../../support/redlock/fault-rig.js';
import { type Cell, PATIENCE_MS, TTL_MS } from '../harness/cell.js';
import type { Participant } from '../harness/participant.js';
import { type Control, Stage } from '../harness/stage.js';
import { WallClock } from '../harness/wall-clock.js';
import { seconds } from '../rows/row.js';
import { reached } from '../rows/scenes.js';
import { Crowd, NAMES } from './crowd.js';
import { type Inspection, Inspector } from './inspection.js';
import { type LeakRow, leakRows, leaksOf } from './leaks.js';
import { type Clocks, Nemesis } from './nemesis.js';
import { NODE_STEP_MS, roundsOf } from './nemesis-plan.js';
import type { SoakResult, StoreName } from './result.js';
import type { Cast, Round, Strike } from './strikes.js';

const CASTS: Readonly<Record<StoreName, Cast>> = {
  redlock: { nodes: 5, servers: 3, clients: 6 },
  embedded: { nodes: 0, servers: 1, clients: 6 },
};
/** What acquires of clients that ask for nothing wrong may fail with, whatever is done. */
const FAILURE_CODES = ['UnavailableError', 'WaitTimeoutError', 'LeaseLostError'];
/** They keep what they have, and may be told that their disk is gone. */
const REDIS_DIRECTIVES = [
  ['appendonly', 'yes'],
  ['enable-protected-configs', 'yes'],
];
const GRACE_MS = 3_000;
const SERVER_ARGS = ['--grace', `${GRACE_MS}ms`, '--drain-timeout', '2s'];
/** How long what was left by the last of them may take to end. */
const QUIET_MS = NODE_STEP_MS + 40_000;
/** So long a first crowd works, so that what is opened when it is first needed is there before anything is compared. */
const WARM_UP_MS = 5_000;
const LOOK_EVERY_MS = 1_000;
/** Who waits in a line, behind the one that holds. */
const LINE = 4;
const GAUGES = ['leases', 'waiters', 'streams', 'resources', 'timers'] as const;
const SESSIONS = ['attached', 'detached'] as const;
/** Kept open by whoever asks for metrics, as long as it asks. */
const METRICS_FILES = 1;

/** A run without some protection. */
export interface SoakControl {
  readonly control: Control;
  /** What it protects from. Default: what happens without any fault. */
  readonly by?: Strike['kind'];
}

/** One run: everything, for so long. */
export class Soak {
  readonly #stage: Stage;
  readonly #inspector: Inspector;
  readonly #clocks: Clocks;
  readonly #cast: Cast;
  readonly #strikes: Partial<Record<Strike['kind'], number>> = {};
  readonly #heaps: number[] = [];
  readonly #baseline: Inspection[] = [];
  #crowd: Crowd | undefined;
  #leaks: readonly LeakRow[] = [];
  #rounds = 0;

  constructor(
    store: StoreName,
    private readonly seed: number,
    private readonly minutes: number,
    folder: string,
    private readonly say: (line: string) => void,
    /** The run is over after the last round. */
    private readonly control?: SoakControl,
  ) {
    this.#cast = CASTS[store];
    this.#stage = new Stage(folder, control?.control);
    this.#inspector = new Inspector(join(folder, 'inspections'));
    const { nodes, servers } = this.#cast;
    const clocks = (what: string, count: number): readonly WallClock[] =>
      Array.from({ length: count }, (_, index) => new WallClock(folder, `${what}-${index + 1}`));
    const [clients] = clocks('clients', 1) as [WallClock];
    this.#clocks = { nodes: clocks('node', nodes), servers: clocks('server', servers), clients };
  }

  /** What kept it from its end is in the result, unless there is nothing at all to be said of it: then it throws. */
  async run(): Promise<SoakResult> {
    let failure: string | undefined;
    try {
      await this.#run();
    } catch (error) {
      failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    const judged = this.#stage.finish({ failureCodes: FAILURE_CODES, keysAllowed: this.#keysAllowed });
    const { violations, figures } = await judged.catch((error: unknown) => {
      throw failure === undefined ? error : new Error(failure, { cause: error });
    });
    const { seed, minutes } = this;
    const [rounds, strikes, leaks, writes] = [this.#rounds, this.#strikes, this.#leaks, this.#crowd?.writes ?? 0];
    const result = { seed, minutes, rounds, strikes, writes, violations, figures, leaks };
    return failure === undefined ? result : { ...result, failure };
  }

  get #keysAllowed(): KeysAllowed {
    // Of the crowd, and one for the line at each server.
    const names = (this.#crowd?.names ?? 0) + this.#cast.servers;
    return { names, ballotMs: BALLOT_MS + NODE_STEP_MS };
  }

  async #run(): Promise<void> {
    const cell = await this.#start();
    const crowd = new Crowd(cell, this.seed);
    this.#crowd = crowd;
    if (this.control === undefined) await this.#warmUp(cell, crowd);
    else await crowd.begin();
    const prober = await cell.joinedBy('prober');
    await prober.connect(...cell.doors);
    const nemesis = new Nemesis(this.#cast, cell, this.#stage, crowd, this.#clocks);
    const endUs = nowUs() + this.minutes * 60_000_000;
    for (const round of roundsOf(this.seed, this.#cast)) {
      if (nowUs() >= endUs) break;
      if (!this.#shows(round)) continue;
      await this.#play(round, nemesis, cell, prober);
    }
    await crowd.rest();
    if (this.control !== undefined) return;
    await this.#lines(cell);
    await Promise.all([...cell.clients, prober].map((client) => client.kill()));
    await this.#quiet(cell);
  }

  /** A control is short: it plays what it is about. */
  #shows({ blows }: Round): boolean {
    const by = this.control?.by;
    return by === undefined || blows.some(({ strike }) => strike.kind === by);
  }

  #start(): Promise<Cell> {
    const { nodes, servers, clients } = this.#clocks;
    // Both have something preloaded, and a process has one list of that.
    const inspected = this.control === undefined ? this.#inspector.env : {};
    return this.#stage.cell({
      ...this.#cast,
      serverArgs: SERVER_ARGS,
      redis: { directives: REDIS_DIRECTIVES },
      redisEnv: (number) => nodes[number - 1]?.env ?? {},
      serverEnv: (number) => ({ ...servers[number - 1]?.env, ...inspected }),
      clientLaunch: { env: clients.env },
    });
  }

  /** A crowd comes and goes; what the servers have then is what they may have at the end. Then the next crowd begins. */
  async #warmUp(cell: Cell, crowd: Crowd): Promise<void> {
    const numbers = [...cell.clients.keys()].map((index) => index + 1);
    await crowd.begin();
    await reached(nowUs() + WARM_UP_MS * 1_000);
    await Promise.all(numbers.map((number) => crowd.end(number)));
    for (const [index, server] of cell.servers.entries()) {
      await eventually(2 * PATIENCE_MS, 'the first crowd to be forgotten', async () => {
        const gauges = await this.#gauges(cell, index + 1);
        return gauges.every(({ count }) => count === 0) || undefined;
      });
      this.#baseline.push(await this.#inspector.inspect(server));
    }
    for (const number of numbers) await crowd.replace(number);
  }

  /** A round; then everything has to be granted again. */
  async #play(round: Round, nemesis: Nemesis, cell: Cell, prober: Participant): Promise<void> {
    const fault = `round ${round.number}`;
    for (const { kind } of round.blows.map(({ strike }) => strike))
      this.#strikes[kind] = (this.#strikes[kind] ?? 0) + 1;
    this.#stage.record.add({ kind: 'fault_begins', fault });
    await nemesis.play(round);
    const withinMs = TTL_MS + cell.quarantineMs + PATIENCE_MS;
    this.#stage.faultEnds(fault, NAMES, withinMs);
    const healedMs = performance.now();
    for (const name of NAMES) await granted(prober, name, withinMs);
    const tookMs = performance.now() - healedMs;
    if (this.control === undefined) this.#heaps.push((await this.#inspector.inspect(cell.server())).heapBytes);
    this.#rounds += 1;
    this.say(`${fault}: ${round.blows.map(inWords).join('; ')}; granted again within ${seconds(tookMs)}`);
  }

  /** Each server still serves first who came first (I8). */
  async #lines(cell: Cell): Promise<void> {
    const [holder, ...others] = cell.clients.slice(0, LINE) as [Participant, ...Participant[]];
    for (const number of cell.servers.keys()) {
      const server = `server-${number + 1}`;
      const resource = `line-${number + 1}`;
      const { record } = this.#stage;
      await Promise.all([holder, ...others].map((each) => each.connect(cell.server(number + 1).address)));
      await holder.acquire(resource, TTL_MS, PATIENCE_MS);
      const served: Promise<void>[] = [];
      for (const [index, each] of others.entries()) {
        const waiter = `${each.name} at ${server}`;
        const has = each.acquire(resource, TTL_MS, PATIENCE_MS).then(async () => {
          record.add({ kind: 'served', server, resource, waiter });
          await each.release(resource);
        });
        has.catch(() => undefined);
        served.push(has);
        await cell.waiting(index + 1, [number + 1]);
        record.add({ kind: 'queued', server, resource, waiter });
      }
      await holder.release(resource);
      await Promise.all(served);
    }
  }

  /** Looks again and again until nothing is left, or the time for that is over. */
  async #quiet(cell: Cell): Promise<void> {
    const endUs = nowUs() + QUIET_MS * 1_000;
    for (;;) {
      const keys = (await Promise.all(cell.redises.map(leftovers))).flat();
      const counts = (await Promise.all(cell.servers.map((_, index) => this.#counts(cell, index + 1)))).flat();
      const heaps = this.#cast.servers > 1 ? [{ where: 'server 1', usedBytes: this.#heaps }] : [];
      const nodes = cell.redises.map(({ port }) => `redis at ${port}`);
      this.#leaks = leakRows({ nodes, keys, allowed: this.#keysAllowed, counts, heaps });
      if (leaksOf(this.#leaks).length === 0 || nowUs() >= endUs) {
        const { record } = this.#stage;
        for (const { kind: of, expiresInMs, ...key } of keys) {
          record.add({ kind: 'key_left', ...key, of, ...(expiresInMs === undefined ? {} : { expiresInMs }) });
        }
        for (const count of counts) record.add({ kind: 'count_left', ...count });
        return;
      }
      await reached(nowUs() + LOOK_EVERY_MS * 1_000);
    }
  }

  /** What a server says it has of sessions and their requests. */
  #gauges(cell: Cell, number: number): Promise<readonly CountLeft[]> {
    const where = `server ${number}`;
    const gauge = async (what: string, metric: string): Promise<CountLeft> => ({
      where,
      what,
      count: await cell.metric(metric, number),
    });
    return Promise.all([
      ...GAUGES.map((each) => gauge(each, `holdfast_${each}`)),
      ...SESSIONS.map((state) => gauge(`sessions ${state}`, `holdfast_sessions\\{state="${state}"\\}`)),
    ]);
  }

  async #counts(cell: Cell, number: number): Promise<readonly CountLeft[]> {
    const where = `server ${number}`;
    const gauges = await this.#gauges(cell, number);
    const now = await this.#inspector.inspect(cell.server(number));
    const before = this.#baseline[number - 1];
    if (before === undefined) throw new Error(`nobody looked into ${where}`);
    const resources = Object.entries(now.resources).map(([kind, count]) => {
      const slack = kind === 'TCPSocketWrap' ? METRICS_FILES : 0;
      return { where, what: `open ${kind}`, count, before: (before.resources[kind] ?? 0) + slack };
    });
    const files = { where, what: 'files', count: now.files, before: before.files + METRICS_FILES };
    return [...gauges, files, ...resources];
  }
}

/** Tries until it is granted; how long that may take is judged with the rest of the history. */
async function granted(prober: Participant, name: string, withinMs: number): Promise<void> {
  const endUs = nowUs() + 2_000 * withinMs;
  for (;;) {
    const words = await prober.refusal(name, TTL_MS, PATIENCE_MS);
    if (words === undefined) break;
    if (nowUs() > endUs) throw new Error(`${name} is refused after a round: ${words}`);
  }
  await prober.release(name);
}

function inWords({ strike: { kind, ...details }, forMs }: Round['blows'][number]): string {
  const what = Object.values(details).map((value) => (typeof value === 'object' ? JSON.stringify(value) : value));
  return `${kind.replaceAll('_', ' ')} ${what.join(' ')} for ${forMs} ms`;
}
