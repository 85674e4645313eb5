/** What the process's exit code says. Part of the interface: scripts and supervisors decide by it. */
export const EXIT = {
  /** Stopped as asked. */
  stopped: 0,
  /** Something failed that may work next time, such as an address in use; or an invariant broke. */
  failed: 1,
  /** The configuration is wrong and will be wrong next time. */
  configuration: 2,
  /** The store refused: in use by another server, not writable, or damaged. */
  storeRefused: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Why the server could not start: one line for people that ends with the remedy, and the exit code. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';

  constructor(
    message: string,
    readonly exitCode: ExitCode,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
