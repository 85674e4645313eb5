import { randomBytes } from 'node:crypto';
import type { Hash } from '../../../server/src/core/names.js';
import type {
  AcquireEntry,
  NodeBatch,
  NodeToken,
  RedisNode,
  ReleaseEntry,
} from '../../../server/src/store/redlock/coordinator/redis-node.js';
import { parseNodeAddress } from '../../support/parse-node-address.js';
import { type BuiltServer, loadBuiltServer } from './built-server.js';
import type { Batcher, Driver } from './driver.js';
import { ask, BatchLane } from './quorum-batch.js';

const TTL_MS = 30_000;
/** The server's defaults, but for an admission that nobody has to refresh while a measurement lasts. */
const SETTINGS = {
  windowMs: 5_000,
  ballotMs: 600_000,
  admissionMs: 7_200_000,
  keyTemplate: 'holdfast:{ns}:lock:{name}',
  configuration: { hash: 'benchmark', generation: 1 },
};
const HASH_BYTES = 16;

/** The server's scripts for its nodes, called in full batches by nobody but this: what is above them can only cost. */
export function batchedScriptsDriver(target: string): Driver {
  return {
    batcher: async (callsPerNode) => {
      const built = await loadBuiltServer();
      const addresses = target.split(',');
      const nodes = await Promise.all(
        addresses.map((address, index) => openNode(built, `redis-${index + 1}`, address)),
      );
      return new ScriptBatcher(built, nodes, callsPerNode);
    },
  };
}

/** Resolves when the node has been admitted; it has nothing of a cluster yet, or what an earlier call left. */
async function openNode(built: BuiltServer, id: string, target: string): Promise<RedisNode> {
  const parsed = parseNodeAddress(`redis://${target}`);
  if (parsed.kind === 'refused') throw new Error(`${target} ${parsed.why}`);
  const node = new built.IoredisNode({
    id,
    address: parsed.address,
    tls: undefined,
    clusterId: 'benchmark',
    serverId: 'benchmark',
    settings: SETTINGS,
    clock: built.systemClock,
    random: built.systemRandom(),
  });
  await new Promise<void>((resolve, reject) => {
    node.open({
      verified: () => resolve(),
      down: ({ message }) => reject(new Error(`${id} ${message}`)),
      released: () => undefined,
      wanted: () => undefined,
    });
  });
  const { configuration } = SETTINGS;
  const nonce = 'benchmark';
  const declaration = { kind: 'declare', nonce, configuration, maxTtlMs: TTL_MS } as const;
  await new Promise<void>((resolve, reject) => {
    // Calls on one connection are answered in order.
    node.errand({ kind: 'mark', nonce }, () => undefined);
    node.errand(declaration, (reply) => {
      if (reply.kind === 'done' && reply.standing.admitted) resolve();
      else reject(new Error(`${id} ${reply.kind === 'fault' ? reply.fault.message : 'was not admitted'}`));
    });
  });
  return node;
}

class ScriptBatcher implements Batcher {
  readonly #lanes: readonly BatchLane[];
  #lastToken: NodeToken = 0;

  constructor(
    private readonly built: Pick<BuiltServer, 'lockValue'>,
    private readonly nodes: readonly RedisNode[],
    callsPerNode: number,
  ) {
    this.#lanes = nodes.map((node) => new BatchLane(node, callsPerNode));
  }

  /**
   * The release follows when each lock has a majority. The next pair waits until every node has answered, so that none
   * falls behind without bound.
   */
  pairs(names: readonly string[]): () => Promise<void> {
    const holders = names.map((name) => ({
      key: `holdfast:default:lock:${name}`,
      hash: randomBytes(HASH_BYTES).toString('hex') as Hash,
    }));
    return async () => {
      const acquires: AcquireEntry[] = [];
      const releases: ReleaseEntry[] = [];
      for (const { key, hash } of holders) {
        this.#lastToken = Math.max(this.#lastToken + 1, Date.now() * 1_000);
        const value = this.built.lockValue(hash, this.#lastToken);
        acquires.push({ key, value, expiryMs: TTL_MS, earlierHashes: [], waitingSinceUs: 0 });
        releases.push({ key, values: [value], tombstone: this.#lastToken, waitingSinceUs: 0 });
      }
      await ask(this.#lanes, { verb: 'acquire', entries: acquires } satisfies NodeBatch<'acquire'>).decided;
      await ask(this.#lanes, { verb: 'release', entries: releases } satisfies NodeBatch<'release'>).answered;
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }
}
