import type { Hash, ResourceKey } from '../../server/src/core/names.js';
import { ServerCore } from '../../server/src/core/server-core.js';
import type { CoreSettings } from '../../server/src/core/session-api.js';
import { LockKeys } from '../../server/src/store/redlock/coordinator/keys.js';
import { lockValue, type RedisNode } from '../../server/src/store/redlock/coordinator/redis-node.js';
import type { RedlockStore } from '../../server/src/store/redlock/coordinator/redlock-store.js';
import type { RedlockSettings } from '../../server/src/store/redlock/coordinator/settings.js';
import type { AskingWatch } from '../history/asking-watch.js';
import { RecordedTelemetry } from '../support/core-rig.js';
import type { ModelRedis } from '../support/redlock/model-redis.js';
import { GrantWatch } from './grant-watch.js';
import type { KeepingWatch } from './keeping-watch.js';
import { LeftoverWatch } from './leftover-watch.js';
import type { SimNetwork } from './network.js';
import { ProposalWatch } from './proposal-watch.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimProcess } from './sim-process.js';
import type { SimServer } from './stage.js';
import { TracedNode } from './traced-node.js';
import { type ServerWatches, WatchedNode, WatchedStore } from './watched-node.js';
import type { World } from './world.js';

/** How long a message between a server and a Redis takes, when nothing is the matter. */
const USUAL_MS = { least: 0.05, most: 1.5 };

/** What may be the matter with the way from one server to one Redis. It outlives the server's process. */
interface LinkTrouble {
  cut: LinkDirection | undefined;
  /** The longest a message may take. */
  maxRequestMs: number;
  maxReplyMs: number;
  /** The share of calls that arrive twice. */
  duplicates: number;
  /** The process that is reached instead, from the next start of the server on. */
  instead: ModelRedis | undefined;
}

/** A copy of a message may be as late as that; a few are much later. */
const LATEST_COPY_MS = 400;
const STRAY_SHARE = 0.2;
const LATEST_STRAY_MS = 6_000;

export type LinkDirection = 'requests' | 'replies' | 'both';

export interface RedlockServerParts {
  readonly world: World;
  readonly process: SimProcess;
  readonly random: SeededRandom;
  readonly core: CoreSettings;
  readonly redlock: RedlockSettings;
  readonly redises: readonly ModelRedis[];
  readonly asking: AskingWatch;
  readonly keeping: KeepingWatch;
  /** Servers may have a reason to doubt a node for its clock. */
  readonly clocksMove: boolean;
  violated(guarantee: string, what: string, lock: string): void;
}

/** The real core over the real redlock store, in a process that can die; only the Redis processes are models. */
export class RedlockServer implements SimServer {
  core: ServerCore | undefined;
  /** What the nodes and the store have told that must not be. */
  readonly fatal: string[] = [];
  readonly #links: readonly LinkTrouble[];
  #store: RedlockStore | undefined;
  #nodes: readonly WatchedNode[] = [];

  constructor(private readonly parts: RedlockServerParts) {
    const { most } = USUAL_MS;
    this.#links = parts.redises.map(() => ({
      ...{ cut: undefined, maxRequestMs: most, maxReplyMs: most, duplicates: 0, instead: undefined },
    }));
  }

  get process(): SimProcess {
    return this.parts.process;
  }

  get running(): boolean {
    return this.core !== undefined;
  }

  get store(): RedlockStore | undefined {
    return this.#store;
  }

  start(): void {
    const { asking, world, process, random, core, redlock, redises } = this.parts;
    world.note(process.name, 'starts');
    const { generation } = process;
    const watches = this.#watches();
    this.#nodes = redises.map((redis, index) => {
      const channel = {};
      const inbox = (take: () => void): void => process.take(channel, take, generation);
      const link = this.#link(index);
      const options = { inbox, serverId: process.name };
      const node = new WatchedNode(redis.id, watches, link.instead ?? redis, redlock, options);
      node.duplicateMs = () => {
        if (link.duplicates === 0 || !random.chance(link.duplicates)) return undefined;
        node.copied();
        return random.between(0, random.chance(STRAY_SHARE) ? LATEST_STRAY_MS : LATEST_COPY_MS);
      };
      node.requestMs = () => random.between(USUAL_MS.least, link.maxRequestMs);
      node.replyMs = () => random.between(USUAL_MS.least, link.maxReplyMs);
      if (link.cut !== undefined) node.cut(link.cut);
      return node;
    });
    const nodes: RedisNode[] = this.#nodes.map((node) =>
      world.isReplay ? new TracedNode(node, world, process) : node,
    );
    const store = new WatchedStore(watches, redlock, nodes, {
      clock: process,
      random,
      events: {
        event: (event) => {
          if (world.isReplay) world.note(process.name, JSON.stringify(event));
        },
        fatal: (problem) => this.#fatal(problem),
      },
    });
    this.#store = store;
    this.core = new ServerCore(
      { ...core, serverId: process.name },
      { store: asking.begins(process.name, store), clock: process, random, telemetry: new RecordedTelemetry() },
    );
    store.open();
  }

  #watches(): ServerWatches {
    const { clocksMove, keeping, process, redises, redlock, violated, world } = this.parts;
    const leftovers = new LeftoverWatch(redlock, {
      nowMs: () => world.nowMs,
      violated: (what, lock) => violated('I6', what, lock),
    });
    const isAdmitted = (node: string): boolean =>
      this.#store?.nodes.report().some(({ id, state }) => id === node && state === 'admitted') === true;
    const grants = new GrantWatch({
      ...{ settings: redlock, quorum: Math.floor(redises.length / 2) + 1, violated },
      nowMs: () => process.nowMs(),
      nodesUs: () => redises[0]?.clockUs ?? 0,
      mayVote: (node) => !clocksMove || isAdmitted(node),
    });
    return { leftovers, grants, keeping, proposals: new ProposalWatch(violated), adopted: new Map() };
  }

  close(): void {
    void this.#store?.close();
  }

  kill(network: SimNetwork): void {
    this.core = undefined;
    this.#store = undefined;
    this.process.kill();
    for (const node of this.#nodes) void node.close();
    network.serverDied(this);
  }

  /** Nothing gets through to a Redis, in one direction or in both. */
  cut(node: number, direction: LinkDirection): void {
    this.#link(node).cut = direction;
    this.#nodes[node]?.cut(direction);
  }

  heal(node: number): void {
    this.#link(node).cut = undefined;
    this.#nodes[node]?.heal();
  }

  /** The connection to a Redis ends, as both of them hear: what was on its way back is lost. */
  disconnect(node: number): void {
    this.#nodes[node]?.dropped({ kind: 'unreachable', message: 'closed the connection' });
  }

  /** Messages take up to so long; without it, what they usually take. */
  slow(node: number, direction: LinkDirection, maxDelayMs: number = USUAL_MS.most): void {
    const link = this.#link(node);
    if (direction !== 'replies') link.maxRequestMs = maxDelayMs;
    if (direction !== 'requests') link.maxReplyMs = maxDelayMs;
  }

  /** A part of what is sent to a Redis arrives there again, later. */
  duplicate(node: number, share: number): void {
    this.#link(node).duplicates = share;
  }

  /** Proposes a token to a Redis that no clock explains; should it be accepted, that is taken back. */
  proposeAstray(node: number, resource: ResourceKey, byUs: number): void {
    const { random, redises, redlock } = this.parts;
    const key = new LockKeys(redlock.keyTemplate).keyOf(resource);
    const hash = [...random.bytes(16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const token = Math.floor((redises[node]?.clockUs ?? 0) + byUs);
    const entry = {
      key,
      value: lockValue(hash as Hash, token),
      expiryMs: LATEST_COPY_MS,
      earlierHashes: [],
      waitingSinceUs: 0,
    };
    this.#nodes[node]?.smuggle({ verb: 'acquire', entries: [entry] }, (reply) => {
      if (reply.kind !== 'votes' || reply.votes[0]?.kind !== 'ok') return;
      const taken = { key, values: [entry.value], tombstone: token, waitingSinceUs: 0 };
      this.#nodes[node]?.smuggle({ verb: 'release', entries: [taken] }, () => undefined);
    });
  }

  /** From its next start on, the server finds another process where it looks for a Redis; or the right one again. */
  misdirect(node: number, instead: ModelRedis | undefined): void {
    this.#link(node).instead = instead;
  }

  /** One that was told of wrong nodes is right to stop. */
  #fatal(problem: string): void {
    if (this.#links.every(({ instead }) => instead === undefined)) this.fatal.push(problem);
    else this.parts.world.note(this.process.name, `refuses: ${problem}`);
  }

  #link(node: number): LinkTrouble {
    const link = this.#links[node];
    if (link === undefined) throw new RangeError(`there is no node ${node}`);
    return link;
  }
}
