import { setTimeout as elapsed } from 'node:timers/promises';
import { type BenchContext, ROUNDS, type RowSpec } from '../bench-context.js';
import { GeneratorProcess } from '../generator-process.js';
import { type Comparison, type Row, row } from '../report.js';
import { median, rounded } from '../statistics.js';
import { residentMegabytes } from '../systems/process-usage.js';
import { type Contestant, EMBEDDED, ON_ETCD } from './contestants.js';

const MAX_SETTLING_MS = 2_000;
const SAMPLES = 20;
const SAMPLE_INTERVAL_MS = 50;

/** From the spawn of a server with an empty data directory to the first lock of a client that was there before. */
export const startupRow: RowSpec = lifeRow('startup-to-first-grant', 'ms', async ({ driver, prepare }) => {
  const prepared = await prepare();
  const generator = await new GeneratorProcess(driver, prepared.target).started();
  try {
    const granted = generator.firstGrant();
    const begunMs = performance.now();
    const system = prepared.spawn();
    try {
      await Promise.all([granted, system.ready]);
      return performance.now() - begunMs;
    } finally {
      await system.stop();
    }
  } finally {
    await generator.stop();
  }
});

/** Resident memory of a server that has started and has nothing to do. */
export const idleMemoryRow: RowSpec = lifeRow('idle-memory', 'MB', async ({ prepare }, context) => {
  const system = (await prepare()).spawn();
  try {
    await system.ready;
    await elapsed(Math.min(MAX_SETTLING_MS, context.seconds * 1_000));
    const samples: number[] = [];
    while (samples.length < SAMPLES) {
      const { server } = system.processes();
      const megabytes = server === undefined ? undefined : residentMegabytes(server);
      if (megabytes === undefined) throw new Error('this machine does not tell the memory of a process (no /proc)');
      samples.push(megabytes);
      await elapsed(SAMPLE_INTERVAL_MS);
    }
    return median(samples);
  } finally {
    await system.stop();
  }
});

type Trial = (contestant: Contestant, context: BenchContext) => Promise<number>;

function lifeRow(name: string, unit: string, trial: Trial): RowSpec {
  return {
    name,
    measure: async (context): Promise<Row> => {
      const ours: number[] = [];
      const peer: number[] = [];
      for (let round = 1; round <= ROUNDS; round++) {
        context.progress(`${name}: round ${round} of ${ROUNDS}`);
        ours.push(await trial(EMBEDDED, context));
        if (context.etcd.kind === 'present') peer.push(await trial(ON_ETCD, context));
      }
      const comparison: Comparison = {
        name,
        peer: 'etcd',
        unit,
        better: 'lower',
        ours: median(ours),
        peerValue: peer.length === 0 ? null : median(peer),
        oursDetails: { rounds: ours.map(rounded) },
        peerDetails: peer.length === 0 ? null : { rounds: peer.map(rounded) },
      };
      return row(context.etcd.kind === 'missing' ? { ...comparison, note: context.etcd.why } : comparison);
    },
  };
}
