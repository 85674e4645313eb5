import type { Clock, Random } from './ports.js';

/** A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits. In canonical text form. */
export function uuidV7(clock: Clock, random: Random): string {
  const time = Math.floor(clock.wallMs()).toString(16).padStart(12, '0');
  const bytes = random.bytes(10);
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  const variant = VARIANT[(bytes[2] ?? 0) & 0x03];
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(1, 4)}-${variant}${hex.slice(5, 8)}-${hex.slice(8)}`;
}

/** The two variant bits `10`, and two of the random ones. */
const VARIANT = ['8', '9', 'a', 'b'] as const;

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function isUuidV7(text: string): boolean {
  return UUID_V7.test(text);
}
