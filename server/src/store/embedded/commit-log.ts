import type { ResourceKey } from '../../core/names.js';
import type { Grantee } from '../../core/ports.js';

/** A lease as it is written to disk. Its expiry is not: a restart gives every lease one full time to live. */
export interface LeaseRecord extends Grantee {
  readonly token: bigint;
  /** Wall-clock milliseconds, for listings only. */
  readonly grantedAtWallMs: number;
  /** The greatest time to live this lease was ever granted, adopted or extended with: what a restart has to wait out. */
  readonly coverMs: number;
}

/** What the disk knows of one resource. */
export interface DurableResource {
  readonly holder: LeaseRecord;
  /** Who may have been handed the resource since, without a commit of its own; tokens rise, all above the holder's. */
  readonly planned: readonly LeaseRecord[];
}

/** One transaction: all of it becomes durable, or nothing. */
export interface LogBatch {
  /** The greatest token assigned so far, store-wide. */
  readonly lastToken: bigint;
  /** What each changed resource is now; `undefined` when nothing is left of it. */
  readonly changes: readonly { readonly resource: ResourceKey; readonly state: DurableResource | undefined }[];
}

/** What a log holds when it is opened. */
export interface LogContents {
  readonly lastToken: bigint;
  readonly resources: readonly { readonly resource: ResourceKey; readonly state: DurableResource }[];
}

/** The durable side of the embedded store. Simulations put a log in memory here and crash it between any two steps. */
export interface CommitLog {
  /** Everything that is durable. Called once, before the first `append`. */
  contents(): LogContents;
  /** Resolves when the batch would survive a power cut. Called again only after that. A rejection is final. */
  append(batch: LogBatch): Promise<void>;
  close(): Promise<void>;
}
