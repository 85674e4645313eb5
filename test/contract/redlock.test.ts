import type { RedlockStore } from '../../server/src/store/redlock/coordinator/redlock-store.js';
import { RealCluster } from '../support/redlock/real-cluster.js';
import { describeLeaseStore } from './lease-store-contract.js';
import type { StoreUnderTest } from './store-under-test.js';

/** Generous, so that what the machine takes for a test does not end its leases. */
const CLOCK_MARGIN_MS = 400;
const CLOCK_RATE_DRIFT = 0.01;

describe('the redlock store on real nodes', function () {
  this.timeout(30_000);
  for (const size of [1, 3, 4, 5]) {
    describe(`${size} of them`, () => {
      let cluster: RealCluster;
      before(async () => {
        cluster = await RealCluster.start(size);
      });
      after(() => cluster.stop());

      describeLeaseStore('redlock', {
        capabilities: { resumeAfterRestart: true, severalServers: true, listsLeases: false, onlyNamespace: undefined },
        tokensRiseStoreWide: false,
        repeatsAnswers: false,
        expirySlackMs: 1_000 * CLOCK_RATE_DRIFT + CLOCK_MARGIN_MS,
        open: () => open(cluster),
      });
    });
  }
});

async function open(cluster: RealCluster): Promise<StoreUnderTest> {
  const settings = { clockMarginMs: CLOCK_MARGIN_MS, clockRateDrift: CLOCK_RATE_DRIFT };
  let store: RedlockStore = await cluster.openNew(settings);
  return {
    get store() {
      return store;
    },
    passTime: (ms) => cluster.age(ms),
    restart: async () => {
      await cluster.close(store);
      store = cluster.open(settings);
      await cluster.admitted(store, cluster.redises.length);
    },
    cleanUp: () => cluster.clear(),
  };
}
