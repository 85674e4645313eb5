const NEVER = Number.POSITIVE_INFINITY;

interface Kept {
  readonly value: string;
  /** By the wall clock of the node; infinite: never. */
  readonly expiresAtMs: number;
}

/**
 * What one Redis keeps. Expiries are moments of its wall clock in whole milliseconds, so a step of that clock makes keys
 * vanish early or live on. An expired key is invisible; it is removed when it is looked at, or by `sweep`.
 */
export class Keyspace {
  readonly #kept = new Map<string, Kept>();
  readonly #wallMs: () => number;

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
  }

  get(key: string): string | undefined {
    return this.#live(key)?.value;
  }

  has(key: string): boolean {
    return this.#live(key) !== undefined;
  }

  /** Milliseconds left; -1 where it never expires; -2 where there is none. */
  expiresInMs(key: string): number {
    const kept = this.#live(key);
    if (kept === undefined) return -2;
    return kept.expiresAtMs === NEVER ? -1 : kept.expiresAtMs - this.#nowMs();
  }

  set(key: string, value: string, expiresInMs?: number): void {
    const expiresAtMs = expiresInMs === undefined ? NEVER : this.#nowMs() + Math.ceil(expiresInMs);
    this.#kept.set(key, { value, expiresAtMs });
  }

  /** Moves the expiry out to `expiresInMs` from now; never closer. */
  raise(key: string, expiresInMs: number): void {
    const kept = this.#live(key);
    if (kept === undefined || kept.expiresAtMs === NEVER) return;
    const expiresAtMs = Math.max(kept.expiresAtMs, this.#nowMs() + Math.ceil(expiresInMs));
    this.#kept.set(key, { value: kept.value, expiresAtMs });
  }

  /** Another value, the same expiry. */
  replace(key: string, value: string): void {
    const kept = this.#live(key);
    if (kept !== undefined) this.#kept.set(key, { value, expiresAtMs: kept.expiresAtMs });
  }

  delete(key: string): boolean {
    const there = this.has(key);
    this.#kept.delete(key);
    return there;
  }

  clear(): void {
    this.#kept.clear();
  }

  /** Visible keys, oldest first. */
  keys(): readonly string[] {
    return [...this.#kept.keys()].filter((key) => this.has(key));
  }

  /** Active expiry: removes those of the expired keys that `chosen` names. */
  sweep(chosen: (key: string) => boolean): void {
    for (const [key, kept] of this.#kept) {
      if (this.#expired(kept) && chosen(key)) this.#kept.delete(key);
    }
  }

  #live(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || !this.#expired(kept)) return kept;
    this.#kept.delete(key);
    return undefined;
  }

  #expired(kept: Kept): boolean {
    return kept.expiresAtMs !== NEVER && this.#nowMs() > kept.expiresAtMs;
  }

  #nowMs(): number {
    return Math.floor(this.#wallMs());
  }
}
