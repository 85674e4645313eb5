import type {
  BatchReply,
  BatchVerb,
  ErrandReply,
  NodeBatch,
  NodeErrand,
} from '../../../server/src/store/redlock/coordinator/redis-node.js';

/** One thing that happens to a node. The same to the model and to a real Redis. */
export type Step =
  | { readonly kind: 'batch'; readonly server: number; readonly batch: NodeBatch; readonly outOfMemory: boolean }
  | { readonly kind: 'errand'; readonly server: number; readonly errand: NodeErrand }
  /** The node's clock moves, in microseconds; back as well. What is about to expire is gone. */
  | { readonly kind: 'time'; readonly byUs: number }
  /** A foreign client writes a key: a text, or a list where scripts expect a text. */
  | { readonly kind: 'plant'; readonly key: string; readonly what: Planted; readonly expiryMs: number | undefined }
  /** A key is evicted. By its name in the model. */
  | { readonly kind: 'vanish'; readonly key: string }
  | { readonly kind: 'flush' }
  /** The process ends and begins anew; every connection is verified again. */
  | { readonly kind: 'restart'; readonly memory: 'empty' | 'kept' }
  /** As after a promotion: another identity, of which connections learn when they are verified again. */
  | { readonly kind: 'new history' }
  | { readonly kind: 'verified'; readonly server: number }
  | { readonly kind: 'script flush'; readonly server: number };

export type Planted = { readonly kind: 'list' } | { readonly kind: 'text'; readonly text: string };

/** What came of a step; `undefined` where nothing answers. */
export type Answer = BatchReply<BatchVerb> | ErrandReply | undefined;

/** What a node keeps under one key: its text, or that it is none; -1: for ever. */
export interface KeptKey {
  readonly value: string;
  readonly leftMs: number;
}

/** Everything a node keeps, by the names that a real Redis has for it. */
export type Keys = ReadonlyMap<string, KeptKey>;

/** Stands for the value of a key of another type. */
export const NO_TEXT = '(not a text)';

/** What holds for a whole sequence. */
export interface Scene {
  /** Other libraries' clients use the same keys. */
  readonly sharedKeys: boolean;
  /** The third server belongs to another configuration. */
  readonly stranger: boolean;
}

export const SERVERS = ['server-1', 'server-2', 'server-3'] as const;
export const CLUSTER_ID = 'main';
/** Keys with less left than this are let expire with the next step of the clock, so that a slow machine changes nothing. */
export const EXPIRING_MS = 60;
