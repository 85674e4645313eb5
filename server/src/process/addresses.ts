import { once } from 'node:events';
import { createServer } from 'node:net';
import { addressText, type ListenAddress } from '../config/values.js';

/** Why nobody can listen at an address now, with the remedy; `undefined` where somebody can. */
export async function addressProblem(address: ListenAddress, flag: string): Promise<string | undefined> {
  const server = createServer();
  const options = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
  try {
    server.listen({ ...options, exclusive: true });
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return undefined;
  } catch (error) {
    return listenProblem(error, address, flag);
  }
}

/** The sentence for an error of listening. */
export function listenProblem(error: unknown, address: ListenAddress, flag: string): string {
  const where = addressText(address);
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  switch (code) {
    case 'EADDRINUSE':
      return `${where} is in use: stop whoever listens there, or choose another address with ${flag}`;
    case 'EACCES':
      return `${where} may not be used by this user: choose a port above 1023 or a writable socket path with ${flag}`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${where} is no address of this machine: choose one that is with ${flag}`;
    case 'ENOENT':
      return `${where} is in a directory that does not exist: create it, or choose another path with ${flag}`;
    default:
      return `cannot listen at ${where} (${code}): choose another address with ${flag}`;
  }
}
