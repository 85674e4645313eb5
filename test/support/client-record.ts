import type { History } from '../history/history.js';
import { type Happening, HistoryRecord } from '../history/record.js';
import type { ClientEvent, ClientProcess } from './client-process.js';

/** What tells of a client. */
type Telling = Pick<ClientProcess, 'heardBy'>;

/** What a loaded machine may add to an answer. */
const ANSWER_SLACK_MS = 5_000;

type EventOf<K extends ClientEvent['kind']> = Extract<ClientEvent, { kind: K }>;

interface Known {
  readonly resource: string;
  readonly token: string;
  deadlineUs: number;
}

/** Clients in processes of their own, written down for the checker. */
export class ClientRecord {
  readonly #record = new HistoryRecord();
  readonly #clients = new Map<Telling, string>();

  /** Writes down what a client tells from now on. What it has from before is left out. */
  watch(client: Telling, name: string): void {
    const told = new ToldByClient(name, this.#record);
    this.#clients.set(client, name);
    client.heardBy((event) => told.hear(event));
  }

  /** The client's process is gone. To be called when it is. */
  died(client: Telling): void {
    const name = this.#clients.get(client);
    if (name !== undefined) this.#record.add({ kind: 'died', client: name });
  }

  get judged(): History {
    return this.#record.judged({ settleSlackMs: ANSWER_SLACK_MS });
  }
}

/** One client's events, in the words of histories. */
export class ToldByClient {
  /** By resource, of which clients have one lease at a time, unless they are at work: then by shift. */
  readonly #leases = new Map<string, Known>();
  /** Acquires under way, by the same. */
  readonly #open = new Map<string, string>();
  #operations = 0;

  constructor(
    private readonly client: string,
    private readonly record: HistoryRecord,
  ) {}

  hear(event: ClientEvent, shift?: number): void {
    const key = 'name' in event ? `${event.name}${shift === undefined ? '' : ` ${shift}`}` : '';
    switch (event.kind) {
      case 'acquiring':
        this.#acquiring(key, event);
        return;
      case 'granted':
        this.#granted(key, event);
        return;
      case 'failed':
        this.#failed(key, event);
        return;
      case 'extended':
        this.#extended(key, event);
        return;
      case 'lost':
        this.#over(event.atUs, key, 'belief_ends');
        return;
      case 'releasing':
        this.#over(event.atUs, key, 'release_call');
        return;
      case 'view':
      case 'stalled':
      case 'looked':
        if (event.mayWrite) this.#looked(event.atUs, key);
        return;
      case 'at_work':
        this.hear(event.event, event.shift);
        return;
      default:
        // The rest says nothing of acquires and leases.
        return;
    }
  }

  #acquiring(key: string, { atUs, name: resource, waitMs }: EventOf<'acquiring'>): void {
    this.#operations += 1;
    const operation = String(this.#operations);
    this.#open.set(key, operation);
    this.#say(atUs, { kind: 'invoke', client: this.client, operation, resource, waitMs });
  }

  #granted(key: string, { atUs, name: resource, token, remainingMs }: EventOf<'granted'>): void {
    const operation = this.#open.get(key);
    if (operation === undefined) return;
    this.#open.delete(key);
    const deadlineUs = Math.floor(atUs + remainingMs * 1_000);
    this.#leases.set(key, { resource, token, deadlineUs });
    this.#say(atUs, { kind: 'grant', client: this.client, operation, token, deadlineUs });
  }

  #failed(key: string, { atUs, order, error }: EventOf<'failed'>): void {
    const operation = this.#open.get(key);
    if (order !== 'acquire' || operation === undefined) return;
    this.#open.delete(key);
    this.#say(atUs, { kind: 'failure', client: this.client, operation, code: error });
  }

  /** It was heard of between two looks at the lease: before the deadline that was known, unless that had passed at the first. */
  #extended(key: string, { atUs: seenUs, sinceUs, untilUs }: EventOf<'extended'>): void {
    const lease = this.#leases.get(key);
    const deadlineUs = Math.floor(untilUs);
    if (lease === undefined || deadlineUs <= lease.deadlineUs) return;
    const atUs = Math.max(sinceUs, Math.min(seenUs, lease.deadlineUs - 1));
    lease.deadlineUs = deadlineUs;
    this.#say(atUs, { kind: 'extension', ...this.#of(lease), deadlineUs });
  }

  #looked(atUs: number, key: string): void {
    const lease = this.#leases.get(key);
    if (lease !== undefined) this.#say(atUs, { kind: 'look', ...this.#of(lease), held: true });
  }

  #over(atUs: number, key: string, kind: 'belief_ends' | 'release_call'): void {
    const lease = this.#leases.get(key);
    if (lease === undefined) return;
    // A lease that is lost may still be released, and is nothing to rely on before that either.
    if (kind === 'release_call') this.#leases.delete(key);
    this.#say(atUs, { kind, ...this.#of(lease) });
  }

  #of({ resource, token }: Known): { readonly client: string; readonly resource: string; readonly token: string } {
    return { client: this.client, resource, token };
  }

  #say(atUs: number, happening: Happening): void {
    this.record.take(this.client, { atUs, ...happening });
  }
}
