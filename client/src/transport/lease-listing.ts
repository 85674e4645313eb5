import { Metadata } from '@grpc/grpc-js';
import {
  type AdminServiceClient,
  type LeaseInfo,
  LeaseInfo_SessionState,
  type ListLeasesRequest,
  type ListLeasesResponse,
} from '@holdfast/protocol';
import { errorFromEnd } from '../session/failures.js';
import { adminClient } from './admin-client.js';
import { endOf } from './stream-end.js';

/** Which leases to list. */
export interface LeaseListQuery {
  /** Empty for all. */
  readonly namespace: string;
  /** Empty for all. */
  readonly prefix: string;
}

/** One lease as a server sees it. */
export interface ListedLease {
  readonly namespace: string;
  readonly name: string;
  readonly leaseId: string;
  readonly token: bigint;
  readonly clientName: string;
  readonly sessionId: string;
  /** `detached`: its session has no stream; `unclaimed`: nobody resumed it since the server's start. */
  readonly sessionState: 'attached' | 'detached' | 'unclaimed';
  /** When it was granted, by the server's wall clock, in milliseconds since 1970. */
  readonly grantedAtWallMs: number;
  readonly ttlMs: number;
  readonly remainingMs: number;
  /** How many wait for it. */
  readonly waiters: number;
}

const SESSION_STATES: ReadonlyMap<LeaseInfo_SessionState, ListedLease['sessionState']> = new Map([
  [LeaseInfo_SessionState.SESSION_STATE_ATTACHED, 'attached'],
  [LeaseInfo_SessionState.SESSION_STATE_DETACHED, 'detached'],
  [LeaseInfo_SessionState.SESSION_STATE_UNCLAIMED, 'unclaimed'],
]);
const PAGE_SIZE = 1_000;
const MS_PER_S = 1_000;
const NS_PER_MS = 1_000_000;

/**
 * Lists a server's leases, page by page. `pageDeadline` says, by the wall clock, until when the next page must be there;
 * the connection must be there with the first.
 *
 * @throws HoldfastError; an `UnavailableError` when nobody answers in time.
 */
export async function* listLeases(
  target: string,
  { namespace, prefix: namePrefix }: LeaseListQuery,
  pageDeadline: () => number,
): AsyncGenerator<readonly ListedLease[], void, undefined> {
  const client = adminClient(target);
  try {
    let pageToken = '';
    do {
      const request = { namespace, namePrefix, pageSize: PAGE_SIZE, pageToken };
      const page = await onePage(client, target, request, pageDeadline());
      yield page.leases.map(listed);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  } finally {
    client.close();
  }
}

function onePage(
  client: AdminServiceClient,
  target: string,
  request: ListLeasesRequest,
  deadline: number,
): Promise<ListLeasesResponse> {
  return new Promise((resolve, reject) => {
    client.listLeases(request, new Metadata(), { deadline }, (error, page) => {
      if (error === null) resolve(page);
      else reject(errorFromEnd(endOf(target, error, false)));
    });
  });
}

function listed({ grantedAt, sessionState, ...lease }: LeaseInfo): ListedLease {
  const grantedAtWallMs =
    grantedAt === undefined ? 0 : Number(grantedAt.seconds) * MS_PER_S + grantedAt.nanos / NS_PER_MS;
  return { ...lease, sessionState: SESSION_STATES.get(sessionState) ?? 'unclaimed', grantedAtWallMs };
}
