import { lineAt } from './source-text.js';
import type { SourceFile } from './source-tree.js';

/** A word as a variable: not a member of something else, not the key of an object. */
const variable = (text: string): RegExp => new RegExp(`(?<![\\w$.])${text}(?![\\w$]|\\??:)`, 'g');

/** Clocks, timers and randomness that every program can reach: elsewhere they come through ports, for virtual time. */
export const AMBIENT: ReadonlyMap<string, RegExp> = new Map([
  ['Date.now', variable('Date\\s*\\.\\s*now')],
  ['new Date()', variable('new\\s+Date\\s*\\(\\s*\\)')],
  ['performance', variable('performance')],
  ['hrtime', /\bhrtime\b/g],
  ['setTimeout', variable('setTimeout')],
  ['setInterval', variable('setInterval')],
  ['setImmediate', variable('setImmediate')],
  ['nextTick', /\bnextTick\b/g],
  ['AbortSignal.timeout', variable('AbortSignal\\s*\\.\\s*timeout')],
  ['globalThis', variable('globalThis')],
  ['Math.random', /\bMath\s*\.\s*random\b/g],
  ['randomUUID', /\brandomUUID\b/g],
  ['crypto', variable('crypto')],
]);

/** The same can be imported under any name. */
const TIMER_MODULES = /^(?:node:)?(?:timers|timers\/promises|perf_hooks)$/;

/** The files that may, and what. */
export const GRANTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['server/src/process/system-clock.ts', ['Date.now', 'performance', 'setTimeout', 'setImmediate', 'nextTick']],
  ['server/src/process/system-random.ts', ['Math.random']],
  // Exporters want wall-clock stamps, spans their durations: neither comes near a lease.
  ['server/src/telemetry/metric-data.ts', ['Date.now']],
  ['server/src/telemetry/metrics-endpoint.ts', ['Date.now']],
  ['server/src/telemetry/tracing.ts', ['performance']],
  // Measures the event loop itself.
  ['server/src/telemetry/process-metrics.ts', ['setInterval', 'node:perf_hooks']],
  ['client/src/system-clock.ts', ['Date.now', 'performance', 'setTimeout', 'setImmediate']],
]);

/** Where a file reaches for what it must be given, one line each. */
export function ambientViolations(file: SourceFile, grants = GRANTS): readonly string[] {
  const granted = grants.get(file.path) ?? [];
  const reached = [...AMBIENT].flatMap(([name, pattern]) =>
    [...file.code.matchAll(pattern)].map((match) => ({ name, line: lineAt(file.code, match.index) })),
  );
  const imported = file.imports
    .filter(({ specifier, typeOnly }) => !typeOnly && TIMER_MODULES.test(specifier ?? ''))
    .map(({ specifier = '', line }) => ({ name: specifier, line }));
  return [...reached, ...imported]
    .filter(({ name }) => !granted.includes(name))
    .map(({ name, line }) => `${file.path}:${line}: ${name}`);
}
