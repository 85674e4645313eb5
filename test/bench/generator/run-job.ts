import { type Driver, needed } from './driver.js';
import type { MeasuredJob, Measurement } from './job.js';
import { Latencies, measure, type Phase } from './measure.js';
import { TurnOrder } from './turn-order.js';

/** How many leases are taken at a time before they are kept alive. */
const TAKING = 256;

/** Does one job. */
export async function runJob(driver: Driver, job: MeasuredJob, onMeasuring: () => void): Promise<Measurement> {
  switch (job.kind) {
    case 'acquire-release':
      return acquireRelease(driver, job, onMeasuring);
    case 'hand-off':
      return handOff(driver, job, onMeasuring);
    case 'extend':
      return extend(driver, job, onMeasuring);
    case 'keep-alive':
      return keepAlive(driver, job, onMeasuring);
    case 'batches':
      return batches(driver, job, onMeasuring);
  }
}

type JobOf<K extends MeasuredJob['kind']> = Extract<MeasuredJob, { kind: K }>;

async function acquireRelease(driver: Driver, job: JobOf<'acquire-release'>, onMeasuring: () => void) {
  const client = await needed(driver, 'connect')(job.inFlight);
  const acquires = new Latencies();
  try {
    const workers = Array.from({ length: job.inFlight }, (_, worker) => (phase: Phase) => async () => {
      const begunMs = performance.now();
      const lock = await client.acquire(`bench/own/${worker}`);
      if (phase.measuring) acquires.recordSince(begunMs);
      await lock.release();
    });
    const measured = await measure(workers, job.window, onMeasuring);
    return { ...measured, acquire: acquires.percentiles(), outOfOrder: 0, lost: 0 };
  } finally {
    await client.close();
  }
}

async function handOff(driver: Driver, job: JobOf<'hand-off'>, onMeasuring: () => void) {
  const clients = await needed(driver, 'contenders')(job.clients);
  const order = new TurnOrder();
  try {
    const workers = clients.map((client) => (phase: Phase) => async () => {
      const turn = order.asked();
      const lock = await client.acquire('bench/shared');
      order.granted(turn, phase.measuring);
      order.givenBack(turn);
      await lock.release();
    });
    const measured = await measure(workers, job.window, onMeasuring);
    return { ...measured, outOfOrder: order.outOfOrder, lost: 0 };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

async function extend(driver: Driver, job: JobOf<'extend'>, onMeasuring: () => void) {
  const extender = await needed(driver, 'extender')(job.leases);
  try {
    const workers = Array.from({ length: job.leases }, (_, lease) => () => () => extender.extend(lease));
    return { ...(await measure(workers, job.window, onMeasuring)), outOfOrder: 0, lost: 0 };
  } finally {
    await extender.close();
  }
}

async function keepAlive(driver: Driver, job: JobOf<'keep-alive'>, onMeasuring: () => void) {
  const keeper = needed(driver, 'keeper');
  const keepers = await Promise.all(Array.from({ length: job.clients }, () => keeper(job.ttlMs)));
  try {
    for (const [client, keeper] of keepers.entries()) {
      for (let first = 0; first < job.leasesPerClient; first += TAKING) {
        const count = Math.min(TAKING, job.leasesPerClient - first);
        await Promise.all(
          Array.from({ length: count }, (_, index) => keeper.take(`bench/kept/${client}/${first + index}`)),
        );
      }
    }
    // The clients work by themselves; a worker that waits for nothing but the next turn would only disturb them.
    const idle = () => () => new Promise<void>((resolve) => setTimeout(resolve, 10));
    const measured = await measure([idle], job.window, onMeasuring);
    const lost = keepers.reduce((sum, keeper) => sum + keeper.lost, 0);
    return { ...measured, outOfOrder: 0, lost };
  } finally {
    await Promise.all(keepers.map((keeper) => keeper.close()));
  }
}

async function batches(driver: Driver, job: JobOf<'batches'>, onMeasuring: () => void) {
  const batcher = await needed(driver, 'batcher')(job.callsPerNode);
  try {
    const workers = Array.from({ length: job.batches }, (_, batch) => {
      const names = Array.from({ length: job.entries }, (_unused, entry) => `bench/batch/${batch}/${entry}`);
      return () => batcher.pairs(names);
    });
    const measured = await measure(workers, job.window, onMeasuring);
    return { ...measured, perSecond: measured.perSecond * job.entries, outOfOrder: 0, lost: 0 };
  } finally {
    await batcher.close();
  }
}
