import type { ResourceKey } from '../../server/src/core/names.js';
import type {
  AcquireAnswer,
  AcquireBid,
  AdoptAnswer,
  AdoptBid,
  Answered,
  Clock,
  ExtendAnswer,
  ExtendBid,
  Grantee,
  HandOffAnswer,
  HandOffBid,
  Introduction,
  LeaseStore,
  Nomination,
  ReleaseAnswer,
  ReleaseBid,
  StoreCapabilities,
  StoredHolder,
  StoredLease,
  StoreListener,
} from '../../server/src/core/ports.js';
import { type ModelServer, ModelServers } from './model-servers.js';

interface Kept extends Omit<StoredLease, 'remainingMs'> {
  expiresAtMs: number;
  /** What its server has said of it. */
  introducedAs: string | undefined;
}

interface ModelTable {
  readonly kept: Map<ResourceKey, Kept>;
  readonly servers: ModelServers;
  lastToken: bigint;
}

/**
 * The least store that is right: one map, answers after a delay that the test chooses. What a call does happens at once
 * when it is made; only the answer is late, as it is on a real disk or network.
 */
export class ModelStore implements LeaseStore, ModelServer {
  readonly name = 'model';
  readonly nodes = undefined;
  readonly nominations: Nomination[] = [];
  readonly withdrawn: Nomination[] = [];
  /** When set, every verb answers that it cannot. */
  unavailable = false;
  /** See `StoreCapabilities`. */
  onlyNamespace: string | undefined = undefined;
  /** How long an answer takes; asked for each call. */
  answerDelayMs: () => number = () => 0;
  readonly introductions: Introduction[] = [];
  readonly #table: ModelTable;
  listener: StoreListener | undefined;

  constructor(
    private readonly clock: Clock,
    /** Another server's view of the same store. */
    beside?: ModelStore,
    private readonly drift = 0.01,
    private readonly marginMs = 5,
  ) {
    this.#table =
      beside === undefined
        ? { kept: new Map(), servers: new ModelServers(() => clock.nowMs()), lastToken: 0n }
        : beside.#table;
    this.servers.join(this);
  }

  get capabilities(): StoreCapabilities {
    const { onlyNamespace } = this;
    return { resumeAfterRestart: true, severalServers: this.servers.several, listsLeases: true, onlyNamespace };
  }

  get servers(): ModelServers {
    return this.#table.servers;
  }

  get #kept(): Map<ResourceKey, Kept> {
    return this.#table.kept;
  }

  /** As a restarted server finds it: every lease has a full TTL again. */
  restart(): void {
    for (const kept of this.#kept.values()) kept.expiresAtMs = this.#expiry(kept.ttlMs);
  }

  acquire(bids: readonly AcquireBid[], answered: Answered<AcquireAnswer>): void {
    this.#later(
      answered,
      bids.map((bid) => this.#acquire(bid)),
    );
  }

  extend(bids: readonly ExtendBid[], answered: Answered<ExtendAnswer>): void {
    this.#later(
      answered,
      bids.map((bid): ExtendAnswer => {
        if (this.unavailable) return 'unknown';
        const kept = this.#live(bid.resource);
        if (kept?.hash !== bid.hash || kept.token !== bid.token) return 'lost';
        kept.expiresAtMs = Math.max(kept.expiresAtMs, this.#expiry(bid.ttlMs));
        return 'renewed';
      }),
    );
  }

  handOff(bids: readonly HandOffBid[], answered: Answered<HandOffAnswer>): void {
    this.#later(
      answered,
      bids.map((bid): HandOffAnswer => {
        if (this.unavailable) return { kind: 'unavailable', message: 'switched off' };
        const kept = this.#kept.get(bid.resource);
        if (kept?.hash !== bid.from.hash || kept.token !== bid.from.token) return { kind: 'lost' };
        const previous = this.#live(bid.resource) === undefined ? 'gone' : 'released';
        const wanted = this.servers.wanted(bid.resource, this);
        return { kind: 'granted', token: this.#grant(bid.resource, bid.to), previous, wanted };
      }),
    );
  }

  adopt(bids: readonly AdoptBid[], answered: Answered<AdoptAnswer>): void {
    this.#later(
      answered,
      bids.map((bid): AdoptAnswer => {
        if (this.unavailable) return { kind: 'unknown', message: 'switched off' };
        const kept = this.#live(bid.resource);
        if (kept === undefined || !bid.presented.includes(kept.hash)) return { kind: 'lost' };
        if (bid.token !== kept.token) return { kind: 'lost' };
        const expiresAtMs = Math.max(kept.expiresAtMs, this.#expiry(bid.grantee.ttlMs));
        this.#kept.set(bid.resource, { ...kept, ...bid.grantee, expiresAtMs });
        return { kind: 'adopted', token: kept.token };
      }),
    );
  }

  release(bids: readonly ReleaseBid[], answered: Answered<ReleaseAnswer>): void {
    this.#later(
      answered,
      bids.map((bid): ReleaseAnswer => {
        if (this.unavailable) return 'unknown';
        const kept = this.#kept.get(bid.resource);
        if (kept === undefined || !bid.hashes.includes(kept.hash)) return 'gone';
        if (bid.token !== undefined && bid.token !== kept.token) return 'gone';
        this.#kept.delete(bid.resource);
        this.servers.released(bid.resource, this);
        if (bid.waits) this.servers.note(bid.resource, this);
        return 'released';
      }),
    );
  }

  nominate(nominations: readonly Nomination[]): void {
    this.nominations.push(...nominations);
  }

  withdraw(nominations: readonly Nomination[]): void {
    this.withdrawn.push(...nominations);
  }

  *storedLeases(): Iterable<StoredLease> {
    for (const kept of this.#kept.values()) {
      if (this.#live(kept.resource) !== undefined) {
        yield { ...kept, remainingMs: kept.expiresAtMs - this.clock.nowMs() };
      }
    }
  }

  listen(listener: StoreListener): void {
    this.listener = listener;
  }

  introduce(introductions: readonly Introduction[]): void {
    this.introductions.push(...introductions);
    for (const { resource, hash, token, clientName } of introductions) {
      const kept = this.#kept.get(resource);
      if (kept?.hash === hash && kept.token === token) kept.introducedAs = clientName;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #acquire(bid: AcquireBid): AcquireAnswer {
    if (this.unavailable) return { kind: 'unavailable', message: 'switched off' };
    const kept = this.#live(bid.resource);
    if (kept === undefined) return { kind: 'granted', token: this.#grant(bid.resource, bid.grantee) };
    if (bid.earlierHashes.includes(kept.hash) || kept.hash === bid.grantee.hash) {
      return { kind: 'mine', hash: kept.hash, token: kept.token };
    }
    if (bid.waits) this.servers.want(bid.resource, this);
    return { kind: 'held', holder: this.#holder(kept), retryAfterMs: kept.expiresAtMs - this.clock.nowMs() };
  }

  /** One server knows everything of a holder, several only what they were told. */
  #holder({ leaseId, clientName, grantedAtWallMs, introducedAs }: Kept): StoredHolder | undefined {
    if (!this.servers.several) return { leaseId, clientName, heldMs: this.clock.wallMs() - grantedAtWallMs };
    return introducedAs === undefined ? undefined : { leaseId: undefined, clientName: introducedAs, heldMs: undefined };
  }

  #grant(resource: ResourceKey, grantee: Grantee): bigint {
    const wallUs = BigInt(Math.floor(this.clock.wallMs() * 1_000));
    const { lastToken } = this.#table;
    const token = lastToken + 1n > wallUs ? lastToken + 1n : wallUs;
    this.#table.lastToken = token;
    this.#kept.set(resource, {
      ...grantee,
      resource,
      token,
      grantedAtWallMs: this.clock.wallMs(),
      expiresAtMs: this.#expiry(grantee.ttlMs),
      introducedAs: undefined,
    });
    this.servers.granted(resource, this);
    return token;
  }

  #live(resource: ResourceKey): Kept | undefined {
    const kept = this.#kept.get(resource);
    return kept !== undefined && kept.expiresAtMs > this.clock.nowMs() ? kept : undefined;
  }

  #expiry(ttlMs: number): number {
    return this.clock.nowMs() + ttlMs * (1 + this.drift) + this.marginMs;
  }

  #later<T>(answered: Answered<T>, answers: readonly T[]): void {
    const tell = (): void => {
      for (const [index, answer] of answers.entries()) answered(index, answer);
    };
    const delayMs = this.answerDelayMs();
    if (delayMs <= 0) void Promise.resolve().then(tell);
    else this.clock.after(delayMs, tell);
  }
}
