let stats: Mocha.Stats | undefined;

/** Names the run whose counts the last line gives. */
export function summarize(runner: Mocha.Runner): void {
  stats = runner.stats;
}

// On exit, so that nothing can print after it, and that there is a line also when a file could not be loaded. A run can
// fail without a failed test: when there was none, or when the process did not end by itself.
process.on('exit', (code) => {
  if (stats === undefined && code === 0) return; // another reporter was asked for
  const { passes = 0, failures = 0 } = stats ?? {};
  const failed = failures === 0 && (code !== 0 || passes === 0) ? 1 : failures;
  console.log(`${passes} passed, ${failed} failed`);
});
