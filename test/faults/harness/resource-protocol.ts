import type { WriteEvent } from '../../history/events.js';

/** A write as a client asks for it. */
export interface RequestedWrite {
  readonly resource: string;
  readonly token: string;
  /** Its client. */
  readonly writer: string;
  /** A name for this write. */
  readonly operation: string;
}

/** One line of the resource's log, which is a part of the history. */
export type Entry = WriteEvent & { readonly atUs: number; readonly operation: string };

/** What the resource's process says. */
export interface ResourceReady {
  readonly kind: 'ready';
  readonly port: number;
}
