import { type Client, connect, type Lease } from '@holdfast/client';
import { connectedApart, type Driver, type Extender, type HeldLock, type Keeper, type LockClient } from './driver.js';

const WAIT_MS = 60_000;
const PATIENCE_MS = 60_000;
/** As often as the other drivers look whether a server has come up. */
const RETRY_MS = 50;
const EXTENDED_TTL_MS = 60_000;

/** Our server, through its own client. */
export function holdfastDriver(target: string): Driver {
  const locks = async (): Promise<LockClient> => new HoldfastLocks(await connect(target));
  return {
    connect: locks,
    contenders: (count) => connectedApart(count, locks),
    awaitServer: async () =>
      new HoldfastLocks(await connect(target, { connectTimeoutMs: PATIENCE_MS, maxBackoffMs: RETRY_MS })),
    extender: async (leases) => HoldfastExtender.take(await connect(target), leases),
    keeper: async (ttlMs) => new HoldfastKeeper(await connect(target), ttlMs),
  };
}

class HoldfastLocks implements LockClient {
  constructor(private readonly client: Client) {}

  async acquire(name: string): Promise<HeldLock> {
    return new HoldfastLock(await this.client.acquire(name, { waitMs: WAIT_MS }));
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

class HoldfastLock implements HeldLock {
  constructor(private readonly lease: Lease) {}

  async release(): Promise<void> {
    const { outcome } = await this.lease.release();
    if (outcome !== 'released') throw new Error(`the release of ${this.lease.name} ended as ${outcome}`);
  }
}

class HoldfastExtender implements Extender {
  private constructor(
    private readonly client: Client,
    private readonly leases: readonly Lease[],
  ) {}

  static async take(client: Client, count: number): Promise<HoldfastExtender> {
    const options = { waitMs: WAIT_MS, ttlMs: EXTENDED_TTL_MS, autoExtend: false };
    const names = Array.from({ length: count }, (_, index) => `bench/extended/${index}`);
    return new HoldfastExtender(client, await Promise.all(names.map((name) => client.acquire(name, options))));
  }

  extend(index: number): Promise<void> {
    const lease = this.leases[index];
    if (lease === undefined) throw new RangeError(`there is no lease ${index}`);
    return lease.extend();
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

class HoldfastKeeper implements Keeper {
  readonly #leases: Lease[] = [];

  constructor(
    private readonly client: Client,
    private readonly ttlMs: number,
  ) {}

  async take(name: string): Promise<void> {
    this.#leases.push(await this.client.acquire(name, { waitMs: WAIT_MS, ttlMs: this.ttlMs }));
  }

  get lost(): number {
    return this.#leases.filter(({ state }) => state === 'lost').length;
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
