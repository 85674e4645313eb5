import { expect } from 'chai';
import { readCommandLine } from '../../server/src/config/command-line.js';
import { effectiveSettings, problemReport } from '../../server/src/config/report.js';
import { resolveSettings } from '../../server/src/config/resolve.js';
import { serverConfig } from '../../server/src/config/server-config.js';
import { canonicalTerms, termsHash } from '../../server/src/store/redlock/cluster-configuration.js';

type Texts = Parameters<typeof resolveSettings>[0];

const FIVE = [1, 2, 3, 4, 5].map((n) => `redis-${n}=redis://10.0.0.${n}`).join(',');
const SECRET = 'tops3cret';

const redlock = (texts: Texts = {}): Texts => ({ store: 'redlock', redisNodes: FIVE, ...texts });

function reportOf(texts: Texts, environment: Readonly<Record<string, string>> = {}): string {
  const resolved = resolveSettings(texts, environment);
  return resolved.ok ? '' : problemReport(resolved.problems);
}

function nodesOf(redisNodes: string) {
  const resolved = resolveSettings({ store: 'redlock', redisNodes }, {});
  if (!resolved.ok) throw new Error(problemReport(resolved.problems));
  return resolved.values.redisNodes;
}

describe('settings of the redlock store', () => {
  it('are shaped for it', () => {
    const resolved = resolveSettings(redlock({ redisWindow: '2s', redisCluster: 'east' }), {});
    if (!resolved.ok) throw new Error(problemReport(resolved.problems));
    const { store } = serverConfig(resolved.values);
    expect(store).to.deep.include({
      kind: 'redlock',
      clusterId: 'east',
      keyTemplate: 'holdfast:{ns}:lock:{name}',
      foreignMaxTtlMs: 0,
      windowMs: 2_000,
      nodeDeadlineMs: 300,
      tls: { ca: undefined, cert: undefined, key: undefined },
    });
    expect(store).to.have.property('nodes').with.lengthOf(5);
  });

  it('say where nodes are and how to log in', () => {
    const place = (host: string, port: number, encrypted = false) => ({ kind: 'tcp', host, port, encrypted });
    const nobody = { username: undefined, password: undefined };
    const nodes = nodesOf('a=redis://db:7000/3, b=rediss://:p%40ss@[::1] ,c=redis://User:x@Host:1/');
    expect(nodes.map(({ id }) => id)).to.deep.equal(['a', 'b', 'c']);
    expect(nodes.map(({ address }) => address)).to.deep.equal([
      { endpoint: place('db', 7_000), ...nobody, database: 3, shown: 'redis://db:7000/3' },
      { endpoint: place('::1', 6_379, true), ...nobody, password: 'p@ss', database: 0, shown: 'rediss://[::1]:6379' },
      { endpoint: place('host', 1), username: 'User', password: 'x', database: 0, shown: 'redis://host:1' },
    ]);
    expect(nodesOf('only=redis://127.0.0.1')).to.have.length(1);
  });

  describe('refuse', () => {
    const cases: readonly (readonly [string, Texts, RegExp])[] = [
      ['no nodes', { store: 'redlock' }, /--redis-nodes: "none", from the default, names no node/],
      ['two nodes', redlock({ redisNodes: 'a=redis://x,b=redis://y' }), /two nodes: a majority of two is both/],
      [
        'ten nodes',
        redlock({ redisNodes: Array.from({ length: 10 }, (_, n) => `n${n}=redis://h${n}`).join() }),
        /10 nodes/,
      ],
      ['an id twice', redlock({ redisNodes: 'a=redis://x,b=redis://y,a=redis://z' }), /number 3 has the id a/],
      [
        'an address twice',
        redlock({ redisNodes: 'a=redis://x,b=redis://y,c=redis://X:6379/1' }),
        /number 3 has the address of a/,
      ],
      ['an address without an id', redlock({ redisNodes: 'redis://x' }), /number 1 has no id/],
      ['an id in capitals', redlock({ redisNodes: 'A=redis://x' }), /number 1 has an id that is not/],
      ['another protocol', redlock({ redisNodes: 'a=http://x' }), /no redis:\/\/ or rediss:\/\/ address/],
      ['a port that is none', redlock({ redisNodes: 'a=redis://x:99999' }), /no URL/],
      ['a database that is none', redlock({ redisNodes: 'a=redis://x/first' }), /database that is not a number/],
      ['a query', redlock({ redisNodes: 'a=redis://x/1?y=z' }), /something behind the database/],
      ['a user without a password', redlock({ redisNodes: 'a=redis://me@x' }), /user without a password/],
      ['a template without a name', redlock({ redisKeyTemplate: 'x:{ns}' }), /does not contain \{name\}/],
      ['a template with two names', redlock({ redisKeyTemplate: '{name}{name}' }), /\{name\} more than once/],
      ['a template with two namespaces', redlock({ redisKeyTemplate: '{ns}{ns}{name}' }), /\{ns\} more than once/],
      ['a template the wrong way round', redlock({ redisKeyTemplate: '{name}:{ns}' }), /\{ns\}, some text, and then/],
      [
        'a template whose namespace has no clear end',
        redlock({ redisKeyTemplate: '{ns}a{name}' }),
        /right after \{ns\}/,
      ],
      ['a template with nothing between', redlock({ redisKeyTemplate: '{ns}{name}' }), /\{ns\}, some text, and then/],
      [
        'a template with a misspelling',
        redlock({ redisKeyTemplate: '{nmae}:{name}' }),
        /\{nmae\}, which stands for nothing/,
      ],
      ['a template with a control character', redlock({ redisKeyTemplate: 'a\u0000{name}' }), /control character/],
      ['a cluster with a space', redlock({ redisCluster: 'a b' }), /is not an id/],
      ['a window shorter than two calls', redlock({ redisWindow: '500ms' }), /less than twice --redis-node-deadline/],
      ['foreign clients of keys of its own', redlock({ redisForeignMaxTtl: '1m' }), /nobody else uses the keys/],
      ['a CA for plain connections', redlock({ redisCa: '/ca.pem' }), /no node of --redis-nodes has a rediss:/],
      [
        'a certificate without its key',
        redlock({ redisNodes: 'a=rediss://x', redisCert: '/cert.pem' }),
        /--redis-cert: .* of no use without --redis-key/,
      ],
      [
        'a key without its certificate',
        redlock({ redisNodes: 'a=rediss://x', redisKey: '/key.pem' }),
        /--redis-key: .* of no use without --redis-cert/,
      ],
      ['nodes with another store', { redisNodes: FIVE }, /has no effect with --store embedded/],
      ['a window with another store', { redisWindow: '5s' }, /--redis-window: .* has no effect with --store embedded/],
    ];
    for (const [title, texts, message] of cases) {
      it(title, () => {
        const report = reportOf(texts);
        expect(report).to.match(message);
        expect(report).to.include('1 setting is wrong');
      });
    }
  });

  it('accept foreign clients where keys are shared', () => {
    expect(reportOf(redlock({ redisKeyTemplate: '{name}', redisForeignMaxTtl: '5m' }))).to.equal('');
  });

  describe('never show a password:', () => {
    for (const entry of [
      `a=redis://:${SECRET}@x:99999`,
      `a=redis://u:${SECRET}`,
      `a=redis://u:${SECRET}@`,
      `a=redis://u:x${SECRET},x@h`,
      `a=redis://u:x@${SECRET}@h:x`,
      `a=redis://u:${SECRET}#x@h`,
      `a=redis://u:${SECRET}?@h`,
      `a=redis://u:%${SECRET}@h`,
      `a=redis://u:${SECRET}@h/x`,
      `a=u:${SECRET}@h`,
      `redis://u:${SECRET}@h`,
      `${SECRET}=redis://h:x`,
    ]) {
      it(`${entry}, as a flag and as a variable`, () => {
        for (const report of [
          reportOf({ store: 'redlock', redisNodes: entry }),
          reportOf({}, { HOLDFAST_STORE: 'redlock', HOLDFAST_REDIS_NODES: entry }),
        ]) {
          expect(report).to.include('--redis-nodes');
          expect(report).to.not.include(SECRET);
        }
      });
    }

    it('also where a flag whose value was forgotten has taken them for it', () => {
      const report = reportOf({ grace: `--redis-nodes=a=redis://u:${SECRET}@x` });
      expect(report).to.include('--grace: "--redis-nodes=a=redis://***@x"');
    });

    it('also where they are given to what is no flag', () => {
      for (const dashes of ['-', '--']) {
        const line = readCommandLine([`${dashes}redis-node=a=redis://u:${SECRET}@x`], '1.2.3');
        expect(line).to.include({ kind: 'misused' });
        expect(JSON.stringify(line)).to.include(`${dashes}redis-node`).and.to.not.include(SECRET);
      }
    });

    it('also where it is right, and where only its company is wrong', () => {
      const nodes = `a=redis://:${SECRET}@x,b=redis://u:${SECRET}@y:1/2,c=redis://z`;
      const environment = { HOLDFAST_STORE: 'redlock', HOLDFAST_REDIS_NODES: nodes };
      const resolved = resolveSettings({}, environment);
      if (!resolved.ok) throw new Error(problemReport(resolved.problems));
      const shown = effectiveSettings(resolved.settings);
      expect(shown).to.include('a=redis://:***@x:6379,b=redis://u:***@y:1/2,c=redis://z:6379 ');
      expect(shown).to.not.include(SECRET);
      expect(reportOf({ store: 'embedded' }, environment))
        .to.include('has no effect')
        .and.to.not.include(SECRET);
    });
  });
});

describe('the terms of a cluster', () => {
  const terms = {
    clusterId: 'default',
    nodeIds: ['redis-1', 'redis-2', 'redis-3'],
    windowMs: 5_000,
    clockRateDrift: 0.01,
    keyTemplate: 'holdfast:{ns}:lock:{name}',
  };

  it('have one text and one hash for good: other builds compare with it', () => {
    expect(canonicalTerms(terms)).to.equal(
      '[["cluster","default"],["nodes",3,"redis-1","redis-2","redis-3"],["window_ms",5000],' +
        '["clock_drift_ppm",10000],["key_template","holdfast:{ns}:lock:{name}"]]',
    );
    expect(termsHash(terms)).to.equal('35af040a2ae4b1d7');
  });

  it('do not depend on the order in which nodes were named', () => {
    expect(termsHash({ ...terms, nodeIds: ['redis-3', 'redis-1', 'redis-2'] })).to.equal(termsHash(terms));
  });

  for (const differs of [
    { clusterId: 'other' },
    { nodeIds: ['redis-1', 'redis-2', 'redis-4'] },
    { nodeIds: ['redis-1', 'redis-2', 'redis-3', 'redis-4', 'redis-5'] },
    { windowMs: 5_001 },
    { clockRateDrift: 0.02 },
    { keyTemplate: '{name}' },
  ]) {
    it(`differ by ${Object.keys(differs)[0]}`, () => {
      expect(termsHash({ ...terms, ...differs })).to.not.equal(termsHash(terms));
    });
  }
});
