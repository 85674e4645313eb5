import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './project-root.js';

/** A fenced block of a page. Its info string is the language, then words, then perhaps `no-run: why`. */
export interface Block {
  /** From the root. */
  readonly page: string;
  /** The line the fence stands on, from 1. */
  readonly line: number;
  readonly language: string;
  readonly words: readonly string[];
  /** Why it is not run; `undefined` where it is. */
  readonly notRunBecause: string | undefined;
  readonly text: string;
}

/** The pages whose blocks are tried: the front page and everything in docs. */
export function documentPages(): readonly string[] {
  const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...pages.sort().map((name) => `docs/${name}`)];
}

export function pageText(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

export function blocksOf(page: string, text: string): readonly Block[] {
  return [...text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map((match) => {
    const [info = '', reason] = (match[1] ?? '').split(/\s*no-run:\s*/);
    const [language = '', ...words] = info.trim().split(/\s+/);
    const line = text.slice(0, match.index).split('\n').length;
    return { page, line, language, words, notRunBecause: reason, text: match[2] ?? '' };
  });
}
