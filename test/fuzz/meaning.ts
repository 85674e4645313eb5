import { type Acquire, type ClientFrame, type Open, type ResumeEntry, ResumeEntry_Claim } from '@holdfast/protocol';

/** The bounds that a server enforces, as far as the model needs them. Durations in milliseconds. */
export interface ModelLimits {
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  readonly maxNameBytes: number;
  readonly maxFramesPerMessage: number;
  readonly maxRequestsPerSession: number;
}

const SECRET_BYTES = 16;
const MAX_EARLIER_SECRETS = 7;
const MAX_LABEL_BYTES = 256;
const DAY_MS = 86_400_000n;
export const MAX_ID = 2n ** 53n - 1n;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether a frame has a value without meaning, of which the answer is `Failed`. As docs/protocol.md has it. */
export function isMeaningless({ kind }: ClientFrame): boolean {
  switch (kind?.$case) {
    case 'acquire':
      return !secretsAreRight(kind.value);
    case 'cancel':
    case 'release':
    case 'extend':
      return kind.value.requestId > MAX_ID;
    case 'heartbeat':
      return kind.value.pushSeen > MAX_ID;
    case 'heldList':
      return kind.value.heartbeatId > MAX_ID || kind.value.requestIds.some((id) => id > MAX_ID);
    case 'resume':
      return kind.value.entries.some(entryIsMeaningless);
    case 'open':
      return kind.value.sessionSecret.length !== SECRET_BYTES;
    case 'close':
    case undefined:
      return false;
  }
}

function secretsAreRight({ secret, earlierSecrets }: Acquire): boolean {
  return (
    earlierSecrets.length <= MAX_EARLIER_SECRETS &&
    [secret, ...earlierSecrets].every(({ length }) => length === SECRET_BYTES)
  );
}

function entryIsMeaningless({ acquire, claim, leaseId, requestId, tokens }: ResumeEntry): boolean {
  if (requestId > MAX_ID || acquire === undefined || !secretsAreRight(acquire)) return true;
  if (claim === ResumeEntry_Claim.CLAIM_HELD) return !UUID_V7.test(leaseId) || tokens.length !== 1;
  return claim !== ResumeEntry_Claim.CLAIM_OPEN && claim !== ResumeEntry_Claim.CLAIM_GIVEN_UP;
}

/** Whether an Acquire keeps to the bounds. */
export function isWithinBounds({ resources, ttlMs, waitMs }: Acquire, limits: ModelLimits): boolean {
  const [only] = resources;
  if (only === undefined || resources.length !== 1 || !isName(only.name, limits.maxNameBytes)) return false;
  if (waitMs < 0n || waitMs > DAY_MS) return false;
  return ttlMs === undefined || (ttlMs >= BigInt(limits.minTtlMs) && ttlMs <= BigInt(limits.maxTtlMs));
}

function isName(name: string, maxBytes: number): boolean {
  const bytes = Buffer.byteLength(name);
  return bytes >= 1 && bytes <= maxBytes && !/\p{Cc}/u.test(name);
}

/** Every reason there is to refuse an Open whatever the server knows. */
export function faultsOf(open: Open): readonly string[] {
  const faults: string[] = [];
  if (open.protocolVersion !== 1) faults.push('PROTOCOL_VERSION_UNSUPPORTED');
  const labels = open.namespace === '' ? [open.clientName] : [open.clientName, open.namespace];
  const valid = UUID_V7.test(open.sessionId) && labels.every((label) => isName(label, MAX_LABEL_BYTES));
  if (!valid) faults.push('FIELD_INVALID');
  return faults;
}
