import type { Random } from './ports.js';

/** A UUID of version 7 in its canonical text form: 48 bits of wall clock, the rest random. */
export function newSessionId(random: Random, wallMs: number): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes.writeUIntBE(Math.floor(wallMs), 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
