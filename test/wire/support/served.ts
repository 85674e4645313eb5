import type { StoreNodes } from '../../../server/src/core/ports.js';
import type { ServerCoreApi } from '../../../server/src/core/session-api.js';
import { systemClock } from '../../../server/src/process/system-clock.js';
import { systemRandom } from '../../../server/src/process/system-random.js';
import { createRpcServer, type RpcServer, type RpcSettings } from '../../../server/src/rpc/index.js';
import { WireClient } from './wire-client.js';

/** A server on a free port of this machine, with a core of the test's behind it. */
export interface Served {
  readonly rpc: RpcServer;
  readonly port: number;
  readonly target: string;
  /** Defects the server has reported. */
  readonly defects: readonly unknown[];
  client(options?: Record<string, number | string>): WireClient;
  stop(): Promise<void>;
}

export async function serve(
  core: ServerCoreApi,
  settings: Partial<RpcSettings> = {},
  nodes?: StoreNodes,
): Promise<Served> {
  const defects: unknown[] = [];
  const clients: WireClient[] = [];
  const reportDefect = (_: string, error: unknown): void => void defects.push(error);
  const options = { core, nodes, clock: systemClock, random: systemRandom(), reportDefect };
  const rpc = createRpcServer({ ...options, settings: { lastWordsMs: 100, ...settings } });
  const address = await rpc.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  const port = address.kind === 'tcp' ? address.port : 0;
  const target = `127.0.0.1:${port}`;
  return {
    rpc,
    port,
    target,
    defects,
    client(options) {
      const client = new WireClient(target, options);
      clients.push(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.close();
      await rpc.shutdown(0);
    },
  };
}
