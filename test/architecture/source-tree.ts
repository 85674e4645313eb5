import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from '../support/project-root.js';
import { type Import, importsOf } from './imports.js';
import { type SourceText, scanSource } from './source-text.js';

const SKIPPED = new Set(['node_modules', 'dist', 'build', 'gen', '.git', '.holdfast', '.tools']);

/** A source file of this project. */
export interface SourceFile extends SourceText {
  /** From the root, with slashes. */
  readonly path: string;
  readonly original: string;
  readonly imports: readonly Import[];
}

/** A source file made up in a test. */
export function sourceFile(path: string, original: string): SourceFile {
  const text = scanSource(original);
  return { path, original, imports: importsOf(text), ...text };
}

/** Every hand-written TypeScript file of the project. */
export function sourceFiles(): readonly SourceFile[] {
  return filesBelow(ROOT)
    .filter((path) => path.endsWith('.ts'))
    .map((path) => sourceFile(path, readFileSync(join(ROOT, path), 'utf8')));
}

/** Paths, from the root, of every file that is neither installed, built nor generated. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [relative(ROOT, path)];
  });
}
