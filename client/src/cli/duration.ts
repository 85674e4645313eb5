import { UsageError } from './usage-error.js';

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

/** Whole milliseconds of `500ms`, `30s`, `1m` or `1.5h`, within bounds; anything else is a `UsageError`. */
export function readDuration(option: string, text: string, minMs: number, maxMs: number): number {
  const bounds = `${durationText(minMs)} to ${durationText(maxMs)}`;
  const shown = JSON.stringify(text);
  const ms = durationMs(text);
  if (ms === undefined) {
    const missing = /^\d+(\.\d+)?$/.test(text) ? ', which has no unit' : '';
    throw new UsageError(`${option} is ${shown}${missing}; it must be a duration such as 500ms, 30s or 1m: ${bounds}`);
  }
  if (ms < minMs || ms > maxMs) throw new UsageError(`${option} is ${shown}; it must be ${bounds}`);
  return ms;
}

function durationMs(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? [];
  const unitMs = UNITS.find(([name]) => name === unit)?.[1];
  if (digits === undefined || unitMs === undefined) return undefined;
  const ms = Number(digits) * unitMs;
  // 1.001 s is 1000.9999999999999 ms in binary, 1.5 ms is no whole number: tell them apart.
  return Math.abs(ms - Math.round(ms)) < 1e-3 ? Math.round(ms) : undefined;
}

/** The shortest exact text: `90s`, `1m`, `1500ms`. */
export function durationText(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, each]) => ms > 0 && ms % each === 0) ?? ['ms', 1];
  return `${ms / unitMs}${unit}`;
}

/** For people: `0.8s`, `12s`, `3m 5s`, `2h 10m`, `4d 3h`. */
export function roughDuration(ms: number): string {
  if (ms < 10_000) return `${(Math.max(0, Math.floor(ms / 100)) / 10).toFixed(1)}s`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}
