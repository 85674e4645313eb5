import { isUtf8 } from 'node:buffer';

/** Where a page of a listing ended. */
export interface PagePosition {
  readonly namespace: string;
  readonly name: string;
}

/** Between namespace and name; neither can contain it. */
const SEPARATOR = '\u0000';

/** A position as clients carry it: opaque to them. */
export function pageToken({ namespace, name }: PagePosition): string {
  return Buffer.from(`${namespace}${SEPARATOR}${name}`).toString('base64url');
}

/** The position a token stands for; `undefined` for any text that `pageToken` did not make. */
export function parsePageToken(token: string): PagePosition | undefined {
  const bytes = Buffer.from(token, 'base64url');
  if (!isUtf8(bytes) || bytes.toString('base64url') !== token) return undefined;
  const [namespace, name, ...rest] = bytes.toString('utf8').split(SEPARATOR);
  if (namespace === undefined || name === undefined || rest.length > 0) return undefined;
  return { namespace, name };
}
