import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readCommandLine as readClientCommand } from '../../client/src/cli/command-line.js';
import { readCommandLine as readServerCommand } from '../../server/src/config/command-line.js';
import { blocksOf, documentPages, pageText } from '../support/markdown-blocks.js';
import { ROOT } from '../support/project-root.js';
import { filesBelow } from './source-tree.js';

const source = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Files and what a page quotes from them: `file`: “quote”, “quote”. */
function quotes(page: string): readonly { readonly file: string; readonly quote: string }[] {
  return [
    ...page.matchAll(
      /`((?:unit|contract|simulation|history|wire|integration|faults)\/[\w.-]+\.ts)`:((?:,? “[^”]+”)+)/g,
    ),
  ].flatMap(([, file = '', list = '']) => [...list.matchAll(/“([^”]+)”/g)].map(([, quote = '']) => ({ file, quote })));
}

/** Quotes that are not in their file, or whose file is missing. */
function misquoted(page: string): readonly string[] {
  return quotes(page)
    .filter(({ file, quote }) => {
      const path = join(ROOT, 'test', file);
      return !existsSync(path) || !readFileSync(path, 'utf8').includes(quote);
    })
    .map(({ file, quote }) => `${file}: ${quote}`);
}

/** Paths of this repository that a page names and that are not there. */
function missingPaths(page: string): readonly string[] {
  return [...page.matchAll(/`((?:server|client|proto|test|docs|scripts|third_party)\/[\w./-]*\w)`/g)]
    .map((match) => match[1] ?? '')
    .filter((path) => !existsSync(join(ROOT, path)));
}

describe('docs/guarantees.md', () => {
  const page = pageText('docs/guarantees.md');
  const numbers = [...page.matchAll(/^\| \*\*([SL]\d)\*\*/gm)].map((match) => match[1] ?? '');

  it('numbers the guarantees', () => {
    const expected = ['S1', 'S2', 'S3', 'S4', 'S5', 'S6', 'S7', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'];
    expect(numbers).to.deep.equal(expected);
  });

  it('names tests and checkers that exist', () => {
    expect(quotes(page)).to.have.length.greaterThan(15);
    expect(misquoted(page)).to.deep.equal([]);
    expect(
      misquoted('`unit/core-leases.test.ts`: “never tried”, “core: leases”, `unit/gone.test.ts`: “x”'),
    ).to.deep.equal(['unit/core-leases.test.ts: never tried', 'unit/gone.test.ts: x']);
  });

  it('names every file that asserts a guarantee, and no other', () => {
    const asserted = filesBelow(join(ROOT, 'server/src')).flatMap((path) =>
      [...source(path).matchAll(/\binvariant\([^;]*?'([SL]\d)'/g)].map((match) => `${match[1]} ${path}`),
    );
    const shown = page
      .split('\n')
      .filter((line) => /^\| [SL]\d \|/.test(line))
      .flatMap((line) =>
        [...line.matchAll(/`(server\/src\/[^`]+)`/g)].map((match) => `${line.slice(2, 4)} ${match[1]}`),
      );
    expect(shown).to.have.members([...new Set(asserted)]);
  });

  it('numbers what assertions and tests cite', () => {
    const code = filesBelow(ROOT).filter((path) => path.endsWith('.ts'));
    const cited = code.flatMap((path) =>
      [...source(path).matchAll(/\((?:[SLG]\d, )*([SL]\d+)(?:, [SLG]\d)*\)['"`]/g)].map((match) => match[1] ?? ''),
    );
    expect(cited).not.to.be.empty;
    expect(cited.filter((number) => !numbers.includes(number))).to.deep.equal([]);
  });
});

describe('what the documents name', () => {
  it('exists: files and folders', () => {
    for (const page of documentPages()) expect(missingPaths(pageText(page)), page).to.deep.equal([]);
    expect(missingPaths('`server/src/core` `server/src/gone.ts`')).to.deep.equal(['server/src/gone.ts']);
  });

  it('exists: targets of make', () => {
    const targets = new Set([...source('Makefile').matchAll(/^([a-z]+):/gm)].map((match) => match[1]));
    for (const page of documentPages()) {
      const named = [...pageText(page).matchAll(/(?:^|`)make ([a-z]+)/gm)].map((match) => match[1] ?? '');
      expect(
        named.filter((target) => !targets.has(target)),
        page,
      ).to.deep.equal([]);
    }
  });

  it('exists: commands and their flags', () => {
    const lines = documentPages().flatMap((page) =>
      blocksOf(page, pageText(page))
        .filter(({ language }) => language === 'sh')
        .flatMap(({ text, line }) => commandsOf(text).map((words) => ({ where: `${page}:${line}`, words }))),
    );
    expect(lines).not.to.be.empty;
    for (const { where, words } of lines) expect(refusal(words), `${where} ${words.join(' ')}`).to.equal(undefined);
    expect(refusal(['holdfast', 'levitate'])).to.be.a('string');
    expect(refusal(['holdfast-server', '--levitate'])).to.be.a('string');
  });

  it('exists: flags for the server that make is given', () => {
    const texts = [source('Makefile'), ...documentPages().map(pageText)];
    const given = texts.flatMap((text) => [...text.matchAll(/make run ARGS='([^']*)'/g)].map(([, args = '']) => args));
    expect(given).not.to.be.empty;
    for (const args of given) expect(refusal(['holdfast-server', ...args.split(' ')]), args).to.equal(undefined);
  });
});

describe('docs/adr', () => {
  const names = readdirSync(join(ROOT, 'docs/adr')).filter((name) => name.endsWith('.md'));

  it('numbers every decision once, in its name and its title', () => {
    const numbers = names.map((name) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1] ?? name);
    expect(new Set(numbers).size, numbers.join(' ')).to.equal(names.length);
    for (const [index, name] of names.entries()) {
      expect(pageText(`docs/adr/${name}`), name).to.match(new RegExp(`^# ${Number(numbers[index])}\\. \\S`));
    }
  });

  it('says of every decision why, what, and what follows', () => {
    for (const name of names) {
      const headings = [...pageText(`docs/adr/${name}`).matchAll(/^## (.*)$/gm)].map((match) => match[1]);
      expect(headings, name).to.deep.equal(['Context', 'Decision', 'Consequences']);
    }
  });

  it('names files that exist', () => {
    for (const name of names) expect(missingPaths(pageText(`docs/adr/${name}`)), name).to.deep.equal([]);
  });
});

/** Calls of our own programs in a shell script, as words. */
function commandsOf(script: string): readonly (readonly string[])[] {
  return script
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) =>
      line
        .replace(/(^|\s)#.*$/, '')
        .split(/\s(?:\||&&|;|>|2>)/, 1)
        .join('')
        .trim(),
    )
    .map((line) => [...line.matchAll(/'[^']*'|"[^"]*"|\S+/g)].map(([word]) => word.replace(/^(['"])(.*)\1$/, '$2')))
    .map((words) => (words[0] === 'npx' ? words.slice(1) : words))
    .filter(([program = '']) => /^(holdfast|holdfast-server|@holdfast\/server)$/.test(program));
}

/** Why a command would be refused; `undefined` where it would not be. */
function refusal([program, ...args]: readonly string[]): string | undefined {
  if (program !== 'holdfast') {
    const line = readServerCommand(args, '0');
    return line.kind === 'misused' ? line.text : undefined;
  }
  try {
    readClientCommand(args, {}, '0');
    return undefined;
  } catch (error) {
    return String(error);
  }
}
