const COLOURS: Readonly<Record<string, string>> = {
  debug: '\u001b[2m',
  info: '\u001b[32m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
  fatal: '\u001b[31;1m',
};
const PLAIN = '\u001b[0m';

/** Turns the log's JSON lines into lines for people: `12:00:01 INFO  session opened  sessionId=… clientName=…`. */
export class PrettyLines {
  constructor(
    private readonly sink: { write(text: string): unknown },
    private readonly coloured: boolean,
  ) {}

  write(line: string): void {
    const { level, time, msg, event: _, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const label = String(level);
    const shown = label.toUpperCase().padEnd(5);
    const colour = this.coloured ? `${COLOURS[label] ?? ''}${shown}${PLAIN}` : shown;
    const clock = String(time).slice('2026-01-01T'.length, '2026-01-01T00:00:00'.length);
    const rest = Object.entries(fields).map(([key, value]) => `${key}=${text(value)}`);
    this.sink.write(`${[`${clock} ${colour} ${String(msg)}`, ...rest].join('  ')}\n`);
  }
}

function text(value: unknown): string {
  if (typeof value === 'string') return /^[\x21-\x7e]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value === 'object' && value !== null && 'stack' in value) return `\n${String(value.stack)}`;
  return JSON.stringify(value);
}
