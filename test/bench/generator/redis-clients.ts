import { Redis } from 'ioredis';

/** The libraries' clients of all nodes, connected. `target` is a list of `host:port` with commas between. */
export async function connectToNodes(target: string, autoPipelining: boolean): Promise<readonly Redis[]> {
  const clients = target.split(',').map((node) => {
    const { hostname, port } = new URL(`redis://${node}`);
    return new Redis({ host: hostname, port: Number(port), enableAutoPipelining: autoPipelining, lazyConnect: true });
  });
  await Promise.all(clients.map((client) => client.connect()));
  return clients;
}

export function disconnect(clients: readonly Redis[]): void {
  for (const client of clients) client.disconnect();
}
