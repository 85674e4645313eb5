import { nowUs } from '../../history/events.js';
import { makeFit, makeUnfit } from '../../support/redlock/unfit-node.js';
import type { ServerProcess } from '../../support/server-process.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import type { Cell } from '../harness/cell.js';
import type { Stage } from '../harness/stage.js';
import { pester } from '../harness/stranger.js';
import type { WallClock } from '../harness/wall-clock.js';
import { reached } from '../rows/scenes.js';
import type { Crowd } from './crowd.js';
import {
  type Blow,
  type Cast,
  majorityOf,
  type Round,
  type StrikeAtClient,
  type StrikeAtDoor,
  type StrikeAtNodes,
  type StrikeAtServer,
  type StrikeAtWays,
} from './strikes.js';

/** What an acquire may fail with while there is no majority. */
const WITHOUT_MAJORITY = ['UnavailableError', 'WaitTimeoutError'];

/** How long a server that stutters stands still, and goes on. */
const STUTTER_MS = 150;

/** The wall clocks that can be set. */
export interface Clocks {
  readonly nodes: readonly WallClock[];
  readonly servers: readonly WallClock[];
  readonly clients: WallClock;
}

/** Does to a cell what was planned. */
export class Nemesis {
  #clientsAtMs = 0;

  constructor(
    private readonly cast: Cast,
    private readonly cell: Cell,
    private readonly stage: Stage,
    private readonly crowd: Crowd,
    private readonly clocks: Clocks,
  ) {}

  /** Resolves when everything is as it was before, apart from what had to be forgotten. */
  async play({ blows }: Round): Promise<void> {
    const startUs = nowUs();
    await Promise.all(
      blows.map(async (blow) => {
        await reached(startUs + blow.atMs * 1_000);
        await this.#strike(blow);
      }),
    );
    this.cell.heal();
  }

  async #strike({ strike, forMs }: Blow): Promise<void> {
    const over = (): Promise<void> => reached(nowUs() + forMs * 1_000);
    switch (strike.kind) {
      case 'kill_nodes':
      case 'stop_nodes':
      case 'flush_nodes':
      case 'hold_commands':
      case 'forget_scripts':
      case 'drop_connections':
      case 'unfit_nodes':
        return this.#strikeNodes(strike, forMs, over);
      case 'step_node_clock':
        return stepped(this.clocks.nodes[strike.node - 1], strike.stepMs, over);
      case 'part':
      case 'disturb_ways':
      case 'half_close_ways':
        return this.#strikeWays(strike, over);
      case 'cut_door':
      case 'deafen_door':
      case 'disturb_door':
      case 'half_close_door':
        return this.#strikeDoor(strike, over);
      case 'kill_server':
      case 'drain_server':
      case 'stop_server':
      case 'stutter_server':
        return this.#strikeServer(strike, forMs, over);
      case 'pester_server':
        return pester(this.cell.server(strike.server).address, strike.by, strike.seed);
      case 'step_server_clock':
        return stepped(this.clocks.servers[strike.server - 1], strike.stepMs, over);
      case 'kill_client':
      case 'leave_client':
      case 'stop_client':
      case 'busy_client':
        return this.#strikeClient(strike, forMs, over);
      case 'step_client_clock':
        this.#clientsAtMs -= strike.backMs;
        this.clocks.clients.shiftBy(this.#clientsAtMs);
        return;
    }
  }

  async #strikeNodes(strike: StrikeAtNodes, forMs: number, over: () => Promise<void>): Promise<void> {
    const nodes = strike.nodes.map((node) => this.cell.redis(node));
    switch (strike.kind) {
      case 'kill_nodes':
        await Promise.all(nodes.map((node) => node.kill()));
        await this.#gone(strike.nodes.length, over);
        await Promise.all(nodes.map((node) => node.restart({ empty: strike.empty })));
        return;
      case 'stop_nodes':
        for (const node of nodes) node.pause();
        await this.#gone(strike.nodes.length, over);
        for (const node of nodes) node.resume();
        return;
      case 'flush_nodes':
        await Promise.all(nodes.map(({ client }) => client.flushall()));
        return;
      case 'hold_commands':
        await Promise.all(nodes.map(({ client }) => client.call('CLIENT', 'PAUSE', String(forMs), 'ALL')));
        return over();
      case 'forget_scripts':
        await Promise.all(nodes.map(({ client }) => client.script('FLUSH')));
        return;
      case 'drop_connections':
        await Promise.all(nodes.map(({ client }) => client.call('CLIENT', 'KILL', 'TYPE', 'normal')));
        return;
      case 'unfit_nodes':
        await Promise.all(nodes.map((node) => makeUnfit(node, strike.how)));
        await over();
        await Promise.all(nodes.map((node) => makeFit(node, strike.how)));
        return;
    }
  }

  /** While a majority is gone nothing may be granted (I10). */
  async #gone(count: number, over: () => Promise<void>): Promise<void> {
    if (count < majorityOf(this.cast)) return over();
    const fault = `${count} nodes are gone`;
    this.stage.faultBegins(fault, WITHOUT_MAJORITY);
    await over();
    this.stage.faultEnds(fault, [], 0);
  }

  async #strikeWays(strike: StrikeAtWays, over: () => Promise<void>): Promise<void> {
    const ways = strike.nodes.map((node) => this.cell.way(strike.server, node));
    if (strike.kind === 'part') this.cell.cut(strike.server, ...strike.nodes);
    else if (strike.kind === 'half_close_ways') for (const way of ways) way.halfClose(strike.direction);
    else for (const way of ways) way.treat(strike.direction, strike.treatment);
    await over();
    healed(...ways);
  }

  async #strikeDoor(strike: StrikeAtDoor, over: () => Promise<void>): Promise<void> {
    const door = this.cell.door(strike.server);
    if (strike.kind === 'cut_door') door.cut(true);
    else if (strike.kind === 'deafen_door') door.deafen();
    else if (strike.kind === 'half_close_door') door.halfClose(strike.direction);
    else door.treat(strike.direction, strike.treatment);
    await over();
    healed(door);
  }

  async #strikeServer(strike: StrikeAtServer, forMs: number, over: () => Promise<void>): Promise<void> {
    const server = this.cell.server(strike.server);
    switch (strike.kind) {
      case 'kill_server':
      case 'drain_server': {
        const isAsked = strike.kind === 'drain_server';
        const end = await server.kill(isAsked ? 'SIGTERM' : 'SIGKILL');
        if (isAsked) this.stage.check('L4', `a server that drained ended with ${end.code}`, end.code === 0);
        await over();
        return this.cell.succeed(strike.server);
      }
      case 'stop_server':
        return stopped(server, over);
      case 'stutter_server':
        for (const endUs = nowUs() + forMs * 1_000; nowUs() < endUs; ) {
          await stopped(server, () => reached(nowUs() + STUTTER_MS * 1_000));
          await reached(nowUs() + STUTTER_MS * 1_000);
        }
        return;
    }
  }

  async #strikeClient(strike: StrikeAtClient, forMs: number, over: () => Promise<void>): Promise<void> {
    const client = this.cell.client(strike.client);
    switch (strike.kind) {
      case 'kill_client':
      case 'leave_client':
        await this.crowd.end(strike.client, strike.kind === 'kill_client' ? 'killed' : 'leaves');
        await over();
        return this.crowd.replace(strike.client);
      case 'stop_client':
        client.stop();
        await over();
        client.continue();
        return;
      case 'busy_client':
        client.keepBusy(forMs);
        return over();
    }
  }
}

async function stopped(server: ServerProcess, over: () => Promise<void>): Promise<void> {
  server.signal('SIGSTOP');
  await over();
  server.signal('SIGCONT');
}

async function stepped(clock: WallClock | undefined, stepMs: number, over: () => Promise<unknown>): Promise<void> {
  if (clock === undefined) throw new RangeError('there is no such clock');
  clock.shiftBy(stepMs);
  await over();
  clock.shiftBy(0);
}

function healed(...links: readonly TcpProxy[]): void {
  for (const link of links) link.heal();
}
