import {
  type LeaseInfo,
  LeaseInfo_SessionState,
  type ListLeasesRequest,
  type ListLeasesResponse,
} from '@holdfast/protocol';
import type { Failure } from '../core/failure.js';
import type { LeaseQuery, ListedLease, ServerCoreApi } from '../core/session-api.js';
import type { Answer } from './admin-call.js';
import { pageToken, parsePageToken } from './page-token.js';
import { uint32 } from './uint32.js';

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;

const SESSION_STATES: Readonly<Record<ListedLease['sessionState'], LeaseInfo_SessionState>> = {
  attached: LeaseInfo_SessionState.SESSION_STATE_ATTACHED,
  detached: LeaseInfo_SessionState.SESSION_STATE_DETACHED,
  unclaimed: LeaseInfo_SessionState.SESSION_STATE_UNCLAIMED,
};

type Page = Answer<ListLeasesResponse>;

/** Answers `ListLeases`. */
export function listLeases(core: Pick<ServerCoreApi, 'listLeases'>, request: ListLeasesRequest): Page {
  const { namespace, namePrefix, pageSize } = request;
  if (pageSize > MAX_PAGE_SIZE) {
    return { failure: fieldInvalid('page_size', String(pageSize), `1 to ${MAX_PAGE_SIZE}, or 0 for the default`) };
  }
  const after = request.pageToken === '' ? undefined : parsePageToken(request.pageToken);
  if (after === undefined && request.pageToken !== '') {
    const limit = 'the next_page_token of an earlier answer, or nothing';
    return { failure: fieldInvalid('page_token', 'not a page token', limit) };
  }
  const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
  // One more than asked for tells whether there is another page.
  const query: LeaseQuery = { namespace, namePrefix, after, limit: size + 1 };
  const found = core.listLeases(query);
  const page = found.slice(0, size);
  const last = page.at(-1);
  const nextPageToken = found.length > size && last !== undefined ? pageToken(last) : '';
  return { response: { leases: page.map(leaseInfo), nextPageToken } };
}

function leaseInfo(lease: ListedLease): LeaseInfo {
  const grantedAtMs = Math.floor(lease.grantedAtWallMs);
  const seconds = Math.floor(grantedAtMs / 1_000);
  return {
    namespace: lease.namespace,
    name: lease.name,
    leaseId: lease.leaseId,
    token: lease.token,
    clientName: lease.clientName,
    sessionId: lease.sessionId,
    sessionState: SESSION_STATES[lease.sessionState],
    grantedAt: { seconds: BigInt(seconds), nanos: (grantedAtMs - seconds * 1_000) * 1_000_000 },
    ttlMs: uint32(lease.ttlMs),
    remainingMs: uint32(lease.remainingMs),
    waiters: uint32(lease.waiters),
  };
}

function fieldInvalid(field: string, value: string, limit: string): Failure {
  return { reason: 'FIELD_INVALID', message: `${field} is ${value}; allowed: ${limit}.`, field, value, limit };
}
