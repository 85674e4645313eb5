import { Story } from './history-story.js';

/** One thing that somebody does, by dice: who, to what, and how much time passes before. */
export interface Act {
  readonly kind:
    | 'acquire'
    | 'acquire without answer'
    | 'be denied'
    | 'extend'
    | 'release'
    | 'stop'
    | 'die'
    | 'write'
    | 'wait';
  readonly client: number;
  readonly resource: number;
  readonly passUs: number;
}

interface Lease {
  readonly client: string;
  readonly resource: string;
  readonly token: number;
  deadlineUs: number;
  isBelieved: boolean;
}

const TTL_US = 1_000;

/** A world in which a service does what it promises, one thing after the other, and everybody writes down what they see. */
export class HonestWorld {
  readonly story = new Story();
  nowUs = 0;
  #token = 0;
  #operations = 0;
  readonly #freeAtUs = new Map<string, number>();
  readonly #leases: Lease[] = [];
  readonly #written = new Map<string, number>();
  readonly #dead = new Set<string>();

  act({ kind, client: number, resource: index, passUs }: Act): void {
    this.nowUs += passUs;
    const client = this.#living(number);
    const resource = `r${index}`;
    switch (kind) {
      case 'acquire':
        this.acquire(client, resource);
        return;
      case 'acquire without answer':
        this.#acquireUnknown(client, resource);
        return;
      case 'be denied':
        this.#ends(this.invoke(client, resource), client, 'denial');
        return;
      case 'extend':
        this.#extend(client);
        return;
      case 'release':
        this.#release(client);
        return;
      case 'stop':
        this.#stop(client);
        return;
      case 'die':
        this.story.at(this.nowUs, { kind: 'died', client });
        this.#dead.add(client);
        for (const lease of this.#leases) if (lease.client === client) lease.isBelieved = false;
        return;
      case 'write':
        this.write(this.#leases.findLast((lease) => lease.client === client));
        return;
      case 'wait':
        this.nowUs += TTL_US;
        return;
    }
  }

  invoke(client: string, resource: string): string {
    this.#operations += 1;
    const operation = `operation-${this.#operations}`;
    this.story.invoke(this.nowUs, client, { resource, operation });
    return operation;
  }

  /** Granted as soon as it is free; by then all that was promised to others is over. */
  acquire(client: string, resource: string): Lease {
    this.nowUs = Math.max(this.nowUs, this.#freeAtUs.get(resource) ?? 0);
    const operation = this.invoke(client, resource);
    this.#token += 1;
    const lease = { client, resource, token: this.#token, deadlineUs: this.nowUs + TTL_US, isBelieved: true };
    this.story.grant(this.nowUs, client, lease.token, lease.deadlineUs, operation);
    this.#freeAtUs.set(resource, lease.deadlineUs);
    this.#leases.push(lease);
    return lease;
  }

  write(lease: Lease | undefined): void {
    if (lease === undefined) return;
    const { client, resource, token } = lease;
    const isNew = token >= (this.#written.get(resource) ?? 0);
    if (isNew) this.#written.set(resource, token);
    const kind = isNew ? 'write_accepted' : 'write_refused';
    this.story.at(this.nowUs, { kind, client, resource, token: String(token) });
  }

  #living(number: number): string {
    for (let life = 0; ; life += 1) {
      const name = `client-${number}-${life}`;
      if (!this.#dead.has(name)) return name;
    }
  }

  #acquireUnknown(client: string, resource: string): void {
    const operation = this.invoke(client, resource);
    // It may have been granted, if it was free.
    if (this.nowUs >= (this.#freeAtUs.get(resource) ?? 0)) {
      this.#token += 1;
      this.#freeAtUs.set(resource, this.nowUs + TTL_US);
    }
    this.#ends(operation, client, 'unknown');
  }

  #ends(operation: string, client: string, kind: 'denial' | 'unknown'): void {
    this.nowUs += 1;
    this.story.at(this.nowUs, { kind, client, operation });
  }

  #believed(client: string): Lease | undefined {
    return this.#leases.findLast(
      (lease) => lease.client === client && lease.isBelieved && lease.deadlineUs > this.nowUs,
    );
  }

  #extend(client: string): void {
    const lease = this.#believed(client);
    if (lease === undefined) return;
    const { resource, token } = lease;
    lease.deadlineUs = this.nowUs + TTL_US;
    this.#freeAtUs.set(resource, lease.deadlineUs);
    const event = { kind: 'extension', client, resource, token: String(token), deadlineUs: lease.deadlineUs } as const;
    this.story.at(this.nowUs, event);
  }

  #release(client: string): void {
    const lease = this.#believed(client);
    if (lease === undefined) return;
    lease.isBelieved = false;
    this.story.release(this.nowUs, client, lease.token, lease.resource);
    // Every other answer gets lost, and with it every other release.
    if (lease.token % 2 === 0) this.#freeAtUs.set(lease.resource, this.nowUs);
  }

  #stop(client: string): void {
    const lease = this.#believed(client);
    if (lease === undefined) return;
    lease.isBelieved = false;
    const { resource, token } = lease;
    this.story.at(this.nowUs, { kind: 'belief_ends', client, resource, token: String(token) });
  }
}
