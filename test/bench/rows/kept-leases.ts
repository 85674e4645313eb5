import type { Window } from '../generator/job.js';
import type { Round, Side } from './side.js';
import type { OursWorkload } from './throughput.js';

/** The shortest the server's defaults allow: a lease is due about twice a second. */
const TTL_MS = 1_000;

interface Load {
  readonly clients: number;
  readonly leasesPerClient: number;
}

/** As many as one session may hold, with the server's defaults. */
const MOST_OF_A_CLIENT = 20_000;
/** How many leases to try, in turn: each time about a fifth fewer, so that the value is near what can be kept. */
const LEASES: readonly number[] = [
  80_000, 64_000, 50_000, 40_000, 32_000, 25_000, 20_000, 16_000, 12_500, 10_000, 8_000, 6_400, 5_000, 4_000, 2_000,
];

function loadOf(leases: number): Load {
  const clients = Math.ceil(leases / MOST_OF_A_CLIENT);
  return { clients, leasesPerClient: Math.floor(leases / clients) };
}

/**
 * Leases that our client keeps alive by itself. The server extends what is due and no more, so the load is what so many
 * leases need; the heaviest one that loses none counts.
 */
export class KeptLeases implements OursWorkload {
  #load: Load;
  readonly #lighter: Load[];

  /** Begins with the heaviest load of at most so many leases. */
  constructor(mostLeases: number) {
    const [heaviest, ...lighter] = LEASES.filter((leases) => leases <= mostLeases).map(loadOf);
    if (heaviest === undefined) throw new RangeError(`no load has at most ${mostLeases} leases`);
    this.#load = heaviest;
    this.#lighter = lighter;
  }

  async measure(side: Side, window: Window): Promise<Round> {
    for (;;) {
      const round = await side.measure({ kind: 'keep-alive', ...this.#load, ttlMs: TTL_MS, window });
      if (round.lost === 0 && round.gained?.lost === 0) return round;
      const lighter = this.#lighter.shift();
      if (lighter === undefined) throw new Error(`${round.lost} leases were lost at the lightest load`);
      this.#load = lighter;
    }
  }

  perSecond({ gained, gainedInMs }: Round): number {
    return ((gained?.extensions ?? 0) * 1_000) / gainedInMs;
  }

  remark(): string {
    const { clients, leasesPerClient } = this.#load;
    const leases = (clients * leasesPerClient).toLocaleString('en-US');
    return `ours: ${leases} leases of ${TTL_MS} ms, streams: ${clients}; the heaviest load tried that lost none`;
  }
}
