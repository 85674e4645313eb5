import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of the whole project, from the sources as from what was compiled of them. */
export const PROJECT = findProject(import.meta.dirname);

export const SERVER_MAIN = join(PROJECT, 'server/dist/main.js');
export const GENERATOR_MAIN = join(PROJECT, 'test/dist/bench/generator/main.js');
export const RESULTS_FILE = join(PROJECT, 'test/bench/results/latest.json');
export const DOCUMENT = join(PROJECT, 'docs/benchmarks.md');
export const ETCD_PROTOS = ['etcd-lock.proto', 'etcd-lease.proto'].map((file) =>
  join(PROJECT, 'test/bench/peers', file),
);
/** Data directories of ours and the peer, side by side on one disk; ignored by git. */
export const SCRATCH = join(PROJECT, 'build/bench');

function findProject(from: string): string {
  if (existsSync(join(from, 'package-lock.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error(`no package-lock.json above ${import.meta.dirname}`);
  return findProject(parent);
}
