import { AcceptedWrites, type Write } from './accepted-writes.js';

/**
 * Resources that look at tokens, as the documentation tells their owners to: each refuses what is older than the newest
 * token it has seen, and keeps what it accepted.
 */
export class FencedLog {
  refused = 0;
  /** A broken rule, for control runs: everything is accepted. */
  fenced = true;
  readonly #newest = new Map<string, bigint>();

  readonly #writes: AcceptedWrites;

  constructor(
    violated: (what: string, resource: string) => void,
    mayHave: (write: Write) => boolean = () => true,
    /** Told of each write that is refused, and of the token that it came after. */
    private readonly refusedOne: (write: Write, newest: bigint) => void = () => undefined,
  ) {
    this.#writes = new AcceptedWrites(violated, mayHave);
  }

  get accepted(): number {
    return this.#writes.accepted;
  }

  write(write: Write): void {
    const newest = this.#newest.get(write.resource) ?? 0n;
    if (this.fenced && write.token < newest) {
      this.refused += 1;
      this.refusedOne(write, newest);
      return;
    }
    this.#newest.set(write.resource, write.token);
    this.take(write);
  }

  /** A resource in another process has accepted this. */
  take(write: Write): void {
    this.#writes.take(write);
  }
}
