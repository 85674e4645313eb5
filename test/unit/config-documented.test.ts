import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  environmentNameOf,
  flagOf,
  groupOf,
  OPTION_GROUPS,
  OPTION_NAMES,
  OPTIONS,
} from '../../server/src/config/options.js';
import { EXIT } from '../../server/src/process/exit-codes.js';
import { LOG_EVENTS } from '../../server/src/telemetry/log-events.js';
import { METRICS } from '../../server/src/telemetry/metric-table.js';
import { markdownTable } from '../support/markdown-table.js';
import { ROOT } from '../support/project-root.js';

const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
const code = (text: string): string => `\`${text}\``;

describe('docs/operations.md', () => {
  for (const { heading } of OPTION_GROUPS) {
    it(`has every setting of the group ${heading}`, () => {
      const rows = OPTION_NAMES.filter((name) => groupOf(name) === heading).map((name) => {
        const { kind, fallback, summary } = OPTIONS[name];
        return [code(flagOf(name)), code(environmentNameOf(name)), code(fallback), kind.bound, summary];
      });
      const table = markdownTable(['Flag', 'Variable', 'Default', 'Allowed', 'What it does'], rows);
      expect(page).to.include(`### ${heading}\n\n${table}\n`);
    });
  }

  it('has every metric', () => {
    const rows = Object.entries(METRICS).map(([name, { type, labels, summary }]) => [
      code(name),
      type,
      labels.map(code).join(', '),
      summary,
    ]);
    expect(page).to.include(`\n${markdownTable(['Metric', 'Type', 'Labels', 'What it says'], rows)}\n`);
  });

  it('has every kind of log line', () => {
    const rows = Object.entries(LOG_EVENTS).map(([event, { level, message, fields }]) => [
      code(event),
      level,
      message,
      fields.map(code).join(', '),
    ]);
    expect(page).to.include(`\n${markdownTable(['`event`', 'Level', '`msg`', 'Other fields'], rows)}\n`);
  });

  it('has every exit code', () => {
    for (const exitCode of Object.values(EXIT)) expect(page).to.match(new RegExp(`^\\| ${exitCode} \\|`, 'm'));
  });
});
