import { ClientFrame, SessionRequest } from '@holdfast/protocol';
import { eventually } from '../../../support/deadline.js';
import {
  acquire,
  detailsOf,
  type FrameKind,
  open,
  type WireClient,
  type WireStream,
} from '../../../wire/support/wire-client.js';
import { SLACK_MS } from '../../harness/cell.js';
import type { Control } from '../../harness/stage.js';
import type { PlayedRow } from '../row.js';
import { type Misused, misuse } from './misuse.js';

/** What is decoded one by one, and refused, takes next to nothing; the rest is what other requests take meanwhile. */
const MOST_MB = 48;
/** The server's own limit. */
const MOST_FRAMES = 4_096;
const BEYOND_IDS = 2n ** 53n;
const NOT_UTF8 = 'a name that is not UTF-8';
const NOT_RISING = 'an id that does not rise';
const BAD_VALUE = 'a bad value';
const BAD_SECRET = { secret: Buffer.from('hush') };

/** Something that ends the stream it is said on. */
interface Ending {
  readonly what: string;
  readonly reason: string;
  /** Said after a valid Open. Default: yes. */
  readonly isFirst?: boolean;
  readonly message: Uint8Array;
}

function message(...frames: readonly { readonly id: bigint; readonly kind: FrameKind | undefined }[]): Uint8Array {
  return SessionRequest.encode({ frames: [...frames] }).finish();
}

/** A request for a name whose first byte is any. */
function acquireOf(firstByte: number): Uint8Array {
  const name = '? is no letter';
  const bytes = Buffer.from(message({ id: 2n, kind: acquire(name) }));
  bytes[bytes.indexOf(name)] = firstByte;
  return bytes;
}

const ENDINGS: readonly Ending[] = [
  { what: 'no protobuf', reason: 'MESSAGE_UNDECODABLE', message: Buffer.from('0affffffff0f010203', 'hex') },
  { what: 'groups in groups without end', reason: 'MESSAGE_UNDECODABLE', message: Buffer.alloc(60_000, 0x7b) },
  // Read as text, both of them would be one name.
  ...[0xfe, 0xff].map((byte) => ({ what: NOT_UTF8, reason: 'MESSAGE_UNDECODABLE', message: acquireOf(byte) })),
  {
    what: 'no Open first',
    reason: 'OPEN_EXPECTED',
    isFirst: true,
    message: message({ id: 1n, kind: acquire('early') }),
  },
  {
    what: 'an Open with a bad secret',
    reason: 'FIELD_INVALID',
    isFirst: true,
    message: message({ id: 1n, kind: open({ sessionSecret: BAD_SECRET.secret }) }),
  },
  {
    what: 'an id that is none',
    reason: 'FRAME_ID_NOT_RISING',
    isFirst: true,
    message: message({ id: 0n, kind: open() }),
  },
  { what: 'a second Open', reason: 'OPEN_REPEATED', message: message({ id: 2n, kind: open() }) },
  ...[0n, 1n].map((id) => ({
    what: NOT_RISING,
    reason: 'FRAME_ID_NOT_RISING',
    message: message({ id, kind: acquire(`again ${id}`) }),
  })),
  {
    what: 'an id beyond all',
    reason: 'FRAME_ID_NOT_RISING',
    message: message({ id: BEYOND_IDS, kind: acquire('beyond') }),
  },
  {
    what: 'too many frames',
    reason: 'TOO_MANY_FRAMES',
    message: message(...Array.from({ length: MOST_FRAMES + 1 }, (_, at) => ({ id: BigInt(at + 2), kind: undefined }))),
  },
];

async function ended({ id, stage, wire }: Misused): Promise<string> {
  const streams = await Promise.all(
    ENDINGS.map(({ isFirst = false }) => (isFirst ? wire.session() : wire.openSession())),
  );
  for (const [index, stream] of streams.entries()) stream.writeRaw(ENDINGS[index]?.message ?? Buffer.alloc(0));
  // Which of them are not ended is told below.
  const all = (): true | undefined => streams.every(({ end }) => end !== undefined) || undefined;
  await eventually(2 * SLACK_MS, 'the end of the streams', all).catch(() => undefined);
  for (const [index, { what, reason }] of ENDINGS.entries()) {
    const end = streams[index]?.end;
    const info = end?.infos[0];
    const isRefused = end?.code === 'INVALID_ARGUMENT' && info?.reason === reason && info.domain === 'holdfast';
    stage.check(id, `${what}: ${end === undefined ? 'the stream goes on' : JSON.stringify(end)}`, isRefused);
  }
  for (const { call } of streams) call.cancel();
  return `${ENDINGS.length} streams ended with INVALID_ARGUMENT and why`;
}

const LOOSE_ORDER: Control = {
  without: 'the checks that names are UTF-8 and that ids rise',
  edits: [
    { file: 'server/src/rpc/strict-reader.ts', original: 'fatal: true', replacement: 'fatal: false' },
    {
      file: 'server/src/core/stream-handler.ts',
      original: 'if (frame.id <= session.lastFrameId) {',
      replacement: 'if (frame.id < 0) {',
    },
  ],
  breaks: new RegExp(`^H6: (${NOT_UTF8}|${NOT_RISING}): the stream goes on`),
};

const H6: PlayedRow = {
  id: 'H6',
  title: 'malformed frames, names that are not UTF-8, a wrong first frame, ids that do not rise',
  kind: 'played',
  control: LOOSE_ORDER,
  play: misuse('H6', { mostMb: MOST_MB, play: ended }),
};

/** Frames with one thing wrong in them, and what is said of that. */
const FAILING: readonly { readonly what: string; readonly reason: string; readonly kind: FrameKind | undefined }[] = [
  { what: BAD_VALUE, reason: 'FIELD_INVALID', kind: acquire('bad secret', BAD_SECRET) },
  { what: BAD_VALUE, reason: 'FIELD_INVALID', kind: acquire('bad secrets', { earlierSecrets: [BAD_SECRET.secret] }) },
  { what: BAD_VALUE, reason: 'FIELD_INVALID', kind: { $case: 'release', value: { requestId: BEYOND_IDS } } },
  { what: 'an empty name', reason: 'FIELD_INVALID', kind: acquire('') },
  { what: 'an unknown kind', reason: 'UNKNOWN_FRAME', kind: undefined },
];

/** A field of a later version: a number, and bytes. */
const UNKNOWN_FIELD = Buffer.from('fa0103010203', 'hex');

async function answered({ id, stage, wire }: Misused): Promise<string> {
  const stream = await wire.openSession();
  let frameId = 1;
  for (const { what, reason, kind } of FAILING) {
    frameId += 1;
    stream.write({ id: frameId, kind });
    const answer = (await stream.answer(frameId)).kind;
    const failure = answer?.$case === 'failed' ? answer.value.status : undefined;
    const info = failure === undefined ? undefined : detailsOf(failure).infos[0];
    const said = info === undefined ? answer?.$case : `${info.reason}, ${JSON.stringify(info.metadata)}`;
    stage.check(id, `${what} is answered with ${said}`, info?.reason === reason && info.domain === 'holdfast');
    stage.check(id, 'a secret is told', !JSON.stringify(info ?? '').includes('hush'));
  }
  await servedOn(stream, frameId + 1, 'after');
  const other = await openedWithMore(wire);
  await servedOn(other, 2, 'after more');
  for (const { call } of [stream, other]) call.cancel();
  return `${FAILING.length} answered with Failed and why, an unknown field ignored, and the streams go on`;
}

/** Opens a session with fields nobody knows in the Open's frame and beside it. */
async function openedWithMore(wire: WireClient): Promise<WireStream> {
  const frame = Buffer.concat([ClientFrame.encode({ id: 1n, kind: open() }).finish(), UNKNOWN_FIELD]);
  if (frame.length > 127) throw new RangeError(`${frame.length} bytes do not fit one byte of length`);
  const stream = wire.session();
  stream.writeRaw(Buffer.concat([Buffer.from([0x0a, frame.length]), frame, UNKNOWN_FIELD]));
  await stream.answer(1);
  return stream;
}

async function servedOn(stream: WireStream, id: number, name: string): Promise<void> {
  stream.write({ id, kind: acquire(name) });
  const { kind } = await stream.answer(id);
  if (kind?.$case !== 'granted') throw new Error(`${name}: answered with ${kind?.$case}`);
}

const ANY_VALUE: Control = {
  without: 'the look at what is in fields',
  edits: [
    {
      file: 'server/src/rpc/core-frame.ts',
      original: 'if (secret.length !== SECRET_BYTES) {',
      replacement: 'if (secret.length < 0) {',
    },
    {
      file: 'server/src/rpc/core-frame.ts',
      original: 'if (value > MAX_SAFE) throw',
      replacement: 'if (value < 0n) throw',
    },
  ],
  breaks: new RegExp(`^H6b: ${BAD_VALUE} is answered with (granted|released)`),
};

const H6B: PlayedRow = {
  id: 'H6b',
  title: 'bad values in frames, an unknown kind, unknown fields',
  kind: 'played',
  control: ANY_VALUE,
  play: misuse('H6b', { mostMb: MOST_MB, play: answered }),
};

export const FRAME_ROWS = [H6, H6B];
