import Mocha from 'mocha';

const SLOWEST = 5;
const SLOW_MS = 1_000;

/**
 * The counts of the run. Of the process, not of this module: Mocha loads it twice, imported and required.
 * @type {{ stats?: Mocha.Stats }}
 */
const run = process[Symbol.for('holdfast.test-run')] ?? summarizedOnExit();

/** Mocha's `spec` reporter, the slowest tests, and one last line for scripts: `N passed, N failed`. */
export default class SummaryReporter extends Mocha.reporters.Spec {
  /**
   * @param {Mocha.Runner} runner
   * @param {Mocha.MochaOptions} options
   */
  constructor(runner, options) {
    super(runner, options);
    run.stats = runner.stats;
    /** @type {{ title: string, tookMs: number }[]} */
    const slow = [];
    runner.on('pass', (test) => {
      const tookMs = test.duration ?? 0;
      if (tookMs >= SLOW_MS) slow.push({ title: test.fullTitle(), tookMs });
    });
    runner.on('end', () => {
      slow.sort((a, b) => b.tookMs - a.tookMs);
      for (const { title, tookMs } of slow.slice(0, SLOWEST)) {
        console.log(`  ${(tookMs / 1_000).toFixed(1)} s  ${title}`);
      }
    });
  }
}

/**
 * On exit, so that nothing can print after it, and that there is a line also when a file could not be loaded. A run can
 * fail without a failed test: when there was none, or when the process did not end by itself.
 */
function summarizedOnExit() {
  /** @type {{ stats?: Mocha.Stats }} */
  const run = {};
  process[Symbol.for('holdfast.test-run')] = run;
  process.on('exit', (code) => {
    if (run.stats === undefined && code === 0) return; // another reporter was asked for
    const { passes = 0, failures = 0 } = run.stats ?? {};
    const failed = failures === 0 && (code !== 0 || passes === 0) ? 1 : failures;
    console.log(`${passes} passed, ${failed} failed`);
  });
  return run;
}
