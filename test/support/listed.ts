import { credentials } from '@grpc/grpc-js';
import { AdminServiceClient, type LeaseInfo, type ListLeasesResponse } from '@holdfast/protocol';

/** The leases a server knows, by its own account. */
export async function listed(address: string): Promise<readonly LeaseInfo[]> {
  const admin = new AdminServiceClient(address, credentials.createInsecure());
  try {
    const answer = await new Promise<ListLeasesResponse>((resolve, reject) => {
      const request = { namespace: '', namePrefix: '', pageSize: 1_000, pageToken: '' };
      admin.listLeases(request, (error, response) => (error === null ? resolve(response) : reject(error)));
    });
    return answer.leases;
  } finally {
    admin.close();
  }
}
