import type { Timer } from '../../../server/src/core/ports.js';
import { ServerCore } from '../../../server/src/core/server-core.js';
import { systemClock } from '../../../server/src/process/system-clock.js';
import { systemRandom } from '../../../server/src/process/system-random.js';
import { RecordedTelemetry, SETTINGS } from '../../support/core-rig.js';
import { ModelStore } from '../../support/model-store.js';

/** The core as a server has it, over a store in memory. It goes on counting time until it is abandoned. */
export class RealCore extends ServerCore {
  readonly #timers: Set<Timer>;

  constructor() {
    const timers = new Set<Timer>();
    const clock: typeof systemClock = {
      ...systemClock,
      after: (delayMs, callback) => {
        const timer = systemClock.after(delayMs, callback);
        timers.add(timer);
        return timer;
      },
    };
    const ports = { clock, random: systemRandom(), telemetry: new RecordedTelemetry() };
    super(SETTINGS, { ...ports, store: new ModelStore(clock) });
    this.#timers = timers;
  }

  /** Sessions live on when their streams end, for the grace time: longer than the tests. */
  abandon(): void {
    for (const timer of this.#timers) timer.cancel();
  }
}
