/**
 * What the exit code of `holdfast` says, besides that of the command it ran. Part of the interface: scripts decide by it.
 * The numbers are those of `sysexits.h` and of shells where these have one for the case.
 */
export const EXIT = {
  usage: { code: 64, meaning: 'The command line is wrong.' },
  unavailable: { code: 69, meaning: 'No server could be reached, or none could answer.' },
  defect: { code: 70, meaning: 'Something went wrong inside Holdfast, or Node.js is too old.' },
  outputFailed: { code: 74, meaning: 'The output could not be written.' },
  notAcquired: { code: 75, meaning: 'Somebody else held the resource for all of `--wait`.' },
  leaseLost: { code: 76, meaning: 'The lease was lost, or about to be, and the command was stopped.' },
  accessDenied: { code: 77, meaning: 'The server does not serve this client.' },
  refused: { code: 78, meaning: 'The server did not carry the order out, and changed nothing.' },
  notExecutable: { code: 126, meaning: 'The command was found but could not be started.' },
  notFound: { code: 127, meaning: 'The command was not found.' },
} as const;

/** Added to the number of the signal that ended the command, or `holdfast` before there was one. */
export const SIGNAL_BASE = 128;
