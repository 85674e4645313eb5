import type { Court, Operation, Party } from './terms.js';

/** How much later than its wait an acquire may be settled. */
export const SETTLE_SLACK_MS = 250;
/** Clients measure by clocks of their own. */
const CLOCK_RATE_DRIFT = 0.02;

/**
 * I5: every acquire is settled once, and within its wait and a slack. That nobody knows how it ended is an end as well. Time
 * in which the client's process stood still does not count, and a client that dies takes its acquires along.
 *
 * Each operation is judged by its own two moments; none has to be compared with another.
 */
export class Settling {
  /** The latest that an acquire was settled after its wait was over. */
  latestMs = Number.NEGATIVE_INFINITY;
  readonly #open = new Map<Operation, { readonly pausedBeforeMs: number }>();
  readonly #pausedMs = new Map<Party, number>();

  constructor(
    private readonly court: Court,
    private readonly slackMs: number,
  ) {}

  invoked(operation: Operation): void {
    this.#open.set(operation, { pausedBeforeMs: this.#pausedMs.get(operation.client) ?? 0 });
  }

  settled(operation: Operation): void {
    const { client, resource, waitMs, invokedAtMs } = operation;
    const open = this.#open.get(operation);
    if (open === undefined) {
      this.court.accuse('S5/I5', `${client.name} had two answers`, invokedAtMs, resource);
      return;
    }
    this.#open.delete(operation);
    const pausedMs = (this.#pausedMs.get(client) ?? 0) - open.pausedBeforeMs;
    const tookMs = this.court.nowMs - invokedAtMs - pausedMs;
    this.latestMs = Math.max(this.latestMs, tookMs - waitMs);
    if (tookMs > waitMs * (1 + CLOCK_RATE_DRIFT) + this.slackMs) {
      const what = `${client.name} waited ${tookMs} ms for ${resource} where ${waitMs} was the most`;
      this.court.accuse('I5', what, invokedAtMs, resource);
    }
  }

  wasPaused(client: Party, forMs: number): void {
    this.#pausedMs.set(client, (this.#pausedMs.get(client) ?? 0) + forMs);
  }

  /** Those that are not settled. */
  openOf(client: Party): readonly Operation[] {
    return [...this.#open.keys()].filter((operation) => operation.client === client);
  }

  died(client: Party): void {
    for (const operation of this.openOf(client)) this.#open.delete(operation);
  }

  finish(): void {
    for (const { client, resource, invokedAtMs } of this.#open.keys()) {
      this.court.accuse('S5/I5', `${client.name} never had an answer for ${resource}`, invokedAtMs, resource);
    }
  }
}
