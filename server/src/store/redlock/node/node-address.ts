import type { ConnectionOptions } from 'node:tls';

/** Where a node is, and who calls. */
export interface NodeAddress {
  readonly endpoint:
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly encrypted: boolean }
    | { readonly kind: 'unix'; readonly path: string };
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** For people: without user name and password. */
  readonly shown: string;
}

/** Certificates for `rediss://`, as PEM. What is not given comes from the system, or is not shown to the node. */
export type NodeTls = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'>;
