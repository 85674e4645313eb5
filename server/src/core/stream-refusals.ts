import type { Failure } from './failure.js';

/** The failure of everything new while the server is stopping. */
export function draining(): Failure {
  return { reason: 'DRAINING', message: 'this server is stopping; use another, or try again', retryAfterMs: 250 };
}

/** The failure of what would go beyond a bound that is reached now and may not be later. */
export function tooMany(what: string, value: number, limit: number): Failure {
  const message = `too many ${what}: ${value} where ${limit} are allowed`;
  return {
    reason: 'LIMIT_REACHED',
    message,
    field: what,
    value: String(value),
    limit: String(limit),
    retryAfterMs: 1_000,
  };
}

/** The failure of a frame that is older than one the session has already sent. */
export function notRising(id: number, last: number): Failure {
  return {
    reason: 'FRAME_ID_NOT_RISING',
    message: `frame id ${id} is not greater than ${last}, the last one of the session`,
    field: 'frame.id',
    value: String(id),
    limit: `greater than ${last}`,
  };
}

/** The failure of a resume that names a request its session cannot have made yet. */
export function notEarlier(requestId: number, resumeId: number): Failure {
  return {
    reason: 'FIELD_INVALID',
    message: `resume.entries.request_id is ${requestId}; allowed: an id used before ${resumeId}, the Resume's own`,
    field: 'resume.entries.request_id',
    value: String(requestId),
    limit: `1 to ${resumeId - 1}`,
  };
}
