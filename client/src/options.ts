import { inspect } from 'node:util';
import { InvalidArgumentError } from './errors.js';

/** A bound of the protocol: a day. */
export const MAX_WAIT_MS = 86_400_000;
/** Names are at most this long where a server does not say otherwise. */
export const MAX_NAME_BYTES = 256;

/** Control characters, and halves of surrogate pairs: the wire would turn two such names into one. */
const FORBIDDEN = /[\p{Cc}\p{Cs}]/u;
const MAX_SHOWN = 64;

/**
 * Checks a name or fails with an error that says which field, its value and what is allowed. `what` is for people, where
 * the field could be another.
 */
export function checkName(field: string, value: unknown, maxBytes = MAX_NAME_BYTES, what = field): string {
  if (typeof value !== 'string') throw invalid(field, value, `a string of 1 to ${maxBytes} bytes`, what);
  const bytes = Buffer.byteLength(value);
  if (bytes === 0 || bytes > maxBytes)
    throw invalid(field, value, `1 to ${maxBytes} bytes long; it has ${bytes}`, what);
  if (FORBIDDEN.test(value)) throw invalid(field, value, 'well-formed text without control characters', what);
  return value;
}

/** Checks a number of milliseconds, or any other integer with bounds. */
export function checkInteger(field: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(field, value, `an integer from ${min} to ${max}`);
}

export function checkBoolean(field: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw invalid(field, value, 'true or false');
}

export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value;
  throw invalid('signal', value, 'an AbortSignal');
}

/** The error for a value that is not allowed: it names the field, the value and what would be. */
export function invalid(field: string, value: unknown, limit: string, what = field): InvalidArgumentError {
  const shown = show(value);
  return new InvalidArgumentError(`${what} is ${shown}; it must be ${limit}`, {
    reason: 'FIELD_INVALID',
    field,
    value: shown,
    limit,
  });
}

/** A value as it stands in messages. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shortened(value));
  try {
    return shortened(inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY }));
  } catch {
    // Objects may throw when they are looked at.
    return typeof value;
  }
}

function shortened(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 3)}...` : text;
}
