import {
  type ForgetResourceRequest,
  type ListNodesResponse,
  type NodeInfo,
  NodeInfo_State,
  type ResetNodeRequest,
} from '@holdfast/protocol';
import { printable } from '../core/failure.js';
import { resourceKey } from '../core/names.js';
import type { NodeReport, NodesOutcome, StoreNodes } from '../core/ports.js';
import { checkName, MAX_LABEL_BYTES } from '../core/request-check.js';
import { DEFAULT_NAMESPACE } from '../core/sessions.js';
import type { Answer } from './admin-call.js';
import { uint32 } from './uint32.js';

const STATES: Readonly<Record<NodeReport['state'], NodeInfo_State>> = {
  connecting: NodeInfo_State.STATE_CONNECTING,
  admitted: NodeInfo_State.STATE_ADMITTED,
  quarantined: NodeInfo_State.STATE_QUARANTINED,
  unavailable: NodeInfo_State.STATE_UNAVAILABLE,
};

/** What an order that was carried out is answered with. */
interface Done {
  readonly message: string;
}

/** What operators ask and order of a store's nodes; a store may have none. */
export class NodeAdministration {
  constructor(
    private readonly nodes: StoreNodes | undefined,
    private readonly maxNameBytes: number,
  ) {}

  list(): Answer<ListNodesResponse> {
    const { nodes } = this;
    if (nodes === undefined) return NO_NODES;
    return { response: { nodes: nodes.report().map(nodeInfo), quorum: nodes.quorum } };
  }

  async init(): Promise<Answer<Done>> {
    return this.nodes === undefined ? NO_NODES : answerTo(await this.nodes.declareNew());
  }

  async reset({ nodeId }: ResetNodeRequest): Promise<Answer<Done>> {
    if (this.nodes === undefined) return NO_NODES;
    const known = this.nodes.report().map(({ id }) => id);
    if (!known.includes(nodeId)) {
      const [field, value, limit] = ['node_id', printable(nodeId), known.join(', ')];
      const message = `${field} is ${value}; the nodes are ${limit}`;
      return { failure: { reason: 'FIELD_INVALID', message, field, value, limit } };
    }
    return answerTo(await this.nodes.reset(nodeId));
  }

  async forget(request: ForgetResourceRequest): Promise<Answer<Done>> {
    if (this.nodes === undefined) return NO_NODES;
    const { name, namespace: given, always } = request;
    const namespace = given === '' ? DEFAULT_NAMESPACE : given;
    const failure = checkName('namespace', namespace, MAX_LABEL_BYTES) ?? checkName('name', name, this.maxNameBytes);
    if (failure !== undefined) return { failure };
    return answerTo(await this.nodes.forget(resourceKey(namespace, name), always));
  }
}

const NO_NODES = {
  failure: {
    reason: 'STORE_WITHOUT_NODES',
    message: 'The store of this server has no nodes; only a server with --store redlock has.',
  },
} as const;

function answerTo(outcome: NodesOutcome): Answer<Done> {
  const { kind, message } = outcome;
  return kind === 'done' ? { response: { message } } : { failure: { reason: 'ORDER_REFUSED', message } };
}

function nodeInfo(report: NodeReport): NodeInfo {
  const { id, address, state, detail, quarantineLeftMs, version, clockOffsetMs, roundTripMs } = report;
  return {
    nodeId: id,
    address,
    state: STATES[state],
    detail,
    quarantineLeftMs: quarantineLeftMs === undefined ? undefined : uint32(Math.ceil(quarantineLeftMs)),
    version,
    clockOffsetMs,
    roundTripMs,
  };
}
