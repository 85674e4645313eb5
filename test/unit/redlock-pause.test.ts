import { expect } from 'chai';
import type { AcquireAnswer } from '../../server/src/core/store-port.js';
import { RedlockStore } from '../../server/src/store/redlock/coordinator/redlock-store.js';
import { acquireBid, grantee } from '../contract/store-bids.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import { ModelNode } from '../support/redlock/model-node.js';
import { ModelRedis } from '../support/redlock/model-redis.js';
import { redlockSettings } from '../support/redlock/model-settings.js';
import { ServerClock } from '../support/redlock/server-clock.js';
import { VirtualClock } from '../support/virtual-clock.js';

describe('a server that stood still for a moment', () => {
  const world = new VirtualClock();
  const clock = new ServerClock(world);
  const settings = redlockSettings();
  let nodes: readonly ModelNode[];
  let store: RedlockStore;
  let doubts = 0;

  beforeEach(async () => {
    doubts = 0;
    const redises = Array.from({ length: 3 }, (_, index) => new ModelRedis(world, `redis-${index + 1}`));
    nodes = redises.map((redis) => new ModelNode(redis, settings, { inbox: clock.inbox }));
    store = new RedlockStore(settings, nodes, {
      clock,
      random: new SeededRandom(1),
      events: {
        event: ({ kind }) => {
          if (kind === 'self_suspected') doubts += 1;
        },
        fatal: (problem) => {
          throw new Error(problem);
        },
      },
    });
    store.open();
    await world.advance(200);
    const declared = store.nodes.declareNew();
    await world.advance(200);
    expect((await declared).kind).to.equal('done');
  });
  afterEach(async () => {
    await store.close();
  });

  async function stall(): Promise<void> {
    clock.stall();
    await world.advance(500);
    clock.goOn();
    expect(doubts).to.equal(1);
  }

  function acquire(): AcquireAnswer[] {
    const answers: AcquireAnswer[] = [];
    store.acquire([acquireBid('a', grantee('h'))], (_, answer) => answers.push(answer));
    return answers;
  }

  it('holds bids while it measures its clocks anew, and refuses none (C25)', async () => {
    await stall();
    const answers = acquire();
    expect(answers).to.deep.equal([]);
    await world.advance(20);
    expect(answers.map(({ kind }) => kind)).to.deep.equal(['granted']);
  });

  it('refuses them at the deadline of a call when it cannot measure', async () => {
    for (const node of nodes) node.cut('both');
    await stall();
    const answers = acquire();
    await world.advance(settings.nodeDeadlineMs - 1);
    expect(answers).to.deep.equal([]);
    await world.advance(1);
    expect(answers.map(({ kind }) => kind)).to.deep.equal(['unavailable']);
  });
});
