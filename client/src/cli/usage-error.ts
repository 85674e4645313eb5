/** What is wrong with the command line: one line that names the option, its value and what is allowed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
