import type { History } from '../history/history.js';
import { type Happening, HistoryRecord } from '../history/record.js';
import type { ClientEvent, ClientProcess, Shift } from './client-process.js';

/** What tells of a client. */
type Telling = Pick<ClientProcess, 'heardBy'>;

/** What a loaded machine may add to an answer. */
const ANSWER_SLACK_MS = 5_000;
/** How long clients at work wait for each lease. */
const WORK_WAIT_MS = 60_000;

interface Known {
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
  readonly #leases = new Map<string, Known>();
  /** Acquires under way, by resource: clients have one at a time of each. */
  readonly #open = new Map<string, string>();
  #operations = 0;

  constructor(
    private readonly client: string,
    private readonly record: HistoryRecord,
  ) {}

  hear(event: ClientEvent): void {
    switch (event.kind) {
      case 'acquiring':
        this.#acquiring(event.atUs, event.name, event.waitMs);
        return;
      case 'granted':
        this.#granted(event);
        return;
      case 'failed':
        this.#failed(event);
        return;
      case 'extended':
        this.#extended(event.atUs, event.name, Math.floor(event.untilUs));
        return;
      case 'lost':
        this.#over(event.atUs, event.name, 'belief_ends');
        return;
      case 'releasing':
        this.#over(event.atUs, event.name, 'release_call');
        return;
      case 'view':
        if (!event.mayWrite) return;
        this.#extended(event.atUs, event.name, Math.floor(event.atUs + event.remainingMs * 1_000));
        this.#looked(event.atUs, event.name);
        return;
      case 'stalled':
      case 'looked':
        if (event.mayWrite) this.#looked(event.atUs, event.name);
        return;
      case 'worked':
        for (const shift of event.shifts) this.#shift(shift);
        return;
      default:
        // The rest says nothing of acquires and leases.
        return;
    }
  }

  #acquiring(atUs: number, resource: string, waitMs: number): void {
    this.#operations += 1;
    const operation = String(this.#operations);
    this.#open.set(resource, operation);
    this.#say(atUs, { kind: 'invoke', client: this.client, operation, resource, waitMs });
  }

  #granted({ atUs, name, token, remainingMs }: Extract<ClientEvent, { kind: 'granted' }>): void {
    const operation = this.#open.get(name);
    if (operation === undefined) return;
    this.#open.delete(name);
    const deadlineUs = Math.floor(atUs + remainingMs * 1_000);
    this.#leases.set(name, { token, deadlineUs });
    this.#say(atUs, { kind: 'grant', client: this.client, operation, token, deadlineUs });
  }

  #failed({ atUs, name, order, error }: Extract<ClientEvent, { kind: 'failed' }>): void {
    const operation = this.#open.get(name);
    if (order !== 'acquire' || operation === undefined) return;
    this.#open.delete(name);
    this.#say(atUs, { kind: 'failure', client: this.client, operation, code: error });
  }

  /** Heard of by looking at it now and then; by then the deadline before it may have passed, and it was told in time. */
  #extended(seenUs: number, name: string, deadlineUs: number): void {
    const lease = this.#leases.get(name);
    if (lease === undefined || deadlineUs <= lease.deadlineUs) return;
    const atUs = Math.min(seenUs, lease.deadlineUs - 1);
    lease.deadlineUs = deadlineUs;
    this.#say(atUs, { kind: 'extension', ...this.#of(name, lease), deadlineUs });
  }

  #looked(atUs: number, name: string): void {
    const lease = this.#leases.get(name);
    if (lease !== undefined) this.#say(atUs, { kind: 'look', ...this.#of(name, lease), held: true });
  }

  #over(atUs: number, name: string, kind: 'belief_ends' | 'release_call'): void {
    const lease = this.#leases.get(name);
    if (lease === undefined) return;
    // A lease that is lost may still be released, and is nothing to rely on before that either.
    if (kind === 'release_call') this.#leases.delete(name);
    this.#say(atUs, { kind, ...this.#of(name, lease) });
  }

  /** A lease at work, which its holder had at the end of it still. */
  #shift({ name, token, calledUs, fromUs, toUs }: Shift): void {
    this.#operations += 1;
    const operation = String(this.#operations);
    const from = `${this.client} ${operation}`;
    const take = (atUs: number, happening: Happening): void => this.record.take(from, { atUs, ...happening });
    const { client } = this;
    take(calledUs, { kind: 'invoke', client, operation, resource: name, waitMs: WORK_WAIT_MS });
    take(fromUs, { kind: 'grant', client, operation, token, deadlineUs: toUs + 1 });
    take(toUs, { kind: 'release_call', client, resource: name, token });
  }

  #of(
    resource: string,
    { token }: Known,
  ): { readonly client: string; readonly resource: string; readonly token: string } {
    return { client: this.client, resource, token };
  }

  #say(atUs: number, happening: Happening): void {
    this.record.take(this.client, { atUs, ...happening });
  }
}
