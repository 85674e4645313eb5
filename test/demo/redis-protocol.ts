/** A Redis process of a cluster. */
export interface RedisProcess {
  /** As the server is told it. */
  readonly id: string;
  readonly url: string;
  readonly pid: number;
}

/** What the process that keeps them is told. */
export interface RedisOrder {
  readonly kind: 'kill';
  readonly id: string;
}

/** What it says. */
export type RedisEvent =
  | { readonly kind: 'ready'; readonly nodes: readonly RedisProcess[] }
  | { readonly kind: 'killed'; readonly id: string };
