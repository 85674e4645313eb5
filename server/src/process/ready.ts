import type { ServerConfig } from '../config/server-config.js';
import { addressText } from '../config/values.js';
import type { Logger } from '../telemetry/logger.js';
import type { RunningServer } from './running-server.js';

/** Says that the server is ready: a log line for programs, the next thing to do for people. */
export function announce(config: ServerConfig, server: RunningServer, logger: Logger, format: 'json' | 'pretty'): void {
  const { serverId, version } = server;
  const address = addressText(server.address);
  const metrics = server.metricsAddress && `http://${addressText(server.metricsAddress)}/metrics`;
  const { kind: store, directory: dataDir } = config.store;
  const fields = { event: 'ready', address, metrics, store, dataDir, serverId, version, pid: process.pid };
  if (config.insecure) logger.log('warn', { event: 'insecure' }, 'anybody who can reach this server may use it');
  if (format === 'json') {
    logger.log('info', fields, 'ready');
    return;
  }
  const command = address === '127.0.0.1:7420' ? 'npx holdfast run' : `npx holdfast --server ${address} run`;
  const lines = [
    `Holdfast ${version} is ready at ${address}`,
    `  leases    ${dataDir}`,
    `  metrics   ${metrics ?? 'off'}`,
    `  try       ${command} demo -- echo hello`,
    '',
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
}
