import { flagOf, OPTIONS, type OptionName } from './options.js';

/** Flags of other servers, too far from ours for a guess by spelling. */
const HABITS: ReadonlyMap<string, OptionName> = new Map([
  ['--port', 'listen'],
  ['--host', 'listen'],
  ['--bind', 'listen'],
  ['--address', 'listen'],
  ['--metrics-port', 'metricsListen'],
  ['--metrics-host', 'metricsListen'],
  ['--data', 'dataDir'],
  ['--directory', 'dataDir'],
]);

/** The parser's complaint as one line of this program: what is wrong, what was meant if that can be guessed, and where to look. */
export function misuseReport(complaint: string): string {
  const [problem = '', guess = ''] = complaint.trim().split('\n');
  const what = problem.replace(/^error: /, '').replace(/\.$/, '');
  const hint = habitHint(what) ?? guess.replace(/^\(Did you mean (.*)\?\)$/, '; did you mean $1?');
  const see = hint === '' ? '; see' : ' See';
  return `holdfast-server: ${what}${hint}${see} holdfast-server --help\n`;
}

function habitHint(what: string): string | undefined {
  const [, flag = ''] = /^unknown option '([^']*)'/.exec(what) ?? [];
  const name = HABITS.get(flag);
  return name && `; did you mean ${flagOf(name)}, as in ${flagOf(name)} ${OPTIONS[name].fallback}?`;
}
