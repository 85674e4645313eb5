import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import type { Clock } from '../../core/ports.js';
import { StoreRefusedError } from './store-refused-error.js';

/** How long the process in possession has to name itself: it may be stopped. */
const PID_WITHIN_MS = 1_000;
const MAX_PID_DIGITS = 20;

/**
 * Exclusive use of a directory: an abstract Unix socket that the kernel frees with the process, however that ends. Its
 * name comes of the directory's device and inode, which are the same by whatever path or bind mount it is reached.
 * Abstract sockets belong to a network namespace: processes in different ones do not see each other.
 */
export class DirectoryLock {
  private constructor(private readonly server: Server) {}

  static async take(directory: string, clock: Pick<Clock, 'after'>): Promise<DirectoryLock> {
    const path = await socketOf(directory);
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(String(process.pid));
    });
    try {
      await listen(server, path);
    } catch (error) {
      if (!isInUse(error)) throw refusal(directory, error);
      const pid = await pidBehind(path, clock);
      const who = pid === undefined ? 'another process' : `process ${pid}`;
      throw new StoreRefusedError(
        `data directory ${directory} is in use by ${who}: stop it or choose another --data-dir`,
      );
    }
    // The lock alone is no reason to live on.
    server.unref();
    return new DirectoryLock(server);
  }

  release(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

async function socketOf(directory: string): Promise<string> {
  const { dev, ino } = await stat(directory, { bigint: true });
  return `\0holdfast-${createHash('sha256').update(`${dev}:${ino}`).digest('hex')}`;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

function refusal(directory: string, error: unknown): StoreRefusedError {
  const cause = error instanceof Error ? error.message : String(error);
  return new StoreRefusedError(
    `data directory ${directory} cannot be locked (${cause}): the embedded store needs Linux and its abstract Unix sockets`,
  );
}

/** Asks whoever listens for its process id. */
function pidBehind(path: string, clock: Pick<Clock, 'after'>): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect({ path });
    const deadline = clock.after(PID_WITHIN_MS, () => socket.destroy());
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      said += text;
      if (said.length > MAX_PID_DIGITS) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      deadline.cancel();
      resolve(/^\d+$/.test(said) ? said : undefined);
    });
  });
}
