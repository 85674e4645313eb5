import { isTarget, TARGET_FORMS } from '../targets.js';
import { UsageError } from './usage-error.js';

export const DEFAULT_SERVER = 'localhost:7420';

/** The addresses of `a:1,b:2`; `source` is the flag or variable they come from. */
export function readServers(source: string, texts: readonly string[]): readonly string[] {
  const addresses = texts.flatMap((text) => text.split(',')).map((text) => text.trim());
  for (const address of addresses) {
    if (isTarget(address)) continue;
    throw new UsageError(`${source} has ${JSON.stringify(address)}; it must be ${TARGET_FORMS}`);
  }
  return [...new Set(addresses)];
}

/** Whether a server at this address would be on this machine. */
export function isLocal(address: string): boolean {
  return /^(unix:|localhost:|127\.|\[::1\]:)/.test(address);
}
