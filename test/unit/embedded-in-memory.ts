import type { AcquireAnswer, AdoptAnswer } from '../../server/src/core/ports.js';
import { EmbeddedStore } from '../../server/src/store/embedded/embedded-store.js';
import type { CommitStats } from '../../server/src/store/embedded/group-commit.js';
import { acquireBid, adoptBid, grantee, resource, TTL_MS } from '../contract/store-bids.js';
import { tokenOf, Verbs } from '../contract/verbs.js';
import { type LogPace, MemoryDisk, MemoryLog } from '../support/memory-log.js';
import { VirtualClock } from '../support/virtual-clock.js';

const DRIFT = 0.01;
const MARGIN_MS = 5;

/** An embedded store on a disk in memory, whose commits end when the test says so. */
export class EmbeddedInMemory {
  readonly on = new Verbs(() => this.store);
  readonly stats: CommitStats[] = [];
  readonly failures: Error[] = [];
  log: MemoryLog;
  store: EmbeddedStore;

  constructor(
    private readonly pace: LogPace,
    readonly clock: VirtualClock = new VirtualClock(),
    readonly disk: MemoryDisk = new MemoryDisk(),
  ) {
    this.log = new MemoryLog(disk, pace);
    this.store = this.#open();
  }

  /** Forgets everything that is not on the disk. */
  crash(): void {
    this.log = new MemoryLog(this.disk, this.pace);
    this.store = this.#open();
  }

  /** Lets every commit through until none is under way. */
  async commit(): Promise<void> {
    await this.clock.settle();
    while (this.log.underWay) {
      this.log.acknowledge();
      await this.clock.settle();
    }
  }

  /** A grant that is on the disk. */
  async granted(name: string, request: string, ttlMs?: number): Promise<bigint> {
    const to = ttlMs === undefined ? grantee(request) : grantee(request, { ttlMs });
    const answers = this.on.batch.acquire([acquireBid(name, to)]);
    await this.commit();
    return tokenOf((await answers)[0] as AcquireAnswer);
  }

  nominate(name: string, ...requests: readonly string[]): void {
    this.store.nominate(requests.map((request) => ({ resource: resource(name), to: grantee(request) })));
  }

  async adopted(name: string, request: string, token: bigint, ttlMs = TTL_MS): Promise<AdoptAnswer> {
    const to = grantee(request, { secret: `${request} again`, ttlMs });
    const answers = this.on.batch.adopt([adoptBid(name, [request], token, to)]);
    await this.commit();
    return (await answers)[0] as AdoptAnswer;
  }

  async pastExpiry(ttlMs: number = TTL_MS): Promise<void> {
    await this.clock.advance(ttlMs * (1 + DRIFT) + MARGIN_MS);
  }

  #open(): EmbeddedStore {
    return new EmbeddedStore({
      clock: this.clock,
      log: this.log,
      clockRateDrift: DRIFT,
      clockMarginMs: MARGIN_MS,
      onCommit: (stats) => this.stats.push(stats),
      onFailure: (error) => this.failures.push(error),
    });
  }
}

/** What a promise has come to so far. */
export async function soFar<T>(promise: Promise<T>, clock: VirtualClock): Promise<T | 'pending'> {
  let result: T | 'pending' = 'pending';
  void promise.then((value) => {
    result = value;
  });
  await clock.settle();
  return result;
}
