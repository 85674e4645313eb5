import type { Random } from '../../../core/ports.js';
import type { Dispatcher } from './dispatcher.js';
import type { Electorate } from './electorate.js';
import type { KeptLeases } from './kept-leases.js';
import type { LockKeys } from './keys.js';
import type { LeaseTerms } from './lease-terms.js';
import type { Actions } from './motion.js';
import type { RedlockSettings } from './settings.js';
import type { Stragglers } from './stragglers.js';
import type { Wants } from './wants.js';

/** What the parts of a coordinator share. Holds no policy. */
export interface CoordinatorContext {
  readonly settings: RedlockSettings;
  readonly random: Pick<Random, 'unit'>;
  readonly electorate: Electorate;
  readonly dispatcher: Dispatcher;
  readonly actions: Actions;
  readonly keys: LockKeys;
  readonly terms: LeaseTerms;
  readonly kept: KeptLeases;
  readonly stragglers: Stragglers;
  readonly wants: Wants;
}
