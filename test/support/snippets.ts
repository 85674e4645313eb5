import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Block } from './markdown-blocks.js';
import { ROOT } from './project-root.js';

/** The address every example uses. */
const DEFAULT_ADDRESS = 'localhost:7420';

/** What an example marked `client` may use without saying so. */
const PRELUDE = `import { connect, HoldfastError, LeaseLostError, WaitTimeoutError } from '@holdfast/client';
import type { Client } from '@holdfast/client';
void [HoldfastError, LeaseLostError, WaitTimeoutError];
await using client: Client = await connect('${DEFAULT_ADDRESS}', { name: 'docs' });
const work = async (..._: readonly unknown[]): Promise<void> => {};
void work;
`;

/** A folder for examples as files, inside the project so that packages are found. */
export class SnippetFolder {
  readonly path: string;

  constructor() {
    mkdirSync(join(ROOT, 'build'), { recursive: true });
    this.path = mkdtempSync(join(ROOT, 'build', 'snippets-'));
  }

  /** Writes an example for a server at `address`; returns its file. */
  write(block: Block, address = DEFAULT_ADDRESS): string {
    const prelude = block.words.includes('client') ? PRELUDE : '';
    const file = join(this.path, `${basename(block.page, '.md')}-${block.line}.${extensionOf(block)}`);
    // Without an import or export it would be no module, and could not await.
    const ending = block.language === 'ts' ? '\nexport {};\n' : '';
    writeFileSync(file, (prelude + block.text + ending).replaceAll(DEFAULT_ADDRESS, address));
    return file;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function extensionOf({ language, words }: Block): string {
  if (language === 'ts') return 'ts';
  return words.includes('commonjs') ? 'cjs' : 'mjs';
}

/** Runs Node to its end; resolves to what was written. Rejects, with that, when it fails. */
export async function runNode(...args: readonly string[]): Promise<string> {
  return run(process.execPath, ...args);
}

export async function run(program: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} exited with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

/** Flags that make Node take the sources of the workspaces. */
export const FROM_SOURCES = ['--import', 'tsx', '--conditions', '@holdfast/source'] as const;
