import type { RedlockSettings } from '../../../server/src/store/redlock/coordinator/settings.js';

/** The defaults, but for what a test is about. */
export function redlockSettings(changed: Partial<RedlockSettings> = {}): RedlockSettings {
  return {
    clockRateDrift: 0.01,
    clockMarginMs: 5,
    windowMs: 5_000,
    ballotMs: 600_000,
    admissionMs: 300_000,
    nodeDeadlineMs: 300,
    maxTtlMs: 60_000,
    keyTemplate: 'holdfast:{ns}:lock:{name}',
    configuration: { hash: '00112233445566778899aabbccddeeff', generation: 1 },
    ...changed,
  };
}
