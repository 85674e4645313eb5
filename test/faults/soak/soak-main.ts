/** Soaks once, in a process that can be ended as a whole. Arguments: store, seed, minutes, folder, and `control` for one. */
import { guard } from '../harness/guards-off.js';
import { foundWithout } from '../rows/control-result.js';
import { NO_HELD, NO_OWN_CLOCK } from '../rows/controls.js';
import type { SoakEvent, StoreName } from './result.js';
import { Soak, type SoakControl } from './soak.js';

const CONTROLS: Readonly<Record<StoreName, SoakControl>> = {
  redlock: { control: NO_HELD },
  embedded: {
    control: {
      ...NO_OWN_CLOCK,
      without: 'keeping what belongs to a stream that has ended, and the look at the client’s own clock',
      edits: [...NO_OWN_CLOCK.edits, ...guard('no-freeing-at-detach')],
    },
    by: 'cut_door',
  },
};

// Whoever wanted to know is gone: then so is everything that was started here.
process.on('disconnect', () => process.kill(0, 'SIGKILL'));
const [named = '', seed = '1', minutes = '1', folder = '', as = ''] = process.argv.slice(2);
const store: StoreName = named === 'embedded' ? named : 'redlock';
const tell = (event: SoakEvent, then: () => void = () => undefined): void => {
  process.send?.(event, then);
};
const say = (line: string): void => tell({ kind: 'said', line });
const control = as === 'control' ? CONTROLS[store] : undefined;
const result = await new Soak(store, Number(seed), Number(minutes), folder, say, control).run();
const found = control === undefined ? undefined : foundWithout(control.control, result.violations);
tell({ kind: 'done', result, ...(found === undefined ? {} : { found }) }, () => process.exit());
