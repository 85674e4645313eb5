import type { handleUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import {
  AdminServiceService,
  ForgetResourceRequest,
  type ForgetResourceResponse,
  InitClusterRequest,
  type InitClusterResponse,
  ListLeasesRequest,
  type ListLeasesResponse,
  ListNodesRequest,
  type ListNodesResponse,
  ResetNodeRequest,
  type ResetNodeResponse,
} from '@holdfast/protocol';
import type { StoreNodes } from '../core/ports.js';
import type { ServerCoreApi } from '../core/session-api.js';
import { unaryCall, undecoded } from './admin-call.js';
import { listLeases } from './lease-listing.js';
import { NodeAdministration } from './node-administration.js';
import type { ReportDefect } from './rpc-settings.js';

/** The service with its requests undecoded. */
export const ADMIN_SERVICE = {
  listLeases: undecoded(AdminServiceService.listLeases),
  listNodes: undecoded(AdminServiceService.listNodes),
  initCluster: undecoded(AdminServiceService.initCluster),
  resetNode: undecoded(AdminServiceService.resetNode),
  forgetResource: undecoded(AdminServiceService.forgetResource),
} as const satisfies ServiceDefinition;

/** A type, since an interface has no index signature and grpc-js wants one. */
type AdminCalls = {
  readonly listLeases: handleUnaryCall<Buffer, ListLeasesResponse>;
  readonly listNodes: handleUnaryCall<Buffer, ListNodesResponse>;
  readonly initCluster: handleUnaryCall<Buffer, InitClusterResponse>;
  readonly resetNode: handleUnaryCall<Buffer, ResetNodeResponse>;
  readonly forgetResource: handleUnaryCall<Buffer, ForgetResourceResponse>;
};

/** Serves `AdminService`; `nodes` are those of the store, where it has any. */
export function adminService(
  core: Pick<ServerCoreApi, 'listLeases' | 'settings'>,
  nodes: StoreNodes | undefined,
  reportDefect: ReportDefect,
): AdminCalls {
  const administration = new NodeAdministration(nodes, core.settings.limits.maxNameBytes);
  return {
    listLeases: unaryCall('ListLeases', ListLeasesRequest, reportDefect, (request) => listLeases(core, request)),
    listNodes: unaryCall('ListNodes', ListNodesRequest, reportDefect, () => administration.list()),
    initCluster: unaryCall('InitCluster', InitClusterRequest, reportDefect, () => administration.init()),
    resetNode: unaryCall('ResetNode', ResetNodeRequest, reportDefect, (request) => administration.reset(request)),
    forgetResource: unaryCall('ForgetResource', ForgetResourceRequest, reportDefect, (request) =>
      administration.forget(request),
    ),
  };
}
