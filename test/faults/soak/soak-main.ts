/** Soaks once, in a process that can be ended as a whole. Arguments: store, seed, minutes, folder. */
import type { SoakEvent, StoreName } from './result.js';
import { Soak } from './soak.js';

// Whoever wanted to know is gone: then so is everything that was started here.
process.on('disconnect', () => process.kill(0, 'SIGKILL'));
const [store = 'redlock', seed = '1', minutes = '1', folder = ''] = process.argv.slice(2);
const tell = (event: SoakEvent, then: () => void = () => undefined): void => {
  process.send?.(event, then);
};
const soak = new Soak(store as StoreName, Number(seed), Number(minutes), folder, (line) =>
  tell({ kind: 'said', line }),
);
const result = await soak.run();
tell({ kind: 'done', result }, () => process.exit());
