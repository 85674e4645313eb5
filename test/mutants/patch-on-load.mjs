// Imported before tsx, so that tsx compiles what this has patched. The children of a test inherit it.
import { readFileSync } from 'node:fs';
import { register } from 'node:module';

// Those that are kept from the product's variables, such as servers, run as they are.
const mutant = process.env['HOLDFAST_MUTANT'];
if (mutant !== undefined) {
  const { url, edits, log } = JSON.parse(readFileSync(mutant, 'utf8'));
  register(url, { data: { edits, log } });
}
