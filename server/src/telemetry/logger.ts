import { pino } from 'pino';
import { PrettyLines } from './pretty-lines.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** The server's log. Lines leave in the background; `flush` before the process ends. */
export interface Logger {
  log(level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string): void;
  /** True where a line of that level would be written: ask before building costly fields. */
  enabled(level: LogLevel): boolean;
  /** Lines thrown away because whoever reads stderr is too slow. */
  dropped(): number;
  /** Writes out what is buffered, at once. */
  flush(): void;
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
  const logger = pino(options, format === 'json' ? sink : new PrettyLines(sink));
  return {
    log: (at, fields, message) => logger[at](fields, message),
    enabled: (at) => logger.isLevelEnabled(at),
    dropped: () => dropped,
    flush: () => {
      try {
        sink.flushSync();
      } catch {
        // Not open yet, or closed by the reader: nothing can be written, and the process is ending anyway.
      }
    },
  };
}
