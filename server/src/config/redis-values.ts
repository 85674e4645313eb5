import { kindOf, type Reading, type ValueKind } from './values.js';

/** A Redis node: where it is, and how to log in there. */
export interface RedisNodeSetting {
  /** The logical name, such as `redis-4`. */
  readonly id: string;
  readonly address: {
    readonly endpoint: {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      /** By TLS. */
      readonly encrypted: boolean;
    };
    readonly username: string | undefined;
    readonly password: string | undefined;
    readonly database: number;
    /** For people: without user and password. */
    readonly shown: string;
  };
}

const DEFAULT_PORT = 6_379;
const MAX_NODES = 9;
const NODE_FORM = 'redis-1=redis://127.0.0.1:6379';

/** `id=redis://user:password@host:port/db,…` or `rediss://` for TLS; `none` gives no nodes. Passwords are never shown. */
export function redisNodes(): ValueKind<readonly RedisNodeSetting[]> {
  const bound = 'none, or 1 or 3 to 9 of id=redis://[user:password@]host[:port][/db] with commas between';
  return { ...kindOf('<nodes>', bound, readNodes), shown: shownNodes };
}

function readNodes(text: string): Reading<readonly RedisNodeSetting[]> {
  if (text === 'none') return { value: [] };
  const nodes: RedisNodeSetting[] = [];
  for (const [index, entry] of text.split(',').entries()) {
    const read = readNode(entry.trim());
    if ('problem' in read) return { problem: `has an entry that cannot be read: number ${index + 1} ${read.problem}` };
    const clash = nodes.find((node) => node.id === read.value.id || samePlace(node, read.value));
    if (clash !== undefined) {
      const what = clash.id === read.value.id ? `the id ${clash.id}` : `the address of ${clash.id}`;
      return { problem: `names a node twice: number ${index + 1} has ${what}` };
    }
    nodes.push(read.value);
  }
  if (nodes.length === 2) {
    return { problem: 'has two nodes: a majority of two is both, so the second one only adds a way to fail' };
  }
  return nodes.length > MAX_NODES ? { problem: `has ${nodes.length} nodes` } : { value: nodes };
}

function readNode(entry: string): Reading<RedisNodeSetting> {
  const [, id, address] = /^([^=:/@]*)=(.*)$/s.exec(entry) ?? [];
  if (id === undefined || address === undefined) return { problem: `has no id; write it like ${NODE_FORM}` };
  if (!/^[a-z0-9-]{1,32}$/.test(id)) return { problem: 'has an id that is not 1 to 32 of a-z, 0-9 and -' };
  if (!/^rediss?:\/\//.test(address))
    return { problem: `has no redis:// or rediss:// address; write it like ${NODE_FORM}` };
  if (!URL.canParse(address))
    return { problem: 'has an address that is no URL; percent-encode : / ? # @ , in a password' };
  const url = new URL(address);
  if (url.hostname === '') return { problem: 'names no host' };
  if (url.search !== '' || url.hash !== '')
    return { problem: 'has something behind the database; percent-encode ? and # in a password' };
  const path = /^(?:\/(\d{1,5})?)?$/.exec(url.pathname);
  if (path === null) return { problem: 'has a database that is not a number' };
  const username = decoded(url.username);
  const password = decoded(url.password);
  if (username === undefined || password === undefined)
    return { problem: 'has a % in its user or password that encodes nothing; write %25' };
  if (username !== '' && password === '')
    return { problem: 'has a user without a password; a password alone is written redis://:password@host' };
  const endpoint = {
    kind: 'tcp',
    host: url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase(),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    encrypted: url.protocol === 'rediss:',
  } as const;
  const database = Number(path[1] ?? 0);
  const login = { username: username || undefined, password: password || undefined };
  return { value: { id, address: { endpoint, ...login, database, shown: addressText(endpoint, database) } } };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Two databases of one process fail together: one address is one node, whatever the database. */
function samePlace(one: RedisNodeSetting, other: RedisNodeSetting): boolean {
  const [here, there] = [one.address.endpoint, other.address.endpoint];
  return here.host === there.host && here.port === there.port;
}

function addressText({ encrypted, host, port }: RedisNodeSetting['address']['endpoint'], database: number): string {
  const place = host.includes(':') ? `[${host}]` : host;
  return `${encrypted ? 'rediss' : 'redis'}://${place}:${port}${database === 0 ? '' : `/${database}`}`;
}

/** Whatever cannot be read as a whole may have a password anywhere in it. */
function shownNodes(text: string): string {
  if (text === 'none') return text;
  return text
    .split(',')
    .map((entry) => {
      const read = readNode(entry.trim());
      if ('problem' in read) return '…';
      const { id, address } = read.value;
      if (address.password === undefined) return `${id}=${address.shown}`;
      return `${id}=${address.shown.replace('://', () => `://${address.username ?? ''}:***@`)}`;
    })
    .join(',');
}

/** The key of a lock, with `{name}` and at most once `{ns}` in it. */
export function keyTemplate(): ValueKind<string> {
  const bound = 'up to 128 characters with {name} once, {ns} at most once and before it, and no control characters';
  return kindOf('<template>', bound, (text) => {
    if (/\p{Cc}/u.test(text)) return { problem: 'contains a control character' };
    if (text.length > 128) return { problem: `is ${text.length} characters long` };
    const names = text.split('{name}').length - 1;
    if (names !== 1) return { problem: names === 0 ? 'does not contain {name}' : 'contains {name} more than once' };
    if (text.split('{ns}').length > 2) return { problem: 'contains {ns} more than once' };
    // A key is taken apart at what stands between them.
    if (/\{name\}.*\{ns\}|\{ns\}\{name\}/.test(text))
      return { problem: 'does not have {ns}, some text, and then {name}' };
    if (/\{ns\}[\p{L}\p{N}%]/u.test(text)) return { problem: 'has a letter, a digit or a % right after {ns}' };
    const other = /\{(?!name\}|ns\})[^}]*\}/.exec(text);
    return other === null ? { value: text } : { problem: `contains ${other[0]}, which stands for nothing` };
  });
}

/** A short name that appears in keys. */
export function clusterId(): ValueKind<string> {
  return kindOf('<id>', '1 to 32 of a-z, 0-9 and -', (text) =>
    /^[a-z0-9-]{1,32}$/.test(text) ? { value: text } : { problem: 'is not an id' },
  );
}
