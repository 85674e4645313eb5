import type { NodeFault } from '../coordinator/redis-node.js';

/** By the first word of an error of Redis. */
const BY_CODE: Readonly<Record<string, NodeFault>> = {
  WRONGPASS: { kind: 'refused_password', message: 'refused the password' },
  NOAUTH: { kind: 'refused_password', message: 'wants a password, and none is configured' },
  NOPERM: { kind: 'no_permission', message: 'does not let this user do what it must' },
  READONLY: { kind: 'read_only', message: 'is a replica' },
  MASTERDOWN: { kind: 'read_only', message: 'is a replica without its primary' },
  LOADING: { kind: 'loading', message: 'is still loading its data' },
  MISCONF: { kind: 'cannot_persist', message: 'takes no writes because it cannot save them to its disk' },
  NOREPLICAS: { kind: 'cannot_persist', message: 'takes no writes because it has fewer replicas than it must' },
  NOSCRIPT: { kind: 'unverified', message: 'has lost its scripts' },
  BUSY: { kind: 'overloaded', message: 'is busy with a script of somebody else' },
};

/** By the codes of Node's sockets. */
const BY_SOCKET: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'reset the connection',
  EPIPE: 'reset the connection',
  ETIMEDOUT: 'cannot be reached',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ENOTFOUND: 'has a host name that nobody knows',
  EAI_AGAIN: 'has a host name that cannot be looked up',
  ENOENT: 'has no such socket',
  EACCES: 'has a socket that this user may not open',
};

export const CLOSED: NodeFault = { kind: 'unreachable', message: 'closed the connection' };

/** Told in answer to the first command, and the connection is closed. */
export const FULL: NodeFault = { kind: 'overloaded', message: 'has too many clients' };

/** What an error of Redis, of the socket or of TLS means, in words without any argument of a command. */
export function nodeFault(error: unknown): NodeFault {
  if (!(error instanceof Error)) return { kind: 'error', message: 'failed' };
  const { message } = error;
  const socketCode = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const bySocket = BY_SOCKET[socketCode];
  if (bySocket !== undefined) return { kind: 'unreachable', message: bySocket };
  if (socketCode !== '') return { kind: 'unreachable', message: `could not be connected to: ${message}` };
  if (message === 'Connection is closed.' || message.startsWith("Stream isn't writeable")) return CLOSED;
  const byCode = BY_CODE[/^-?([A-Z]+)\b/.exec(message)?.[1] ?? ''];
  if (byCode !== undefined) return byCode.kind === 'no_permission' ? noPermission(message) : byCode;
  if (message.includes('user executing the script')) return noPermission(message);
  if (message.includes('max number of clients')) return FULL;
  if (message.includes('without any password configured')) {
    return { kind: 'refused_password', message: 'has no password, and one is configured' };
  }
  return { kind: 'error', message: `answered: ${firstSentence(message)}` };
}

/** Redis says which command, channel or key it is about. */
function noPermission(message: string): NodeFault {
  return { kind: 'no_permission', message: `does not let this user do what it must: ${firstSentence(message)}` };
}

const SHOWN_CHARACTERS = 200;

/** Without the place in the script, which says nothing to people. */
function firstSentence(message: string): string {
  return message.replace(/,? script: [0-9a-f]{40}.*$/s, '').slice(0, SHOWN_CHARACTERS);
}
