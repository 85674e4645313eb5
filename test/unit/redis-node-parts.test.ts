import { expect } from 'chai';
import { backOffMs } from '../../server/src/store/redlock/node/back-off.js';
import { nodeFault } from '../../server/src/store/redlock/node/node-fault.js';
import { inspect } from '../../server/src/store/redlock/node/node-info.js';
import { lockPattern } from '../../server/src/store/redlock/node/node-keys.js';
import { scriptTexts } from '../../server/src/store/redlock/node/scripts/all-scripts.js';
import { luaString, scriptText } from '../../server/src/store/redlock/node/scripts/prelude.js';
import { parseNodeAddress, shownAddress } from '../support/parse-node-address.js';

describe('the address of a Redis node', () => {
  for (const [url, shown, more] of [
    ['redis://10.0.0.1', 'redis://10.0.0.1:6379', { username: undefined, password: undefined, database: 0 }],
    ['redis://cache:7000/3', 'redis://cache:7000/3', { database: 3 }],
    ['redis://:s%2Fe@cache', 'redis://cache:6379', { username: undefined, password: 's/e' }],
    ['rediss://me:pw@cache:7000', 'rediss://cache:7000', { username: 'me', password: 'pw' }],
    ['redis://[::1]:7000', 'redis://[::1]:7000', {}],
    ['unix:///run/redis.sock?db=2', 'unix:///run/redis.sock?db=2', { database: 2 }],
  ] as const) {
    it(`is read: ${url}`, () => {
      const parsed = parseNodeAddress(url);
      if (parsed.kind !== 'address') throw new Error(parsed.why);
      expect(parsed.address).to.deep.include({ shown, ...more });
      expect(shownAddress(url)).to.equal(shown);
    });
  }

  it('is taken apart into host, port and whether it is encrypted', () => {
    const parsed = parseNodeAddress('rediss://[::1]:7000');
    expect(parsed.kind === 'address' && parsed.address.endpoint).to.deep.equal({
      kind: 'tcp',
      host: '::1',
      port: 7_000,
      encrypted: true,
    });
  });

  for (const [url, why] of [
    ['sesame', /^is not of the form redis:/],
    ['http://:sesame@cache', /^is not of the form redis:/],
    ['redis://:sesame@', /^(names no host|is not of the form)/],
    ['redis://:sesame@cache/one', /^names a database that is not/],
    ['redis://:sesame@cache/-1', /^names a database that is not/],
    ['redis://sesame@cache', /^has a user name without a password/],
    ['redis://:%sesame@cache', /^has a user name or password that is not percent-encoded/],
    ['unix://sesame', /^names a socket whose path/],
    ['redis://:sesame@cache:99999', /^is not of the form/],
  ] as const) {
    it(`is refused without being repeated: ${url}`, () => {
      const parsed = parseNodeAddress(url);
      if (parsed.kind !== 'refused') throw new Error('was not refused');
      expect(parsed.why).to.match(why).and.not.contain('sesame');
      expect(shownAddress(url)).not.to.contain('sesame');
    });
  }
});

describe('what Redis says of itself', () => {
  const good = {
    redis_version: '7.0.15',
    redis_mode: 'standalone',
    run_id: 'a'.repeat(40),
    master_replid: 'b'.repeat(40),
    role: 'master',
    maxmemory_policy: 'noeviction',
    loading: '0',
    evicted_keys: '12',
  };
  const info = (fields: object): string =>
    `# Server\r\n${Object.entries(fields)
      .map(([name, value]) => `${name}:${value}\r\n`)
      .join('')}`;

  it('makes its facts', () => {
    expect(inspect(info(good))).to.deep.equal({
      kind: 'fit',
      facts: { identity: `${'a'.repeat(40)}:${'b'.repeat(40)}`, version: 'redis 7.0.15', evictedKeys: 12 },
    });
    const valkey = { ...good, redis_version: '7.2.4', valkey_version: '8.0.1' };
    expect(inspect(info(valkey))).to.deep.nested.include({ 'facts.version': 'valkey 8.0.1' });
  });

  for (const [change, kind, message] of [
    [{ loading: '1' }, 'loading', 'is still loading its data'],
    [{ run_id: '' }, 'unsuitable', 'does not say which process it is'],
    [{ redis_mode: 'cluster' }, 'unsuitable', 'runs in cluster mode, not on its own'],
    [{ redis_mode: 'sentinel' }, 'unsuitable', 'runs in sentinel mode, not on its own'],
    [{ redis_version: '6.2.14' }, 'unsuitable', 'is redis 6.2.14; it must be Redis 7.0 or Valkey'],
    [{ role: 'slave' }, 'read_only', 'is a replica'],
    [{ maxmemory_policy: 'allkeys-lru' }, 'unsuitable', 'has the eviction policy allkeys-lru; it must be noeviction'],
    [{ maxmemory_policy: '' }, 'unsuitable', 'has the eviction policy (unknown); it must be noeviction'],
  ] as const) {
    it(`is judged: ${message}`, () => {
      expect(inspect(info({ ...good, ...change }))).to.deep.equal({ kind: 'unfit', fault: { kind, message } });
    });
  }
});

describe('an error of a Redis node', () => {
  for (const [text, kind] of [
    ['WRONGPASS invalid username-password pair or user is disabled.', 'refused_password'],
    ['NOAUTH Authentication required.', 'refused_password'],
    ["NOPERM this user has no permissions to run the 'script|load' command", 'no_permission'],
    ["READONLY You can't write against a read only replica.", 'read_only'],
    ['LOADING Redis is loading the dataset in memory', 'loading'],
    ['MISCONF Redis is configured to save RDB snapshots', 'cannot_persist'],
    ['NOSCRIPT No matching script.', 'unverified'],
    ['BUSY Redis is busy running a script.', 'overloaded'],
    ['ERR max number of clients reached', 'overloaded'],
    ['ERR anything else', 'error'],
  ] as const) {
    it(`has a kind: ${text}`, () => {
      expect(nodeFault(new Error(text)).kind).to.equal(kind);
    });
  }

  it('of the socket is said in words', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    expect(nodeFault(refused)).to.deep.equal({ kind: 'unreachable', message: 'refused the connection' });
    expect(nodeFault('what?').kind).to.equal('error');
  });
});

describe('waiting before the next connection', () => {
  it('doubles up to five seconds, jittered by half', () => {
    const most = [0, 1, 2, 3, 4, 5, 6, 7, 8, 1_000].map((failures) => backOffMs(failures, { unit: () => 1 }));
    expect(most).to.deep.equal([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    expect(backOffMs(2, { unit: () => 0 })).to.equal(100);
  });
});

describe('the text of a script', () => {
  const constants = {
    identity: 'run:history',
    clusterId: "it's\\main",
    configuration: 'c0ffee/1',
    windowMs: 5_000,
    ballotMs: 600_000,
    admissionMs: 300_000,
    sharedKeys: false,
    lockPattern: 'holdfast:*:lock:*',
  };

  it('quotes whatever it is given', () => {
    expect(luaString('a\u0000b')).to.equal("'a\\000b'");
    expect(luaString("it's \\ é")).to.equal("'it\\039s \\092 \\195\\169'");
  });

  it('is another one for every other process, cluster and setting', () => {
    const text = scriptText(constants, 'return 1');
    expect(text).to.contain('wire version 1');
    for (const change of [
      { identity: 'other' },
      { clusterId: 'other' },
      { configuration: 'c0ffee/2' },
      { windowMs: 6_000 },
      { ballotMs: 1 },
      { admissionMs: 1 },
      { sharedKeys: true },
      { lockPattern: '*' },
    ]) {
      expect(scriptText({ ...constants, ...change }, 'return 1'), JSON.stringify(change)).not.to.equal(text);
    }
  });

  it('exists once for each verb and errand', () => {
    const names = scriptTexts(constants).map(([name]) => name);
    expect(new Set(names).size).to.equal(names.length);
    expect(names).to.have.length(16);
  });

  it('looks for locks by a glob that takes nothing in the template for one', () => {
    expect(lockPattern('holdfast:{ns}:lock:{name}')).to.equal('holdfast:*:lock:*');
    expect(lockPattern('a[b]*?{name}')).to.equal('a\\[b\\]\\*\\?*');
  });
});
