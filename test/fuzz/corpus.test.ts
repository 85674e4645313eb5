import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../support/project-root.js';
import { faultOf, type Input } from './targets.js';

/** A file of the corpus: what was once found, in the past tense, and the input that showed it. */
interface Kept {
  readonly found: string;
  readonly input: Input;
}

const CORPUS = join(ROOT, 'test/fuzz/corpus');

describe('inputs that the server once took badly', () => {
  for (const name of readdirSync(CORPUS).sort()) {
    const { found, input } = JSON.parse(readFileSync(join(CORPUS, name), 'utf8')) as Kept;
    it(`${name}: ${found}`, () => {
      expect(faultOf(input)).to.equal(undefined);
    });
  }
});
