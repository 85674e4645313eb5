import { join, relative, sep } from 'node:path';
import { ROOT } from './project-root.js';

/** What makes Node take the sources of the workspaces. */
const FROM_SOURCES = ['--import', 'tsx', '-C', '@holdfast/source'] as const;
/** Set where all has been built from the sources as they are, as for a run of the whole suite: it starts hundreds of processes. */
const TAKES_BUILT = process.env['BUILT'] === '1';
const FOLDERS = ['server/src', 'client/src', 'test'];

/**
 * Arguments with which Node runs a source of the project in a process of its own: what was built of it where the
 * environment has BUILT=1, which takes a third of the time, and the source itself otherwise.
 *
 * @param nodeArgs More arguments for Node, such as one that patches sources as they are loaded: then it is the source.
 */
export function nodeProgram(source: string, nodeArgs: readonly string[] = []): readonly string[] {
  if (!TAKES_BUILT || nodeArgs.length > 0) return [...FROM_SOURCES, ...nodeArgs, source];
  return [builtFrom(source)];
}

function builtFrom(source: string): string {
  const path = relative(ROOT, source).split(sep).join('/');
  const folder = FOLDERS.find((each) => path.startsWith(`${each}/`));
  if (folder === undefined) throw new Error(`${path} is in none of ${FOLDERS.join(', ')}`);
  const [workspace = ''] = folder.split('/', 1);
  return join(ROOT, workspace, 'dist', path.slice(folder.length + 1).replace(/\.ts$/, '.js'));
}
