import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type {
  BatchReply,
  BatchVerb,
  BatchVerbs,
  LockValue,
} from '../../server/src/store/redlock/coordinator/redis-node.js';
import { WallClock } from '../faults/harness/wall-clock.js';
import { eventually } from '../support/deadline.js';
import { bid, hashOf, nextToken, passing, tokenOf } from '../support/redis-entries.js';
import { NodeRig } from '../support/redis-node-rig.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { ModelNode } from '../support/redlock/model-node.js';
import { ModelRedis } from '../support/redlock/model-redis.js';
import { redlockSettings } from '../support/redlock/model-settings.js';
import { VirtualClock } from '../support/virtual-clock.js';

const KEY = 'holdfast:default:lock:orders/42';
const SERVERS = ['server-1', 'server-2', 'server-3'] as const;
type Server = (typeof SERVERS)[number];
/** Within the window, and more than any want lasts. */
const AHEAD_MS = 40_000;
const HINT_MS = 5_000;

/** One node, called by three servers. */
interface TurnsNode {
  vote<V extends BatchVerb>(server: Server, verb: V, entry: BatchVerbs[V]['entry']): Promise<BatchVerbs[V]['vote']>;
  /** A token that the node accepts, greater than all before. */
  token(): number;
  clear(): Promise<void>;
  /** Sets its clock forward, or back. */
  step(ms: number): void;
  /** How often a holder that nobody knows was asked for so far. */
  asked(): number;
  stop(): Promise<void>;
}

for (const [name, start] of [
  ['a real Redis', startReal],
  ['the model', startModel],
] as const) {
  describe(`turns of several servers at ${name}`, () => {
    let node: TurnsNode;
    before(async () => {
      node = await start();
    });
    after(() => node?.stop());
    beforeEach(() => node.clear());

    const acquire = (server: Server, waitingSinceUs: number): Promise<{ kind: string; value?: string }> => {
      const value = `${hashOf(server.slice(-1).repeat(2))}:${node.token()}` as LockValue;
      return node.vote(server, 'acquire', bid(KEY, value, { waitingSinceUs }));
    };
    const held = async (server: Server): Promise<LockValue> => {
      const value = `${hashOf('a0')}:${node.token()}` as LockValue;
      expect(await node.vote(server, 'acquire', bid(KEY, value))).to.deep.equal({ kind: 'ok' });
      return value;
    };
    const release = (server: Server, value: LockValue, waitingSinceUs = 0): Promise<{ kind: string }> =>
      node.vote(server, 'release', { key: KEY, values: [value], tombstone: tokenOf(value), waitingSinceUs });

    it('go to the server that has waited longest, whoever comes first', async () => {
      const value = await held('server-1');
      await acquire('server-2', 2_000);
      await acquire('server-3', 1_000);
      expect(await release('server-1', value)).to.deep.equal({ kind: 'released', wanted: true });
      expect(await acquire('server-2', 2_000)).to.include({ kind: 'held', value: '' });
      expect(await acquire('server-1', 0)).to.include({ kind: 'held', value: '' });
      expect(await acquire('server-3', 1_000)).to.deep.equal({ kind: 'ok' });
    });

    it('come to every server in its order, also to one that releases and waits on', async () => {
      const value = await held('server-1');
      await acquire('server-2', 1_000);
      await acquire('server-3', 2_000);
      await release('server-1', value, 3_000);
      const second = `${hashOf('b0')}:${node.token()}` as LockValue;
      expect(await node.vote('server-2', 'acquire', bid(KEY, second, { waitingSinceUs: 1_000 }))).to.deep.equal({
        kind: 'ok',
      });
      const handed = `${hashOf('b1')}:${node.token()}` as LockValue;
      expect(await node.vote('server-2', 'hand_off', passing(KEY, [second], handed))).to.include({ wanted: true });
      await release('server-2', handed, 4_000);
      expect(await acquire('server-1', 3_000)).to.include({ kind: 'held', value: '' });
      expect(await acquire('server-3', 2_000)).to.deep.equal({ kind: 'ok' });
    });

    it('are those of who waits now, also when others did while the clock was ahead', async () => {
      const before = node.asked();
      node.step(AHEAD_MS);
      const value = await held('server-1');
      await acquire('server-2', 1_000);
      await eventually(HINT_MS, 'a question', () => node.asked() === before + 1 || undefined);
      node.step(-AHEAD_MS);
      await acquire('server-3', 2_000);
      await eventually(HINT_MS, 'a second question', () => node.asked() === before + 2 || undefined);
      expect(await release('server-1', value)).to.deep.equal({ kind: 'released', wanted: true });
      expect(await acquire('server-3', 2_000)).to.deep.equal({ kind: 'ok' });
    });

    it('are nobody’s when the only one who waits is the server itself', async () => {
      const value = await held('server-1');
      await acquire('server-1', 1_000);
      expect(await node.vote('server-1', 'hand_off', passing(KEY, [value], nextValueOf(node)))).to.include({
        wanted: false,
      });
    });
  });
}

function nextValueOf(node: TurnsNode): LockValue {
  return `${hashOf('c0')}:${node.token()}` as LockValue;
}

async function startReal(): Promise<TurnsNode> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-clock-'));
  const clock = new WallClock(folder, 'node');
  let aheadMs = 0;
  const redis: RedisServer = await startRedis({ env: clock.env });
  const rigs = new Map<Server, NodeRig>();
  for (const serverId of SERVERS) rigs.set(serverId, await NodeRig.verified(redis.url, { serverId }));
  const rigOf = (server: Server): NodeRig => {
    const rig = rigs.get(server);
    if (rig === undefined) throw new RangeError(server);
    return rig;
  };
  return {
    vote: (server, verb, entry) => rigOf(server).vote(verb, entry),
    token: nextToken,
    clear: async () => {
      await redis.client.flushall();
      await rigOf('server-1').declare();
    },
    step: (ms) => {
      aheadMs += ms;
      clock.shiftBy(aheadMs);
    },
    asked: () => rigOf('server-1').events.filter(({ kind }) => kind === 'wanted').length,
    stop: async () => {
      for (const rig of rigs.values()) await rig.node.close();
      await redis.stop();
      clock.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function startModel(): Promise<TurnsNode> {
  const clock = new VirtualClock();
  const settings = redlockSettings();
  const redis = new ModelRedis(clock, 'redis-1');
  const nodes = new Map<Server, ModelNode>();
  let questions = 0;
  const noteQuestion = (): void => {
    questions += 1;
  };
  for (const serverId of SERVERS) {
    const node = new ModelNode(redis, settings, { serverId });
    node.open({ verified: noop, down: noop, released: noop, wanted: serverId === 'server-1' ? noteQuestion : noop });
    nodes.set(serverId, node);
  }
  await clock.advance(5);
  const nodeOf = (server: Server): ModelNode => {
    const node = nodes.get(server);
    if (node === undefined) throw new RangeError(server);
    return node;
  };
  let last = 0;
  const answered = async <T>(call: (done: (reply: T) => void) => void): Promise<T> => {
    let got: T | undefined;
    call((reply) => {
      got = reply;
    });
    await clock.advance(1);
    if (got === undefined) throw new Error('the model did not answer');
    return got;
  };
  return {
    vote: async (server, verb, entry) => {
      const batch = { verb, entries: [entry] };
      const reply = await answered<BatchReply<typeof verb>>((done) => nodeOf(server).batch(batch, done));
      const [vote] = reply.kind === 'votes' ? reply.votes : [];
      if (vote === undefined) throw new Error(`no vote: ${reply.kind}`);
      return vote;
    },
    token: () => {
      last = Math.max(last + 1, redis.clockUs);
      return last;
    },
    clear: async () => {
      redis.wipe();
      last = 0;
      const { configuration } = settings;
      const nonce = 'of the rounds';
      await answered((done) => nodeOf('server-1').errand({ kind: 'mark', nonce }, done));
      const declaration = { kind: 'declare', nonce, configuration, maxTtlMs: 60_000 } as const;
      await answered((done) => nodeOf('server-1').errand(declaration, done));
    },
    step: (ms) => redis.stepClock(ms),
    asked: () => questions,
    stop: async () => {
      for (const node of nodes.values()) await node.close();
    },
  };
}

function noop(): void {
  // Nobody listens here.
}
