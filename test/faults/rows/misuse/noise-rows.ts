import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { hostileConnection } from '../../../fuzz/hostile-connections.js';
import { SeededRandom } from '../../../simulation/seeded-random.js';
import { eventually } from '../../../support/deadline.js';
import { PATIENCE_MS } from '../../harness/cell.js';
import type { Control } from '../../harness/stage.js';
import type { PlayedRow } from '../row.js';
import { FOUND_OUT_BY_PING, type Misused, misuse } from './misuse.js';

const CONNECTIONS = 400;
const AT_ONCE = 80;
const STREAMS = 40;
const MESSAGE_BYTES = 300;
const MOST_MB = 64;
const SEED = 7;

const NOT_CONTAINED: Control = {
  without: 'the catch around the decoding of a message',
  edits: [
    {
      file: 'server/src/rpc/frame-decoder.ts',
      original: "  } catch (error) {\n    return refused({\n      reason: 'MESSAGE_UNDECODABLE',",
      replacement:
        "  } catch (error) {\n    if (error !== undefined) throw error;\n    return refused({\n      reason: 'MESSAGE_UNDECODABLE',",
    },
  ],
  breaks: /^L4: the server ended/,
};

async function noise({ id, stage, cell, wire }: Misused): Promise<string> {
  const random = new SeededRandom(SEED);
  const [host = '', port = ''] = cell.server().address.split(':');
  for (let made = 0; made < CONNECTIONS; made += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => hostileConnection(Number(port), random)));
  }
  for (let made = 0; made < AT_ONCE; made += 1) {
    const socket = connectTcp(Number(port), host).on('error', () => undefined);
    await once(socket, 'connect');
    socket.resetAndDestroy();
  }
  const handshake = connectTls({ port: Number(port), host, rejectUnauthorized: false }).on('error', () => undefined);
  await new Promise<void>((resolve) => void handshake.once('close', () => resolve()));
  const streams = await Promise.all(Array.from({ length: STREAMS }, () => wire.openSession()));
  for (const { call } of streams) call.write(Buffer.from(random.bytes(MESSAGE_BYTES)));
  await eventually(
    PATIENCE_MS,
    'what the server makes of noise',
    () => streams.every(({ end }) => end) || undefined,
  ).catch(() => undefined);
  const ends = new Set(streams.map(({ end }) => end?.code ?? 'none'));
  stage.check(
    id,
    `noise in place of messages ended with ${[...ends].join(', ')}`,
    ends.size === 1 && ends.has('INVALID_ARGUMENT'),
  );
  return `${CONNECTIONS + AT_ONCE + 1} connections closed, ${STREAMS} streams ended with INVALID_ARGUMENT`;
}

const H7: PlayedRow = {
  id: 'H7',
  title: `${CONNECTIONS} connections on which random bytes, half a TLS or HTTP/1 request or broken HTTP/2 is said, ${AT_ONCE} resets, noise as messages`,
  kind: 'played',
  control: NOT_CONTAINED,
  play: misuse('H7', { ...FOUND_OUT_BY_PING, mostMb: MOST_MB, play: noise }),
};

export const NOISE_ROWS = { H7 };
