import { setTimeout as elapsed } from 'node:timers/promises';
import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import { AdminServiceClient } from '@holdfast/protocol';

/** A server listens before it has reached its nodes, and refuses meanwhile. */
const PATIENCE_MS = 15_000;
const RETRY_MS = 50;
/** The quarantine was over before, on a machine that is slow: nothing has to be declared any more. */
const VOTED = /already voted/;

/** Declares the nodes behind a server a new cluster, as `holdfast admin init` does: nothing has to be waited out then. */
export async function declareNewCluster(target: string): Promise<void> {
  const admin = new AdminServiceClient(target, credentials.createInsecure());
  const deadlineMs = performance.now() + PATIENCE_MS;
  try {
    for (;;) {
      const refused = await new Promise<ServiceError | null>((resolve) => {
        admin.initCluster({}, resolve);
      });
      if (refused === null || VOTED.test(refused.details)) return;
      const early = refused.code === status.FAILED_PRECONDITION || refused.code === status.UNAVAILABLE;
      if (!early || performance.now() > deadlineMs) throw refused;
      await elapsed(RETRY_MS);
    }
  } finally {
    admin.close();
  }
}
