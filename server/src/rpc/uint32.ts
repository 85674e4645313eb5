const UINT32_MAX = 2 ** 32 - 1;

/** The nearest number that a `uint32` of the wire can have, rounded down. */
export function uint32(value: number): number {
  return Math.min(Math.max(0, Math.floor(value)), UINT32_MAX);
}
