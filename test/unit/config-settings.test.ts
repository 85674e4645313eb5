import { expect } from 'chai';
import { environmentNameOf, flagOf, OPTION_NAMES, OPTIONS, type OptionName } from '../../server/src/config/options.js';
import { effectiveSettings, problemReport } from '../../server/src/config/report.js';
import { type Problem, resolveSettings, unknownVariables } from '../../server/src/config/resolve.js';
import { serverConfig } from '../../server/src/config/server-config.js';
import { rpcDefaults } from '../../server/src/rpc/rpc-settings.js';
import { pageText } from '../support/markdown-blocks.js';

type Texts = Partial<Record<OptionName, string>>;

function problemsOf(flags: Texts, environment: Readonly<Record<string, string>> = {}): readonly Problem[] {
  const resolved = resolveSettings(flags, environment);
  return resolved.ok ? [] : resolved.problems;
}

function settled<K extends OptionName>(name: K, flags: Texts, environment: Readonly<Record<string, string>> = {}) {
  const resolved = resolveSettings(flags, environment);
  if (!resolved.ok) throw new Error(problemReport(resolved.problems));
  return resolved.values[name];
}

describe('settings', () => {
  it('has defaults that are right, also in company', () => {
    expect(problemsOf({})).to.deep.equal([]);
  });

  it('takes a flag over the environment, the environment over the default, and an empty variable for none', () => {
    const environment = { HOLDFAST_DEFAULT_TTL: '20s' };
    expect(settled('defaultTtl', { defaultTtl: '10s' }, environment)).to.equal(10_000);
    expect(settled('defaultTtl', {}, environment)).to.equal(20_000);
    expect(settled('defaultTtl', {}, { HOLDFAST_DEFAULT_TTL: '' })).to.equal(30_000);
  });

  it('never names two options alike', () => {
    expect(new Set(OPTION_NAMES.map(flagOf)).size).to.equal(OPTION_NAMES.length);
    expect(new Set(OPTION_NAMES.map(environmentNameOf)).size).to.equal(OPTION_NAMES.length);
  });

  it('notices variables that are none of its own, except those that others set', () => {
    const environment = {
      HOLDFAST_GRACE: '1s',
      HOLDFAST_MINTTL: '1s',
      HOLDFAST_TOKEN: '7',
      HOLDFAST_PORT: 'tcp://x:1',
    };
    const kubernetes = { HOLDFAST_SERVICE_HOST: 'x', HOLDFAST_PORT_7420_TCP_ADDR: 'x', PATH: '/' };
    expect(unknownVariables({ ...environment, ...kubernetes })).to.deep.equal(['HOLDFAST_MINTTL']);
  });

  it('knows every variable of the holdfast command', () => {
    const documented = new Set([...pageText('docs/cli.md').matchAll(/HOLDFAST_\w+/g)].map(([name]) => name));
    expect([...documented]).to.include.members(['HOLDFAST_SERVER', 'HOLDFAST_NAMESPACE', 'HOLDFAST_TOKEN']);
    const environment = Object.fromEntries([...documented].map((name) => [name, 'x']));
    expect(unknownVariables(environment)).to.deep.equal([]);
  });

  describe('reads', () => {
    const cases: readonly (readonly [OptionName, string, unknown])[] = [
      ['minTtl', '500ms', 500],
      ['minTtl', '1.5s', 1_500],
      ['minTtl', '1.001s', 1_001],
      ['maxTtl', '1h', 3_600_000],
      ['clockDrift', '0.5%', 0.005],
      ['clockDrift', '0%', 0],
      ['insecure', '1', true],
      ['insecure', 'false', false],
      ['maxSessions', '7', 7],
      ['listen', '[::1]:7420', { kind: 'tcp', host: '::1', port: 7_420 }],
      ['listen', 'localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
      ['listen', 'unix:/run/holdfast.sock', { kind: 'unix', path: '/run/holdfast.sock' }],
      ['metricsListen', 'off', undefined],
    ];
    for (const [name, text, value] of cases) {
      it(`${flagOf(name)} ${text}`, () => {
        expect(settled(name, { [name]: text })).to.deep.equal(value);
      });
    }
  });

  describe('refuses, naming the setting, its value and what is allowed,', () => {
    const cases: readonly (readonly [OptionName, string, RegExp])[] = [
      ['minTtl', '5', /has no unit/],
      ['minTtl', '-5s', /is not a duration/],
      ['minTtl', '5 s', /is not a duration/],
      ['minTtl', '100.5ms', /is not a duration/],
      ['minTtl', '99ms', /is out of bounds/],
      ['maxTtl', '25h', /is out of bounds/],
      ['clockDrift', '0.01', /is not a percentage/],
      ['clockDrift', '11%', /is out of bounds/],
      ['maxSessions', '0', /is out of bounds/],
      ['maxSessions', '1e3', /is not a whole number/],
      ['maxSessions', '1.5', /is not a whole number/],
      ['logLevel', 'loud', /is not one of the choices/],
      ['store', 'memory', /is not one of the choices/],
      ['insecure', 'yes', /neither true nor false/],
      ['dataDir', '', /is not a path/],
      ['listen', '7420', /is not an address/],
      ['listen', '::1:7420', /is not an address/],
      ['listen', '[localhost]:7420', /no IPv6 address/],
      ['listen', '127.0.0.1:65536', /port above 65535/],
      ['listen', 'unix:', /no socket path/],
      ['listen', `unix:/${'x'.repeat(107)}`, /more than 107 bytes/],
      ['metricsListen', 'unix:/run/metrics.sock', /Unix socket/],
    ];
    for (const [name, text, message] of cases) {
      it(`${flagOf(name)} ${text.slice(0, 40)}`, () => {
        const [problem, ...others] = problemsOf({ [name]: text });
        expect(others).to.deep.equal([]);
        expect(problem).to.include({ name, bound: OPTIONS[name].kind.bound });
        expect(problem?.setting).to.deep.equal({ text, source: 'flag' });
        expect(problem?.message).to.match(message);
      });
    }
  });

  describe('refuses in company', () => {
    const cases: readonly (readonly [string, Texts, OptionName, RegExp, RegExp])[] = [
      ['a least TTL above the greatest', { minTtl: '2m' }, 'minTtl', /greater than --max-ttl/, /at most 1m/],
      ['a default TTL above the greatest', { defaultTtl: '2m' }, 'defaultTtl', /not between/, /1s to 1m/],
      ['a default TTL below the least', { defaultTtl: '500ms' }, 'defaultTtl', /not between/, /1s to 1m/],
      ['a margin that eats short leases', { clockMargin: '101ms' }, 'clockMargin', /a tenth/, /at most 100ms/],
      ['a validity no short lease has', { minValidity: '501ms' }, 'minValidity', /half/, /at most 500ms/],
      ['pings that overlap', { keepaliveTimeout: '11s' }, 'keepaliveTimeout', /longer than/, /at most 10s/],
      ['an open address', { listen: '0.0.0.0:7420' }, 'listen', /other machines/, /--insecure/],
      ['an open IPv6 address', { listen: '[::]:7420' }, 'listen', /other machines/, /--insecure/],
      ['a name that may be anywhere', { listen: 'db.internal:7420' }, 'listen', /other machines/, /--insecure/],
      ['open metrics', { metricsListen: '0.0.0.0:7421' }, 'metricsListen', /other machines/, /--insecure/],
      ['one address for both', { metricsListen: '127.0.0.1:7420' }, 'metricsListen', /too/, /another port/],
    ];
    for (const [title, flags, name, message, bound] of cases) {
      it(title, () => {
        const [problem, ...others] = problemsOf(flags);
        expect(others).to.deep.equal([]);
        expect(problem?.name).to.equal(name);
        expect(problem?.message).to.match(message);
        expect(problem?.bound).to.match(bound);
      });
    }

    it('but accepts what is loopback, and an open address that was asked for', () => {
      for (const listen of ['127.0.0.2:1', 'localhost:1', '[::1]:1', 'unix:/x']) {
        expect(problemsOf({ listen }), listen).to.deep.equal([]);
      }
      expect(problemsOf({ listen: '0.0.0.0:7420', metricsListen: '[::]:7421', insecure: 'true' })).to.deep.equal([]);
    });
  });

  it('reports everything that is wrong at once, with where it came from', () => {
    const report = problemReport(problemsOf({ minTtl: '5' }, { HOLDFAST_GRACE: 'long', HOLDFAST_LISTEN: '0.0.0.0:1' }));
    expect(report.split('\n')).to.deep.equal([
      'holdfast-server: 3 settings are wrong; nothing was started',
      '  --min-ttl: "5", from the flag --min-ttl, has no unit; write it like 500ms, 30s or 1m',
      '      allowed: 100ms to 24h',
      '  --grace: "long", from the variable HOLDFAST_GRACE, is not a duration; write it like 500ms, 30s or 1m',
      '      allowed: 0ms to 1h',
      '  --listen: "0.0.0.0:1", from the variable HOLDFAST_LISTEN, can be reached from other machines, ' +
        'and this server has neither encryption nor identity yet',
      '      allowed: a loopback address or a unix: socket; or add --insecure if everybody who can reach it may use it',
      '',
    ]);
  });

  it('shows control characters of a wrong value escaped, and long ones cut', () => {
    const report = problemReport(problemsOf({ logLevel: `\u001b[2J${'x'.repeat(500)}` }));
    expect(report).to.include(String.raw`"\u001b[2Jxxx`);
    expect(report).to.not.include('\u001b');
    expect(report.length).to.be.below(400);
  });

  it('lists what is in effect, one line a setting', () => {
    const resolved = resolveSettings({ grace: '5s' }, { HOLDFAST_STORE: 'embedded' });
    if (!resolved.ok) throw new Error('unexpected');
    const lines = effectiveSettings(resolved.settings).trimEnd().split('\n');
    expect(lines).to.have.lengthOf(OPTION_NAMES.length);
    expect(lines.find((line) => line.startsWith('grace '))).to.match(/^grace +5s +the flag --grace$/);
    expect(lines.find((line) => line.startsWith('store '))).to.match(/^store +embedded +the variable HOLDFAST_STORE$/);
  });

  it('hands the core numbers in milliseconds and shares', () => {
    const resolved = resolveSettings({ clockDrift: '2%', grace: '1m', dataDir: '/data/../leases' }, {});
    if (!resolved.ok) throw new Error('unexpected');
    const config = serverConfig(resolved.values);
    expect(config.store).to.deep.equal({ kind: 'embedded', directory: '/leases' });
    const { limits } = config.core;
    expect(rpcDefaults(limits)).to.deep.include(config.rpc);
    expect(config.core).to.deep.include({ clockRateDrift: 0.02, clockMarginMs: 5, minValidityShare: 0.1 });
    expect(limits).to.deep.include({ minTtlMs: 1_000, defaultTtlMs: 30_000, maxTtlMs: 60_000 });
    expect(limits).to.deep.include({ graceMs: 60_000, maxMessageBytes: 65_536 });
  });
});
