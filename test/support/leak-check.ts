import { LeakWatch } from './leak-watch.js';

/** How long after a test its processes and servers may take to be gone. */
const GRACE_MS = 2_000;
/** How long after the last test the process may live on. */
const EXIT_GRACE_MS = 5_000;

const watch = new LeakWatch();
const suiteStart = watch.baseline();
const found: string[] = [];
let testStart: ReadonlySet<object> = suiteStart;
let running = 'loading';

// Mocha has a listener of its own, which keeps Node from ending the process, and does nothing but emit them once more.
const rejected = new WeakSet<Promise<unknown>>();
process.on('unhandledRejection', (reason, promise) => {
  if (rejected.has(promise)) return;
  rejected.add(promise);
  found.push(`${running}: unhandled rejection: ${headline(reason)}`);
});

/**
 * Fails the run when a test leaves child processes, listening sockets or unhandled rejections behind. What a suite
 * opens in `before` may live until its `after`. Leaks are gathered and reported at the end: a root hook that fails on
 * the spot would end the run.
 */
export const mochaHooks: Mocha.RootHookObject = {
  beforeAll() {
    watch.start();
  },

  beforeEach(this: Mocha.Context) {
    testStart = watch.baseline();
    running = this.currentTest?.fullTitle() ?? running;
  },

  async afterEach() {
    // One turn, so that a rejection nobody handles counts against the test it comes from.
    await new Promise((resolve) => setImmediate(resolve));
    const leaks = await watch.leaks(testStart, GRACE_MS);
    for (const leak of leaks) found.push(`${running}: left ${leak}`);
  },

  async afterAll() {
    const leaks = await watch.leaks(suiteStart, GRACE_MS);
    watch.stop();
    exitSoon();
    for (const leak of leaks) found.push(`hooks of a suite: left ${leak}`);
    if (found.length > 0) throw new Error(`left behind:\n${found.join('\n')}`);
  },
};

function headline(reason: unknown): string {
  const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
  return text.split('\n', 2).join('');
}

/** Ends a process that something keeps from ending by itself, and says what. */
function exitSoon(): void {
  // Nothing is open any more. Left to itself Node 20 sometimes spins for ever in its last clean-up, over a message to a
  // child that was killed; asked to exit, it skips that.
  process.once('beforeExit', () => process.exit());
  const timer = setTimeout(() => {
    console.error(`tests are over, but still open: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, EXIT_GRACE_MS);
  timer.unref();
}
