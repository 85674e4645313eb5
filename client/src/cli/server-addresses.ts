import { isIP } from 'node:net';
import { UsageError } from './usage-error.js';

export const DEFAULT_SERVER = 'localhost:7420';
const MAX_PORT = 65_535;

/** The addresses of `a:1,b:2`; `source` is the flag or variable they come from. */
export function readServers(source: string, texts: readonly string[]): readonly string[] {
  const addresses = texts.flatMap((text) => text.split(',')).map((text) => text.trim());
  for (const address of addresses) {
    if (isAddress(address)) continue;
    throw new UsageError(
      `${source} has ${JSON.stringify(address)}; it must be host:port such as ${DEFAULT_SERVER}, [::1]:7420 or unix:/path`,
    );
  }
  return [...new Set(addresses)];
}

function isAddress(text: string): boolean {
  if (/^unix:[^\0]+$/.test(text) || /^(dns|ipv4|ipv6):\S+$/.test(text)) return true;
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) < 1 || Number(port) > MAX_PORT) return false;
  return plain !== undefined || isIP(bracketed ?? '') === 6;
}

/** Whether a server at this address would be on this machine. */
export function isLocal(address: string): boolean {
  return /^(unix:|localhost:|127\.|\[::1\]:)/.test(address);
}
