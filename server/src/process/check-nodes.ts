import type { RedlockConfig, ServerConfig } from '../config/server-config.js';
import type { NodeFacts, RedisNode } from '../store/redlock/open-redlock-store.js';
import { EXIT, StartRefused } from './exit-codes.js';
import { redlockOptions } from './redlock-options.js';
import { systemClock } from './system-clock.js';

/** Longer than a node may take to connect and be looked at. */
const CHECK_MS = 7_000;

/** What was found of one node. */
interface Finding {
  readonly id: string;
  readonly address: string;
  /** Its facts, or what is wrong with it, to be read after its name. */
  readonly found: NodeFacts | string;
}

/** Connects to every node and writes nothing there. `say` is given a line for each. */
export async function checkNodes(
  store: RedlockConfig,
  config: ServerConfig,
  say: (line: string) => void,
): Promise<StartRefused | undefined> {
  const { quorum, redisNodes } = await import('../store/redlock/open-redlock-store.js');
  const nodes = redisNodes(await redlockOptions(store, config, 'check'));
  const findings = await Promise.all(
    nodes.map(async (node, index): Promise<Finding> => {
      return { id: node.id, address: store.nodes[index]?.address.shown ?? '', found: await lookAt(node) };
    }),
  );
  await Promise.all(nodes.map((node) => node.close()));
  for (const { id, address, found } of findings) {
    say(`node ${id} at ${address} ${typeof found === 'string' ? found : `answers: ${found.version}`}`);
  }
  return judged(findings, quorum(findings.length));
}

/** What a node says of itself, or what keeps it from that. */
function lookAt(node: RedisNode): Promise<NodeFacts | string> {
  return new Promise((resolve) => {
    const late = systemClock.after(CHECK_MS, () => resolve(`has not answered within ${CHECK_MS} ms`));
    const found = (what: NodeFacts | string): void => {
      late.cancel();
      resolve(what);
    };
    const ignored = (): void => undefined;
    node.open({ verified: found, down: ({ message }) => found(message), released: ignored, wanted: ignored });
  });
}

function judged(findings: readonly Finding[], needed: number): StartRefused | undefined {
  const byIdentity = new Map<string, Finding>();
  for (const finding of findings) {
    if (typeof finding.found === 'string') continue;
    const other = byIdentity.get(finding.found.identity);
    if (other !== undefined) {
      const message = `${other.id} and ${finding.id} are one and the same Redis: each node must be a process of its own`;
      return new StartRefused(message, EXIT.storeRefused);
    }
    byIdentity.set(finding.found.identity, finding);
  }
  if (byIdentity.size >= needed) return undefined;
  const message = `only ${byIdentity.size} of ${findings.length} nodes can be used, and ${needed} must agree to a grant`;
  return new StartRefused(message, EXIT.storeRefused);
}
