import type { Contention } from './contention.js';
import type { CoreContext } from './core-context.js';
import type { Endings } from './endings.js';
import type { Extensions } from './extensions.js';
import type { Failure } from './failure.js';
import type { AcquireFrame, ClientFrame, ResumeFrame } from './frames.js';
import type { ResourceKey } from './names.js';
import type { RequestFactory } from './request-factory.js';
import type { Resumption } from './resumption.js';
import type { Attachment, Session } from './session.js';
import type { StreamHandler, StreamPort } from './session-api.js';
import type { Sessions } from './sessions.js';
import { draining, notEarlier, notRising, tooMany } from './stream-refusals.js';

/** The parts of the core a stream speaks to. */
export interface CoreParts {
  readonly ctx: CoreContext;
  readonly sessions: Sessions;
  readonly requests: RequestFactory;
  readonly contention: Contention;
  readonly endings: Endings;
  readonly extensions: Extensions;
  readonly resumption: Resumption;
}

/** Where one stream is in its life. */
type Stage =
  | { readonly name: 'new' }
  | { readonly name: 'open'; readonly session: Session; readonly attachment: Attachment }
  | { readonly name: 'ended' };

/** One stream: holds the order of frames, and passes each on to the part of the core it is for. */
export class CoreStreamHandler implements StreamHandler {
  readonly #parts: CoreParts;
  readonly #onEnded: (handler: CoreStreamHandler) => void;
  /** The stream as the rest of the core gets it: whoever ends it, this handler knows. */
  readonly #port: StreamPort;
  #stage: Stage = { name: 'new' };

  constructor(port: StreamPort, parts: CoreParts, onEnded: (handler: CoreStreamHandler) => void) {
    this.#parts = parts;
    this.#onEnded = onEnded;
    this.#port = {
      send: (frame) => port.send(frame),
      end: (failure) => {
        port.end(failure);
        this.#ended();
      },
    };
  }

  receive(frames: readonly ClientFrame[], receivedAtMs: number): void {
    const { ctx, contention } = this.#parts;
    // After a stall frames may be read before the clock's timer fires; deadlines come first, or a late beat would
    // revive what has lapsed.
    ctx.timers.runDue();
    for (const frame of frames) {
      if (this.#stage.name === 'ended') return;
      if (this.#stage.name === 'new') this.#first(frame, receivedAtMs);
      else this.#next(frame, receivedAtMs, this.#stage.session, this.#stage.attachment);
    }
    if (this.#stage.name !== 'open') return;
    this.#boundUnseen(this.#stage.attachment);
    if (this.#stage.name !== 'open') return;
    const { passedOver } = this.#stage.session;
    if (passedOver.size === 0) return;
    const resources = [...passedOver];
    passedOver.clear();
    for (const resource of resources) contention.pump(resource);
  }

  closed(): void {
    if (this.#stage.name === 'open') this.#parts.sessions.detach(this.#stage.session, this.#stage.attachment);
    this.#ended();
  }

  /** Ends the stream from the server's side, keeping the session. */
  end(failure: Failure): void {
    if (this.#stage.name === 'ended') return;
    if (this.#stage.name === 'open') this.#parts.sessions.detach(this.#stage.session, this.#stage.attachment);
    this.#parts.ctx.telemetry.failed(failure.reason);
    this.#port.end(failure);
  }

  /** Pushes a Draining frame. */
  drain(remainingMs: number): void {
    if (this.#stage.name === 'open') this.#port.send({ kind: 'draining', id: 0, remainingMs });
  }

  #ended(): void {
    this.#stage = { name: 'ended' };
    this.#onEnded(this);
  }

  #first(frame: ClientFrame, receivedAtMs: number): void {
    if (frame.kind === 'invalid' && frame.failure.field?.startsWith('open.')) {
      this.end(frame.failure);
      return;
    }
    if (frame.kind !== 'open') {
      const message = `the first frame of a stream must be Open, not ${frame.kind}`;
      this.end({ reason: 'OPEN_EXPECTED', message, field: 'frames[0]', value: frame.kind, limit: 'open' });
      return;
    }
    const opened = this.#parts.sessions.open(this.#port, frame, receivedAtMs);
    if ('failure' in opened) this.end(opened.failure);
    else this.#stage = { name: 'open', ...opened };
  }

  #next(frame: ClientFrame, receivedAtMs: number, session: Session, attachment: Attachment): void {
    // Another stream has taken over, or the session has closed: nothing said here counts any more.
    if (session.attachment !== attachment || session.closing !== undefined) return;
    if (frame.id <= session.lastFrameId) {
      this.end(notRising(frame.id, session.lastFrameId));
      return;
    }
    session.lastFrameId = frame.id;
    attachment.anchor = { frameId: frame.id, receivedAtMs };
    if (attachment.resuming !== undefined && frame.kind !== 'resume' && frame.kind !== 'invalid') {
      const message = `${frame.kind} came before the last Resume frame that Open announced`;
      this.end({ reason: 'RESUME_MISPLACED', message, field: 'frame.kind', value: frame.kind, limit: 'resume' });
      return;
    }
    this.#dispatch(frame, session, attachment);
  }

  /** A client that never beats never says what it has seen: that must not fill the memory. */
  #boundUnseen(attachment: Attachment): void {
    const most = 4 * this.#parts.ctx.settings.limits.maxRequestsPerSession;
    const { unseen } = attachment.held;
    if (unseen > most) this.end(tooMany('pushes without a Heartbeat', unseen, most));
  }

  #resume(session: Session, attachment: Attachment, frame: ResumeFrame): void {
    if (attachment.resuming === undefined) {
      const message = 'Resume came without an Open that announces it, or after the last one';
      this.end({ reason: 'RESUME_MISPLACED', message, field: 'frame.kind', value: 'resume' });
      return;
    }
    const { maxRequestsPerSession } = this.#parts.ctx.settings.limits;
    if (attachment.resuming.size + frame.entries.length > maxRequestsPerSession * 2) {
      this.end(tooMany('resume.entries', attachment.resuming.size + frame.entries.length, maxRequestsPerSession * 2));
      return;
    }
    const foreign = frame.entries.find(({ requestId }) => requestId < 1 || requestId >= frame.id);
    if (foreign === undefined) this.#parts.resumption.resume(session, attachment, frame);
    else this.#parts.ctx.fail(session, frame.id, notEarlier(foreign.requestId, frame.id));
  }

  #dispatch(frame: ClientFrame, session: Session, attachment: Attachment): void {
    const { ctx, contention, endings, extensions } = this.#parts;
    switch (frame.kind) {
      case 'resume':
        this.#resume(session, attachment, frame);
        return;
      case 'open':
        this.end({ reason: 'OPEN_REPEATED', message: 'a stream has one Open frame, its first', field: 'frame.kind' });
        return;
      case 'heartbeat':
        extensions.beat(session, attachment, frame);
        return;
      case 'held_list':
        extensions.heldList(session, attachment, frame);
        return;
      case 'acquire':
        this.#acquire(session, frame);
        return;
      case 'cancel': {
        const request = session.requests.get(frame.requestId);
        if (request !== undefined) contention.cancel(request);
        return;
      }
      case 'release':
        endings.release(session, frame.requestId, frame.id);
        return;
      case 'extend':
        extensions.extendNow(session, attachment, frame.requestId, frame.id);
        return;
      case 'close':
        session.closing = { frameId: frame.id };
        endings.giveBackAll(session);
        ctx.settleSession(session);
        return;
      case 'invalid':
        ctx.fail(session, frame.id, frame.failure);
        return;
    }
  }

  #acquire(session: Session, frame: AcquireFrame): void {
    const { ctx, requests, contention } = this.#parts;
    const key = requests.resourceKey(session, frame.request);
    const failure = this.#refusal(session, frame, key);
    if (failure === undefined) contention.enqueue(requests.create(session, frame.id, frame.request, key));
    else ctx.fail(session, frame.id, failure);
  }

  /** Why an acquire is not even tried. */
  #refusal(session: Session, frame: AcquireFrame, key: ResourceKey): Failure | undefined {
    const { ctx, requests } = this.#parts;
    const failure = requests.check(frame.request);
    if (failure !== undefined) return failure;
    return ctx.draining ? draining() : (requests.sessionIsFull(session) ?? requests.queueIsFull(key));
  }
}
