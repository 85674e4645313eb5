import { type Acquire, type ClientFrame, type Open, type Resume, ResumeEntry_Claim } from '@holdfast/protocol';
import { Beliefs } from './beliefs.js';
import { due } from './dues.js';
import { faultsOf, isMeaningless, isWithinBounds, MAX_ID, type ModelLimits } from './meaning.js';
import { ModelSession, ModelStream } from './model-stream.js';

export interface ModelSettings {
  readonly limits: ModelLimits;
  readonly nowMs: () => number;
  /** Whether the server is known to have dealt with everything that was said before. */
  readonly inStep: boolean;
}

const FINAL = ['granted', 'denied'] as const;
const OK = 'OK';

/**
 * What the protocol allows a server to say, given what clients have said: a small model of all sessions, written from
 * docs/protocol.md. It judges one frame at a time and knows nothing of the server's insides.
 */
export class SessionModel {
  readonly beliefs = new Beliefs();
  readonly #sessions = new Map<string, ModelSession>();
  readonly #settings: ModelSettings;

  constructor(settings: ModelSettings) {
    this.#settings = settings;
  }

  connected(): ModelStream {
    return new ModelStream(this.beliefs, this.#settings.nowMs);
  }

  /** Bytes that are no message. */
  saidNonsense(stream: ModelStream, ...reasons: readonly string[]): void {
    if (stream.takesFrames) this.#end(stream, ...reasons);
    // The answer to Close may be on its way already.
    if (stream.isClosing) this.#end(stream, OK, ...reasons);
    // What it should have ended with may not have been read.
    if (stream.mayBeUnread) stream.endsWith = [...(stream.endsWith ?? []), ...reasons];
  }

  /** A message of frames. `opened` says whether the server has opened the stream since, which only it can decide at times. */
  said(stream: ModelStream, frames: readonly ClientFrame[], opened: boolean, atMs = this.#settings.nowMs()): void {
    if (!stream.takesFrames && !stream.isClosing && !stream.mayBeUnread) return;
    const refusal = this.#refusalOf(frames);
    if (refusal !== undefined) {
      this.saidNonsense(stream, refusal);
      return;
    }
    for (const frame of frames) {
      if (!stream.takesFrames) return;
      if (stream.session === undefined) this.#first(stream, frame, opened, atMs);
      else this.#next(stream, stream.session, frame, atMs);
    }
  }

  /** The client reset the stream or lost it. */
  cut(stream: ModelStream): void {
    this.#leave(stream);
    stream.stage = 'over';
  }

  /** The client will say no more on it. */
  halfClosed(stream: ModelStream): void {
    if (stream.takesFrames) this.#end(stream, OK);
  }

  /** Messages are taken as a whole or not at all. */
  #refusalOf(frames: readonly ClientFrame[]): string | undefined {
    if (frames.length > this.#settings.limits.maxFramesPerMessage) return 'TOO_MANY_FRAMES';
    for (const frame of frames) {
      if (frame.id > MAX_ID) return 'FRAME_ID_NOT_RISING';
      if (frame.kind?.$case === 'open' && isMeaningless(frame)) return 'FIELD_INVALID';
    }
    return undefined;
  }

  #end(stream: ModelStream, ...reasons: readonly string[]): void {
    stream.endsWith = reasons;
    this.#leave(stream);
    stream.stage = 'ending';
  }

  #leave(stream: ModelStream): void {
    const { session } = stream;
    if (session?.stream === stream) {
      session.stream = undefined;
      session.dues = stream.dues;
    }
  }

  #first(stream: ModelStream, { id, kind }: ClientFrame, opened: boolean, atMs: number): void {
    if (kind?.$case !== 'open') {
      this.#end(stream, 'OPEN_EXPECTED');
      return;
    }
    const faults = [...faultsOf(kind.value), ...(id < 1n ? ['FRAME_ID_NOT_RISING'] : [])];
    const known = this.#sessions.get(kind.value.sessionId);
    const conflicts = known === undefined ? [] : conflictsWith(known, Number(id), kind.value);
    if (faults.length > 0) {
      this.#end(stream, ...faults, ...conflicts);
      return;
    }
    const { inStep } = this.#settings;
    // What was said just before the last stream was cut may not have arrived, and what is said while a session closes is not read.
    const mayBeUnread = !inStep || known?.hasSaidClose === true;
    const mayBeRising = mayBeUnread && conflicts.join() === 'FRAME_ID_NOT_RISING';
    const mayBeRefused = !inStep || known?.mayBeKnown === true || mayBeRising;
    const mustBeRefused = inStep && known?.stream !== undefined && !mayBeRising;
    if (conflicts.length > 0 && (mustBeRefused || (mayBeRefused && !opened))) {
      this.#end(stream, ...conflicts);
      return;
    }
    const isKnown = conflicts.length === 0 || mayBeRising;
    this.#open(stream, Number(id), kind.value, isKnown ? known : undefined, atMs);
  }

  #open(stream: ModelStream, id: number, open: Open, known: ModelSession | undefined, atMs: number): void {
    const session = known ?? new ModelSession(open, this.#sessions.get(open.sessionId));
    this.#sessions.set(session.id, session);
    const older = session.stream;
    // The answer to its Close may be on its way already.
    const before = this.#settings.inStep ? [] : (older?.endsWith ?? []);
    if (older !== undefined) this.#end(older, 'SESSION_SUPERSEDED', ...before);
    stream.dues.inherit(session.dues);
    if (session.newest !== undefined) session.newest.mayBeSuperseded = !this.#settings.inStep;
    session.newest = stream;
    stream.session = session;
    stream.mayClose = session.hasSaidClose;
    session.stream = stream;
    session.lastFrameId = id;
    stream.stage = open.resume ? 'resuming' : 'open';
    stream.sent(id, atMs);
    stream.dues.owe(id, due(['opened']));
    if (!open.resume) this.#hasNothing(session, new Set());
  }

  /** The server releases whatever it has of the session that is not listed: what waits is denied. */
  #hasNothing(session: ModelSession, listed: ReadonlySet<number>): void {
    this.beliefs.keepOnly(session.id, listed);
  }

  #next(stream: ModelStream, session: ModelSession, frame: ClientFrame, atMs: number): void {
    const id = Number(frame.id);
    if (id <= session.lastFrameId) {
      this.#end(stream, 'FRAME_ID_NOT_RISING');
      return;
    }
    session.lastFrameId = id;
    stream.sent(id, atMs);
    if (isMeaningless(frame)) stream.dues.owe(id, due([], 'FIELD_INVALID'));
    else if (frame.kind === undefined) stream.dues.owe(id, due([], 'UNKNOWN_FRAME'));
    else if ((stream.stage === 'resuming') !== (frame.kind.$case === 'resume')) this.#end(stream, 'RESUME_MISPLACED');
    else this.#dispatch(stream, session, id, frame.kind);
  }

  #dispatch(stream: ModelStream, session: ModelSession, id: number, kind: NonNullable<ClientFrame['kind']>): void {
    switch (kind.$case) {
      case 'open':
        this.#end(stream, 'OPEN_REPEATED');
        return;
      case 'resume':
        this.#resume(stream, session, id, kind.value);
        return;
      case 'heartbeat':
        stream.beat(id, kind.value);
        return;
      case 'heldList':
        stream.hasListed();
        return;
      case 'acquire':
        stream.dues.owe(id, this.#dueOf(session, kind.value));
        if (isWithinBounds(kind.value, this.#settings.limits)) session.asks(id, kind.value);
        return;
      case 'cancel':
        return;
      case 'release':
        stream.released(session, Number(kind.value.requestId));
        stream.dues.owe(id, due(['released']));
        return;
      case 'extend':
        stream.dues.owe(id, due(['extended'], 'LEASE_LOST', 'STORE_UNAVAILABLE'));
        return;
      case 'close':
        stream.dues.owe(id, due(['closed']));
        this.#hasNothing(session, new Set());
        session.hasSaidClose = true;
        stream.stage = 'closing';
        stream.endsWith = [OK];
        return;
    }
  }

  /** What may answer an Acquire. */
  #dueOf(session: ModelSession, acquire: Acquire): ReturnType<typeof due> {
    if (!isWithinBounds(acquire, this.#settings.limits)) return due([], 'FIELD_INVALID');
    const full = session.requests.size >= this.#settings.limits.maxRequestsPerSession;
    return due(FINAL, 'STORE_UNAVAILABLE', ...(full ? ['LIMIT_REACHED'] : []));
  }

  #resume(stream: ModelStream, session: ModelSession, id: number, { entries, last }: Resume): void {
    if (stream.listedEntries + entries.length > 2 * this.#settings.limits.maxRequestsPerSession) {
      this.#end(stream, 'LIMIT_REACHED');
      return;
    }
    if (entries.some(({ requestId }) => requestId < 1n || requestId >= BigInt(id))) {
      stream.dues.owe(id, due([], 'FIELD_INVALID'));
      return;
    }
    const results: number[] = [];
    for (const { acquire, claim, leaseId, requestId: wireId } of entries) {
      if (acquire === undefined) continue;
      const requestId = Number(wireId);
      const inBounds = isWithinBounds(acquire, this.#settings.limits);
      if (claim !== ResumeEntry_Claim.CLAIM_HELD) this.beliefs.over(session.id, requestId);
      if (claim === ResumeEntry_Claim.CLAIM_OPEN) stream.reopened(requestId, this.#dueOf(session, acquire));
      else results.push(requestId);
      stream.lists(
        requestId,
        claim === ResumeEntry_Claim.CLAIM_HELD ? leaseId : undefined,
        session.knowsSecretOf(acquire),
      );
      if (inBounds) session.asks(requestId, acquire);
    }
    stream.owesResumed(id, results);
    if (!last) return;
    stream.stage = 'open';
    this.#hasNothing(session, stream.listedIds);
  }
}

/** Why a server that knows the session may not let this Open in. */
function conflictsWith(session: ModelSession, id: number, open: Open): readonly string[] {
  return [
    ...(session.secret === open.sessionSecret.toString('hex') ? [] : ['SESSION_SECRET_MISMATCH']),
    ...(session.namespace === open.namespace ? [] : ['FIELD_INVALID']),
    ...(id > session.lastFrameId ? [] : ['FRAME_ID_NOT_RISING']),
  ];
}
