import { expect } from 'chai';
import { readCommandLine } from '../../server/src/config/command-line.js';
import { environmentNameOf, flagOf, OPTION_NAMES, OPTIONS } from '../../server/src/config/options.js';

describe('command line', () => {
  it('takes every option of the table', () => {
    for (const name of OPTION_NAMES) {
      const isSwitch = OPTIONS[name].kind.placeholder === undefined;
      const line = readCommandLine(isSwitch ? [flagOf(name)] : [flagOf(name), 'x'], '1.2.3');
      expect(line, name).to.deep.equal({ kind: 'serve', flags: { [name]: isSwitch ? 'true' : 'x' } });
    }
  });

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
      if (kind.placeholder !== undefined) expect(text).to.include(`(${kind.bound})`);
    }
  });

  it('proposes the flag that was meant', () => {
    const line = readCommandLine(['--min-tl', '1s'], '1.2.3');
    expect(line.kind).to.equal('misused');
    expect('text' in line && line.text).to.match(/unknown option '--min-tl'\n.*--min-ttl/);
  });

  it('refuses stray words and flags without their value', () => {
    expect(readCommandLine(['start'], '1.2.3').kind).to.equal('misused');
    expect(readCommandLine(['--grace'], '1.2.3').kind).to.equal('misused');
  });
});
