import { declareNewCluster } from '../bench/systems/declare-cluster.js';
import { provideRedis } from '../support/provide-redis.js';
import { Actor } from './actor.js';
import type { RedisEvent, RedisOrder, RedisProcess } from './redis-protocol.js';

/** Redis cannot run here; the message says what to do. */
export class RedisMissing extends Error {
  override readonly name = 'RedisMissing';
}

/** Five Redis processes, in a group of their own: what interrupts the terminal's does not reach them. */
export class RedisCluster {
  private constructor(
    private readonly actor: Actor<RedisOrder, RedisEvent>,
    readonly nodes: readonly RedisProcess[],
  ) {}

  /** Starts them on free ports; installs Redis where it is missing and that is possible. */
  static async start(): Promise<RedisCluster> {
    const presence = provideRedis();
    if (presence.kind === 'missing') throw new RedisMissing(presence.why);
    const actor = new Actor<RedisOrder, RedisEvent>('redis', './redis-main.ts', []);
    const { nodes } = await actor.next('ready');
    return new RedisCluster(actor, nodes);
  }

  /** For a server that uses them. */
  get flags(): readonly string[] {
    return ['--store', 'redlock', '--redis-nodes', this.nodes.map(({ id, url }) => `${id}=${url}`).join(',')];
  }

  /** What `holdfast admin init` does, at the server there: nothing has to be waited out then. */
  async declareNew(address: string): Promise<void> {
    await declareNewCluster(address);
  }

  /** Kills one as a power cut would. */
  async killNode(id: string): Promise<void> {
    const killed = this.actor.next('killed', (event) => event.id === id);
    this.actor.tell({ kind: 'kill', id });
    await killed;
  }

  /** Ends them all. */
  async kill(): Promise<void> {
    await this.actor.kill();
  }
}
