import { readFileSync } from 'node:fs';

/** The client's version, from its package. */
export function clientVersion(): string {
  // As far from the sources as from the compiled files.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}
