import { ServerCore } from '../../server/src/core/server-core.js';
import type { CoreSettings } from '../../server/src/core/session-api.js';
import { EmbeddedStore } from '../../server/src/store/embedded/embedded-store.js';
import type { AskingWatch } from '../history/asking-watch.js';
import { RecordedTelemetry } from '../support/core-rig.js';
import { MemoryDisk } from '../support/memory-log.js';
import type { SimNetwork } from './network.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimProcess } from './sim-process.js';
import { type LogMoment, SlowLog } from './slow-log.js';
import type { SimServer } from './stage.js';
import type { World } from './world.js';

/** The real core over the real embedded store, in a process that can die; only the disk below it is simulated. */
export class EmbeddedServer implements SimServer {
  core: ServerCore | undefined;
  readonly fatal: readonly string[] = [];
  /** The longest a commit may take, now and then, … */
  slowestMs = 120;
  /** … and how often that is. */
  slowShare = 0.05;
  readonly #disk = new MemoryDisk();
  #store: EmbeddedStore | undefined;
  #crash: { readonly moment: LogMoment; readonly run: () => void } | undefined;

  constructor(
    private readonly world: World,
    readonly process: SimProcess,
    private readonly random: SeededRandom,
    private readonly settings: CoreSettings,
    private readonly asking: AskingWatch,
  ) {}

  get running(): boolean {
    return this.core !== undefined;
  }

  start(): void {
    const { process, random, settings } = this;
    this.world.note(process.name, 'starts');
    const { generation } = process;
    const log = new SlowLog(this.#disk, {
      after: (delayMs, callback) => void process.after(delayMs, callback),
      delayMs: () => (random.chance(this.slowShare) ? random.between(5, this.slowestMs) : random.between(0.2, 2)),
      reached: (moment) => {
        if (process.generation === generation) this.#reached(moment);
      },
    });
    const store = new EmbeddedStore({
      clock: process,
      log,
      clockRateDrift: settings.clockRateDrift,
      clockMarginMs: settings.clockMarginMs,
      onFailure: (error) => {
        throw error;
      },
    });
    this.#store = store;
    const asked = this.asking.begins(process.name, store);
    this.core = new ServerCore(settings, { store: asked, clock: process, random, telemetry: new RecordedTelemetry() });
  }

  close(): void {
    void this.#store?.close();
  }

  kill(network: SimNetwork): void {
    this.core = undefined;
    this.#store = undefined;
    this.#crash = undefined;
    this.process.kill();
    network.serverDied(this);
  }

  /** Something that is to happen right after a commit has come so far. */
  crashAt(moment: LogMoment, run: () => void): void {
    this.#crash = { moment, run };
  }

  #reached(moment: LogMoment): void {
    const crash = this.#crash;
    if (crash?.moment !== moment) return;
    this.#crash = undefined;
    this.world.note(this.process.name, `has ${moment} a commit`);
    this.world.at(this.world.nowMs, crash.run);
  }
}
