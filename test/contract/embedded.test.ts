import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore } from '../../server/src/store/embedded/open-embedded-store.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { describeLeaseStore } from './lease-store-contract.js';
import type { StoreUnderTest } from './store-under-test.js';

const CLOCK_RATE_DRIFT = 0.01;
const CLOCK_MARGIN_MS = 5;

describeLeaseStore('embedded', {
  capabilities: { resumeAfterRestart: true, severalServers: false, listsLeases: true, onlyNamespace: undefined },
  tokensRiseStoreWide: true,
  repeatsAnswers: true,
  expirySlackMs: 1_000 * CLOCK_RATE_DRIFT + CLOCK_MARGIN_MS,
  open,
});

async function open(): Promise<StoreUnderTest> {
  const clock = new VirtualClock();
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-contract-'));
  const start = () =>
    openEmbeddedStore({
      directory,
      clock,
      clockRateDrift: CLOCK_RATE_DRIFT,
      clockMarginMs: CLOCK_MARGIN_MS,
      onFailure: (error) => {
        throw error;
      },
    });
  let store = await start();
  return {
    get store() {
      return store;
    },
    passTime: (ms) => clock.advance(ms),
    restart: async () => {
      await store.close();
      store = await start();
    },
    cleanUp: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}
