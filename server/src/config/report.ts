import { printable } from '../core/failure.js';
import { flagOf, OPTION_NAMES } from './options.js';
import { type Problem, type Settings, sourceText } from './resolve.js';

/** Every wrong setting, for people: name, value, where it came from, what is wrong and what would be right. */
export function problemReport(problems: readonly Problem[]): string {
  const count = problems.length === 1 ? '1 setting is wrong' : `${problems.length} settings are wrong`;
  const lines = problems.flatMap(({ name, setting, message, bound }) => [
    `  ${flagOf(name)}: ${printable(setting.text)}, from ${sourceText(name, setting.source)}, ${message}`,
    `      allowed: ${bound}`,
  ]);
  return [`holdfast-server: ${count}; nothing was started`, ...lines, ''].join('\n');
}

/** What the server would run with: one line a setting, with its source. */
export function effectiveSettings(settings: Settings): string {
  const rows = OPTION_NAMES.map((name) => [
    flagOf(name).slice(2),
    settings[name].text,
    sourceText(name, settings[name].source),
  ]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return `${rows.map(([name = '', text = '', source = '']) => `${name.padEnd(widths[0] ?? 0)}  ${text.padEnd(widths[1] ?? 0)}  ${source}`).join('\n')}\n`;
}
