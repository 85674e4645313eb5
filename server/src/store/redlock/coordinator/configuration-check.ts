import type { ClusterConfiguration, ErrandOutcome, NodeStanding } from './redis-node.js';

type Confirmed = Extract<ErrandOutcome, { readonly kind: 'confirm' }>;

/** What one node has said of the configuration. */
interface Answer {
  readonly agrees: boolean;
  readonly there: ClusterConfiguration | undefined;
  /** When it last confirmed; nothing from before another wait counts for it. */
  readonly confirmedMs: number;
}

/**
 * Whether this server and the nodes belong together: a quorum has confirmed its configuration, and no node has another.
 * With the confirmations comes the greatest time to live of any server that shares the nodes.
 */
export class ConfigurationCheck {
  readonly #answers = new Map<number, Answer>();
  #greatestTtlMs = 0;

  constructor(
    private readonly mine: ClusterConfiguration,
    private readonly quorum: number,
    private readonly nodeName: (node: number) => string,
  ) {}

  get greatestTtlMs(): number {
    return this.#greatestTtlMs;
  }

  /** How many nodes have confirmed this configuration in this process. */
  get agreeing(): number {
    return [...this.#answers.values()].filter(({ agrees }) => agrees).length;
  }

  get confirmed(): boolean {
    return this.agreeing >= this.quorum && this.conflict() === undefined;
  }

  /** How many have confirmed since that moment. */
  confirmedSince(sinceMs: number): number {
    return [...this.#answers.values()].filter(({ agrees, confirmedMs }) => agrees && confirmedMs >= sinceMs).length;
  }

  /** When this node has last confirmed this configuration; `undefined`: not, or not any more. */
  confirmedMs(node: number): number | undefined {
    const answer = this.#answers.get(node);
    return answer?.agrees === true && answer.there !== undefined ? answer.confirmedMs : undefined;
  }

  conflicts(node: number): boolean {
    return this.#answers.get(node)?.agrees === false;
  }

  confirm(node: number, outcome: Confirmed, standing: NodeStanding, receivedMs: number): void {
    this.#greatestTtlMs = Math.max(this.#greatestTtlMs, outcome.greatestTtlMs);
    const agrees = outcome.answer !== 'other';
    this.#answers.set(node, { agrees, there: standing.configuration, confirmedMs: receivedMs });
  }

  /** Every answer says which configuration is there. One that has vanished was agreed to all the same. */
  seen(node: number, { configuration }: NodeStanding): void {
    const before = this.#answers.get(node);
    if (configuration === undefined) {
      if (before?.agrees === true) this.#answers.set(node, { ...before, there: undefined });
      return;
    }
    if (configuration.hash === this.mine.hash && configuration.generation === this.mine.generation) return;
    this.#answers.set(node, { agrees: false, there: configuration, confirmedMs: before?.confirmedMs ?? 0 });
  }

  /** What stands against granting anything, for people. */
  conflict(): string | undefined {
    for (const [node, { agrees, there }] of this.#answers) {
      if (agrees) continue;
      const theirs = there === undefined ? 'another one' : described(there);
      const advice =
        there !== undefined && there.generation > this.mine.generation
          ? 'the nodes were reconfigured, and this server must be too'
          : 'all servers of a cluster must agree on its id, nodes, window, clock drift and key template';
      return `${this.nodeName(node)} belongs to the configuration ${theirs}, this server has ${described(this.mine)}: ${advice}`;
    }
    return undefined;
  }
}

function described({ hash, generation }: ClusterConfiguration): string {
  return `${hash} (generation ${generation})`;
}
