import { randomInt } from 'node:crypto';
import { connectedApart, type Driver, type Extender, type HeldLock, type LockClient } from './driver.js';
import { EtcdCalls } from './etcd-calls.js';

/** Longer than any measurement: etcd's leases are not to be extended while locks are measured. */
const LEASE_SECONDS = 7_200;
const EXTENDED_LEASE_SECONDS = 60;

/** etcd's lock and lease services. */
export function etcdDriver(target: string): Driver {
  const connect = async (): Promise<LockClient> => {
    const calls = new EtcdCalls(target);
    return new EtcdLocks(calls, await newLease(calls, LEASE_SECONDS));
  };
  return {
    connect,
    contenders: (count) => connectedApart(count, connect),
    awaitServer: connect,
    extender: async (leases) => EtcdExtender.take(new EtcdCalls(target), leases),
  };
}

async function newLease(calls: EtcdCalls, seconds: number): Promise<number> {
  const id = randomInt(1, 2 ** 47);
  await calls.grantLease(id, seconds);
  return id;
}

class EtcdLocks implements LockClient {
  constructor(
    private readonly calls: EtcdCalls,
    private readonly lease: number,
  ) {}

  async acquire(name: string): Promise<HeldLock> {
    return new EtcdLock(this.calls, await this.calls.lock(name, this.lease));
  }

  async close(): Promise<void> {
    await this.calls.revokeLease(this.lease);
    this.calls.close();
  }
}

class EtcdLock implements HeldLock {
  constructor(
    private readonly calls: EtcdCalls,
    private readonly key: Buffer,
  ) {}

  release(): Promise<void> {
    return this.calls.unlock(this.key);
  }
}

interface Pending {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class EtcdExtender implements Extender {
  readonly #stream: ReturnType<EtcdCalls['keepAlive']>;
  readonly #pending = new Map<number, Pending>();

  private constructor(
    private readonly calls: EtcdCalls,
    private readonly leases: readonly number[],
  ) {
    this.#stream = calls.keepAlive();
    this.#stream.on('data', ({ ID, TTL }: { readonly ID: number; readonly TTL: number }) => {
      const pending = this.#pending.get(ID);
      this.#pending.delete(ID);
      if (TTL > 0) pending?.resolve();
      else pending?.reject(new Error(`lease ${ID} is gone`));
    });
    this.#stream.on('error', (error) => {
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    });
  }

  static async take(calls: EtcdCalls, count: number): Promise<EtcdExtender> {
    const leases = Array.from({ length: count }, () => newLease(calls, EXTENDED_LEASE_SECONDS));
    return new EtcdExtender(calls, await Promise.all(leases));
  }

  extend(index: number): Promise<void> {
    const id = this.leases[index];
    if (id === undefined) throw new RangeError(`there is no lease ${index}`);
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#stream.write({ ID: id });
    });
  }

  async close(): Promise<void> {
    this.#stream.end();
    await Promise.all(this.leases.map((id) => this.calls.revokeLease(id)));
    this.calls.close();
  }
}
