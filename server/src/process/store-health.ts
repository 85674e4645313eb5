/** Whether the store can be relied on for grants: it answers what it is asked, and enough of its nodes vote. */
export class StoreHealth {
  #answers = true;
  #grants = true;

  constructor(private readonly onAvailable: (available: boolean) => void) {}

  /** What the last call to the store showed. */
  answers(answers: boolean): void {
    this.#answers = answers;
    this.#tell();
  }

  /** What its nodes say; a store without any is never asked. */
  grants(grants: boolean): void {
    this.#grants = grants;
    this.#tell();
  }

  #tell(): void {
    this.onAvailable(this.#answers && this.#grants);
  }
}
