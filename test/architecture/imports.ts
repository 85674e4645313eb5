import { lineAt, type SourceText } from './source-text.js';

/** One import, re-export or dynamic import. */
export interface Import {
  /** What is imported; `undefined` when that is computed. */
  readonly specifier: string | undefined;
  /** Gone after compilation. */
  readonly typeOnly: boolean;
  readonly line: number;
}

const WITH_BINDINGS = /(?<![\w$.])(?:import|export)\b\s*(type\b(?!\s*(?:,|from\b)))?[\w$\s{},*]*?\bfrom\s*(?=['"])/g;
const FOR_EFFECT = /(?<![\w$.])import\s*(?=['"])/g;
const CALLED = /(?<![\w$.])(?:import|require)\s*\(\s*/g;

/** Every import of a source text, in no particular order. */
export function importsOf(source: SourceText): readonly Import[] {
  const literals = new Map(source.literals.map(({ start, value }) => [start, value]));
  const found = (pattern: RegExp): Import[] =>
    [...source.code.matchAll(pattern)].map((match) => ({
      specifier: literals.get(match.index + match[0].length),
      typeOnly: match[1] !== undefined,
      line: lineAt(source.code, match.index),
    }));
  return [...found(WITH_BINDINGS), ...found(FOR_EFFECT), ...found(CALLED)];
}

/** The package of a bare specifier: `@grpc/grpc-js` of `@grpc/grpc-js/build/src`, `node:fs` of `node:fs/promises`. */
export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
