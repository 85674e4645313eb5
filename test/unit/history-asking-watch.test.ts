import { expect } from 'chai';
import type { Hash, LeaseId, SessionId } from '../../server/src/core/names.js';
import { resourceKey } from '../../server/src/core/names.js';
import type { AcquireAnswer, Answered, Grantee, LeaseStore } from '../../server/src/core/ports.js';
import { AskingWatch } from '../history/asking-watch.js';
import type { QueueWatch } from '../history/queue-watch.js';
import { ModelStore } from '../support/model-store.js';
import { VirtualClock } from '../support/virtual-clock.js';

const SLACK_MS = 50;
const RESOURCE = resourceKey('default', 'r');
const GRANTEE: Grantee = {
  hash: '00' as Hash,
  leaseId: 'l' as LeaseId,
  sessionId: 'holder' as SessionId,
  clientName: 'holder',
  ttlMs: 1_000,
};

/** A server whose waiters are there, and whose store is asked when the test says so. */
class AskedByHand {
  readonly violations: string[] = [];
  /** Whether the holder's session has a stream here. */
  holderIsThere = true;
  /** For how long it has had none. */
  holderAwayForMs = Number.POSITIVE_INFINITY;
  goesOn = true;
  readonly #clock = new VirtualClock();
  readonly #store: ModelStore;
  readonly #watch: AskingWatch;
  readonly #asked: LeaseStore;

  constructor(neighbours: boolean) {
    this.#store = new ModelStore(this.#clock);
    if (neighbours) new ModelStore(this.#clock, this.#store);
    const queues: Pick<QueueWatch, 'isThere' | 'awayForMs' | 'waitedFor'> = {
      isThere: () => this.holderIsThere,
      awayForMs: () => this.holderAwayForMs,
      waitedFor: () => [{ resource: 'r', sinceMs: 0 }],
    };
    this.#watch = new AskingWatch(queues, {
      nowMs: () => this.#clock.nowMs(),
      violated: (guarantee) => void this.violations.push(guarantee),
    });
    this.#asked = this.#watch.begins('s', this.#store);
  }

  async passes(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += SLACK_MS) {
      await this.#clock.advance(SLACK_MS);
      this.#watch.look({ name: 's', nowMs: () => this.#clock.nowMs() }, this.goesOn, SLACK_MS);
    }
  }

  async asks(grantee = GRANTEE, answered: Answered<AcquireAnswer> = () => undefined): Promise<void> {
    this.#asked.acquire([{ resource: RESOURCE, grantee, earlierHashes: [], waits: true }], answered);
    await this.#clock.settle();
  }

  async isReleased(): Promise<void> {
    const [{ token, hash } = { token: 0n, hash: GRANTEE.hash }] = [...this.#store.storedLeases()];
    this.#asked.release([{ resource: RESOURCE, hashes: [hash], token }], () => undefined);
    await this.#clock.settle();
  }

  set unavailable(unavailable: boolean) {
    this.#store.unavailable = unavailable;
  }

  set delayMs(delayMs: number) {
    this.#store.answerDelayMs = () => delayMs;
  }
}

describe('the watch over what servers ask of their stores (L1)', () => {
  for (const [where, neighbours] of [
    ['with neighbours', true],
    ['without', false],
  ] as const) {
    it(`finds a server that does not ask for what somebody waits for, ${where}`, async () => {
      const server = new AskedByHand(neighbours);
      await server.passes(300);
      expect(server.violations).to.deep.equal([]);
      await server.passes(100);
      expect(server.violations).to.deep.equal(['L1']);
    });

    it(`takes no offence while somebody holds it, and expects it to be asked for afterwards, ${where}`, async () => {
      const server = new AskedByHand(neighbours);
      await server.asks();
      await server.passes(900);
      await server.isReleased();
      await server.passes(250);
      expect(server.violations).to.deep.equal([]);
      await server.passes(100);
      expect(server.violations).to.deep.equal(['L1']);
    });

    it(`takes no offence while a call is under way, or the server stands still, ${where}`, async () => {
      const server = new AskedByHand(neighbours);
      server.delayMs = 1_000;
      await server.asks();
      await server.passes(950);
      server.goesOn = false;
      await server.passes(3_000);
      expect(server.violations).to.deep.equal([]);
    });

    it(`lets a store alone that could not answer, for longer, ${where}`, async () => {
      const server = new AskedByHand(neighbours);
      server.unavailable = true;
      await server.asks();
      await server.passes(500);
      expect(server.violations).to.deep.equal([]);
      await server.passes(150);
      expect(server.violations).to.deep.equal(['L1']);
    });
  }

  it('expects what a client without a stream holds to be asked for where there are neighbours only', async () => {
    for (const [neighbours, expected] of [
      [true, ['L1']],
      [false, []],
    ] as const) {
      const server = new AskedByHand(neighbours);
      await server.asks();
      await server.passes(200);
      server.holderIsThere = false;
      await server.passes(400);
      expect(server.violations).to.deep.equal(expected);
    }
  });

  it('gives it its time anew when a holder has come and gone between two looks', async () => {
    const server = new AskedByHand(true);
    await server.asks();
    await server.passes(200);
    server.holderIsThere = false;
    await server.passes(200);
    server.holderAwayForMs = 20;
    await server.passes(SLACK_MS);
    server.holderAwayForMs = Number.POSITIVE_INFINITY;
    await server.passes(250);
    expect(server.violations).to.deep.equal([]);
    await server.passes(100);
    expect(server.violations).to.deep.equal(['L1']);
  });

  it('lets the only server wait for as long as its store has said', async () => {
    const server = new AskedByHand(false);
    await server.asks();
    server.holderIsThere = false;
    let told = 0;
    await server.asks({ ...GRANTEE, hash: '01' as Hash }, (_, answer) => {
      if (answer.kind === 'held') told = answer.retryAfterMs;
    });
    expect(told).to.be.greaterThan(500);
    await server.passes(told);
    expect(server.violations).to.deep.equal([]);
  });
});
