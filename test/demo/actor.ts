import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from '../support/deadline.js';

const EVENT_DEADLINE_MS = 15_000;

/** Something a process says over its channel. */
export interface Said {
  readonly kind: string;
}

type Of<E extends Said, K extends E['kind']> = Extract<E, { kind: K }>;

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) killGroup(child);
});

/** A process of the demo, the first of a group of its own: it is told orders, and says what comes of them. */
export class Actor<Order extends object, Event extends Said> {
  readonly #child: ChildProcess;
  readonly #said: Event[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #ended: Promise<unknown>;

  /** `file` is a module beside this one; it begins with an event of kind `ready`. */
  constructor(
    readonly name: string,
    file: string,
    args: readonly string[],
  ) {
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
      execArgv: ['--import', 'tsx', '--conditions', '@holdfast/source'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    });
    living.add(this.#child);
    this.#ended = once(this.#child, 'exit').then(() => living.delete(this.#child));
    this.#child.on('message', (event: Event) => {
      this.#said.push(event);
      for (const look of [...this.#listeners]) look();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Gives an order; the answer may be awaited with `next`. */
  tell(order: Order): void {
    this.#child.send(order);
  }

  /** Gives an order and waits for what comes of it. */
  ask<K extends Event['kind']>(order: Order, kind: K): Promise<Of<Event, K>> {
    const answer = this.next(kind);
    this.tell(order);
    return answer;
  }

  /** The next event of a kind that fits, from now on; rejects when the process ends first, or says it `failed`. */
  next<K extends Event['kind']>(kind: K, fits: (event: Of<Event, K>) => boolean = () => true): Promise<Of<Event, K>> {
    const since = this.#said.length;
    const isIt = (event: Event): event is Of<Event, K> => event.kind === kind && fits(event as Of<Event, K>);
    const found = new Promise<Of<Event, K>>((resolve, reject) => {
      const look = (): void => {
        const said = this.#said.slice(since);
        const event = said.find(isIt);
        const failure = said.find((each) => each.kind === 'failed');
        if (event === undefined && failure === undefined) return;
        this.#listeners.delete(look);
        if (event !== undefined) resolve(event);
        else reject(new Error(`${this.name}: ${JSON.stringify(failure)}`));
      };
      this.#listeners.add(look);
      void this.#ended.then(() => reject(new Error(`${this.name} ended before it said ${kind}`)));
    });
    return within(EVENT_DEADLINE_MS, `${kind} from ${this.name}`, found);
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(name);
  }

  /** Ends the process and its group, whatever state it is in. */
  async kill(): Promise<void> {
    killGroup(this.#child);
    await this.#ended;
  }
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  process.kill(-pid, 'SIGKILL');
}
