import { InvalidArgumentError } from '../errors.js';
import { checkName } from '../options.js';
import { UsageError } from './usage-error.js';

/** Checks a name, if there is one, and says what it is the name of: `what` is the option, variable or argument. */
export function readName<T extends string | undefined>(what: string, name: T): T {
  if (name === undefined) return name;
  try {
    checkName(what, name);
    return name;
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new UsageError(error.message);
    throw error;
  }
}
