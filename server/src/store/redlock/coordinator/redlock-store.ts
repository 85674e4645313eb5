import type {
  AcquireAnswer,
  AcquireBid,
  AdoptAnswer,
  AdoptBid,
  Answered,
  Clock,
  ExtendAnswer,
  ExtendBid,
  HandOffAnswer,
  HandOffBid,
  Introduction,
  LeaseStore,
  Random,
  ReleaseAnswer,
  ReleaseBid,
  StoreCapabilities,
  StoredLease,
  StoreListener,
  StoreNodes,
} from '../../../core/ports.js';
import { Coordinator } from './coordinator.js';
import { HintCounter } from './hint-counter.js';
import { Membership, type MembershipEvents } from './membership.js';
import { NodeOrders } from './node-orders.js';
import type { RedisNode } from './redis-node.js';
import type { RedlockSettings } from './settings.js';

export interface RedlockStorePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: MembershipEvents;
  /** Where a node is, for people, by its place in the list of nodes. Default: not said. */
  readonly addressOf?: (node: number) => string;
}

/** Leases on a quorum of independent Redis nodes, shared with the other servers of the cluster. */
export class RedlockStore implements LeaseStore {
  readonly name = 'redlock';
  readonly capabilities: StoreCapabilities;
  readonly nodes: StoreNodes;
  readonly #membership: Membership;
  readonly #coordinator: Coordinator;
  readonly #hints: HintCounter;
  #listener: StoreListener | undefined;
  #closing: Promise<void> | undefined;

  /** `nodes` in the order of their names in the configuration. Call `open` next. */
  constructor(settings: RedlockSettings, nodes: readonly RedisNode[], ports: RedlockStorePorts) {
    this.#membership = new Membership(settings, nodes, {
      ...ports,
      trusted: () => this.#coordinator.goOn(),
      cameBack: (node) => this.#coordinator.nodeCameBack(node),
      released: (node, key) => this.#released(node, key),
      wanted: (key) => this.#wanted(key),
    });
    this.#coordinator = new Coordinator(settings, nodes, { ...ports, electorate: this.#membership });
    const { onlyNamespace } = this.#coordinator.keys;
    this.capabilities = { resumeAfterRestart: true, severalServers: true, listsLeases: false, onlyNamespace };
    this.#hints = new HintCounter(this.#membership.quorum);
    this.nodes = new NodeOrders(this.#membership, this.#coordinator);
  }

  /** Connects to the nodes. */
  open(): void {
    this.#membership.open();
  }

  acquire(bids: readonly AcquireBid[], answered: Answered<AcquireAnswer>): void {
    if (this.#closing === undefined) this.#coordinator.acquire(bids, answered);
    else answerAll(bids, answered, CLOSED);
  }

  extend(bids: readonly ExtendBid[], answered: Answered<ExtendAnswer>): void {
    if (this.#closing === undefined) this.#coordinator.extend(bids, answered);
    else answerAll(bids, answered, 'unknown');
  }

  handOff(bids: readonly HandOffBid[], answered: Answered<HandOffAnswer>): void {
    if (this.#closing === undefined) this.#coordinator.handOff(bids, answered);
    else answerAll(bids, answered, CLOSED);
  }

  adopt(bids: readonly AdoptBid[], answered: Answered<AdoptAnswer>): void {
    if (this.#closing === undefined) this.#coordinator.adopt(bids, answered);
    else answerAll(bids, answered, { kind: 'unknown', message: CLOSED.message });
  }

  release(bids: readonly ReleaseBid[], answered: Answered<ReleaseAnswer>): void {
    if (this.#closing === undefined) this.#coordinator.release(bids, answered);
    else answerAll(bids, answered, 'unknown');
  }

  nominate(): void {
    // A hand-off costs one round with or without warning.
  }

  withdraw(): void {
    // Nothing was prepared.
  }

  /** The nodes keep hashes and tokens only: who holds what is known to the server that granted it. */
  storedLeases(): Iterable<StoredLease> {
    return [];
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
  }

  introduce(introductions: readonly Introduction[]): void {
    if (this.#closing === undefined) this.#coordinator.introduce(introductions);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#coordinator.goOn();
    await this.#coordinator.settled();
    await this.#membership.close();
  }

  #released(node: number, key: string): void {
    const resource = this.#coordinator.keys.resourceOf(key);
    if (resource !== undefined && this.#hints.add(key, node)) this.#listener?.released(resource);
  }

  #wanted(key: string): void {
    const resource = this.#coordinator.keys.resourceOf(key);
    if (resource !== undefined) this.#listener?.wanted(resource);
  }
}

function answerAll<Answer>(bids: readonly unknown[], answered: Answered<Answer>, answer: Answer): void {
  for (let index = 0; index < bids.length; index += 1) answered(index, answer);
}

const CLOSED = { kind: 'unavailable', message: 'the store is closed' } as const;
