import { crc32 } from 'node:zlib';
import type { Hash, LeaseId, SessionId } from '../../core/names.js';
import type { DurableResource, LeaseRecord } from './commit-log.js';

const U32_BYTES = 4;
const U64_BYTES = 8;
/** u64 token, f64 grantedAtWallMs, f64 ttlMs, f64 coverMs, four u16 lengths. */
const FIXED_BYTES = 4 * U64_BYTES + 4 * 2;

/** A stored value is not what this codec wrote. LMDB itself has no checksums. */
export class DamagedValueError extends Error {
  override readonly name = 'DamagedValueError';
}

/** The holder, then the planned leases, then a CRC-32 of all of it. */
export function encodeResource({ holder, planned }: DurableResource): Buffer {
  const records = [holder, ...planned].map((record) => ({ record, texts: textsOf(record) }));
  const length = records.reduce((sum, { texts }) => sum + FIXED_BYTES + bytesOf(texts), U32_BYTES);
  const buffer = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { record, texts } of records) at = writeRecord(buffer, at, record, texts);
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

function textsOf({ hash, leaseId, sessionId, clientName }: LeaseRecord): readonly Buffer[] {
  return [hash, leaseId, sessionId, clientName].map((text) => Buffer.from(text));
}

function bytesOf(texts: readonly Buffer[]): number {
  return texts.reduce((sum, { length }) => sum + length, 0);
}

function writeRecord(buffer: Buffer, start: number, record: LeaseRecord, texts: readonly Buffer[]): number {
  let at = buffer.writeBigUInt64BE(record.token, start);
  at = buffer.writeDoubleBE(record.grantedAtWallMs, at);
  at = buffer.writeDoubleBE(record.ttlMs, at);
  at = buffer.writeDoubleBE(record.coverMs, at);
  for (const text of texts) {
    at = buffer.writeUInt16BE(text.length, at);
    at += text.copy(buffer, at);
  }
  return at;
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
