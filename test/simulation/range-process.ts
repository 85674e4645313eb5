/** Runs every n-th seed of a range and tells its parent what each came to. Arguments: first seed, end, n. */
import { runSeed } from './systems.js';

const [first = 0, end = 0, step = 1] = process.argv.slice(2).map(Number);

for (let seed = first; seed < end; seed += step) {
  const { grants, grantsUnderFaults, excused, writes, faults, violations } = await runSeed(seed);
  process.send?.({ seed, grants, grantsUnderFaults, excused, writes, faults, violations });
}
process.disconnect();
