import type { ServerConfig } from '../config/server-config.js';
import { addressText } from '../config/values.js';
import type { Logger } from '../telemetry/logger.js';
import type { NodeSummary } from './node-summary.js';
import type { RunningServer } from './running-server.js';

/** Where clients look when they are told no address. */
const DEFAULT_ADDRESS = '127.0.0.1:7420';

/** How long the nodes of a store may keep the news of the start waiting. */
const NODES_KNOWN_MS = 1_500;

/** What people want to know first. */
export interface ReadyFacts {
  readonly version: string;
  readonly address: string;
  readonly metrics: string | undefined;
  readonly store:
    | { readonly kind: 'embedded'; readonly directory: string }
    | { readonly kind: 'redlock'; readonly nodes: readonly string[]; readonly summary: NodeSummary };
}

/** Says that the server is ready: a log line for programs, the next thing to do for people. */
export async function announce(
  config: ServerConfig,
  server: RunningServer,
  logger: Logger,
  format: 'json' | 'pretty',
): Promise<void> {
  const { serverId, version, nodeWatch } = server;
  const address = addressText(server.address);
  const metrics = server.metricsAddress && `http://${addressText(server.metricsAddress)}/metrics`;
  if (config.insecure) logger.log('insecure', {});
  const { kind } = config.store;
  const dataDir = config.store.kind === 'embedded' ? config.store.directory : undefined;
  const nodes = config.store.kind === 'redlock' ? config.store.nodes.map(({ id }) => id) : undefined;
  if (format === 'json') {
    logger.log('ready', { address, metrics, store: kind, dataDir, nodes, serverId, version, pid: process.pid });
    return;
  }
  await nodeWatch?.settled(NODES_KNOWN_MS);
  const store =
    nodeWatch === undefined
      ? { kind: 'embedded' as const, directory: dataDir ?? '' }
      : { kind: 'redlock' as const, nodes: nodes ?? [], summary: nodeWatch.summary() };
  process.stderr.write(readySummary({ version, address, metrics, store }));
}

export function readySummary({ version, address, metrics, store }: ReadyFacts): string {
  const command = address === DEFAULT_ADDRESS ? 'npx holdfast' : `npx holdfast --server ${address}`;
  const lines = [
    `Holdfast ${version} ${isGrantable(store) ? 'is ready' : 'listens'} at ${address}`,
    ...storeLines(store, command),
    `  metrics   ${metrics ?? 'off'}`,
    `  try       ${command} run demo -- echo hello`,
    '',
  ];
  return lines.join('\n');
}

function isGrantable(store: ReadyFacts['store']): boolean {
  return store.kind === 'embedded' || store.summary.grantable;
}

function storeLines(store: ReadyFacts['store'], command: string): readonly string[] {
  switch (store.kind) {
    case 'embedded':
      return [`  leases    ${store.directory}`];
    case 'redlock': {
      const { nodes, summary } = store;
      const hint = summary.looksNew ? `; a new cluster? run \`${command} admin init\`` : '';
      return [`  nodes     ${nodes.join(', ')}`, `  leases    ${summary.text}${hint}`];
    }
  }
}
