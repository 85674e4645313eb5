import { SeededRandom } from '../simulation/seeded-random.js';
import {
  ACQUIRE_FLAWS,
  type Edit,
  ENTRY_FLAWS,
  type IdRule,
  OPEN_FLAWS,
  type SaidEntry,
  type SaidFrame,
  type SaidOpen,
  type Saying,
  type Step,
} from './steps.js';

const MAX_STEPS = 24;
/** Few, so that they meet. */
const CLIENTS = 3;
const NAMES = 2;

/** How a sequence is made. */
export interface StepChoices {
  /** Share of messages whose bytes are changed. */
  readonly mangled: number;
  /** Longest time to live, wait and pause, in milliseconds. */
  readonly longestMs: number;
  /** Whether the store may be slow or unavailable. */
  readonly storeTroubles: boolean;
}

/** A sequence that depends on the seed alone. */
export function randomSteps(seed: number, choices: StepChoices): readonly Step[] {
  const maker = new StepMaker(new SeededRandom(seed), choices);
  return maker.steps();
}

class StepMaker {
  constructor(
    private readonly random: SeededRandom,
    private readonly choices: StepChoices,
  ) {}

  steps(): readonly Step[] {
    const clients = 1 + this.#below(CLIENTS);
    const steps: Step[] = [];
    for (let client = 0; client < clients; client += 1) steps.push(this.#opened(client, true));
    const count = 1 + this.#below(MAX_STEPS);
    for (let made = 0; made < count; made += 1) steps.push(this.#step(this.#below(clients)));
    return steps;
  }

  #step(client: number): Step {
    const { random, choices } = this;
    const dice = random.unit();
    if (dice < 0.12) return this.#opened(client, false);
    if (dice < 0.13) return { do: 'barge_in', client, frames: this.#frames() };
    if (dice < 0.16) return { do: random.chance(0.8) ? 'cut' : 'half_close', client };
    if (dice < 0.3) return { do: 'wait', ms: Math.ceil(random.unit() ** 3 * choices.longestMs) };
    if (dice < 0.34 && choices.storeTroubles) {
      const answersAfterMs = random.chance(0.5) ? 0.1 : random.pick([2, 40, 400, 3_000]);
      return { do: 'store', answersAfterMs, unavailable: random.chance(0.25) };
    }
    const frames = this.#frames();
    if (!random.chance(choices.mangled)) return { do: 'say', client, frames };
    return { do: 'say', client, frames, edits: Array.from({ length: 1 + this.#below(3) }, () => this.#edit()) };
  }

  #opened(client: number, first: boolean): Step {
    const { random } = this;
    const wrong = first ? 0.02 : 0.06;
    const resume = !first && random.chance(0.8);
    const frames = first || random.chance(0.3) ? [] : this.#frames();
    const account = resume && random.chance(0.85) ? [this.#resume(), ...frames] : frames;
    const id = random.chance(wrong) ? random.pick<IdRule>(['same', 'lower', 'zero', 'too_great']) : 'next';
    return { do: 'open', client, id, frames: account, ...this.#open(resume, wrong) };
  }

  #open(resume: boolean, wrong: number): SaidOpen {
    const { random } = this;
    const secret = random.chance(wrong) ? 'wrong' : 'right';
    return { resume, secret, ...(random.chance(wrong) && { flaw: random.pick(OPEN_FLAWS) }) };
  }

  #frames(): readonly SaidFrame[] {
    const count = this.random.chance(0.6) ? 1 : 1 + this.#below(6);
    return Array.from({ length: count }, () => ({ ...this.#saying(), id: this.#id() }));
  }

  #id(): IdRule {
    const dice = this.random.unit();
    if (dice < 0.95) return 'next';
    return dice < 0.98 ? 'skip' : this.random.pick<IdRule>(['same', 'lower', 'zero', 'too_great']);
  }

  #saying(): Saying {
    const { random } = this;
    const dice = random.unit();
    const of = this.#below(8);
    if (dice < 0.4) return this.#acquire();
    if (dice < 0.55) return { say: 'release', of };
    if (dice < 0.62) return { say: 'cancel', of };
    if (dice < 0.69) return { say: 'extend', of };
    if (dice < 0.86) {
      return { say: 'heartbeat', account: random.chance(0.8) ? 'right' : random.pick(['wrong', 'ahead']) };
    }
    if (dice < 0.92) {
      return { say: 'held_list', account: random.chance(0.7) ? 'right' : 'wrong', last: random.chance(0.8) };
    }
    if (dice < 0.95) return this.#resume();
    if (dice < 0.96) return { say: 'open', ...this.#open(random.chance(0.5), 0.3) };
    return { say: dice < 0.98 ? 'close' : 'unknown' };
  }

  #acquire(): Saying {
    const { random } = this;
    const waitMs = random.chance(0.3) ? 0 : this.#below(this.choices.longestMs);
    const ttlMs = Math.max(1_000, this.#below(this.choices.longestMs));
    return {
      say: 'acquire',
      name: this.#below(NAMES),
      waitMs,
      ...(random.chance(0.7) && { ttlMs }),
      ...(random.chance(0.1) && { manual: true }),
      ...(random.chance(0.06) && { flaw: random.pick(ACQUIRE_FLAWS) }),
    };
  }

  #resume(): SaidFrame {
    const { random } = this;
    const entries = Array.from({ length: this.#below(5) }, () => this.#entry());
    return { say: 'resume', id: 'next', entries, last: random.chance(0.85) };
  }

  #entry(): SaidEntry {
    const { random } = this;
    const claim = random.pick(['held', 'held', 'open', 'open', 'given_up'] as const);
    const flaw = random.pick([...ACQUIRE_FLAWS, ...ENTRY_FLAWS]);
    const secrets = random.chance(0.85) ? 'right' : 'wrong';
    return { of: this.#below(8), claim, secrets, ...(random.chance(0.05) && { flaw }) };
  }

  #edit(): Edit {
    const { random } = this;
    const at = random.next();
    const dice = random.unit();
    if (dice < 0.35) return { edit: 'flip', at, bit: this.#below(8) };
    if (dice < 0.5) return { edit: 'set', at, byte: random.pick([0, 1, 0x0a, 0x7f, 0x80, 0xff]) };
    if (dice < 0.6) return { edit: 'cut', at };
    if (dice < 0.7) return { edit: 'remove', at, count: 1 + this.#below(8) };
    if (dice < 0.8) {
      return { edit: 'insert', at, hex: Buffer.from(random.bytes(1 + this.#below(8))).toString('hex') };
    }
    if (dice < 0.9) return { edit: 'repeat', at, count: 1 + this.#below(60) };
    return { edit: 'splice', at, back: this.#below(4) };
  }

  #below(count: number): number {
    return Math.floor(this.random.unit() * count);
  }
}
