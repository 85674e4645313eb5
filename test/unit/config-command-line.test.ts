import { expect } from 'chai';
import { readCommandLine } from '../../server/src/config/command-line.js';
import { environmentNameOf, flagOf, OPTION_NAMES, OPTIONS } from '../../server/src/config/options.js';

describe('command line', () => {
  it('takes every option of the table', () => {
    for (const name of OPTION_NAMES) {
      const line = readCommandLine([flagOf(name), 'x'], '1.2.3');
      expect(line, name).to.deep.equal({ kind: 'serve', flags: { [name]: 'x' } });
    }
  });

  for (const [args, kind, insecure] of [
    [['--insecure'], 'serve', 'true'],
    [['--insecure', '--check'], 'check', 'true'],
    [['--insecure=true'], 'serve', 'true'],
    [['--insecure', 'true'], 'serve', 'true'],
    [['--insecure=false'], 'serve', 'false'],
    [['--insecure', 'false', '--check'], 'check', 'false'],
  ] as const) {
    it(`reads ${args.join(' ')}`, () => {
      expect(readCommandLine(args, '1.2.3')).to.deep.equal({ kind, flags: { insecure } });
    });
  }

  it('tells a check from a start', () => {
    expect(readCommandLine(['--check', '--grace', '1s'], '1.2.3')).to.deep.equal({
      kind: 'check',
      flags: { grace: '1s' },
    });
  });

  it('prints the version', () => {
    expect(readCommandLine(['--version'], '1.2.3')).to.deep.equal({ kind: 'told', text: '1.2.3\n' });
  });

  it('explains every option with its variable, bound and default', () => {
    const line = readCommandLine(['--help'], '1.2.3');
    if (line.kind !== 'told') throw new Error(`not help: ${line.kind}`);
    const text = line.text.replace(/\s+/g, ' ');
    for (const name of OPTION_NAMES) {
      const { kind, fallback, summary } = OPTIONS[name];
      expect(text).to.include(flagOf(name)).and.to.include(summary);
      expect(text).to.include(`[${environmentNameOf(name)}, default ${fallback}]`);
      expect(text).to.include(`(${kind.bound})`);
    }
  });

  function refusalOf(...args: readonly string[]): string {
    const line = readCommandLine(args, '1.2.3');
    if (line.kind !== 'misused') throw new Error(`not refused: ${line.kind}`);
    return line.text;
  }

  for (const args of [['--min-tl', '1s'], ['--min-tl=1s'], ['--mni-ttl']]) {
    it(`proposes the flag that was meant with ${args.join(' ')}`, () => {
      const [flag = ''] = args.join('=').split('=');
      expect(refusalOf(...args)).to.equal(
        `holdfast-server: unknown option '${flag}'; did you mean --min-ttl? See holdfast-server --help\n`,
      );
    });
  }

  for (const args of [['--port', '7500'], ['--port=7500'], ['--host', '::1']]) {
    it(`proposes --listen for ${args.join(' ')}`, () => {
      expect(refusalOf(...args)).to.match(
        /^holdfast-server: unknown option '--(port|host)'; did you mean --listen, as in --listen 127\.0\.0\.1:7420\? See .*\n$/,
      );
    });
  }

  it('says in one line whose complaint it is and where to look, also without a guess', () => {
    for (const args of [['--levitate'], ['start'], ['--grace'], ['--check=yes']]) {
      expect(refusalOf(...args)).to.match(/^holdfast-server: .*; see holdfast-server --help\n$/);
    }
  });

  it('refuses stray words and flags without their value', () => {
    expect(readCommandLine(['start'], '1.2.3').kind).to.equal('misused');
    expect(readCommandLine(['--grace'], '1.2.3').kind).to.equal('misused');
  });
});
