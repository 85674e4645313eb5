/** Runs seeds in a process of its own. Arguments: seeds. Prints for each what its trace comes to. */
import { createHash } from 'node:crypto';
import { traceOf } from './failure.js';
import { runSeed } from './systems.js';

for (const argument of process.argv.slice(2)) {
  const outcome = await runSeed(Number(argument), { isReplay: true });
  const digest = createHash('sha256').update(traceOf(outcome)).digest('hex');
  process.stdout.write(`${argument} ${outcome.trace.length} lines ${digest}\n`);
}
