export { createRpcServer, type RpcServer, type RpcServerOptions } from './grpc-server.js';
export { type ListenAddress, ListenError } from './listener.js';
export { type ReportDefect, type RpcSettings, rpcDefaults } from './rpc-settings.js';
