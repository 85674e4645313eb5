import { WireType } from '@bufbuild/protobuf/wire';
import { ClientFrame as WireFrame } from '@holdfast/protocol';
import type { Failure } from '../core/failure.js';
import type { ClientFrame } from '../core/frames.js';
import { coreFrame } from './core-frame.js';
import { strictReader } from './strict-reader.js';

/** What a message from a client holds, or why it ends the stream. */
export type DecodedMessage =
  | { readonly kind: 'frames'; readonly frames: readonly ClientFrame[] }
  | { readonly kind: 'refused'; readonly failure: Failure };

/** The field of `SessionRequest` that holds the frames. */
const FRAMES_FIELD = 1;
const MAX_FRAME_ID = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Decodes a `SessionRequest`: all of it, or nothing. Frames are decoded one by one, so that a message of too many is
 * refused before they are all in memory, and so that each can be seen to be as long as it said it was: generated
 * decoders stop early at a zero tag and read on past the end of a frame that is too short.
 */
export function decodeMessage(message: Uint8Array, maxFrames: number): DecodedMessage {
  let wires: readonly WireFrame[] | undefined;
  try {
    wires = decodeWireFrames(message, maxFrames);
  } catch (error) {
    return refused({
      reason: 'MESSAGE_UNDECODABLE',
      message: `A message could not be decoded: ${undecodable(error)}. Send protobuf of SessionRequest with text in UTF-8.`,
    });
  }
  if (wires === undefined) {
    return refused({
      reason: 'TOO_MANY_FRAMES',
      message: `A message carried more than ${maxFrames} frames; split it.`,
      field: 'frames',
      value: `more than ${maxFrames}`,
      limit: `at most ${maxFrames}`,
    });
  }
  const frames: ClientFrame[] = [];
  for (const wire of wires) {
    if (wire.id > MAX_FRAME_ID) return refused(frameIdTooGreat(wire.id));
    const frame = coreFrame(wire, Number(wire.id));
    // What is wrong with an Open ends the stream: there is no session yet that could go on.
    if (frame.kind === 'invalid' && wire.kind?.$case === 'open') return refused(frame.failure);
    frames.push(frame);
  }
  return { kind: 'frames', frames };
}

/** The frames of a message, or `undefined` when there are more than allowed. Throws on bytes that are no message. */
function decodeWireFrames(message: Uint8Array, maxFrames: number): readonly WireFrame[] | undefined {
  const reader = strictReader(message);
  const frames: WireFrame[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field !== FRAMES_FIELD || wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, field);
      continue;
    }
    const length = reader.uint32();
    const end = reader.pos + length;
    if (end > reader.len) throw new RangeError('a frame is cut off');
    if (frames.length === maxFrames) return undefined;
    frames.push(WireFrame.decode(reader, length));
    if (reader.pos !== end) throw new RangeError('a frame is not as long as it says');
  }
  return frames;
}

function undecodable(error: unknown): string {
  return error instanceof TypeError ? 'text is not valid UTF-8' : 'it is not valid protobuf';
}

function frameIdTooGreat(id: bigint): Failure {
  return {
    reason: 'FRAME_ID_NOT_RISING',
    message: `A frame has the id ${id}; ids rise from 1 to ${MAX_FRAME_ID}.`,
    field: 'frame.id',
    value: String(id),
    limit: `1 to ${MAX_FRAME_ID}`,
  };
}

function refused(failure: Failure): DecodedMessage {
  return { kind: 'refused', failure };
}
