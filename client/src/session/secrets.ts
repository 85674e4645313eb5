import type { Random } from './ports.js';

const SECRET_BYTES = 16;
const POOL_BYTES = 4_096;
/** The newest one and as many earlier ones as a request may carry. */
const MAX_SECRETS = 8;
const NONE: readonly Buffer[] = [];

/** Makes secrets out of pooled random bytes, since asking for 16 at a time costs twenty times as much. */
export class SecretSource {
  #pool: Buffer = Buffer.alloc(0);
  #used = 0;

  constructor(private readonly random: Random) {}

  next(): Buffer {
    if (this.#used + SECRET_BYTES > this.#pool.length) {
      const bytes = this.random.bytes(POOL_BYTES);
      this.#pool = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#used = 0;
    }
    const secret = this.#pool.subarray(this.#used, this.#used + SECRET_BYTES);
    this.#used += SECRET_BYTES;
    return secret;
  }
}

/**
 * The secrets used for one request: a store may hold any of them until a server says which. Bounded: the oldest is the
 * last one known to have been stored and stays, then come the newest.
 */
export class SecretHistory {
  #current: Buffer;
  #earlier: readonly Buffer[] = NONE;

  constructor(first: Buffer) {
    this.#current = first;
  }

  /** The one used last. */
  get current(): Buffer {
    return this.#current;
  }

  /** Those used before it, oldest first. */
  get earlier(): Buffer[] {
    return [...this.#earlier];
  }

  /** Another one is about to be used. */
  add(secret: Buffer): void {
    const earlier = [...this.#earlier, this.#current];
    if (earlier.length >= MAX_SECRETS) earlier.splice(1, 1);
    this.#earlier = earlier;
    this.#current = secret;
  }

  /** The server says that the newest one is the one that counts. */
  confirmed(): void {
    this.#earlier = NONE;
  }
}
