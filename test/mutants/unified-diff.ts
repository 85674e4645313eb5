import type { Edit } from './patch.js';

/** The hunks of a unified diff, as `git diff` and `diff -u` write them, in the order they have there. Throws if there is none. */
export function editsOfDiff(diff: string): readonly Edit[] {
  const edits: Edit[] = [];
  let file = '';
  let hunk: { readonly before: string[]; readonly after: string[] } | undefined;
  const finish = (): void => {
    if (hunk !== undefined) edits.push({ file, original: hunk.before.join('\n'), replacement: hunk.after.join('\n') });
    hunk = undefined;
  };
  for (const line of diff.split('\n')) {
    const target = /^\+\+\+ (?:b\/)?([^\t\r]+)/.exec(line)?.[1];
    if (line.startsWith('--- ') || line.startsWith('diff ')) finish();
    else if (target !== undefined) file = target;
    else if (line.startsWith('@@')) {
      finish();
      hunk = { before: [], after: [] };
    } else if (hunk !== undefined) {
      const [sign, text] = [line.slice(0, 1), line.slice(1)];
      if (sign === ' ' || sign === '-') hunk.before.push(text);
      if (sign === ' ' || sign === '+') hunk.after.push(text);
    }
  }
  finish();
  if (edits.length === 0) throw new Error('has no hunk of a unified diff');
  return edits;
}
