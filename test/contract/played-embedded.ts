import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LeaseStore } from '../../server/src/core/ports.js';
import { EmbeddedStore } from '../../server/src/store/embedded/embedded-store.js';
import { openEmbeddedStore } from '../../server/src/store/embedded/open-embedded-store.js';
import { type LogPace, MemoryDisk, MemoryLog } from '../support/memory-log.js';
import { VirtualClock } from '../support/virtual-clock.js';
import type { PlayedStore } from './played-store.js';
import type { StoreTraits } from './store-promises.js';

export const EMBEDDED: StoreTraits = {
  repeatsAnswers: true,
  handsOffFreely: false,
  clockRateDrift: 0.01,
  clockMarginMs: 5,
  slackMs: 0,
};

function onFailure(error: Error): never {
  throw error;
}

/** The embedded store on a disk in memory, which may crash at any moment. */
export class PlayedInMemory implements PlayedStore {
  readonly traits = EMBEDDED;
  readonly oneByOne = false;
  readonly #clock = new VirtualClock();
  readonly #disk = new MemoryDisk();
  #log: MemoryLog;
  store: EmbeddedStore;

  constructor(private readonly pace: LogPace) {
    this.#log = new MemoryLog(this.#disk, pace);
    this.store = this.#open();
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  passTime(ms: number): Promise<void> {
    return this.#clock.advance(ms);
  }

  settle(): Promise<void> {
    return this.#clock.settle();
  }

  async finish(promise: Promise<unknown>): Promise<void> {
    let done = false;
    const kept = promise.finally(() => {
      done = true;
    });
    for (await this.#clock.settle(); !done; await this.#clock.settle()) this.#log.acknowledge();
    await kept;
  }

  persist(): void {
    this.#log.persist();
  }

  acknowledge(): void {
    this.#log.acknowledge();
  }

  async crash(): Promise<void> {
    this.#log = new MemoryLog(this.#disk, this.pace);
    this.store = this.#open();
  }

  async restart(): Promise<void> {
    await this.finish(this.store.close());
    await this.crash();
  }

  #open(): EmbeddedStore {
    return new EmbeddedStore({ clock: this.#clock, log: this.#log, ...EMBEDDED, onFailure });
  }
}

/** The embedded store in a directory, ended in good order only. */
export class PlayedInDirectory implements PlayedStore {
  readonly traits = EMBEDDED;
  readonly oneByOne = true;

  private constructor(
    private readonly clock: VirtualClock,
    private readonly directory: string,
    public store: LeaseStore,
  ) {}

  static async open(): Promise<PlayedInDirectory> {
    const clock = new VirtualClock();
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-conformance-'));
    return new PlayedInDirectory(clock, directory, await openIn(directory, clock));
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  passTime(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  settle(): Promise<void> {
    return this.clock.settle();
  }

  async finish(promise: Promise<unknown>): Promise<void> {
    await promise;
  }

  persist(): void {
    // The disk goes its own way.
  }

  acknowledge(): void {
    // So does its answer.
  }

  crash(): Promise<void> {
    return this.restart();
  }

  async restart(): Promise<void> {
    await this.store.close();
    this.store = await openIn(this.directory, this.clock);
  }

  async cleanUp(): Promise<void> {
    await this.store.close();
    await rm(this.directory, { recursive: true });
  }
}

function openIn(directory: string, clock: VirtualClock): Promise<LeaseStore> {
  const { clockRateDrift, clockMarginMs } = EMBEDDED;
  return openEmbeddedStore({ directory, clock, clockRateDrift, clockMarginMs, onFailure });
}
