import type {
  BatchReply,
  BatchVerb,
  ErrandReply,
  NodeBatch,
  NodeErrand,
  NodeFault,
  NodeId,
  NodeListener,
  RedisNode,
} from '../../../server/src/store/redlock/coordinator/redis-node.js';
import type { RedlockSettings } from '../../../server/src/store/redlock/coordinator/settings.js';
import { runErrand } from './model-errands.js';
import type { ModelConnection, ModelRedis } from './model-redis.js';
import { runBatch } from './model-verbs.js';
import type { ScriptContext } from './script-context.js';

/** How long after a failed or lost connection the next is tried. */
const RETRY_MS = 100;

/** Lets what comes in be taken now, or, where the server's process stands still, later. */
export type Inbox = (take: () => void) => void;

export interface ModelNodeOptions {
  /** Default: everything is taken at once. */
  readonly inbox?: Inbox;
  /** Tells its wants from those of others. */
  readonly serverId?: string;
}

interface Faulted {
  readonly kind: 'fault';
  readonly fault: NodeFault;
}

interface Unanswered {
  fail(fault: NodeFault): void;
}

/** One connection, from its verification to its end. */
interface Connection {
  readonly life: number;
  identity: string;
  /** Neither end has given it up. */
  open: boolean;
  /** Something was lost on it: nothing that was sent later gets through either. */
  broken: boolean;
  /** Each direction keeps its order; what was sent on another connection may be overtaken. */
  lastArrivalMs: number;
  lastReplyMs: number;
  readonly unanswered: Set<Unanswered>;
}

/**
 * A server's way to a model Redis: `RedisNode` in virtual time. Calls arrive after a delay, run at one moment of the
 * node, and are answered after another; in order on one connection.
 */
export class ModelNode implements RedisNode, ModelConnection {
  /** How long a call is on its way, and an answer; asked for each. */
  requestMs: () => number = () => 0.25;
  replyMs: () => number = () => 0.25;
  /** How long after a call another one like it arrives, as if a network had kept a copy; `undefined`: none does. */
  duplicateMs: () => number | undefined = () => undefined;
  /** Calls that were made, for tests that count. */
  callsMade = 0;
  #cut: { readonly requests: boolean; readonly replies: boolean } = { requests: false, replies: false };
  #listener: NodeListener | undefined;
  #connection: Connection | undefined;
  #toldFault: string | undefined;
  readonly #inbox: Inbox;
  readonly #serverId: string;
  readonly #publish: ScriptContext['publish'];

  constructor(
    readonly redis: ModelRedis,
    private readonly settings: RedlockSettings,
    { inbox = (take) => take(), serverId = 'server-1' }: ModelNodeOptions = {},
  ) {
    this.#inbox = inbox;
    this.#serverId = serverId;
    this.#publish = (hint, key) => redis.publish(hint, key);
  }

  get id(): NodeId {
    return this.redis.id;
  }

  open(listener: NodeListener): void {
    this.#listener = listener;
    this.#connect();
  }

  batch<V extends BatchVerb>(batch: NodeBatch<V>, answered: (reply: BatchReply<V>) => void): void {
    const { witness } = this.redis;
    this.#call<BatchReply<V>>((ctx) => {
      const run = (): BatchReply<V> => runBatch(ctx, batch);
      return witness === undefined ? run() : witness.batch(batch, run);
    }, answered);
  }

  errand(errand: NodeErrand, answered: (reply: ErrandReply) => void): void {
    const { witness } = this.redis;
    this.#call<ErrandReply>((ctx) => {
      const run = (): ErrandReply => runErrand(ctx, errand);
      return witness === undefined ? run() : witness.errand(errand, run);
    }, answered);
  }

  /** What is sent is lost, without anybody noticing: in one direction, or in both. Connections cannot be made. */
  cut(direction: 'requests' | 'replies' | 'both'): void {
    this.#cut = { requests: direction !== 'replies', replies: direction !== 'requests' };
  }

  /** A connection on which something was lost stays silent until there is another. */
  heal(): void {
    this.#cut = { requests: false, replies: false };
  }

  reconnect(): void {
    this.#end({ kind: 'unreachable', message: 'gave no answer, so the connection was closed' });
  }

  close(): Promise<void> {
    this.#listener = undefined;
    this.#end({ kind: 'unreachable', message: 'the connection was closed' });
    return Promise.resolve();
  }

  dropped(fault: NodeFault): void {
    this.#end(fault);
  }

  hinted(hint: 'released' | 'wanted', key: string): void {
    const connection = this.#connection;
    if (connection !== undefined) this.#reply(connection, () => this.#listener?.[hint](key));
  }

  recheck(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#request(connection, () => {
      const { facts } = this.redis;
      this.#reply(connection, () => {
        connection.identity = facts.identity;
        this.#listener?.verified(facts);
      });
    });
  }

  #call<Reply>(run: (ctx: ScriptContext) => Reply, answered: (reply: Reply | Faulted) => void): void {
    this.callsMade += 1;
    const connection = this.#connection;
    if (connection === undefined) {
      answered({ kind: 'fault', fault: { kind: 'unverified', message: 'is not connected' } });
      return;
    }
    const call: Unanswered = {
      fail(fault) {
        answered({ kind: 'fault', fault });
      },
    };
    connection.unanswered.add(call);
    // The script carries what the connection was verified for when it was sent.
    const { identity } = connection;
    this.#request(connection, () => {
      const { failing } = this.redis;
      const reply = failing === undefined ? run(this.#context(identity)) : ({ kind: 'fault', fault: failing } as const);
      this.#reply(connection, () => {
        if (connection.unanswered.delete(call)) answered(reply);
      });
    });
  }

  #context(identity: string): ScriptContext {
    const { redis } = this;
    return {
      keys: redis.keys,
      settings: this.settings,
      identity,
      serverId: this.#serverId,
      clockUs: redis.clockUs,
      without: redis.without,
      outOfMemory: redis.outOfMemory,
      publish: this.#publish,
    };
  }

  /** What has left arrives, even if the connection ends meanwhile; but not in the next process. */
  #request(connection: Connection, run: () => void): void {
    if (this.#cut.requests) connection.broken = true;
    if (connection.broken) return;
    const { world } = this.redis;
    connection.lastArrivalMs = Math.max(connection.lastArrivalMs, world.nowMs() + this.requestMs());
    const arrivesInMs = connection.lastArrivalMs - world.nowMs();
    world.after(arrivesInMs, () => this.#arrive(connection, run));
    const duplicateMs = this.duplicateMs();
    if (duplicateMs !== undefined) {
      world.after(arrivesInMs + duplicateMs, () => this.#arrive(connection, run));
    }
  }

  #arrive({ life }: Connection, run: () => void): void {
    this.redis.arrive(() => {
      if (this.redis.life === life) run();
    });
  }

  #reply(connection: Connection, take: () => void): void {
    if (this.#cut.replies) connection.broken = true;
    if (connection.broken || !connection.open) return;
    const { world } = this.redis;
    connection.lastReplyMs = Math.max(connection.lastReplyMs, world.nowMs() + this.replyMs());
    world.after(connection.lastReplyMs - world.nowMs(), () => {
      this.#inbox(() => {
        if (connection.open) take();
      });
    });
  }

  #connect(): void {
    const { world } = this.redis;
    world.after(this.requestMs() + this.replyMs(), () => this.#inbox(() => this.#verify()));
  }

  #verify(): void {
    if (this.#listener === undefined || this.#connection !== undefined) return;
    const cut = this.#cut.requests || this.#cut.replies;
    const refusal: NodeFault | undefined = cut ? { kind: 'timed_out', message: 'timed out' } : this.redis.refusal;
    if (refusal !== undefined) {
      this.#tellDown(refusal);
      this.redis.world.after(RETRY_MS, () => this.#connect());
      return;
    }
    const { facts, life } = this.redis;
    const fresh = { open: true, broken: false, lastArrivalMs: 0, lastReplyMs: 0 };
    this.#connection = { ...fresh, life, identity: facts.identity, unanswered: new Set() };
    this.#toldFault = undefined;
    this.redis.connected(this);
    this.#listener.verified(facts);
  }

  #end(fault: NodeFault): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.open = false;
    this.#connection = undefined;
    this.redis.disconnected(this);
    this.redis.world.after(0, () => {
      this.#inbox(() => {
        for (const call of connection.unanswered) call.fail(fault);
        connection.unanswered.clear();
        this.#tellDown(fault);
      });
    });
    this.redis.world.after(RETRY_MS, () => this.#connect());
  }

  #tellDown(fault: NodeFault): void {
    const told = `${fault.kind} ${fault.message}`;
    if (this.#toldFault === told) return;
    this.#toldFault = told;
    this.#listener?.down(fault);
  }
}
