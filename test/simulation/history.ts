import type { HeldLease } from '../../client/src/session/held-lease.js';
import type { SimProcess, World } from './world.js';

/** One acquire of one client. */
export interface Operation {
  readonly client: SimProcess;
  readonly resource: string;
  readonly waitMs: number;
  readonly invokedAtMs: number;
  /** The greatest token granted for the resource before it was invoked. */
  readonly tokenBefore: bigint;
  readonly pausedBeforeMs: number;
}

/** A client's reason to think that it holds a resource. */
interface Belief {
  readonly client: SimProcess;
  readonly resource: string;
  readonly lease: HeldLease;
  /** It gave the lease back, was told that it is lost, or died. */
  over: boolean;
}

/** How much later than its wait an acquire may be settled. */
const SETTLE_SLACK_MS = 250;

/**
 * What happened, and what must not have:
 * - a token that is not greater than all granted for the resource before its acquire was invoked, or is granted twice;
 * - two clients that believe at one moment of true time that they hold one resource;
 * - an acquire that is not settled in time, or never.
 */
export class History {
  grants = 0;
  readonly violations: string[] = [];
  readonly #open = new Set<Operation>();
  readonly #beliefs = new Set<Belief>();
  readonly #lastTokens = new Map<string, bigint>();
  readonly #tokens = new Set<string>();
  readonly #pausedMs = new Map<SimProcess, number>();

  constructor(private readonly world: World) {}

  invoked(client: SimProcess, resource: string, waitMs: number): Operation {
    const operation = {
      client,
      resource,
      waitMs,
      invokedAtMs: this.world.nowMs,
      tokenBefore: this.#lastTokens.get(resource) ?? 0n,
      pausedBeforeMs: this.#pausedMs.get(client) ?? 0,
    };
    this.#open.add(operation);
    return operation;
  }

  /** An acquire ended without a lease. */
  settled(operation: Operation): void {
    if (!this.#open.delete(operation)) this.#violated('S5', `${operation.client.name} had two answers`);
    const pausedMs = (this.#pausedMs.get(operation.client) ?? 0) - operation.pausedBeforeMs;
    const tookMs = this.world.nowMs - operation.invokedAtMs - pausedMs;
    // 2 %: the client measures by a clock of its own.
    if (tookMs > operation.waitMs * 1.02 + SETTLE_SLACK_MS) {
      const { client, resource, waitMs } = operation;
      this.#violated('I5', `${client.name} waited ${tookMs} ms for ${resource} where ${waitMs} was the most`);
    }
  }

  granted(operation: Operation, lease: HeldLease): void {
    this.settled(operation);
    this.grants += 1;
    const { client, resource } = operation;
    const token = lease.tokens[0] ?? 0n;
    this.world.note(client.name, `holds ${resource} with token ${token}`);
    const key = `${resource} ${token}`;
    if (this.#tokens.has(key)) this.#violated('S2', `token ${token} of ${resource} was granted twice`);
    this.#tokens.add(key);
    if (token <= operation.tokenBefore) {
      this.#violated('S2', `token ${token} of ${resource} came after ${operation.tokenBefore}`);
    }
    const last = this.#lastTokens.get(resource) ?? 0n;
    this.#lastTokens.set(resource, token > last ? token : last);
    this.#beliefs.add({ client, resource, lease, over: false });
    this.checkBeliefs(client);
  }

  /** From now on the client does not rely on it. */
  over(lease: HeldLease, how: string): void {
    for (const belief of this.#beliefs) {
      if (belief.lease !== lease) continue;
      this.world.note(belief.client.name, `${how} ${belief.resource}`);
      this.#beliefs.delete(belief);
    }
  }

  died(client: SimProcess): void {
    for (const belief of this.#beliefs) if (belief.client === client) this.#beliefs.delete(belief);
    for (const operation of this.#open) if (operation.client === client) this.#open.delete(operation);
  }

  wasPaused(client: SimProcess, forMs: number): void {
    this.#pausedMs.set(client, (this.#pausedMs.get(client) ?? 0) + forMs);
  }

  /** Looks whether anybody else believes what this client believes, now. */
  checkBeliefs(client: SimProcess): void {
    for (const own of this.#beliefs) {
      if (own.client !== client || !believes(own)) continue;
      for (const other of this.#beliefs) {
        if (other.client === client || other.resource !== own.resource || !believes(other)) continue;
        this.#violated('S1', `${client.name} and ${other.client.name} both hold ${own.resource}`);
      }
    }
  }

  /** At the end, when everything has had time to come to its end. */
  finish(): void {
    for (const { client, resource } of this.#open) {
      this.#violated('S5', `${client.name} never had an answer for ${resource}`);
    }
  }

  /** Something that only the scenario can judge. */
  violated(guarantee: string, what: string): void {
    this.#violated(guarantee, what);
  }

  #violated(guarantee: string, what: string): void {
    this.violations.push(`${guarantee} at ${this.world.nowMs.toFixed(3)} ms: ${what}`);
    this.world.note('checker', `${guarantee}: ${what}`);
  }
}

/** A belief lasts to the end of the validity by the client's own clock, its margin for winding down included. */
function believes(belief: Belief): boolean {
  return belief.lease.deadline.remainingMs(belief.client) > 0;
}
