import { connect, type Socket } from 'node:net';
import { PATIENCE_MS } from '../../harness/cell.js';
import type { Control } from '../../harness/stage.js';
import type { PlayedRow } from '../row.js';
import { type Misused, misuse } from './misuse.js';

const CAP = 2_000;
const CONNECTIONS = 20_000;
const AT_ONCE = 500;
/** One address has too few ports for so many at a time; all of them are this host's. */
const ADDRESSES = 10;
/** The server's other files may be a few more for a moment. */
const OTHER_FILES = 10;
/** For the connections it keeps, which nobody asks for anything yet. */
const MOST_MB = 160;

const NO_CAP: Control = {
  without: 'the limit of connections',
  edits: [
    {
      file: 'server/src/rpc/listener.ts',
      original: 'server.maxConnections = maxConnections;',
      replacement: 'server.maxConnections = maxConnections + Infinity;',
    },
  ],
  breaks: /^H13: \d+ connections kept/,
};

/** Connections that are dialled and say nothing. */
class Silent {
  readonly #open = new Set<Socket>();

  constructor(private readonly address: string) {}

  /** Resolves when it is there, or has been refused or closed. */
  dial(from: string): Promise<void> {
    const [host = '', port = ''] = this.address.split(':');
    return new Promise((resolve) => {
      const socket = connect({ host, port: Number(port), localAddress: from }).resume();
      this.#open.add(socket);
      socket.once('connect', () => resolve());
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#open.delete(socket);
        resolve();
      });
    });
  }

  /** Open as far as this side knows. */
  get count(): number {
    return this.#open.size;
  }

  end(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }
}

async function dialled({ id, stage, cell, watch }: Misused): Promise<string> {
  const silent = new Silent(cell.server().address);
  const filesBefore = watch.files;
  let most = 0;
  try {
    for (let made = 0; made < CONNECTIONS && most <= CAP; made += AT_ONCE) {
      const from = `127.0.0.${1 + ((made / AT_ONCE) % ADDRESSES)}`;
      await Promise.all(Array.from({ length: AT_ONCE }, () => silent.dial(from)));
      // Having answered this, it has taken or closed them all.
      await cell.metrics();
      most = Math.max(most, watch.files - filesBefore - OTHER_FILES);
    }
    stage.check(id, `${most} connections kept, and ${CAP} allowed`, most <= CAP);
    if (most > CAP) throw new Error('more and more are kept');
    await stage.soon(id, 'those over the limit closed', PATIENCE_MS, () => silent.count <= CAP);
    const kept = silent.count;
    stage.check(id, `only ${kept} connections kept`, kept > CAP - OTHER_FILES);
    return `${kept} kept, ${CONNECTIONS - kept} closed at once`;
  } finally {
    silent.end();
  }
}

const H13: PlayedRow = {
  id: 'H13',
  title: `${CONNECTIONS} connections, ${AT_ONCE} at a time, to a server that may have ${CAP}`,
  kind: 'played',
  controlRuns: 'afterwards',
  control: NO_CAP,
  play: misuse('H13', {
    // Nobody answers pings on these: they would make room.
    serverArgs: ['--max-connections', String(CAP), '--keepalive-interval', '10m'],
    mostMb: MOST_MB,
    play: dialled,
  }),
};

export const CONNECTION_ROWS = { H13 };
