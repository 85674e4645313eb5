/** Runs one row, and its control where it has one, in a process that can be ended as a whole. Arguments: id, folder. */
import type { Control } from '../harness/stage.js';
import { rowOf } from './catalog.js';
import { foundWithout, shown } from './control-result.js';
import { play, runTests } from './play.js';
import type { RowResult } from './row.js';

async function run(id: string, folder: string): Promise<RowResult> {
  const row = rowOf(id);
  if (row.kind === 'waiting') throw new RangeError(`${id} cannot be run: ${row.why}`);
  const startMs = performance.now();
  const tookMs = (): number => Math.round(performance.now() - startMs);
  const why = row.kind === 'played' ? await row.impossible?.() : undefined;
  if (why !== undefined) return { kind: 'not_run', why, tookMs: tookMs() };
  const once = (control?: Control) => (row.kind === 'played' ? play(row, folder, control) : runTests(row, control));
  const { control } = row;
  const isMeasured = row.kind === 'played' && row.controlRuns === 'afterwards';
  const beside = isMeasured ? undefined : settled(once(control));
  const plain = await settled(once());
  // It ends what it has started, whatever came of the row.
  await beside;
  const { violations, figure } = plain();
  if (violations.length > 0) return { kind: 'broken', why: shown(violations), tookMs: tookMs() };
  const found = foundWithout(control, (await (beside ?? settled(once(control))))().violations);
  if (typeof found === 'string') return { kind: 'broken', why: found, tookMs: tookMs() };
  return { kind: 'held', figure, control: found, tookMs: tookMs() };
}

/** For what is asked for only after something else: then its failure is nobody's meanwhile. */
async function settled<T>(promise: Promise<T>): Promise<() => T> {
  const [outcome] = await Promise.allSettled([promise]);
  return () => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  };
}

// Whoever wanted to know is gone: then so is everything that was started here.
process.on('disconnect', () => process.kill(0, 'SIGKILL'));
const [id = '', folder = ''] = process.argv.slice(2);
let result: RowResult;
try {
  result = await run(id, folder);
} catch (error) {
  result = { kind: 'broken', why: error instanceof Error ? (error.stack ?? error.message) : String(error), tookMs: 0 };
}
if (process.send === undefined) {
  console.log(JSON.stringify(result, undefined, 2));
  process.exit();
}
process.send(result, () => process.exit());
