import { ServerCore } from '../../server/src/core/server-core.js';
import type { CoreSettings } from '../../server/src/core/session-api.js';
import { EmbeddedStore } from '../../server/src/store/embedded/embedded-store.js';
import { RecordedTelemetry } from '../support/core-rig.js';
import { MemoryDisk } from '../support/memory-log.js';
import type { Reachable, SimNetwork } from './network.js';
import type { SeededRandom } from './seeded-random.js';
import { SlowLog } from './slow-log.js';
import type { SimProcess, World } from './world.js';

/** The real core over the real embedded store, in a process that can die; only the disk below it is simulated. */
export class SimServer implements Reachable {
  core: ServerCore | undefined;
  readonly telemetry = new RecordedTelemetry();
  readonly #disk = new MemoryDisk();

  constructor(
    private readonly world: World,
    readonly process: SimProcess,
    private readonly random: SeededRandom,
    private readonly settings: CoreSettings,
  ) {
    this.start();
  }

  start(): void {
    const { process, random, settings, telemetry } = this;
    this.world.note(process.name, 'starts');
    const log = new SlowLog(
      this.#disk,
      (delayMs, callback) => void process.after(delayMs, callback),
      () => (random.chance(0.05) ? random.between(5, 120) : random.between(0.2, 2)),
    );
    const store = new EmbeddedStore({
      clock: process,
      log,
      clockRateDrift: settings.clockRateDrift,
      clockMarginMs: settings.clockMarginMs,
      onFailure: (error) => {
        throw error;
      },
    });
    this.core = new ServerCore(settings, { store, clock: process, random, telemetry });
  }

  kill(network: SimNetwork): void {
    this.core = undefined;
    this.process.kill();
    network.serverDied(this);
  }
}
