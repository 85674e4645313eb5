import { isDriverName } from '../systems/system.js';
import { type Driver, needed } from './driver.js';
import { openDriver } from './drivers.js';
import type { Job, Order, Report } from './job.js';
import { runJob } from './run-job.js';

/** A load generator in a process of its own: does the jobs its parent sends, one at a time, and reports. */
const [, , name, target] = process.argv;
if (name === undefined || !isDriverName(name) || target === undefined) throw new Error('usage: main.js DRIVER TARGET');
const driver: Driver = await openDriver(name, target);

process.on('disconnect', () => process.exit(0));
process.on('message', ({ id, job }: Order) => {
  const tell = (report: Report): void => void process.send?.(report);
  perform(id, job, tell).catch((error: unknown) => {
    tell({ id, kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
process.send?.({ id: 0, kind: 'started' } satisfies Report);

async function perform(id: number, job: Job, tell: (report: Report) => void): Promise<void> {
  if (job.kind !== 'first-grant') {
    const measurement = await runJob(driver, job, () => tell({ id, kind: 'measuring' }));
    tell({ id, kind: 'measured', measurement });
    return;
  }
  const client = await needed(driver, 'awaitServer')();
  const lock = await client.acquire('bench/first');
  tell({ id, kind: 'granted' });
  await lock.release();
  await client.close();
}
