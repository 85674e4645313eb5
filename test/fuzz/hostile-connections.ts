import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { SeededRandom } from '../simulation/seeded-random.js';

/** A connection that the server has not closed by then is closed here. */
const LINGER_MS = 400;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const SETTINGS = frame(4, 0, 0, Buffer.alloc(0));
const CALL_HEADERS: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/holdfast.v1.LeaseService/Session'],
  [':authority', 'localhost'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
];
/** A client's first flight, as far as a server on a plain port reads it. */
const TLS_HELLO = Buffer.from('160301002f0100002b0303', 'hex');

/** Opens a connection on loopback, says something that is not gRPC, or nearly, and resolves when the connection is over. */
export async function hostileConnection(port: number, random: SeededRandom): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const over = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.on('error', () => undefined).resume();
  for (const chunk of chunksOf(random, said(random))) socket.write(chunk);
  part(socket, random);
  await over;
  clearTimeout(timer);
}

function part(socket: Socket, random: SeededRandom): void {
  if (random.chance(0.3)) socket.resetAndDestroy();
  else if (random.chance(0.5)) socket.end();
}

function chunksOf(random: SeededRandom, bytes: Buffer): readonly Buffer[] {
  if (bytes.length < 2 || random.chance(0.5)) return [bytes];
  const at = Math.floor(random.unit() * bytes.length);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

function said(random: SeededRandom): Buffer {
  const noise = Buffer.from(random.bytes(Math.floor(random.unit() ** 2 * 2_000)));
  switch (Math.floor(random.unit() * 8)) {
    case 0:
      return noise;
    case 1:
      return Buffer.from(
        random.pick([
          'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
          'POST /x HTTP/1.0\r\n',
          'OPTIONS * RTSP/1.0\r\n\r\n',
        ]),
      );
    case 2:
      return Buffer.concat([TLS_HELLO, noise]);
    case 3:
      return Buffer.concat([PREFACE.subarray(0, Math.floor(random.unit() * PREFACE.length)), noise]);
    case 4:
      return Buffer.concat([PREFACE, noise]);
    case 5:
      return Buffer.concat([PREFACE, SETTINGS, ...Array.from({ length: 8 }, () => brokenFrame(random))]);
    default:
      return Buffer.concat([PREFACE, SETTINGS, ...call(random)]);
  }
}

/** Any kind of frame, of which the length, the flags or the stream may be wrong. */
function brokenFrame(random: SeededRandom): Buffer {
  const payload = Buffer.from(random.bytes(Math.floor(random.unit() * 40)));
  const stream = random.pick([0, 1, 1, 2, 3, 0x7fff_ffff]);
  const said = random.chance(0.7) ? payload.length : random.pick([0, 1, 16_384, 16_385, 0xff_ffff]);
  return frame(Math.floor(random.unit() * 12), random.next() & 0xff, stream, payload, said);
}

/** A call of the session stream whose messages are cut, too long, packed, or not what their prefix says. */
function call(random: SeededRandom): readonly Buffer[] {
  const headers = Buffer.concat(CALL_HEADERS.map(([name, value]) => literal(name, value)));
  const packed = random.chance(0.3) ? [literal('grpc-encoding', random.pick(['gzip', 'deflate', 'br', 'none']))] : [];
  const data = Array.from({ length: 1 + Math.floor(random.unit() * 3) }, () => dataFrame(random));
  const broken = random.chance(0.4) ? [brokenFrame(random)] : [];
  return [frame(1, 4, 1, Buffer.concat([headers, ...packed])), ...data, ...broken];
}

function dataFrame(random: SeededRandom): Buffer {
  const bomb = random.chance(0.2);
  const body = bomb ? gzipSync(Buffer.alloc(4_000_000)) : Buffer.from(random.bytes(Math.floor(random.unit() * 200)));
  const prefix = Buffer.alloc(5);
  prefix[0] = bomb ? 1 : random.pick([0, 0, 1, 2, 255]);
  prefix.writeUInt32BE(random.chance(0.7) ? body.length : random.pick([0, 1, 65_537, 0xffff_ffff]), 1);
  return frame(0, random.chance(0.2) ? 1 : 0, 1, Buffer.concat([prefix, body]));
}

function frame(type: number, flags: number, stream: number, payload: Buffer, length = payload.length): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header as HPACK writes one that is in no table, without Huffman's code. */
function literal(name: string, value: string): Buffer {
  const text = (each: string): Buffer => Buffer.concat([Buffer.from([each.length]), Buffer.from(each)]);
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}
