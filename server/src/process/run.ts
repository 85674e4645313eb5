import { readCommandLine } from '../config/command-line.js';
import { effectiveSettings, problemReport } from '../config/report.js';
import { resolveSettings, unknownVariables } from '../config/resolve.js';
import { type ServerConfig, serverConfig } from '../config/server-config.js';
import { createLogger } from '../telemetry/logger.js';
import { EXIT, type ExitCode, StartRefused } from './exit-codes.js';
import { announce } from './ready.js';
import { startServer } from './running-server.js';
import { StopSignals } from './stop-signals.js';
import { elapsed, systemClock } from './system-clock.js';
import { serverVersion } from './version.js';

/** How long the last log lines may take to leave. */
const LAST_LINES_MS = 1_000;

/** The whole life of the process: from the command line to the exit code. */
export async function run(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const line = readCommandLine(args, serverVersion());
  if (line.kind === 'told') {
    process.stdout.write(line.text);
    return;
  }
  if (line.kind === 'misused') {
    process.stderr.write(line.text);
    process.exitCode = EXIT.configuration;
    return;
  }
  const resolved = resolveSettings(line.flags, environment);
  if (!resolved.ok) {
    process.stderr.write(problemReport(resolved.problems));
    process.exitCode = EXIT.configuration;
    return;
  }
  const config = serverConfig(resolved.values);
  if (line.kind === 'serve') return serve(config, environment);
  process.stdout.write(effectiveSettings(resolved.settings));
  for (const variable of unknownVariables(environment)) {
    process.stderr.write(`holdfast-server: ${variable} is not the variable of any setting; see --help\n`);
  }
  const { preflight } = await import('./preflight.js');
  const refusal = await preflight(config, (text) => process.stdout.write(`${text}\n`));
  if (refusal === undefined) return;
  process.stderr.write(`holdfast-server: ${refusal.message}\n`);
  process.exitCode = refusal.exitCode;
}

async function serve(config: ServerConfig, environment: NodeJS.ProcessEnv): Promise<void> {
  const format = logFormat(config);
  const logger = createLogger(config.log.level, format);
  for (const variable of unknownVariables(environment)) logger.log('unknown_variable', { variable });
  const endNow = (code: ExitCode): never => {
    logger.flush();
    process.exit(code);
  };
  const end = async (code: ExitCode): Promise<never> => {
    await Promise.race([logger.close(), elapsed(systemClock, LAST_LINES_MS)]);
    process.exit(code);
  };
  // Something happened that was thought impossible. The leases are on disk and every deadline stands, so stopping is
  // safe; going on with a broken invariant is not. Rejections nobody handles arrive here too.
  process.on('uncaughtException', (error, origin) => {
    logger.log('crashed', { origin, error });
    endNow(EXIT.failed);
  });
  const onStoreFailure = (error: Error): void => {
    logger.log('store_failed', { error });
    endNow(EXIT.storeRefused);
  };
  const onStoreRefusal = (reason: string): void => {
    logger.log('start_refused', { reason });
    endNow(EXIT.storeRefused);
  };
  const signals = new StopSignals((signal) => {
    logger.log('stopped_at_once', { signal });
    endNow(EXIT.failed);
  });
  const server = await startServer(config, { logger, environment, onStoreFailure, onStoreRefusal }).catch(
    (error: unknown) => {
      if (!(error instanceof StartRefused)) throw error;
      logger.log('start_refused', { reason: error.message });
      return end(error.exitCode);
    },
  );
  await announce(config, server, logger, format);
  const signal = await signals.first;
  logger.log('draining', { signal, streams: server.openStreams(), timeoutMs: config.drainTimeoutMs });
  await server.drainAndStop();
  logger.log('stopped', {});
  return end(EXIT.stopped);
}

function logFormat({ log }: ServerConfig): 'json' | 'pretty' {
  if (log.format !== 'auto') return log.format;
  return process.stderr.isTTY ? 'pretty' : 'json';
}
