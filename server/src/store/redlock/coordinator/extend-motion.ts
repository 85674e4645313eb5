import type { Electorate } from './electorate.js';
import type { KeptLease } from './kept-leases.js';
import { type Actions, Motion } from './motion.js';
import type { AdoptEntry, ExtendEntry, ExtendVote, NodeToken } from './redis-node.js';
import { refusalText } from './refusal-text.js';

/** `unknown` carries why. */
export type ExtensionOutcome =
  | { readonly kind: 'renewed' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'unknown'; readonly message: string };

interface Missing {
  readonly node: number;
  readonly ballot: NodeToken | undefined;
  /** By the node's clock. */
  readonly notAfterUs: number;
}

export interface ExtensionTerms {
  readonly ttlMs: number;
  readonly token: NodeToken;
  readonly lease: KeptLease;
  /** False where others share the keys: what is missing stays missing. */
  readonly repairs: boolean;
}

export interface ExtensionPorts {
  readonly electorate: Electorate;
  readonly actions: Actions;
  readonly answered: (outcome: ExtensionOutcome) => void;
  /** A node has the lease under its newest value. */
  readonly confirmed?: (node: number) => void;
}

/**
 * One extension, or one adoption, which differs in nothing but its entry: the expiry of a lease that stands is raised.
 *
 * A node that has lost the lease (a restart, a clock) is told again, but only after a quorum has said that the lease
 * stands; its own vote never counts in that round.
 */
export class ExtendMotion<V extends 'extend' | 'adopt'> extends Motion<V> {
  readonly ttlMs: number;
  #missing: readonly Missing[] = NOTHING;
  #gone = 0;

  constructor(
    private readonly ports: ExtensionPorts,
    readonly entry: V extends 'adopt' ? AdoptEntry : ExtendEntry,
    private readonly terms: ExtensionTerms,
    calledAtMs: number,
  ) {
    super(ports.electorate, ports.actions, calledAtMs);
    this.ttlMs = terms.ttlMs;
  }

  protected inFavour(vote: ExtendVote): boolean {
    return vote.kind === 'ok';
  }

  protected noted(node: number, vote: ExtendVote, nodeNowUs: number): void {
    if (vote.kind === 'ok') this.ports.confirmed?.(node);
    if (vote.kind === 'missing') this.#missing = [...this.#missing, this.#lacking(node, vote.ballot, nodeNowUs)];
    if (vote.kind === 'missing' || vote.kind === 'lost') this.#gone += 1;
  }

  protected override afterwards(
    node: number,
    vote: ExtendVote,
    nodeNowUs: number,
    outcome: 'carried' | 'failed',
  ): void {
    if (vote.kind === 'ok') this.ports.confirmed?.(node);
    if (vote.kind === 'missing' && outcome === 'carried') this.#repair(this.#lacking(node, vote.ballot, nodeNowUs));
  }

  protected carry(): boolean {
    for (const missing of this.#missing) this.#repair(missing);
    this.ports.answered({ kind: 'renewed' });
    return true;
  }

  protected fail(everyoneHeard: boolean): boolean {
    // Lost only when no quorum can have it: a node that says nothing may have it.
    if (this.#gone > this.electorate.size - this.electorate.quorum) this.ports.answered({ kind: 'lost' });
    else if (everyoneHeard)
      this.ports.answered({ kind: 'unknown', message: refusalText(this.electorate, this.absences) });
    else return false;
    return true;
  }

  /** An extension is good from its call on, and a node that was stopped may answer long after that. */
  #lacking(node: number, ballot: NodeToken | undefined, nodeNowUs: number): Missing {
    const leftMs = this.calledAtMs + this.entry.expiryMs - this.actions.nowMs();
    return { node, ballot, notAfterUs: nodeNowUs + Math.floor(leftMs * 1_000) };
  }

  #repair({ node, ballot, notAfterUs }: Missing): void {
    if (!this.terms.repairs || this.terms.lease.over) return;
    const { key, value } = this.entry;
    const { token } = this.terms;
    this.actions.repair(node, { key, value, token, ballot, notAfterUs });
  }
}

const NOTHING: readonly never[] = [];
