import { type CallOptions, Metadata, type ServiceError } from '@grpc/grpc-js';
import { type AdminServiceClient, type ListNodesResponse, type NodeInfo, NodeInfo_State } from '@holdfast/protocol';
import { errorFromEnd } from '../session/failures.js';
import { adminClient } from './admin-client.js';
import { endOf } from './stream-end.js';

/** One node of a server's store, as the server sees it. */
export interface ListedNode {
  readonly node: string;
  readonly address: string;
  readonly state: 'connecting' | 'admitted' | 'quarantined' | 'unavailable' | 'unknown';
  /** Why it is in that state; empty where it votes. */
  readonly detail: string;
  /** How long until it votes again; `undefined` where no end is known. */
  readonly quarantineLeftMs: number | undefined;
  readonly version: string;
  readonly clockOffsetMs: number | undefined;
  readonly roundTripMs: number | undefined;
}

export interface ListedNodes {
  readonly nodes: readonly ListedNode[];
  /** How many must agree to a grant. */
  readonly quorum: number;
}

/** What an operator can order. */
export type Order =
  | { readonly kind: 'init' }
  | { readonly kind: 'reset'; readonly nodeId: string }
  | { readonly kind: 'forget'; readonly name: string; readonly always: boolean };

const STATES: ReadonlyMap<NodeInfo_State, ListedNode['state']> = new Map([
  [NodeInfo_State.STATE_CONNECTING, 'connecting'],
  [NodeInfo_State.STATE_ADMITTED, 'admitted'],
  [NodeInfo_State.STATE_QUARANTINED, 'quarantined'],
  [NodeInfo_State.STATE_UNAVAILABLE, 'unavailable'],
]);

/**
 * Lists the nodes of a server's store. `deadline` is by the wall clock, in milliseconds.
 *
 * @throws HoldfastError; an `UnavailableError` when nobody answers in time.
 */
export async function listNodes(target: string, deadline: number): Promise<ListedNodes> {
  const { nodes, quorum } = await called<ListNodesResponse>(target, deadline, (client, metadata, options, done) => {
    client.listNodes({}, metadata, options, done);
  });
  return { nodes: nodes.map(listed), quorum };
}

/**
 * Gives an order; resolves to what was done, for people. Names are meant in `namespace`; empty is the server's default.
 *
 * @throws HoldfastError; one with the code `REFUSED` when the order was not carried out.
 */
export async function giveOrder(target: string, order: Order, namespace: string, deadline: number): Promise<string> {
  const { message } = await called<{ readonly message: string }>(
    target,
    deadline,
    (client, metadata, options, done) => {
      switch (order.kind) {
        case 'init':
          return client.initCluster({}, metadata, options, done);
        case 'reset':
          return client.resetNode({ nodeId: order.nodeId }, metadata, options, done);
        case 'forget': {
          const { name, always } = order;
          return client.forgetResource({ namespace, name, always }, metadata, options, done);
        }
      }
    },
  );
  return message;
}

type Done<Response> = (error: ServiceError | null, response: Response) => void;

async function called<Response>(
  target: string,
  deadline: number,
  call: (client: AdminServiceClient, metadata: Metadata, options: CallOptions, done: Done<Response>) => unknown,
): Promise<Response> {
  const client = adminClient(target);
  try {
    return await new Promise((resolve, reject) => {
      call(client, new Metadata(), { deadline }, (error, response) => {
        if (error === null) resolve(response);
        else reject(errorFromEnd(endOf(target, error, false)));
      });
    });
  } finally {
    client.close();
  }
}

function listed(info: NodeInfo): ListedNode {
  const { nodeId: node, address, detail, quarantineLeftMs, version, clockOffsetMs, roundTripMs } = info;
  const state = STATES.get(info.state) ?? 'unknown';
  return { node, address, state, detail, quarantineLeftMs, version, clockOffsetMs, roundTripMs };
}
