import Mocha from 'mocha';
import { summarize } from './summary.js';

const SLOWEST = 5;
const SLOW_MS = 1_000;

/** Mocha's `spec` reporter, the slowest tests, and one last line for scripts: `N passed, N failed`. */
export default class SummaryReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const slow: { readonly title: string; readonly tookMs: number }[] = [];
    runner.on('pass', (test) => {
      const tookMs = test.duration ?? 0;
      if (tookMs >= SLOW_MS) slow.push({ title: test.fullTitle(), tookMs });
    });
    runner.on('end', () => {
      slow.sort((a, b) => b.tookMs - a.tookMs);
      for (const { title, tookMs } of slow.slice(0, SLOWEST))
        console.log(`  ${(tookMs / 1_000).toFixed(1)} s  ${title}`);
    });
    summarize(runner);
  }
}
