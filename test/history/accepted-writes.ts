/** One write that a resource was asked for. */
export interface Write {
  readonly resource: string;
  readonly token: bigint;
  readonly writer: string;
}

/**
 * I2: the tokens of the writes that a resource accepts never go down, each belongs to one writer, and that writer may have
 * been granted it. Therefore no write of one holder is accepted between two of another.
 *
 * The resource accepts writes one after the other, so its log is an order already. It is compared with that of the tokens.
 */
export class AcceptedWrites {
  accepted = 0;
  readonly #last = new Map<string, bigint>();
  readonly #writers = new Map<string, string>();

  constructor(
    private readonly violated: (what: string, resource: string) => void,
    /** Whether a writer may have been granted the token. */
    private readonly mayHave: (write: Write) => boolean,
  ) {}

  take(write: Write): void {
    const { resource, token, writer } = write;
    this.accepted += 1;
    const last = this.#last.get(resource) ?? 0n;
    this.#last.set(resource, token);
    if (token < last) this.violated(`${resource} took a write with ${token} after one with ${last}`, resource);
    const key = `${resource} ${token}`;
    const first = this.#writers.get(key);
    if (first === undefined) {
      this.#writers.set(key, writer);
      if (!this.mayHave(write))
        this.violated(`${writer} wrote to ${resource} with ${token}, which it never got`, resource);
    } else if (first !== writer) {
      this.violated(`${first} and ${writer} wrote to ${resource} with one token ${token}`, resource);
    }
  }
}
