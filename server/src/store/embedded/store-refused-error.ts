/** The store cannot be opened. The message is one line: what is wrong, where, and what would help. */
export class StoreRefusedError extends Error {
  override readonly name = 'StoreRefusedError';
}
