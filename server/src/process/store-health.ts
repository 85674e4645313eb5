/**
 * Whether the store can be relied on for grants. Nodes know that by themselves, and say so when they can be again; of a store
 * without any, only its last answer shows it.
 */
export class StoreHealth {
  #answers = true;
  #grants: boolean | undefined;

  constructor(private readonly onAvailable: (available: boolean) => void) {}

  /** What the last call to the store showed. */
  answers(answers: boolean): void {
    this.#answers = answers;
    this.#tell();
  }

  /** What its nodes say. */
  grants(grants: boolean): void {
    this.#grants = grants;
    this.#tell();
  }

  #tell(): void {
    this.onAvailable(this.#grants ?? this.#answers);
  }
}
