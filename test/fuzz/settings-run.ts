import { readCommandLine } from '../../server/src/config/command-line.js';
import { effectiveSettings, problemReport } from '../../server/src/config/report.js';
import { resolveSettings } from '../../server/src/config/resolve.js';
import { serverConfig } from '../../server/src/config/server-config.js';
import { Violation } from './dues.js';
import { PASSWORD, type Written } from './random-settings.js';

/** Reads settings as the server does: they are right, or it is said what is wrong with them. Throws where neither is so. */
export function playSettings({ args, environment }: Written): void {
  const line = readCommandLine(args, '1.2.3');
  switch (line.kind) {
    case 'told':
      if (line.text === '') throw new Violation('asked for help or the version, it says nothing');
      return;
    case 'misused':
      keepsSecrets(line.text);
      if (!/^holdfast-server: .+\n$/.test(line.text)) throw new Violation(`not one line: ${JSON.stringify(line.text)}`);
      return;
    case 'serve':
    case 'check':
      break;
  }
  const resolved = resolveSettings(line.flags, environment);
  if (!resolved.ok) {
    const report = problemReport(resolved.problems);
    keepsSecrets(report);
    const lines = report.trimEnd().split('\n');
    const fits = /^holdfast-server: (1 setting is|\d+ settings are) wrong; nothing was started$/.test(lines[0] ?? '');
    if (!fits || lines.length !== 1 + 2 * resolved.problems.length)
      throw new Violation(`not the report it should be: ${report}`);
    return;
  }
  keepsSecrets(effectiveSettings(resolved.settings));
  const { core, store } = serverConfig(resolved.values);
  const { defaultTtlMs, maxTtlMs, minTtlMs } = core.limits;
  if (!(minTtlMs > 0 && minTtlMs <= defaultTtlMs && defaultTtlMs <= maxTtlMs)) {
    throw new Violation(`times to live ${minTtlMs}, ${defaultTtlMs}, ${maxTtlMs}`);
  }
  if (store.kind === 'redlock' && store.nodes.length === 0) throw new Violation('a redlock store without nodes');
}

function keepsSecrets(text: string): void {
  if (text.includes(PASSWORD)) throw new Violation(`a password is printed: ${text}`);
}
