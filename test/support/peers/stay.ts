import type { Grant, History, Operation } from '../../history/history.js';
import type { World } from '../../simulation/world.js';

/** What somebody wants with a lock. */
export interface Plan {
  readonly resource: string;
  readonly ttlMs: number;
  /** How long it may take to get it, or to hear that it cannot be had. */
  readonly waitMs: number;
  /** How long it is wanted for. */
  readonly forMs: number;
  /** How long it is valid from when it was asked for, where that is known better than by the library's word. */
  readonly validityMs?: number;
}

/** One time that somebody takes a lock and relies on it, from the first call to the last, told to the checker. */
export class Stay {
  grantedAtMs: number | undefined;
  /** When its holder was told that it must not rely on the lock any more. */
  toldOfLossAtMs: number | undefined;
  /** What was left of its validity then, where the library says. */
  leftAtLossMs: number | undefined;
  /** It has been given back, or was never had. */
  isOver = false;
  readonly #operation: Operation;
  #grant: Grant | undefined;

  constructor(
    private readonly history: History,
    private readonly world: World,
    private readonly who: string,
    private readonly plan: Plan,
  ) {
    this.#operation = history.invoked({ name: who }, plan.resource, plan.waitMs);
  }

  /** Whether its holder relies on it. */
  get isOn(): boolean {
    return this.#grant !== undefined;
  }

  /** From now on its holder relies on it, for as long as it is valid. */
  begins(token: bigint, remainingMs: () => number): void {
    this.#begins(this.#operation, { token, remainingMs });
  }

  /**
   * From now on its holder relies on it, for as long as it wants it, or it is valid, and is not told otherwise. Where there are several
   * permits each is a resource of its own to the checker: `permit`.
   */
  beginsTrusting(token: bigint, permit?: string): void {
    const { forMs, validityMs } = this.plan;
    const untilMs = validityMs === undefined ? this.world.nowMs + forMs : this.#operation.invokedAtMs + validityMs;
    const remainingMs = (): number => (this.toldOfLossAtMs === undefined ? untilMs - this.world.nowMs : 0);
    if (permit !== undefined) this.history.settled(this.#operation);
    const operation = permit === undefined ? this.#operation : this.history.invoked({ name: this.who }, permit, 0);
    this.#begins(operation, { token, remainingMs });
  }

  /** Its holder goes on, if it has heard nothing to the contrary. */
  relies(): void {
    if (this.#grant !== undefined) this.history.reliedOn(this.#grant);
  }

  isToldOfLoss(leftMs?: number): void {
    this.toldOfLossAtMs ??= this.world.nowMs;
    this.leftAtLossMs ??= leftMs;
    this.#stops('told');
  }

  /** It was given back, or there is nothing to come. */
  ends(): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.grantedAtMs === undefined) this.history.settled(this.#operation);
    this.#stops('released');
  }

  #begins(operation: Operation, grant: Grant): void {
    this.grantedAtMs = this.world.nowMs;
    this.#grant = grant;
    this.history.granted(operation, grant);
  }

  #stops(how: 'told' | 'released'): void {
    if (this.#grant !== undefined) this.history.over(this.#grant, how, how);
    this.#grant = undefined;
  }
}
