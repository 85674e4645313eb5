import { crc32 } from 'node:zlib';
import type { Hash, LeaseId, SessionId } from '../../core/names.js';
import type { DurableResource, LeaseRecord } from './commit-log.js';

const U16_BYTES = 2;
const U32_BYTES = 4;
const U64_BYTES = 8;
/** u64 token, f64 grantedAtWallMs, f64 ttlMs, f64 coverMs, four u16 lengths. */
const FIXED_BYTES = 4 * U64_BYTES + 4 * U16_BYTES;

/** A stored value is not what this codec wrote. LMDB itself has no checksums. */
export class DamagedValueError extends Error {
  override readonly name = 'DamagedValueError';
}

/** The holder, then the planned leases, then a CRC-32 of all of it. */
export function encodeResource({ holder, planned }: DurableResource): Buffer {
  const length = planned.reduce((sum, record) => sum + bytesOf(record), bytesOf(holder) + U32_BYTES);
  const buffer = Buffer.allocUnsafe(length);
  let at = writeRecord(buffer, 0, holder);
  for (const record of planned) at = writeRecord(buffer, at, record);
  buffer.writeUInt32BE(crc32(buffer.subarray(0, at)), at);
  return buffer;
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

function bytesOf({ hash, leaseId, sessionId, clientName }: LeaseRecord): number {
  const idBytes = Buffer.byteLength(hash) + Buffer.byteLength(leaseId) + Buffer.byteLength(sessionId);
  return FIXED_BYTES + idBytes + Buffer.byteLength(clientName);
}

function writeRecord(buffer: Buffer, start: number, record: LeaseRecord): number {
  let at = buffer.writeBigUInt64BE(record.token, start);
  at = buffer.writeDoubleBE(record.grantedAtWallMs, at);
  at = buffer.writeDoubleBE(record.ttlMs, at);
  at = buffer.writeDoubleBE(record.coverMs, at);
  at = writeText(buffer, at, record.hash);
  at = writeText(buffer, at, record.leaseId);
  at = writeText(buffer, at, record.sessionId);
  return writeText(buffer, at, record.clientName);
}

function writeText(buffer: Buffer, start: number, text: string): number {
  const length = buffer.write(text, start + U16_BYTES);
  buffer.writeUInt16BE(length, start);
  return start + U16_BYTES + length;
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
