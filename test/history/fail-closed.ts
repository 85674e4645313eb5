import type { Court, Operation } from './terms.js';

/** A fault under which nothing can be known for certain, and what clients may be told meanwhile. */
export interface Closure {
  readonly fault: string;
  /** The resources it is about. Default: all. */
  readonly resources?: readonly string[];
  /** The codes with which acquires may fail. */
  readonly codes: readonly string[];
}

/**
 * I10: where a majority cannot be proved nothing is granted, and what fails does so with a code that fits the case. An acquire
 * is judged if it was called and ended under the fault; what began before may have been decided before.
 *
 * A fault is an interval, and an acquire another; nothing but the two is compared. A code that no case allows is never right.
 */
export class FailClosed {
  readonly #closures = new Map<string, { readonly sinceMs: number; readonly closure: Closure }>();

  constructor(
    private readonly court: Court,
    /** What an acquire may fail with whatever happens; `undefined`: anything. */
    private readonly codes: readonly string[] | undefined,
  ) {}

  begin(closure: Closure): void {
    this.#closures.set(closure.fault, { sinceMs: this.court.nowMs, closure });
  }

  end(fault: string): void {
    this.#closures.delete(fault);
  }

  granted({ client, resource, invokedAtMs }: Operation): void {
    const closure = this.#over(resource, invokedAtMs);
    if (closure === undefined) return;
    const what = `${client.name} was granted ${resource} under “${closure.fault}”, when nothing could be certain`;
    this.court.accuse('I10', what, invokedAtMs, resource);
  }

  failed({ client, resource, invokedAtMs }: Operation, code: string): void {
    const closure = this.#over(resource, invokedAtMs);
    const allowed = closure?.codes ?? this.codes;
    if (allowed === undefined || allowed.includes(code)) return;
    const when = closure === undefined ? '' : ` under “${closure.fault}”`;
    const what = `${client.name} was refused ${resource} with ${code}${when}; allowed: ${allowed.join(', ') || 'nothing'}`;
    this.court.accuse('I10', what, invokedAtMs, resource);
  }

  #over(resource: string, invokedAtMs: number): Closure | undefined {
    for (const { sinceMs, closure } of this.#closures.values()) {
      if (sinceMs <= invokedAtMs && (closure.resources?.includes(resource) ?? true)) return closure;
    }
    return undefined;
  }
}
