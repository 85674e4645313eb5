import type { Clock, Random } from './ports.js';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits. In canonical text form. */
export function uuidV7(clock: Clock, random: Random): string {
  const ms = Math.floor(clock.wallMs());
  const bytes = random.bytes(10);
  const time = ms.toString(16).padStart(12, '0');
  const at = (index: number): number => bytes[index] ?? 0;
  const hex = (index: number): string => HEX[at(index)] ?? '00';
  const version = HEX[0x70 | (at(0) & 0x0f)] ?? '70';
  const variant = HEX[0x80 | (at(2) & 0x3f)] ?? '80';
  return `${time.slice(0, 8)}-${time.slice(8)}-${version}${hex(1)}-${variant}${hex(3)}-${hex(4)}${hex(5)}${hex(6)}${hex(7)}${hex(8)}${hex(9)}`;
}

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function isUuidV7(text: string): boolean {
  return UUID_V7.test(text);
}
