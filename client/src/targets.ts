import { isIP } from 'node:net';
import { invalid } from './options.js';

/** What a target looks like. */
export const TARGET_FORMS =
  'host:port such as localhost:7420, [::1]:7420, dns:///host:port, ipv4:…, ipv6:… or unix:/path';

const MAX_TARGETS = 64;
const MAX_PORT = 65_535;

/**
 * Checks the addresses of servers. grpc-js would take others too: without a port it tries 443, and what cannot be an
 * address is tried until the time is up.
 */
export function checkTargets(value: unknown): readonly string[] {
  const targets: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (targets.length === 0 || targets.length > MAX_TARGETS) {
    throw invalid('targets', targets.length, `1 to ${MAX_TARGETS} addresses: ${TARGET_FORMS}`);
  }
  return targets.map((target) => {
    if (isTarget(target)) return target;
    throw invalid('targets', target, TARGET_FORMS);
  });
}

/** Whether this is an address a server can be looked for at: it names a port, unless it is a socket's path. */
export function isTarget(target: unknown): target is string {
  if (typeof target !== 'string' || /\p{Cc}/u.test(target)) return false;
  const [, scheme = '', rest = ''] = /^(unix|dns|ipv4|ipv6):(.*)$/s.exec(target) ?? [];
  // A host may have the name of a scheme.
  const form = /^\d+$/.test(rest) && scheme !== 'unix' ? '' : scheme;
  switch (form) {
    case 'unix':
      return rest !== '' && (!rest.startsWith('//') || /^\/\/\/[^/]/.test(rest));
    case 'dns':
      return isHostAndPort(rest.replace(/^\/\/[^/\s]*\//, ''));
    case 'ipv4':
      return rest.split(',').every((each) => isHostAndPort(each) && isIP(hostOf(each)) === 4);
    case 'ipv6':
      return rest.split(',').every((each) => isHostAndPort(each) && isIP(hostOf(each)) === 6);
    default:
      return isHostAndPort(target);
  }
}

function isHostAndPort(text: string): boolean {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]/\s,]+)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) < 1 || Number(port) > MAX_PORT) return false;
  return plain !== undefined || isIP(bracketed ?? '') === 6;
}

function hostOf(hostAndPort: string): string {
  return hostAndPort.slice(0, hostAndPort.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}
