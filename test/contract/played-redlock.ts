import type { LeaseStore } from '../../server/src/core/ports.js';
import { CoordinatorRig, type RigServer } from '../support/redlock/coordinator-rig.js';
import type { PlayedStore } from './played-store.js';
import type { StoreTraits } from './store-promises.js';

/** The quorum's rules over five models of nodes, without any fault; a restart is another server's turn. */
export class PlayedRedlock implements PlayedStore {
  readonly traits: StoreTraits;
  readonly oneByOne = true;

  private constructor(
    private readonly rig: CoordinatorRig,
    private server: RigServer,
  ) {
    const { clockRateDrift, clockMarginMs } = rig.settings;
    this.traits = { repeatsAnswers: false, handsOffFreely: true, clockRateDrift, clockMarginMs, slackMs: 50 };
  }

  static async open(): Promise<PlayedRedlock> {
    const rig = await CoordinatorRig.of(5);
    return new PlayedRedlock(rig, await rig.server());
  }

  /** Nobody is nominated: nothing else of a store is called. */
  get store(): LeaseStore {
    return this.server.coordinator as unknown as LeaseStore;
  }

  nowMs(): number {
    return this.rig.clock.nowMs();
  }

  passTime(ms: number): Promise<void> {
    return this.rig.pass(ms);
  }

  settle(): Promise<void> {
    return this.rig.clock.settle();
  }

  async finish(promise: Promise<unknown>): Promise<void> {
    await this.rig.during(promise);
    // What is still on its way to a minority arrives.
    await this.rig.pass(5);
  }

  persist(): void {
    // Nodes answer for themselves.
  }

  acknowledge(): void {
    // Nodes answer for themselves.
  }

  crash(): Promise<void> {
    return this.restart();
  }

  async restart(): Promise<void> {
    this.server = await this.rig.server();
  }
}
