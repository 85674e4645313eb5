/** How a run was asked for, by environment variables. */
export interface BenchSettings {
  /** Length of one measurement. `BENCH_SECONDS`, default 5. */
  readonly seconds: number;
  /** Only rows whose names contain this. `BENCH_ROWS`, default all. */
  readonly rows: string;
}

export const DEFAULT_SECONDS = 5;
const MAX_SECONDS = 3_600;

/** Throws an error that names the variable, its value and what is allowed. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): BenchSettings {
  const text = environment['BENCH_SECONDS'] ?? String(DEFAULT_SECONDS);
  const seconds = Number(text);
  if (text.trim() === '' || !(seconds > 0) || seconds > MAX_SECONDS) {
    throw new Error(`BENCH_SECONDS is ${JSON.stringify(text)}; it must be a number above 0, at most ${MAX_SECONDS}`);
  }
  return { seconds, rows: environment['BENCH_ROWS'] ?? '' };
}
