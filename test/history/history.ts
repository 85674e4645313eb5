import { FencedLog } from './fenced-log.js';

/** Somebody who acquires and believes. */
export interface Party {
  readonly name: string;
}

/** What somebody was granted. */
export interface Grant {
  readonly token: bigint;
  /** What is left of its validity, by its holder's own clock; none left: nobody may rely on it. */
  remainingMs(): number;
}

/** Where it all happens: true time, and a record of it. */
export interface Scene {
  readonly nowMs: number;
  note(who: string, what: string, about?: string): void;
}

/** One acquire of one client. */
export interface Operation {
  readonly client: Party;
  readonly resource: string;
  readonly waitMs: number;
  readonly invokedAtMs: number;
  /** The greatest token granted for the resource before it was invoked. */
  readonly tokenBefore: bigint;
  readonly pausedBeforeMs: number;
}

/** Something that must not have happened, and since when what led to it was under way. */
export interface Violation {
  readonly text: string;
  readonly sinceMs: number;
  readonly atMs: number;
  readonly resource: string | undefined;
}

/** A client's reason to think that it holds a resource. */
interface Belief {
  readonly client: Party;
  readonly resource: string;
  readonly grant: Grant;
  readonly sinceMs: number;
}

/** How much later than its wait an acquire may be settled. */
const SETTLE_SLACK_MS = 250;

/**
 * What happened, and what must not have:
 * - a token that is not greater than all granted for the resource before, or is granted twice;
 * - two clients that believe at one moment of true time that they hold one resource, or one that believes it twice;
 * - a resource that looks at tokens, and takes writes in another order than theirs;
 * - an acquire that is not settled in time, or never.
 *
 * Knows nothing of what it watches: whoever has clients, and a time that is the same for all of them, can use it.
 */
export class History {
  grants = 0;
  readonly found: Violation[] = [];
  readonly log = new FencedLog((what, resource) => this.#violated('I2', what, this.scene.nowMs, resource));
  readonly #open = new Set<Operation>();
  readonly #beliefs = new Map<Grant, Belief>();
  readonly #lastTokens = new Map<string, bigint>();
  readonly #tokens = new Set<string>();
  readonly #pausedMs = new Map<Party, number>();

  /** Beliefs of two that nobody promised to prevent. */
  excused = 0;

  constructor(
    private readonly scene: Scene,
    /** Whether what happens now may lead to two beliefs all the same: a limit that is documented. */
    private readonly beliefsMayMeet: () => boolean = () => false,
  ) {}

  get violations(): readonly string[] {
    return this.found.map(({ text }) => text);
  }

  invoked(client: Party, resource: string, waitMs: number): Operation {
    const operation = {
      client,
      resource,
      waitMs,
      invokedAtMs: this.scene.nowMs,
      tokenBefore: this.#lastTokens.get(resource) ?? 0n,
      pausedBeforeMs: this.#pausedMs.get(client) ?? 0,
    };
    this.#open.add(operation);
    return operation;
  }

  /** An acquire ended without a lease. */
  settled(operation: Operation): void {
    const { client, resource, waitMs, invokedAtMs } = operation;
    if (!this.#open.delete(operation)) this.#violated('S5', `${client.name} had two answers`, invokedAtMs, resource);
    const pausedMs = (this.#pausedMs.get(client) ?? 0) - operation.pausedBeforeMs;
    const tookMs = this.scene.nowMs - invokedAtMs - pausedMs;
    // 2 %: the client measures by a clock of its own.
    if (tookMs > waitMs * 1.02 + SETTLE_SLACK_MS) {
      const what = `${client.name} waited ${tookMs} ms for ${resource} where ${waitMs} was the most`;
      this.#violated('I5', what, invokedAtMs, resource);
    }
  }

  granted(operation: Operation, grant: Grant): void {
    this.settled(operation);
    this.grants += 1;
    const { client, resource, invokedAtMs, tokenBefore } = operation;
    const { token } = grant;
    this.scene.note(client.name, `holds ${resource} with token ${token}`, resource);
    const key = `${resource} ${token}`;
    if (this.#tokens.has(key)) {
      this.#violated('S2', `token ${token} of ${resource} was granted twice`, invokedAtMs, resource);
    }
    this.#tokens.add(key);
    const last = this.#lastTokens.get(resource) ?? 0n;
    // What is told while it is valid was granted after all that was told before. What comes too late is in order with
    // what had been told when it was asked for.
    const before = grant.remainingMs() > 0 ? last : tokenBefore;
    if (token <= before)
      this.#violated('S2', `token ${token} of ${resource} came after ${before}`, invokedAtMs, resource);
    this.#lastTokens.set(resource, token > last ? token : last);
    this.#beliefs.set(grant, { client, resource, grant, sinceMs: this.scene.nowMs });
    this.checkBeliefs(client);
  }

  /** From now on the client does not rely on it. */
  over(grant: Grant, how: string): void {
    const belief = this.#beliefs.get(grant);
    if (belief === undefined) return;
    this.scene.note(belief.client.name, `${how} ${belief.resource}`, belief.resource);
    this.#beliefs.delete(grant);
  }

  died(client: Party): void {
    for (const belief of this.#beliefs.values()) if (belief.client === client) this.#beliefs.delete(belief.grant);
    for (const operation of this.#open) if (operation.client === client) this.#open.delete(operation);
  }

  wasPaused(client: Party, forMs: number): void {
    this.#pausedMs.set(client, (this.#pausedMs.get(client) ?? 0) + forMs);
  }

  /** Looks whether anybody else believes what this client believes, now. To be called when its beliefs may have grown. */
  checkBeliefs(client: Party): void {
    for (const own of this.#beliefs.values()) {
      if (own.client !== client || own.grant.remainingMs() <= 0) continue;
      for (const other of this.#beliefs.values()) {
        if (other === own || other.resource !== own.resource || other.grant.remainingMs() <= 0) continue;
        if (this.beliefsMayMeet()) {
          this.excused += 1;
          continue;
        }
        const tokens = `${own.grant.token} and ${other.grant.token}`;
        const what = `${client.name} and ${other.client.name} both hold ${own.resource} (${tokens})`;
        this.#violated('S1', what, Math.min(own.sinceMs, other.sinceMs), own.resource);
      }
    }
  }

  /** At the end, when everything has had time to come to its end. */
  finish(): void {
    for (const { client, resource, invokedAtMs } of this.#open) {
      this.#violated('S5', `${client.name} never had an answer for ${resource}`, invokedAtMs, resource);
    }
  }

  /** Something that only the scenario can judge. */
  violated(guarantee: string, what: string, resource?: string): void {
    this.#violated(guarantee, what, this.scene.nowMs, resource);
  }

  #violated(guarantee: string, what: string, sinceMs: number, resource: string | undefined): void {
    const atMs = this.scene.nowMs;
    this.found.push({ text: `${guarantee} at ${atMs.toFixed(3)} ms: ${what}`, sinceMs, atMs, resource });
    this.scene.note('checker', `${guarantee}: ${what}`, resource);
  }
}
