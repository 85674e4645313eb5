import {
  type Acquire,
  type ClientFrame,
  ResumedLease_Outcome,
  type ResumeEntry,
  ResumeEntry_Claim,
  type ServerFrame,
} from '@holdfast/protocol';
import type { AcquireFlaw, EntryFlaw, IdRule, SaidEntry, SaidFrame, SaidOpen } from './steps.js';

type Kind = ClientFrame['kind'];

/** A request as its client remembers it. */
interface Noted {
  readonly id: number;
  readonly name: string;
  readonly ttlMs: number | undefined;
  readonly waitMs: number;
  readonly secrets: Buffer[];
  leaseId: string;
  token: bigint;
}

const CLAIMS = {
  held: ResumeEntry_Claim.CLAIM_HELD,
  open: ResumeEntry_Claim.CLAIM_OPEN,
  given_up: ResumeEntry_Claim.CLAIM_GIVEN_UP,
};
const NO_LEASE = '01890000-0000-7000-8000-00000000ffff';
const TOO_GREAT = 2n ** 53n;

/** What a client has to remember to say something that fits: ids, secrets, what it holds. Deterministic. */
export class FuzzClient {
  readonly #requests: Noted[] = [];
  readonly #held = new Map<number, string>();
  #lastId = 0;
  #pushSeen = 0n;
  #listAwaitedFor = 0n;
  #secrets = 0;

  constructor(
    /** Different for every client of a server. */
    private readonly tag: string,
    /** Prefix of the names of resources. */
    private readonly names: string,
  ) {}

  /** The first frame of a stream. */
  open(id: IdRule, said: SaidOpen): ClientFrame {
    this.#pushSeen = 0n;
    if (!said.resume) this.#held.clear();
    return { id: this.#id(id), kind: this.#open(said) };
  }

  frame(said: SaidFrame): ClientFrame {
    const id = this.#id(said.id);
    return { id, kind: this.#kind(said, Number(id)) };
  }

  /** The server has said something on its newest stream. */
  heard({ id, kind }: ServerFrame): void {
    switch (kind?.$case) {
      case 'granted': {
        const noted = this.#requests.find((request) => request.id === Number(id));
        this.#held.set(Number(id), kind.value.leaseId);
        this.#pushSeen = kind.value.push;
        if (noted === undefined) return;
        noted.leaseId = kind.value.leaseId;
        noted.token = kind.value.tokens[0] ?? 0n;
        return;
      }
      case 'lost':
        this.#held.delete(Number(kind.value.requestId));
        this.#pushSeen = kind.value.push;
        return;
      case 'resumed':
        this.#pushSeen = kind.value.push;
        for (const { requestId, outcome } of kind.value.leases) {
          const keeps =
            outcome === ResumedLease_Outcome.OUTCOME_HELD || outcome === ResumedLease_Outcome.OUTCOME_UNKNOWN;
          if (!keeps) this.#held.delete(Number(requestId));
        }
        return;
      case 'heldListRequested':
        this.#listAwaitedFor = id;
        return;
      default:
        return;
    }
  }

  #id(rule: IdRule): bigint {
    switch (rule) {
      case 'next':
      case 'skip':
        this.#lastId += rule === 'next' ? 1 : 5;
        return BigInt(this.#lastId);
      case 'same':
        return BigInt(this.#lastId);
      case 'lower':
        return BigInt(Math.max(0, this.#lastId - 1));
      case 'zero':
        return 0n;
      case 'too_great':
        return TOO_GREAT;
    }
  }

  #kind(said: SaidFrame, id: number): Kind {
    switch (said.say) {
      case 'acquire': {
        const name = `${this.names}${said.name}`;
        const noted: Noted = { ...said, id, name, ttlMs: said.ttlMs, secrets: [], leaseId: NO_LEASE, token: 7n };
        this.#requests.push(noted);
        const acquire = this.#acquire(noted, 'right', said.flaw);
        return { $case: 'acquire', value: { ...acquire, manualExtension: said.manual ?? false } };
      }
      case 'cancel':
        return { $case: 'cancel', value: { requestId: this.#requestId(said.of) } };
      case 'release': {
        const requestId = this.#requestId(said.of);
        this.#held.delete(Number(requestId));
        return { $case: 'release', value: { requestId } };
      }
      case 'extend':
        return { $case: 'extend', value: { requestId: this.#requestId(said.of) } };
      case 'heartbeat':
        return this.#heartbeat(said.account);
      case 'held_list': {
        const requestIds = [...this.#held.keys()].map(BigInt);
        if (said.account === 'wrong') requestIds.push(4_242n);
        return { $case: 'heldList', value: { heartbeatId: this.#listAwaitedFor, requestIds, last: said.last } };
      }
      case 'resume':
        return { $case: 'resume', value: this.#resume(said.entries, said.last, id) };
      case 'open':
        return this.#open(said);
      case 'close':
        return { $case: 'close', value: {} };
      case 'unknown':
        return undefined;
    }
  }

  #heartbeat(account: 'right' | 'wrong' | 'ahead'): Kind {
    let heldHash = 0n;
    for (const leaseId of this.#held.values()) heldHash ^= BigInt(`0x${leaseId.replaceAll('-', '').slice(16)}`);
    const heldCount = this.#held.size + (account === 'wrong' ? 1 : 0);
    const pushSeen = account === 'ahead' ? this.#pushSeen + 1_000n : this.#pushSeen;
    return { $case: 'heartbeat', value: { pushSeen, heldCount, heldHash } };
  }

  /** What it does not list it does not hold, from now on. */
  #resume(said: readonly SaidEntry[], last: boolean, frameId: number): { entries: ResumeEntry[]; last: boolean } {
    const listed = new Set(said.map(({ of }) => this.#noted(of)));
    const entries = [...listed].flatMap((noted) => {
      const entry = said.find(({ of }) => this.#noted(of) === noted);
      return noted === undefined || entry === undefined ? [] : [this.#entry(noted, entry, frameId)];
    });
    if (last) {
      const holds = new Set(
        entries.filter(({ claim }) => claim === CLAIMS.held).map(({ requestId }) => Number(requestId)),
      );
      for (const id of [...this.#held.keys()]) if (!holds.has(id)) this.#held.delete(id);
      for (const noted of listed)
        if (noted !== undefined && holds.has(noted.id)) this.#held.set(noted.id, noted.leaseId);
    }
    return { entries, last };
  }

  #entry(noted: Noted, { claim, secrets, flaw }: SaidEntry, frameId: number): ResumeEntry {
    const acquire = this.#acquire(noted, secrets, flaw);
    const tokens = { no_token: [], two_tokens: [noted.token, noted.token] };
    return {
      claim: flaw === 'claim' ? ResumeEntry_Claim.CLAIM_UNSPECIFIED : CLAIMS[claim],
      acquire: flaw === 'no_acquire' ? undefined : acquire,
      requestId: BigInt(flaw === 'future_id' ? frameId + 7 : noted.id),
      leaseId: flaw === 'bad_lease_id' ? 'no lease' : noted.leaseId,
      tokens: flaw === 'no_token' || flaw === 'two_tokens' ? tokens[flaw] : [noted.token],
    };
  }

  #acquire(noted: Noted, secrets: 'right' | 'wrong', flaw: AcquireFlaw | EntryFlaw | undefined): Acquire {
    const earlier = secrets === 'right' ? noted.secrets.slice(-7) : noted.secrets.slice(-7).map(() => this.#secret());
    const secret = this.#secret();
    // With wrong ones the server will not know this one, either: the next that are right are those before.
    if (secrets === 'right') noted.secrets.push(secret);
    const right: Acquire = {
      resources: [{ name: noted.name }],
      waitMs: BigInt(noted.waitMs),
      secret,
      earlierSecrets: earlier,
      manualExtension: false,
      traceparent: '',
      tracestate: '',
      ...(noted.ttlMs !== undefined && { ttlMs: BigInt(noted.ttlMs) }),
    };
    return flawed(right, flaw);
  }

  #open({ flaw, resume, secret }: SaidOpen): Kind {
    const sessionSecret = Buffer.from(`${secret} ${this.tag}`.padEnd(16, '.').slice(0, 16));
    return {
      $case: 'open',
      value: {
        protocolVersion: flaw === 'version' ? 2 : 1,
        sessionId: flaw === 'session_id' ? this.tag : `01890000-0000-7000-8000-${this.tag}`,
        sessionSecret: flaw === 'short_secret' ? sessionSecret.subarray(1) : sessionSecret,
        clientName: flaw === 'no_client_name' ? '' : `fuzz ${this.tag}`,
        namespace: flaw === 'long_namespace' ? 'n'.repeat(257) : '',
        resume,
      },
    };
  }

  /** 16 bytes that nobody has used before. */
  #secret(): Buffer {
    this.#secrets += 1;
    return Buffer.from(`${this.tag}${String(this.#secrets).padStart(4, '0')}`);
  }

  #noted(of: number): Noted | undefined {
    return this.#requests[of % Math.max(1, this.#requests.length)];
  }

  #requestId(of: number): bigint {
    return BigInt(this.#noted(of)?.id ?? 4_242);
  }
}

function flawed(acquire: Acquire, flaw: AcquireFlaw | EntryFlaw | undefined): Acquire {
  const { secret } = acquire;
  switch (flaw) {
    case 'short_secret':
      return { ...acquire, secret: secret.subarray(1) };
    case 'short_earlier_secret':
      return { ...acquire, earlierSecrets: [secret.subarray(1)] };
    case 'eight_earlier_secrets':
      return { ...acquire, earlierSecrets: Array.from({ length: 8 }, () => secret) };
    case 'no_resource':
      return { ...acquire, resources: [] };
    case 'two_resources':
      return { ...acquire, resources: [...acquire.resources, { name: 'another' }] };
    case 'empty_name':
      return { ...acquire, resources: [{ name: '' }] };
    case 'long_name':
      return { ...acquire, resources: [{ name: 'é'.repeat(129) }] };
    case 'control_character':
      return { ...acquire, resources: [{ name: 'a\u0000b' }] };
    case 'ttl_too_low':
      return { ...acquire, ttlMs: 1n };
    case 'ttl_too_high':
      return { ...acquire, ttlMs: 2n ** 62n };
    case 'ttl_negative':
      return { ...acquire, ttlMs: -(2n ** 63n) };
    case 'wait_negative':
      return { ...acquire, waitMs: -1n };
    case 'wait_too_long':
      return { ...acquire, waitMs: 86_400_001n };
    default:
      return acquire;
  }
}
