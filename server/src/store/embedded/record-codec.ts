import { crc32 } from 'node:zlib';
import type { Hash, LeaseId, SessionId } from '../../core/names.js';
import { BatchBuffer, textBytesAtMost } from './batch-buffer.js';
import type { DurableResource, LeaseRecord } from './commit-log.js';

const U16_BYTES = 2;
const U32_BYTES = 4;
const U64_BYTES = 8;
const MAX_TEXT_BYTES = 0xffff;
/** u64 token, f64 grantedAtWallMs, f64 ttlMs, f64 coverMs, four u16 lengths. */
const FIXED_BYTES = 4 * U64_BYTES + 4 * U16_BYTES;

/** A stored value is not what this codec wrote. LMDB itself has no checksums. */
export class DamagedValueError extends Error {
  override readonly name = 'DamagedValueError';
}

/** The holder, then the planned leases, then a CRC-32 of all of it. */
export function encodeResource({ holder, planned }: DurableResource, into = new BatchBuffer()): Buffer {
  let atMost = U32_BYTES + bytesAtMost(holder);
  for (const record of planned) atMost += bytesAtMost(record);
  into.reserve(atMost);
  const start = into.used;
  let at = writeRecord(into, start, holder);
  for (const record of planned) at = writeRecord(into, at, record);
  into.view.setUint32(at, crc32(into.bytes.subarray(start, at)));
  return into.take(at + U32_BYTES);
}

export function decodeResource(value: Buffer): DurableResource {
  const body = checked(value);
  const records: LeaseRecord[] = [];
  try {
    for (let at = 0; at < body.length; ) {
      const { record, end } = readRecord(body, at);
      records.push(record);
      at = end;
    }
  } catch (error) {
    // A checksum of 32 bits fits one damaged value in four thousand million.
    if (error instanceof RangeError) throw new DamagedValueError('a record ends beyond it');
    throw error;
  }
  const [holder, ...planned] = records;
  if (holder === undefined) throw new DamagedValueError('no holder');
  return { holder, planned };
}

export function encodeToken(token: bigint): Buffer {
  const buffer = Buffer.allocUnsafe(U64_BYTES + U32_BYTES);
  buffer.writeBigUInt64BE(token);
  buffer.writeUInt32BE(crc32(buffer.subarray(0, U64_BYTES)), U64_BYTES);
  return buffer;
}

export function decodeToken(value: Buffer): bigint {
  const body = checked(value);
  if (body.length !== U64_BYTES) throw new DamagedValueError(`a token of ${body.length} bytes`);
  return body.readBigUInt64BE();
}

function checked(value: Buffer): Buffer {
  if (value.length <= U32_BYTES) throw new DamagedValueError(`only ${value.length} bytes`);
  const body = value.subarray(0, -U32_BYTES);
  if (value.readUInt32BE(body.length) !== crc32(body)) throw new DamagedValueError('its checksum does not match');
  return body;
}

function bytesAtMost({ hash, leaseId, sessionId, clientName }: LeaseRecord): number {
  const ids = textBytesAtMost(hash) + textBytesAtMost(leaseId) + textBytesAtMost(sessionId);
  return FIXED_BYTES + ids + textBytesAtMost(clientName);
}

function writeRecord(into: BatchBuffer, start: number, record: LeaseRecord): number {
  const { view } = into;
  view.setBigUint64(start, record.token);
  view.setFloat64(start + U64_BYTES, record.grantedAtWallMs);
  view.setFloat64(start + 2 * U64_BYTES, record.ttlMs);
  view.setFloat64(start + 3 * U64_BYTES, record.coverMs);
  let at = writeText(into, start + 4 * U64_BYTES, record.hash);
  at = writeText(into, at, record.leaseId);
  at = writeText(into, at, record.sessionId);
  return writeText(into, at, record.clientName);
}

function writeText(into: BatchBuffer, start: number, text: string): number {
  const from = start + U16_BYTES;
  const end = into.writeText(from, text);
  if (end - from > MAX_TEXT_BYTES) throw new RangeError(`a text of ${end - from} bytes has no record`);
  into.view.setUint16(start, end - from);
  return end;
}

function readRecord(body: Buffer, start: number): { readonly record: LeaseRecord; readonly end: number } {
  let at = start + 4 * U64_BYTES;
  const text = (): string => {
    const length = body.readUInt16BE(at);
    at += 2 + length;
    return body.toString('utf8', at - length, at);
  };
  const record = {
    token: body.readBigUInt64BE(start),
    grantedAtWallMs: body.readDoubleBE(start + U64_BYTES),
    ttlMs: body.readDoubleBE(start + 2 * U64_BYTES),
    coverMs: body.readDoubleBE(start + 3 * U64_BYTES),
    hash: text() as Hash,
    leaseId: text() as LeaseId,
    sessionId: text() as SessionId,
    clientName: text(),
  };
  return { record, end: at };
}
