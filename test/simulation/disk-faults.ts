import type { Cast } from './cast.js';
import type { EmbeddedServer } from './embedded-server.js';
import type { SimNetwork } from './network.js';
import type { SeededRandom } from './seeded-random.js';
import type { LogMoment } from './slow-log.js';
import type { FaultKind } from './stage.js';
import type { Troubles } from './troubles.js';
import type { World } from './world.js';

/** A clock that goes on from when it was written down last, or from the last boot. */
const BEHIND_MS = [2_000, 3_600_000, 86_400_000];
const MOMENTS: readonly LogMoment[] = ['begun', 'written', 'acknowledged'];

export interface DiskFaultsParts {
  readonly cast: Cast;
  readonly network: SimNetwork;
  readonly server: EmbeddedServer;
  readonly troubles: Troubles;
  readonly world: World;
}

/** What befalls a server that writes to a disk. */
export class DiskFaults {
  readonly kinds: readonly FaultKind[] = [
    { name: 'crashInCommit', weight: 10, strike: (random) => this.#crashInCommit(random) },
    { name: 'comeUpBehind', weight: 6, strike: (random) => this.#comeUpBehind(random) },
    { name: 'slowDisk', weight: 5, strike: (random) => this.#slowDisk(random) },
  ];

  constructor(private readonly parts: DiskFaultsParts) {}

  /** The process dies right after one of the next commits has begun, reached the disk, or been acknowledged. */
  #crashInCommit(random: SeededRandom): boolean {
    const { cast, network, server, troubles } = this.parts;
    const downMs = random.chance(0.7) ? random.between(0, 50) : random.between(0, 2 * cast.maxTtlMs);
    if (!server.running || server.process.paused) return false;
    server.crashAt(random.pick(MOMENTS), () => {
      if (!server.running) return;
      troubles.end(`${server.process.name} stands still`);
      troubles.during(
        `${server.process.name} is down`,
        downMs,
        () => server.kill(network),
        () => server.start(),
      );
    });
    return true;
  }

  /** The machine goes down, and nobody has set its clock when the server is started again. */
  #comeUpBehind(random: SeededRandom): boolean {
    const { network, server, troubles } = this.parts;
    const { process } = server;
    const behindMs = random.pick(BEHIND_MS) * random.unit();
    const downMs = random.between(0, 50);
    if (!server.running || process.paused) return false;
    return troubles.during(
      `${process.name} is down, and its clock behind`,
      downMs,
      () => {
        server.kill(network);
        process.stepWall(-behindMs);
      },
      () => server.start(),
    );
  }

  #slowDisk(random: SeededRandom): boolean {
    const { server, troubles } = this.parts;
    const { slowShare, slowestMs } = server;
    return troubles.during(
      'the disk is slow',
      random.between(50, 1_000),
      () => {
        server.slowShare = random.between(0.2, 1);
        server.slowestMs = random.between(10, 300);
      },
      () => {
        server.slowShare = slowShare;
        server.slowestMs = slowestMs;
      },
    );
  }
}
