// Imported before tsx, so that tsx compiles what this has patched. The children of a test inherit it.
import { readFileSync } from 'node:fs';
import { register } from 'node:module';

const { url, edits, log } = JSON.parse(readFileSync(process.env['HOLDFAST_MUTANT'] ?? '', 'utf8'));
register(url, { data: { edits, log } });
