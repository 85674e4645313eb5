/** Signals that ask a process to end. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

export type EndingSignal = (typeof ENDING)[number];

/** The signals this process is sent, from now on: they do not end it any more. */
export class SignalInbox {
  /** The first that came. */
  first: EndingSignal | undefined;
  /** Who is told of them now. */
  onEnding: ((signal: EndingSignal) => void) | undefined;
  /** Told when the process runs on after it had been stopped. */
  onContinued: (() => void) | undefined;

  constructor(onStopRefused: () => void) {
    for (const signal of ENDING) {
      process.on(signal, () => {
        this.first ??= signal;
        this.onEnding?.(signal);
      });
    }
    process.on('SIGCONT', () => this.onContinued?.());
    // Ctrl-Z: a stopped process extends no lease, and its command would run on.
    process.on('SIGTSTP', onStopRefused);
  }
}
