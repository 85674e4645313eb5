const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export type StopSignal = (typeof SIGNALS)[number];

/** The two ways to be asked to stop: the first signal asks, the second insists. */
export class StopSignals {
  /** Resolves with the first signal. */
  readonly first: Promise<StopSignal>;

  /** `onSecond` is called for every signal after the first. */
  constructor(onSecond: (signal: StopSignal) => void) {
    this.first = new Promise((resolve) => {
      let asked = false;
      for (const signal of SIGNALS) {
        process.on(signal, () => {
          if (asked) onSecond(signal);
          asked = true;
          resolve(signal);
        });
      }
    });
  }
}
