import { credentials } from '@grpc/grpc-js';
import { AdminServiceClient } from '@holdfast/protocol';

/** Declares the nodes behind a server a new cluster, as `holdfast admin init` does: nothing has to be waited out then. */
export async function declareNewCluster(target: string): Promise<void> {
  const admin = new AdminServiceClient(target, credentials.createInsecure());
  try {
    await new Promise<void>((resolve, reject) => {
      admin.initCluster({}, (error) => (error === null ? resolve() : reject(error)));
    });
  } finally {
    admin.close();
  }
}
