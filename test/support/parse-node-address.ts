import type { NodeAddress } from '../../server/src/store/redlock/node/node-address.js';

export type ParsedAddress =
  | { readonly kind: 'address'; readonly address: NodeAddress }
  /** Says what is wrong with it, and repeats nothing of it: there may be a password in it. */
  | { readonly kind: 'refused'; readonly why: string };

const DEFAULT_PORT = 6379;
const FORMS = 'redis://user:password@host:port/database, rediss://… or unix:///path/to/socket?db=database';

/** Reads the address of a node. Port 6379 and database 0 when they are not said. */
export function parseNodeAddress(url: string): ParsedAddress {
  const refused = (why: string): ParsedAddress => ({ kind: 'refused', why });
  if (!URL.canParse(url)) return refused(`is not of the form ${FORMS}`);
  const parsed = new URL(url);
  const database = databaseOf(parsed);
  if (database === undefined) return refused('names a database that is not a whole number from 0');
  const endpoint = endpointOf(parsed);
  if (typeof endpoint === 'string') return refused(endpoint);
  const credentials = credentialsOf(parsed);
  if (credentials === undefined) return refused('has a user name or password that is not percent-encoded as it should');
  if (credentials.username !== undefined && credentials.password === undefined) {
    return refused('has a user name without a password');
  }
  return { kind: 'address', address: { endpoint, ...credentials, database, shown: shownAs(endpoint, database) } };
}

/** The address without user name and password; fit for logs whatever it was given. */
export function shownAddress(url: string): string {
  const parsed = parseNodeAddress(url);
  return parsed.kind === 'address' ? parsed.address.shown : 'an unreadable address';
}

function endpointOf(url: URL): NodeAddress['endpoint'] | string {
  switch (url.protocol) {
    case 'unix:': {
      if (url.host !== '') return 'names a socket whose path does not begin with a slash: unix:///path/to/socket';
      return url.pathname.length > 1 ? { kind: 'unix', path: decodeURI(url.pathname) } : 'names no socket';
    }
    case 'redis:':
    case 'rediss:': {
      if (url.hostname === '') return 'names no host';
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
      const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
      return { kind: 'tcp', host, port, encrypted: url.protocol === 'rediss:' };
    }
    default:
      return `is not of the form ${FORMS}`;
  }
}

function databaseOf(url: URL): number | undefined {
  const text = url.protocol === 'unix:' ? (url.searchParams.get('db') ?? '') : url.pathname.replace(/^\//, '');
  return /^\d{0,9}$/.test(text) ? Number(text) : undefined;
}

function credentialsOf(url: URL): Pick<NodeAddress, 'username' | 'password'> | undefined {
  try {
    return {
      username: decodeURIComponent(url.username) || undefined,
      password: decodeURIComponent(url.password) || undefined,
    };
  } catch {
    return undefined;
  }
}

function shownAs(endpoint: NodeAddress['endpoint'], database: number): string {
  if (endpoint.kind === 'unix') return `unix://${endpoint.path}${database === 0 ? '' : `?db=${database}`}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `${endpoint.encrypted ? 'rediss' : 'redis'}://${host}:${endpoint.port}${database === 0 ? '' : `/${database}`}`;
}
