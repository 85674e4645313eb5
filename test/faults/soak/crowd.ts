import { nowUs } from '../../history/events.js';
import { SeededRandom } from '../../simulation/seeded-random.js';
import { type Cell, TTL_MS } from '../harness/cell.js';
import type { Participant } from '../harness/participant.js';
import { reached } from '../rows/scenes.js';

/** What everybody wants. */
export const NAMES = ['r-1', 'r-2', 'r-3'] as const;
const WAIT_MS = 4_000;
/** Most leases are short; some live by their extensions. */
const SHORT_MS = 120;
const LONG_MS = 2 * TTL_MS;
const LONG_SHARE = 0.05;
/** Now and then a name that nobody had and nobody will have. */
const ONCE_SHARE = 0.1;
/** Now and then somebody computes for longer than the lease lasts, and then wants to write. */
const STALL_SHARE = 0.02;
const STALL_MS = 1.2 * TTL_MS;
/** After a failure, so that a cell that is down is not flooded. */
const BREATH_MS = 100;

/** A process was ended while it had something to do. */
class Gone extends Error {}

/** Client processes that take, use and give back, one lease at a time each, whatever fails. */
export class Crowd {
  readonly #random: SeededRandom;
  readonly #gone = new Set<Participant>();
  readonly #loops = new Map<Participant, Promise<void>>();
  readonly #once = new Set<string>();
  #resting = false;
  #writes = 0;

  constructor(
    private readonly cell: Cell,
    seed: number,
  ) {
    this.#random = new SeededRandom(seed);
  }

  get writes(): number {
    return this.#writes;
  }

  /** How many names were asked for. */
  get names(): number {
    return NAMES.length + this.#once.size;
  }

  async begin(): Promise<void> {
    await Promise.all(this.cell.clients.map((client, index) => this.#join(client, index)));
  }

  /** Ends a client in the middle of whatever it does. */
  async end(number: number, how: 'killed' | 'leaves' = 'killed'): Promise<void> {
    const client = this.cell.client(number);
    this.#gone.add(client);
    this.#loops.delete(client);
    await (how === 'killed' ? client.kill() : client.leave());
  }

  /** Another one in the place of one that was ended. */
  async replace(number: number): Promise<void> {
    await this.#join(await this.cell.replaceClient(number), number - 1);
  }

  /** Everybody comes to an end of what is under way. */
  async rest(): Promise<void> {
    this.#resting = true;
    await Promise.all(this.#loops.values());
  }

  async #join(client: Participant, index: number): Promise<void> {
    const { doors } = this.cell;
    const from = index % doors.length;
    await client.connect(...doors.slice(from), ...doors.slice(0, from));
    this.#loops.set(client, this.#work(client, this.#random.fork()));
  }

  async #work(client: Participant, random: SeededRandom): Promise<void> {
    while (!this.#resting && !this.#gone.has(client)) {
      try {
        await this.#lease(client, random);
      } catch (error) {
        if (error instanceof Gone) return;
        await reached(nowUs() + BREATH_MS * 1_000);
      }
    }
  }

  async #lease(client: Participant, random: SeededRandom): Promise<void> {
    const name = this.#name(random);
    const order = <T>(give: () => Promise<T>): Promise<T> => {
      if (this.#gone.has(client)) throw new Gone();
      return give();
    };
    await order(() => client.acquire(name, TTL_MS, WAIT_MS));
    try {
      await order(() => this.#write(client, name, random.chance(STALL_SHARE) ? STALL_MS : 0));
      await reached(nowUs() + 1_000 * (random.chance(LONG_SHARE) ? LONG_MS : random.unit() * SHORT_MS));
      await order(() => this.#write(client, name));
    } finally {
      await order(() => client.release(name));
    }
  }

  async #write(client: Participant, name: string, stallMs = 0): Promise<void> {
    this.#writes += 1;
    await client.write(name, this.cell.resource.address, `write-${this.#writes}`, { stallMs });
  }

  #name(random: SeededRandom): string {
    if (!random.chance(ONCE_SHARE)) return random.pick(NAMES);
    const name = `once-${this.#once.size + 1}`;
    this.#once.add(name);
    return name;
  }
}
