import { writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { type Block, blocksOf, documentPages, pageText } from '../support/markdown-blocks.js';
import { ROOT } from '../support/project-root.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { FROM_SOURCES, run, runNode, SnippetFolder } from '../support/snippets.js';

/** Shown, not run: pictures, output, messages. */
const ILLUSTRATIONS = ['', 'text', 'mermaid', 'json', 'yaml', 'proto', 'promql', 'ini'];
const RUN_MS = 30_000;

const blocks = documentPages().flatMap((page) => blocksOf(page, pageText(page)));
const examples = blocks.filter(({ language }) => language === 'ts' || language === 'js');
const inTypeScript = examples.filter(({ language }) => language === 'ts');
const inJavaScript = examples.filter(({ language }) => language === 'js');
const title = ({ page, line, text }: Block): string => `${page}:${line} ${text.split('\n', 1).join('').slice(0, 60)}`;

/** Numbers differ from run to run. */
const withoutNumbers = (output: string): string => output.trim().replace(/\d+/g, '0');

/** The output a page shows for a block: the next one, marked so. */
function shownOutput(block: Block): string | undefined {
  const next = blocks[blocks.indexOf(block) + 1];
  return next?.page === block.page && next.words.includes('output') ? next.text : undefined;
}

/** Examples talk; in this process that is in the way. */
async function quietly(action: () => Promise<unknown>): Promise<void> {
  const { log } = console;
  console.log = () => undefined;
  try {
    await action();
  } finally {
    console.log = log;
  }
}

describe('examples in the documents', function () {
  this.timeout(RUN_MS);
  let server: ServerProcess;
  let folder: SnippetFolder;

  before(async () => {
    server = await startServer();
    folder = new SnippetFolder();
  });
  after(async () => {
    folder.remove();
    await server.stop();
  });

  it('are in languages this test knows', () => {
    const known = ['ts', 'js', 'sh', ...ILLUSTRATIONS];
    expect(blocks.filter(({ language }) => !known.includes(language)).map(title)).to.deep.equal([]);
    expect(inTypeScript).not.to.be.empty;
    expect(inJavaScript).not.to.be.empty;
  });

  it('are all run, but for these', () => {
    const notRun = examples.filter(({ notRunBecause }) => notRunBecause !== undefined);
    expect(notRun.map((block) => `${title(block)}: ${block.notRunBecause}`)).to.deep.equal([]);
  });

  it('in TypeScript have no type errors', async () => {
    const files = inTypeScript.map((block) => basename(folder.write(block)));
    const compilerOptions = { noEmit: true, composite: false, incremental: false, types: ['node'], rootDir: ROOT };
    const config = { extends: join(ROOT, 'tsconfig.base.json'), compilerOptions, files };
    writeFileSync(join(folder.path, 'tsconfig.json'), JSON.stringify(config));
    const report = await run(join(ROOT, 'node_modules/.bin/tsc'), '-p', folder.path).then(
      () => '',
      (error: Error) => error.message,
    );
    const here = relative(ROOT, folder.path);
    expect(report.split('\n').filter((line) => line.includes(here) && line.includes('error TS'))).to.deep.equal([]);
  });

  for (const block of inTypeScript.filter(({ notRunBecause }) => notRunBecause === undefined)) {
    it(title(block), async () => {
      await quietly(() => import(pathToFileURL(folder.write(block, server.address)).href));
    });
  }

  for (const block of inJavaScript.filter(({ notRunBecause }) => notRunBecause === undefined)) {
    it(title(block), async () => {
      const file = folder.write(block, server.address);
      // Run through tsx below, which forgives more than Node does.
      await runNode('--check', file);
      const output = await runNode(...FROM_SOURCES, file);
      const shown = shownOutput(block);
      if (shown !== undefined) expect(withoutNumbers(output)).to.equal(withoutNumbers(shown));
    });
  }
});
