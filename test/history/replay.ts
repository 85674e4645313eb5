import type { HistoryEvent, LeaseEvent, OutcomeEvent, QueueEvent } from './events.js';
import { type Grant, History, type HistoryOptions, type Operation, type Party } from './history.js';
import type { KeyLeft, KeysAllowed } from './keys-left.js';
import type { CountLeft } from './things-left.js';

export interface ReplayOptions extends HistoryOptions {
  /** Whether two beliefs may meet at this time all the same. Default: never. */
  readonly beliefsMayMeet?: (atUs: number) => boolean;
  /** What nodes may have at the end. Default: nothing. */
  readonly keysAllowed?: KeysAllowed;
}

/** A grant whose deadline was written down. */
class RecordedGrant implements Grant {
  constructor(
    readonly token: bigint,
    public deadlineUs: number,
    private readonly now: () => number,
  ) {}

  remainingMs(): number {
    return (this.deadlineUs - this.now()) / 1_000;
  }
}

/** Feeds what was written down to the checker, at the times at which it happened. Gives back the checker, which knows the rest. */
export function replay(events: readonly HistoryEvent[], options: ReplayOptions = {}): History {
  const player = new Player(options);
  for (const event of events) player.play(event);
  return player.finish();
}

class Player {
  readonly #history: History;
  readonly #parties = new Map<string, Party>();
  readonly #operations = new Map<string, Operation>();
  readonly #grants = new Map<string, RecordedGrant>();
  readonly #pausedSinceUs = new Map<string, number>();
  readonly #keys: KeyLeft[] = [];
  readonly #counts: CountLeft[] = [];
  #nowUs = 0;

  constructor(private readonly options: ReplayOptions) {
    const now = (): number => this.#nowUs;
    const scene = {
      get nowMs() {
        return now() / 1_000;
      },
      note: () => undefined,
    };
    this.#history = new History(scene, () => options.beliefsMayMeet?.(this.#nowUs) ?? false, options);
  }

  play(event: HistoryEvent): void {
    if (event.atUs < this.#nowUs) throw new RangeError(`${event.kind} at ${event.atUs} comes after ${this.#nowUs}`);
    this.#nowUs = event.atUs;
    switch (event.kind) {
      case 'invoke': {
        const operation = this.#history.invoked(this.#party(event.client), event.resource, event.waitMs);
        this.#operations.set(`${event.client} ${event.operation}`, operation);
        return;
      }
      case 'grant':
      case 'denial':
      case 'failure':
      case 'unknown':
        this.#outcome(event);
        return;
      case 'extension':
      case 'loss':
      case 'belief_ends':
      case 'release_call':
      case 'release_answer':
      case 'look':
        this.#lease(event);
        return;
      case 'died':
        this.#resumed(event.client);
        this.#history.died(this.#party(event.client));
        return;
      case 'paused':
        this.#pausedSinceUs.set(event.client, this.#nowUs);
        return;
      case 'resumed':
        this.#resumed(event.client);
        return;
      case 'write_accepted':
        this.#history.log.take({ resource: event.resource, token: BigInt(event.token), writer: event.client });
        return;
      case 'queued':
      case 'served':
      case 'left_queue':
      case 'was_away':
      case 'server_died':
        this.#queue(event);
        return;
      case 'fault_begins':
        if (event.closes !== undefined) this.#history.closes({ fault: event.fault, ...event.closes });
        return;
      case 'fault_ends':
        this.#history.opens(event.fault);
        for (const resource of event.recovers?.resources ?? []) {
          this.#history.healed({ fault: event.fault, resource, withinMs: event.recovers?.withinMs ?? 0 });
        }
        return;
      case 'probe':
        if (event.granted) this.#history.probed(event.resource, event.calledUs / 1_000);
        return;
      case 'key_left':
        this.#keys.push({ node: event.node, key: event.key, kind: event.of, expiresInMs: event.expiresInMs });
        return;
      case 'count_left':
        this.#counts.push(event);
        return;
      case 'write_refused':
        // A resource may refuse what it likes: the writer has lost nothing that was promised.
        return;
    }
  }

  finish(): History {
    this.#history.keysLeft(this.#keys, this.options.keysAllowed ?? { names: 0, ballotMs: 0 });
    this.#history.thingsLeft(this.#counts);
    this.#history.finish();
    return this.#history;
  }

  #outcome(event: OutcomeEvent): void {
    const key = `${event.client} ${event.operation}`;
    const operation = this.#operations.get(key);
    if (operation === undefined) throw new RangeError(`${event.kind} of ${key}, which was never invoked`);
    switch (event.kind) {
      case 'grant': {
        const grant = new RecordedGrant(BigInt(event.token), event.deadlineUs, () => this.#nowUs);
        this.#grants.set(`${event.client} ${operation.resource} ${grant.token}`, grant);
        this.#history.granted(operation, grant);
        return;
      }
      case 'denial':
        this.#history.settled(operation);
        return;
      case 'failure':
        this.#history.failed(operation, event.code);
        return;
      case 'unknown':
        this.#history.unknown(operation);
        return;
    }
  }

  #lease(event: LeaseEvent): void {
    const key = `${event.client} ${event.resource} ${event.token}`;
    const grant = this.#grants.get(key);
    if (grant === undefined) throw new RangeError(`${event.kind} of ${key}, which was never granted`);
    switch (event.kind) {
      case 'extension':
        this.#history.extended(this.#party(event.client), event.resource, grant);
        grant.deadlineUs = Math.max(grant.deadlineUs, event.deadlineUs);
        this.#history.checkBeliefs(this.#party(event.client));
        return;
      case 'loss':
        this.#history.over(grant, 'lost', event.how);
        return;
      case 'belief_ends':
        this.#history.over(grant, 'stops', 'stopped');
        return;
      case 'release_call':
        this.#history.over(grant, 'gives back', 'released');
        return;
      case 'look':
        if (event.held) this.#history.reliedOn(grant);
        return;
      case 'release_answer':
        // The belief has ended with the call, whatever comes of it.
        return;
    }
  }

  #queue(event: QueueEvent): void {
    const { queues } = this.#history;
    switch (event.kind) {
      case 'queued':
        queues.queued(event.server, event.resource, event.waiter);
        return;
      case 'served':
        queues.served(event.server, event.resource, event.waiter);
        return;
      case 'left_queue':
        queues.left(event.server, event.resource, event.waiter);
        return;
      case 'was_away':
        queues.wasAway(event.server, event.resource, event.waiter);
        return;
      case 'server_died':
        queues.serverDied(event.server);
        return;
    }
  }

  #resumed(client: string): void {
    const sinceUs = this.#pausedSinceUs.get(client);
    if (sinceUs === undefined) return;
    this.#pausedSinceUs.delete(client);
    this.#history.wasPaused(this.#party(client), (this.#nowUs - sinceUs) / 1_000);
  }

  #party(name: string): Party {
    const party = this.#parties.get(name) ?? { name };
    this.#parties.set(name, party);
    return party;
  }
}
