/** The Holdfast protocol as TypeScript: messages with their codecs, and the gRPC service definitions and clients. */
export * from './gen/google/rpc/error_details.js';
export * from './gen/google/rpc/status.js';
export * from './gen/holdfast/v1/admin_service.js';
export * from './gen/holdfast/v1/client_frame.js';
export * from './gen/holdfast/v1/error_reason.js';
export * from './gen/holdfast/v1/lease_service.js';
export * from './gen/holdfast/v1/server_frame.js';
