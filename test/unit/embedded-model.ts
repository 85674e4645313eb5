import type { AdoptAnswer } from '../../server/src/core/ports.js';
import { EmbeddedStore } from '../../server/src/store/embedded/embedded-store.js';
import { Batches } from '../contract/batches.js';
import { acquireBid, adoptBid, extendBid, handOffBid, releaseBid, resource } from '../contract/store-bids.js';
import { type LogPace, MemoryDisk, MemoryLog } from '../support/memory-log.js';
import { VirtualClock } from '../support/virtual-clock.js';
import type { Happening } from './embedded-happening.js';
import { type Request, Requests, TTLS_MS, ttlOf } from './embedded-requests.js';

/** A promise of the belief rules was broken. */
export class ModelViolation extends Error {}

const NAME = 'r';
const DRIFT = 0.01;
const MARGIN_MS = 1;

/**
 * Clients, a server core reduced to its duties towards the store, and a disk; everything happens in the order a test
 * says. Checked at every step: at most one request believes (S1), told tokens rise (S2), and whoever believes can
 * extend and resume.
 */
export class EmbeddedModel {
  readonly clock = new VirtualClock();
  readonly #disk = new MemoryDisk();
  #log: MemoryLog;
  #store: EmbeddedStore;
  #life = 0;
  readonly #batches = new Batches(() => this.#store);
  readonly #requests = new Requests(this.clock);
  #greatestTold = 0n;
  #repeat: () => void = () => undefined;
  #violation: Error | undefined;
  /** So that a test can see that its happenings did happen. */
  readonly seen = new Map<string, number>();

  constructor(private readonly pace: LogPace) {
    this.#log = new MemoryLog(this.#disk, pace);
    this.#store = this.#open();
  }

  async happen({ kind, pick }: Happening): Promise<void> {
    switch (kind) {
      case 'acquire':
        this.#ask(this.#requests.make('asked', pick));
        break;
      case 'wait':
        this.#nominate(this.#requests.make('open', pick));
        break;
      case 'release':
        this.#withOne(this.#requests.believing(), pick, (request) => this.#release(request));
        break;
      case 'hand off':
        this.#withOne(this.#requests.believing(), pick, (request) => this.#handOff(request, pick));
        break;
      case 'extend':
        this.#withOne(this.#requests.believing(), pick, (request) => this.#extend(request, ttlOf(pick)));
        break;
      case 'give up':
        this.#withOne(this.#requests.unanswered(), pick, (request) => this.#giveUp(request));
        break;
      case 'retry':
        this.#withOne(this.#requests.waiting(), pick, (request) => this.#ask(request));
        break;
      case 'repeat':
        this.#repeat();
        break;
      case 'persist':
        this.#log.persist();
        break;
      case 'acknowledge':
        this.#log.acknowledge();
        break;
      case 'time':
        await this.clock.advance([1, 20, 90, 300][pick % 4] ?? 1);
        break;
      case 'crash':
        this.#crash();
        break;
      case 'resume':
        this.#withOne(this.#requests.detached(), pick, (request) => this.#resume(request, pick));
        break;
    }
    await this.#settle();
  }

  async #settle(): Promise<void> {
    await this.clock.settle();
    if (this.#violation !== undefined) throw this.#violation;
  }

  /** After everybody's deadline the resource must be free for a new request, and nothing may be left of the old ones. */
  async checkLiveness(): Promise<void> {
    await this.clock.advance(2 * Math.max(...TTLS_MS) * (1 + DRIFT) + MARGIN_MS);
    const last = this.#requests.make('asked', 0);
    this.#ask(last);
    for (let commits = 0; commits < 4; commits += 1) {
      await this.#settle();
      this.#log.acknowledge();
    }
    await this.#settle();
    if (last.state !== 'told') throw new ModelViolation('the resource is not free after every time to live');
  }

  #open(): EmbeddedStore {
    return new EmbeddedStore({
      clock: this.clock,
      log: this.#log,
      clockRateDrift: DRIFT,
      clockMarginMs: MARGIN_MS,
      onFailure: (error) => {
        this.#violation ??= error;
      },
    });
  }

  #withOne(among: readonly Request[], pick: number, act: (request: Request) => void): void {
    const request = among[pick % Math.max(1, among.length)];
    if (request !== undefined) act(request);
  }

  #ask(request: Request): void {
    request.state = 'asked';
    const earlier = request.secrets.slice(0, -1);
    this.#send(
      () => this.#batches.acquire([acquireBid(NAME, this.#requests.grantee(request), earlier)]),
      ([answer], calledAtMs) => {
        this.#count(`acquire ${answer?.kind}`);
        if (answer?.kind === 'granted') this.#deliver(request, answer.token, calledAtMs);
        else if (answer?.kind === 'mine') this.#adopt(request, answer.token);
        else this.#await(request);
      },
    );
  }

  /** Into the queue, with a nomination as the core makes one. */
  #await(request: Request): void {
    if (request.state === 'asked') request.state = 'open';
  }

  #nominate(request: Request): void {
    this.#repeatable(() => this.#store.nominate([{ resource: resource(NAME), to: this.#requests.grantee(request) }]));
  }

  /** The holder's own word. From here on it does not believe. */
  #release(request: Request): void {
    request.state = 'done';
    this.#send(
      () => this.#batches.release([releaseBid(NAME, ...request.secrets)]),
      ([answer]) => this.#count(`release ${answer}`),
    );
  }

  #handOff(from: Request, pick: number): void {
    const waiters = this.#requests.waiting();
    const to = waiters[(pick >> 2) % 4 === 0 ? pick % Math.max(1, waiters.length) : 0];
    if (to === undefined) {
      this.#release(from);
      return;
    }
    from.state = 'done';
    this.#passOn(from, to);
  }

  #passOn(from: Request, to: Request): void {
    to.state = 'asked';
    const fast = this.#log.appends;
    const claim = { secret: from.secrets.at(-1) ?? from.id, token: from.token };
    this.#send(
      () => this.#batches.handOff([handOffBid(NAME, claim, this.#requests.grantee(to))]),
      ([answer], calledAtMs) => {
        this.#count(`hand-off ${answer?.kind}${this.#log.appends === fast ? ' without a commit' : ''}`);
        if (answer?.kind === 'granted') this.#deliver(to, answer.token, calledAtMs);
        else this.#await(to);
      },
    );
  }

  /** A grant arrives. One that comes too late, or that nobody wants any more, is passed on or released by the core. */
  #deliver(request: Request, token: bigint, calledAtMs: number): void {
    const deadlineMs = calledAtMs + request.ttlMs;
    request.token = token;
    if (request.state === 'asked' && this.clock.nowMs() < deadlineMs) {
      this.#tell(request, token, deadlineMs);
      return;
    }
    this.#count('grant not delivered');
    const wasWanted = request.state === 'asked';
    const undelivered: Request = { ...request };
    if (wasWanted) request.state = 'open';
    const [next] = this.#requests.waiting().filter((other) => other !== request);
    if (next === undefined) this.#release(undelivered);
    else this.#passOn(undelivered, next);
  }

  #tell(request: Request, token: bigint, deadlineMs: number): void {
    const others = this.#requests.believers().filter((other) => other !== request);
    if (others.length > 0) {
      throw new ModelViolation(`S1: ${request.id} is told while ${others.map(({ id }) => id).join()} believes`);
    }
    if (token <= this.#greatestTold) throw new ModelViolation(`S2: ${token} after ${this.#greatestTold}`);
    this.#greatestTold = token;
    Object.assign(request, { state: 'told', token, deadlineMs, attached: true });
  }

  #extend(request: Request, ttlMs: number): void {
    this.#send(
      () => this.#batches.extend([extendBid(NAME, request.secrets.at(-1) ?? '', request.token, ttlMs)]),
      ([answer], calledAtMs) => {
        this.#count(`extend ${answer}`);
        if (!this.#requests.believers().includes(request)) return;
        if (answer === 'lost') throw new ModelViolation(`S3: ${request.id} believes and cannot extend`);
        if (answer === 'renewed') request.deadlineMs = Math.max(request.deadlineMs, calledAtMs + ttlMs);
      },
    );
  }

  #giveUp(request: Request): void {
    request.state = 'done';
    this.#send(
      () => this.#batches.release([releaseBid(NAME, ...request.secrets)]),
      ([answer]) => this.#count(`give up ${answer}`),
    );
  }

  /** Answers that are on their way are lost; who believes goes on believing until its deadline. */
  #crash(): void {
    this.#life += 1;
    this.#repeat = () => undefined;
    this.#log = new MemoryLog(this.#disk, this.pace);
    this.#store = this.#open();
    for (const request of this.#requests.all) {
      request.attached = false;
      if (request.state === 'asked') request.state = 'open';
      if (request.state === 'told' && this.clock.nowMs() >= request.deadlineMs) request.state = 'done';
    }
    this.#count('crash');
  }

  #resume(request: Request, pick: number): void {
    request.attached = true;
    if (request.state === 'done' || (request.state === 'told' && this.clock.nowMs() >= request.deadlineMs)) {
      this.#release(request);
      return;
    }
    request.secrets.push(`${request.id}-${this.#life}-${request.secrets.length}`);
    request.ttlMs = ttlOf(pick);
    if (request.state === 'told') this.#adopt(request, request.token);
    else this.#ask(request);
  }

  #adopt(request: Request, token: bigint): void {
    const presented = request.secrets.slice(0, -1);
    this.#send(
      () => this.#batches.adopt([adoptBid(NAME, presented, token, this.#requests.grantee(request))]),
      ([answer], calledAtMs) => this.#adopted(request, answer, calledAtMs),
    );
  }

  #adopted(request: Request, answer: AdoptAnswer | undefined, calledAtMs: number): void {
    this.#count(`adopt ${answer?.kind} ${request.state}`);
    if (request.state === 'told') {
      if (!this.#requests.believers().includes(request)) return;
      if (answer?.kind === 'lost') throw new ModelViolation(`S3: ${request.id} believes and cannot resume`);
      if (answer?.kind === 'adopted') request.deadlineMs = Math.max(request.deadlineMs, calledAtMs + request.ttlMs);
    } else if (answer?.kind === 'adopted') this.#deliver(request, answer.token, calledAtMs);
    else this.#await(request);
  }

  /** Answers of an earlier life never arrive. */
  #send<Answer>(call: () => Promise<Answer>, take: (answer: Answer, calledAtMs: number) => void): void {
    const life = this.#life;
    const calledAtMs = this.clock.nowMs();
    const answered = call();
    this.#repeat = () => void call();
    answered
      .then((answer) => {
        if (life === this.#life) take(answer, calledAtMs);
      })
      .catch((error: Error) => {
        this.#violation ??= error;
      });
  }

  #repeatable(call: () => void): void {
    call();
    this.#repeat = call;
  }

  #count(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }
}
