import { credentials } from '@grpc/grpc-js';
import { AdminServiceClient } from '@holdfast/protocol';

/** A page of leases with the longest names. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** A client of the admin service; close it. */
export function adminClient(target: string): AdminServiceClient {
  return new AdminServiceClient(target, credentials.createInsecure(), {
    'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
    'grpc.service_config_disable_resolution': 1,
  });
}
