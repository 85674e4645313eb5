import { nowUs } from '../../history/events.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import type { Cell } from '../harness/cell.js';
import type { Stage } from '../harness/stage.js';
import type { WallClock } from '../harness/wall-clock.js';
import { reached } from '../rows/client-rows.js';
import type { Crowd } from './crowd.js';
import { type Blow, type Cast, majorityOf, type Round, type Strike, type StrikeAtNodes } from './nemesis-plan.js';

/** What an acquire may fail with while there is no majority. */
const WITHOUT_MAJORITY = ['UnavailableError', 'WaitTimeoutError'];

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
        return this.#strikeNodes(strike, forMs, over);
      case 'step_node_clock':
        return stepped(this.clocks.nodes[strike.node - 1], strike.stepMs, over);
      case 'part':
      case 'disturb_ways':
        return this.#strikeWays(strike, over);
      case 'cut_door':
      case 'deafen_door':
      case 'disturb_door':
        return this.#strikeDoor(strike, over);
      case 'kill_server':
      case 'drain_server':
      case 'stop_server':
        return this.#strikeServer(strike, over);
      case 'step_server_clock':
        return stepped(this.clocks.servers[strike.server - 1], strike.stepMs, over);
      case 'kill_client':
        await this.crowd.kill(strike.client);
        await over();
        return this.crowd.replace(strike.client);
      case 'stop_client': {
        const client = this.cell.client(strike.client);
        client.stop();
        await over();
        client.continue();
        return;
      }
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

  async #strikeWays(
    strike: Extract<Strike, { kind: 'part' | 'disturb_ways' }>,
    over: () => Promise<void>,
  ): Promise<void> {
    const ways = strike.nodes.map((node) => this.cell.way(strike.server, node));
    if (strike.kind === 'part') this.cell.cut(strike.server, ...strike.nodes);
    else for (const way of ways) way.treat(strike.direction, strike.treatment);
    await over();
    healed(...ways);
  }

  async #strikeDoor(
    strike: Extract<Strike, { kind: 'cut_door' | 'deafen_door' | 'disturb_door' }>,
    over: () => Promise<void>,
  ): Promise<void> {
    const door = this.cell.door(strike.server);
    if (strike.kind === 'cut_door') door.cut(true);
    else if (strike.kind === 'deafen_door') door.deafen();
    else door.treat(strike.direction, strike.treatment);
    await over();
    healed(door);
  }

  async #strikeServer(
    { kind, server: number }: Extract<Strike, { kind: 'kill_server' | 'drain_server' | 'stop_server' }>,
    over: () => Promise<void>,
  ): Promise<void> {
    const server = this.cell.server(number);
    if (kind === 'stop_server') {
      server.signal('SIGSTOP');
      await over();
      server.signal('SIGCONT');
      return;
    }
    const end = await server.kill(kind === 'drain_server' ? 'SIGTERM' : 'SIGKILL');
    if (kind === 'drain_server') this.stage.check('L4', `a server that drained ended with ${end.code}`, end.code === 0);
    await over();
    await this.cell.succeed(number);
  }
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
