import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { ServerFrame as WireServerFrame } from '@holdfast/protocol';
import type { ServerFrame } from '../core/frames.js';
import { wireFrame } from './wire-frame.js';

/** Field 1 of `SessionResponse`, length-delimited. */
const FRAMES_TAG = (1 << 3) | 2;

/** Frames as one encoded `SessionResponse`. Frame by frame, without the array of wire frames in between. */
export function encodeMessage(frames: readonly ServerFrame[]): Buffer {
  const writer = new BinaryWriter();
  for (const frame of frames) {
    WireServerFrame.encode(wireFrame(frame), writer.uint32(FRAMES_TAG).fork()).join();
  }
  const bytes = writer.finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
