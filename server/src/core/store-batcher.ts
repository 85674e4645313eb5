import { invariant } from './invariant.js';
import type {
  AcquireAnswer,
  AcquireBid,
  AdoptAnswer,
  AdoptBid,
  Answered,
  CorePorts,
  ExtendAnswer,
  ExtendBid,
  HandOffAnswer,
  HandOffBid,
  Introduction,
  Nomination,
  ReleaseAnswer,
  ReleaseBid,
  StoreVerb,
} from './ports.js';

/** Takes an entry's answer, and the moment (t0) just before the store was called. */
type Done<Answer> = (answer: Answer, calledAtMs: number) => void;

/** Gathers the entries of one verb over a turn of the event loop and sends them to the store as one batch. */
class VerbBatch<Bid, Answer> {
  #bids: Bid[] = [];
  #dones: (Done<Answer> | undefined)[] = [];

  constructor(
    private readonly verb: StoreVerb,
    private readonly ports: CorePorts,
    private readonly call: (bids: readonly Bid[], answered: Answered<Answer>) => void,
  ) {}

  add(bid: Bid, done: Done<Answer>): void {
    this.#bids.push(bid);
    this.#dones.push(done);
  }

  flush(): void {
    if (this.#bids.length === 0) return;
    const bids = this.#bids;
    const dones = this.#dones;
    this.#bids = [];
    this.#dones = [];
    const { clock, telemetry } = this.ports;
    const calledAtMs = clock.nowMs();
    let unanswered = bids.length;
    this.call(bids, (index, answer) => {
      const done = dones[index];
      invariant(
        done !== undefined,
        'S5',
        () => `${this.verb} entry ${index} of ${bids.length} answered twice or unasked`,
      );
      dones[index] = undefined;
      unanswered -= 1;
      if (unanswered === 0) telemetry.storeCalled(this.verb, bids.length, clock.nowMs() - calledAtMs);
      done(answer, calledAtMs);
    });
  }
}

/** The store as the core calls it: one entry at a time, sent in batches at the end of the turn. */
export class StoreBatcher {
  readonly #ports: CorePorts;
  readonly #acquire: VerbBatch<AcquireBid, AcquireAnswer>;
  readonly #extend: VerbBatch<ExtendBid, ExtendAnswer>;
  readonly #handOff: VerbBatch<HandOffBid, HandOffAnswer>;
  readonly #adopt: VerbBatch<AdoptBid, AdoptAnswer>;
  readonly #release: VerbBatch<ReleaseBid, ReleaseAnswer>;
  #nominations: Nomination[] = [];
  #withdrawals: Nomination[] = [];
  #introductions: Introduction[] = [];
  #scheduled = false;

  constructor(ports: CorePorts) {
    const { store } = ports;
    this.#ports = ports;
    this.#acquire = new VerbBatch('acquire', ports, (bids, answered) => store.acquire(bids, answered));
    this.#extend = new VerbBatch('extend', ports, (bids, answered) => store.extend(bids, answered));
    this.#handOff = new VerbBatch('hand_off', ports, (bids, answered) => store.handOff(bids, answered));
    this.#adopt = new VerbBatch('adopt', ports, (bids, answered) => store.adopt(bids, answered));
    this.#release = new VerbBatch('release', ports, (bids, answered) => store.release(bids, answered));
  }

  acquire(bid: AcquireBid, done: Done<AcquireAnswer>): void {
    this.#acquire.add(bid, done);
    this.#schedule();
  }

  extend(bid: ExtendBid, done: Done<ExtendAnswer>): void {
    this.#extend.add(bid, done);
    this.#schedule();
  }

  handOff(bid: HandOffBid, done: Done<HandOffAnswer>): void {
    this.#handOff.add(bid, done);
    this.#schedule();
  }

  adopt(bid: AdoptBid, done: Done<AdoptAnswer>): void {
    this.#adopt.add(bid, done);
    this.#schedule();
  }

  release(bid: ReleaseBid, done: Done<ReleaseAnswer>): void {
    this.#release.add(bid, done);
    this.#schedule();
  }

  nominate(nomination: Nomination): void {
    this.#nominations.push(nomination);
    this.#schedule();
  }

  withdraw(nomination: Nomination): void {
    this.#withdrawals.push(nomination);
    this.#schedule();
  }

  introduce(introduction: Introduction): void {
    this.#introductions.push(introduction);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#ports.clock.atTurnEnd(() => this.#flush());
  }

  /** What frees comes before what takes, and what takes before what only prolongs. */
  #flush(): void {
    this.#scheduled = false;
    this.#release.flush();
    this.#handOff.flush();
    this.#adopt.flush();
    this.#acquire.flush();
    if (this.#nominations.length > 0) {
      const nominations = this.#nominations;
      this.#nominations = [];
      this.#ports.store.nominate(nominations);
    }
    if (this.#withdrawals.length > 0) {
      const withdrawals = this.#withdrawals;
      this.#withdrawals = [];
      this.#ports.store.withdraw(withdrawals);
    }
    if (this.#introductions.length > 0) {
      const introductions = this.#introductions;
      this.#introductions = [];
      this.#ports.store.introduce(introductions);
    }
    this.#extend.flush();
  }
}
