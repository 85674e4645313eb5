import type { ServerConfig } from '../config/server-config.js';
import { addressText } from '../config/values.js';
import type { Logger } from '../telemetry/logger.js';
import type { RunningServer } from './running-server.js';

/** Where clients look when they are told no address. */
const DEFAULT_ADDRESS = '127.0.0.1:7420';

/** What people want to know first. */
export interface ReadyFacts {
  readonly version: string;
  readonly address: string;
  readonly metrics: string | undefined;
  readonly dataDir: string;
}

/** Says that the server is ready: a log line for programs, the next thing to do for people. */
export function announce(config: ServerConfig, server: RunningServer, logger: Logger, format: 'json' | 'pretty'): void {
  const { serverId, version } = server;
  const address = addressText(server.address);
  const metrics = server.metricsAddress && `http://${addressText(server.metricsAddress)}/metrics`;
  const { kind: store, directory: dataDir } = config.store;
  if (config.insecure) logger.log('insecure', {});
  if (format === 'pretty') {
    process.stderr.write(readySummary({ version, address, metrics, dataDir }));
    return;
  }
  logger.log('ready', { address, metrics, store, dataDir, serverId, version, pid: process.pid });
}

export function readySummary({ version, address, metrics, dataDir }: ReadyFacts): string {
  const command = address === DEFAULT_ADDRESS ? 'npx holdfast' : `npx holdfast --server ${address}`;
  const lines = [
    `Holdfast ${version} is ready at ${address}`,
    `  leases    ${dataDir}`,
    `  metrics   ${metrics ?? 'off'}`,
    `  try       ${command} run demo -- echo hello`,
    '',
  ];
  return lines.join('\n');
}
