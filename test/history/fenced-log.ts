/** One write that a resource was asked for. */
export interface Write {
  readonly resource: string;
  readonly token: bigint;
  readonly writer: string;
}

/**
 * Resources that look at tokens, as the documentation tells their owners to: each refuses what is older than the newest
 * token it has seen, and keeps what it accepted.
 */
export class FencedLog {
  accepted = 0;
  refused = 0;
  /** A broken rule, for control runs: everything is accepted. */
  fenced = true;
  readonly #last = new Map<string, Write>();
  readonly #writers = new Map<string, string>();

  constructor(private readonly violated: (what: string, resource: string) => void) {}

  write(write: Write): void {
    const { resource, token, writer } = write;
    const last = this.#last.get(resource);
    if (this.fenced && last !== undefined && token < last.token) {
      this.refused += 1;
      return;
    }
    this.accepted += 1;
    this.#last.set(resource, write);
    if (last !== undefined && token < last.token) {
      this.violated(`${resource} took a write with ${token} after one with ${last.token}`, resource);
    }
    const key = `${resource} ${token}`;
    const first = this.#writers.get(key) ?? writer;
    this.#writers.set(key, first);
    if (first !== writer)
      this.violated(`${first} and ${writer} wrote to ${resource} with one token ${token}`, resource);
  }
}
