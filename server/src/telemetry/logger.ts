import { pino } from 'pino';
import { LOG_EVENTS, type LogEventName, type LogFields, type LogLevel } from './log-events.js';
import { PrettyLines } from './pretty-lines.js';

/** The server's log. Lines leave in the background: before the process ends, `close`, or `flush` if it cannot wait. */
export interface Logger {
  log<E extends LogEventName>(event: E, fields: LogFields<E>): void;
  /** True where a line of that event would be written: ask before building costly fields. */
  enabled(event: LogEventName): boolean;
  /** Lines thrown away because whoever reads stderr is too slow. */
  dropped(): number;
  /** Writes out what is buffered, at once. What is being written in the background may come later. */
  flush(): void;
  /** Resolves when every line is written. Nothing can be logged any more. */
  close(): Promise<void>;
}

/** A reader that stalls costs this much memory, then lines. */
const MAX_BUFFERED_BYTES = 4 * 1_024 * 1_024;

const STDERR = 2;

/** A log on stderr: JSON lines, or lines for people. */
export function createLogger(level: LogLevel, format: 'json' | 'pretty'): Logger {
  const sink = pino.destination({ fd: STDERR, sync: false, maxLength: MAX_BUFFERED_BYTES });
  let dropped = 0;
  sink.on('drop', () => {
    dropped += 1;
  });
  // The log is not worth the service: with stderr closed the server goes on without.
  sink.on('error', () => {
    dropped += 1;
  });
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.err },
  };
  const logger = pino(options, format === 'json' ? sink : new PrettyLines(sink, isColoured()));
  return {
    log: (event, fields) => {
      const { level: at, message } = LOG_EVENTS[event];
      const bindings: Readonly<Record<string, unknown>> = { event, ...fields };
      logger[at](bindings, message);
    },
    enabled: (event) => logger.isLevelEnabled(LOG_EVENTS[event].level),
    dropped: () => dropped,
    flush: () => {
      try {
        sink.flushSync();
      } catch {
        // Not open yet, or closed by the reader: nothing can be written, and the process is ending anyway.
      }
    },
    close: () =>
      new Promise((resolve) => {
        sink.once('close', resolve);
        sink.once('error', () => resolve());
        sink.end();
      }),
  };
}

function isColoured(): boolean {
  return process.stderr.isTTY === true && process.env['NO_COLOR'] === undefined;
}
