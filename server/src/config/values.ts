import { isIP } from 'node:net';
import { z } from 'zod';

/** A kind of setting: how its text is read, and what is allowed. */
export interface ValueKind<T> {
  /** What stands for the value in help: `<duration>`; in square brackets where a flag without a value means `true`. */
  readonly placeholder: string;
  /** What is allowed, as a phrase: "100ms to 10m". */
  readonly bound: string;
  /** From text to value; an issue's message says what is wrong with the text. */
  readonly schema: z.ZodType<T, string>;
  /** The text as it may be printed, where not all of it may. */
  readonly shown?: (text: string) => string;
}

/** What reading a text came to: its value, or what is wrong, to be read after it. */
export type Reading<T> = { readonly value: T } | { readonly problem: string };

/** Where to listen. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Whole milliseconds of a text such as `500ms`, `30s`, `1m` or `1.5h`; `undefined` for anything else. */
export function durationMs(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit ?? ''];
  if (digits === undefined || unitMs === undefined) return undefined;
  const ms = Number(digits) * unitMs;
  // 1.001 * 1000 is not 1001 in binary, 1.5 ms is no whole number: tell them apart.
  return Math.abs(ms - Math.round(ms)) < 1e-3 ? Math.round(ms) : undefined;
}

/** The shortest exact text for a duration. */
export function durationText(ms: number): string {
  const unit = ['h', 'm', 's'].find((each) => ms > 0 && ms % (UNIT_MS[each] ?? 1) === 0) ?? 'ms';
  return `${ms / (UNIT_MS[unit] ?? 1)}${unit}`;
}

/** A kind of setting from what reads its text, freed of the spaces around it. */
export function kindOf<T>(placeholder: string, bound: string, read: (text: string) => Reading<T>): ValueKind<T> {
  const schema = z.string().transform((text, context) => {
    const outcome = read(text.trim());
    if ('value' in outcome) return outcome.value;
    context.addIssue({ code: 'custom', message: outcome.problem });
    return z.NEVER;
  });
  return { placeholder, bound, schema };
}

/** A duration with its unit, within bounds given as milliseconds; the value is in milliseconds. */
export function duration(minMs: number, maxMs: number): ValueKind<number> {
  return kindOf('<duration>', `${durationText(minMs)} to ${durationText(maxMs)}`, (text) => {
    const ms = durationMs(text);
    if (ms === undefined) {
      const problem = /^[\d.]+$/.test(text) ? 'has no unit' : 'is not a duration';
      return { problem: `${problem}; write it like 500ms, 30s or 1m` };
    }
    return ms < minMs || ms > maxMs ? { problem: 'is out of bounds' } : { value: ms };
  });
}

export function wholeNumber(min: number, max: number): ValueKind<number> {
  return kindOf('<number>', `${min} to ${max}`, (text) => {
    if (!/^\d{1,15}$/.test(text)) return { problem: 'is not a whole number' };
    const value = Number(text);
    return value < min || value > max ? { problem: 'is out of bounds' } : { value };
  });
}

/** A percentage such as `1%`; the value is the share, 0.01. Bounds in percent. */
export function percentage(min: number, max: number): ValueKind<number> {
  return kindOf('<percent>', `${min}% to ${max}%`, (text) => {
    const [, digits] = /^(\d{1,3}(?:\.\d{1,4})?)%$/.exec(text) ?? [];
    if (digits === undefined) return { problem: 'is not a percentage; write it like 1%' };
    const percent = Number(digits);
    return percent < min || percent > max ? { problem: 'is out of bounds' } : { value: percent / 100 };
  });
}

export function oneOf<const T extends string>(choices: readonly T[]): ValueKind<T> {
  return kindOf('<choice>', choices.join(', '), (text) => {
    const value = choices.find((choice) => choice === text);
    return value === undefined ? { problem: 'is not one of the choices' } : { value };
  });
}

/** `true`, `false`, `1` or `0`; a flag without a value is on. */
export function onOff(): ValueKind<boolean> {
  return kindOf('[boolean]', 'true or false', (text) => {
    if (text === 'true' || text === '1') return { value: true };
    return text === 'false' || text === '0' ? { value: false } : { problem: 'is neither true nor false' };
  });
}

export function directory(): ValueKind<string> {
  return kindOf('<directory>', 'a path', (text) =>
    text === '' || text.includes('\u0000') ? { problem: 'is not a path' } : { value: text },
  );
}

/** The path of a file, or `none`, which gives `undefined`. Whether it can be read is seen at the start. */
export function fileOrNone(): ValueKind<string | undefined> {
  return kindOf('<file>', 'a path or none', (text) => {
    if (text === 'none') return { value: undefined };
    return text === '' || text.includes('\u0000') ? { problem: 'is not a path' } : { value: text };
  });
}

/** The kernel's limit on the path of a Unix socket, without the closing zero byte. */
const MAX_SOCKET_PATH_BYTES = 107;

function readAddress(text: string): Reading<ListenAddress> {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (path === '' || path.includes('\u0000')) return { problem: 'names no socket path' };
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
      return { problem: `has a socket path of more than ${MAX_SOCKET_PATH_BYTES} bytes` };
    }
    return { value: { kind: 'unix', path } };
  }
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || digits === undefined) {
    return { problem: 'is not an address; write it like 127.0.0.1:7420 or [::1]:7420' };
  }
  if (bracketed !== undefined && isIP(bracketed) !== 6) return { problem: 'has no IPv6 address in its brackets' };
  const port = Number(digits);
  return port > 65_535 ? { problem: 'has a port above 65535' } : { value: { kind: 'tcp', host, port } };
}

/** `host:port` or `unix:path`; port 0 takes any free one. */
export function listenAddress(): ValueKind<ListenAddress> {
  return kindOf('<address>', 'host:port or unix:path; port 0 takes a free one', readAddress);
}

/** `host:port`, or `off`, which gives `undefined`. */
export function tcpAddressOrOff(): ValueKind<Extract<ListenAddress, { kind: 'tcp' }> | undefined> {
  return kindOf('<address>', 'host:port or off; port 0 takes a free one', (text) => {
    if (text === 'off') return { value: undefined };
    const outcome = readAddress(text);
    if ('problem' in outcome) return outcome;
    return outcome.value.kind === 'tcp'
      ? { value: outcome.value }
      : { problem: 'is a Unix socket; metrics need a port' };
  });
}

/** True where nobody on another machine can connect. */
export function isLoopback(address: ListenAddress): boolean {
  if (address.kind === 'unix') return true;
  const { host } = address;
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

export function addressText(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
