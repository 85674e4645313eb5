import { ServerCore } from '../../../server/src/core/server-core.js';
import { systemClock } from '../../../server/src/process/system-clock.js';
import { systemRandom } from '../../../server/src/process/system-random.js';
import { RecordedTelemetry, SETTINGS } from '../../support/core-rig.js';
import { ModelStore } from '../../support/model-store.js';

/** The core as a server has it, over a store in memory. */
export function realCore(): ServerCore {
  const ports = { clock: systemClock, random: systemRandom(), telemetry: new RecordedTelemetry() };
  return new ServerCore(SETTINGS, { ...ports, store: new ModelStore(systemClock) });
}
