import type { Failure } from '../core/failure.js';
import type { ServerFrame } from '../core/frames.js';
import { InvariantViolation } from '../core/invariant.js';
import type { Clock, Timer } from '../core/ports.js';
import type { ServerCoreApi, StreamHandler, StreamPort } from '../core/session-api.js';
import { decodeMessage } from './frame-decoder.js';
import { Outbox } from './outbox.js';
import type { ReportDefect, RpcSettings } from './rpc-settings.js';
import type { AgingStream } from './stream-age.js';
import type { Traffic } from './traffic.js';
import type { Flushable, TurnFlusher } from './turn-flusher.js';

/** What a session stream needs of its call. */
export interface SessionCall {
  /** Sends a message; calls back when it is on its way, which flow control may delay for ever. */
  write(message: Buffer, written: () => void): void;
  /** Ends the call after everything written, with OK or with a failure. */
  finish(failure: Failure | undefined): void;
}

/** What all session streams share. */
export interface SessionStreamParts {
  readonly core: ServerCoreApi;
  readonly clock: Clock;
  readonly flusher: TurnFlusher;
  readonly traffic: Traffic;
  readonly settings: Pick<RpcSettings, 'maxUnsentFrames' | 'maxUnsentBytes' | 'slowReaderMs'>;
  readonly reportDefect: ReportDefect;
}

/**
 * Messages handed to the call and not yet on their way, at most. A few, so that the connection never idles; no more,
 * because whatever waits here can still be coalesced and is counted.
 */
const MAX_IN_FLIGHT = 4;
/** Sending begins before the turn ends when this much has gathered: a message's worth. */
const EARLY_FLUSH_BYTES = 64 * 1_024;

type State =
  /** Frames go both ways. */
  | { readonly kind: 'open' }
  /** Ends at the turn's end, not in the middle of a call of the core's. Until then nothing goes either way. */
  | { readonly kind: 'failing'; readonly failure: Failure }
  /** Nothing is taken any more; what waits is sent, then the call ends. */
  | { readonly kind: 'ending'; readonly failure: Failure | undefined }
  | { readonly kind: 'ended' };

/**
 * One live session stream, between a call and the core. The core hears of its end exactly once: it called `end` itself,
 * or gets `closed`. Nothing of the core is ever called from within `send` or `end`.
 */
export class SessionStream implements StreamPort, AgingStream, Flushable {
  readonly #call: SessionCall;
  readonly #parts: SessionStreamParts;
  readonly #outbox = new Outbox();
  /** The core's side; `undefined` before it is known and after the core has no more to hear. */
  #handler: StreamHandler | undefined;
  #state: State = { kind: 'open' };
  #inFlight = 0;
  #progressAtMs = 0;
  #stallTimer: Timer | undefined;
  #closeReceived = false;

  constructor(call: SessionCall, parts: SessionStreamParts) {
    this.#call = call;
    this.#parts = parts;
    this.#contained('connect', () => {
      const handler = parts.core.connect(this);
      if (this.#state.kind !== 'ending') this.#handler = handler;
    });
  }

  /** Frames waiting to be sent. */
  get unsentFrames(): number {
    return this.#outbox.frames;
  }

  /** At most how many bytes wait to be sent. */
  get unsentBytes(): number {
    return this.#outbox.bytes;
  }

  send(frame: ServerFrame): void {
    if (this.#state.kind !== 'open') return;
    if (this.#inFlight < MAX_IN_FLIGHT) this.#outbox.push(frame);
    else this.#outbox.pushCoalescing(frame);
    const { maxUnsentFrames, maxUnsentBytes } = this.#parts.settings;
    if (this.#outbox.bytes >= EARLY_FLUSH_BYTES) this.#contained('send', () => this.#sendMessages());
    if (this.#outbox.frames > maxUnsentFrames || this.#outbox.bytes > maxUnsentBytes) {
      this.#failAtTurnEnd(this.#slowReader('the bound for unsent frames was reached'));
    }
    this.#parts.flusher.schedule(this);
  }

  end(failure?: Failure): void {
    this.#handler = undefined;
    this.#beginEnding(failure);
  }

  /** A message came in. */
  received(message: Buffer): void {
    if (this.#state.kind !== 'open') return;
    const receivedAtMs = this.#parts.clock.nowMs();
    const decoded = decodeMessage(message, this.#parts.core.settings.limits.maxFramesPerMessage);
    if (decoded.kind === 'refused') {
      this.#endByItself(decoded.failure);
      return;
    }
    this.#parts.traffic.received(decoded.frames.length);
    if (decoded.frames.some(({ kind }) => kind === 'close')) this.#closeReceived = true;
    if (decoded.frames.length > 0) {
      this.#contained('receive', () => this.#handler?.receive(decoded.frames, receivedAtMs));
    }
  }

  /** The client will send no more. After a Close its answer is still to come; otherwise that is the end. */
  halfClosed(): void {
    if (this.#state.kind === 'open' && !this.#closeReceived) this.#endByItself(undefined);
  }

  /** The call is gone: reset, cancelled, timed out, its connection lost, or ended. */
  gone(): void {
    this.#state = { kind: 'ended' };
    this.#outbox.clear();
    this.#stallTimer?.cancel();
    this.#tellClosed();
  }

  askToMove(withinMs: number): void {
    if (this.#state.kind === 'open') this.#contained('drain', () => this.#handler?.drain(withinMs));
  }

  endTooOld(failure: Failure): void {
    if (this.#state.kind === 'open') this.#endByItself(failure);
  }

  flush(): void {
    if (this.#state.kind === 'failing') this.#endByItself(this.#state.failure);
    this.#contained('flush', () => this.#sendMessages());
  }

  #beginEnding(failure: Failure | undefined): void {
    if (this.#state.kind === 'ending' || this.#state.kind === 'ended') return;
    this.#state = { kind: 'ending', failure };
    this.#parts.flusher.schedule(this);
  }

  #endByItself(failure: Failure | undefined): void {
    this.#beginEnding(failure);
    this.#tellClosed();
  }

  #failAtTurnEnd(failure: Failure): void {
    if (this.#state.kind === 'ended') return;
    this.#outbox.clear();
    if (this.#state.kind === 'open') this.#state = { kind: 'failing', failure };
    this.#parts.flusher.schedule(this);
  }

  #tellClosed(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    if (handler !== undefined) this.#contained('closed', () => handler.closed());
  }

  #sendMessages(): void {
    while (this.#inFlight < MAX_IN_FLIGHT) {
      const waiting = this.#outbox.frames;
      const message = this.#outbox.takeMessage();
      if (message === undefined) break;
      this.#parts.traffic.sent(waiting - this.#outbox.frames);
      if (this.#inFlight === 0) this.#progressAtMs = this.#parts.clock.nowMs();
      this.#inFlight += 1;
      this.#call.write(message, this.#written);
    }
    if (this.#inFlight > 0) this.#watchForStall();
    if (this.#state.kind === 'ending' && this.#outbox.isEmpty) this.#finish(this.#state.failure);
  }

  readonly #written = (): void => {
    this.#inFlight -= 1;
    this.#progressAtMs = this.#parts.clock.nowMs();
    if (this.#state.kind === 'ended' || this.#outbox.isEmpty) return;
    this.#contained('written', () => this.#sendMessages());
  };

  /** One timer at a time, armed again as long as something is in flight, so that writing costs no timers. */
  #watchForStall(): void {
    if (this.#stallTimer !== undefined || this.#state.kind === 'ended') return;
    const { clock, settings } = this.#parts;
    const sinceMs = clock.nowMs() - this.#progressAtMs;
    this.#stallTimer = clock.after(settings.slowReaderMs - sinceMs, () => {
      this.#stallTimer = undefined;
      if (this.#inFlight === 0) return;
      if (clock.nowMs() - this.#progressAtMs < settings.slowReaderMs) this.#watchForStall();
      else this.#giveUpOnReader();
    });
  }

  #giveUpOnReader(): void {
    this.#outbox.clear();
    if (this.#state.kind === 'ending') this.#finish(this.#state.failure);
    else this.#endByItself(this.#slowReader(`nothing was read for ${this.#parts.settings.slowReaderMs} ms`));
  }

  #finish(failure: Failure | undefined): void {
    this.#state = { kind: 'ended' };
    this.#stallTimer?.cancel();
    this.#call.finish(failure);
  }

  #slowReader(how: string): Failure {
    const { maxUnsentFrames, maxUnsentBytes, slowReaderMs } = this.#parts.settings;
    return {
      reason: 'SLOW_READER',
      message: `The client reads too slowly: ${how}. Open another stream and resume the session.`,
      field: 'unsent frames',
      value: how,
      limit: `${maxUnsentFrames} frames, ${maxUnsentBytes} bytes, ${slowReaderMs} ms`,
    };
  }

  /** A defect ends this stream and no other; a broken guarantee stops the process. */
  #contained(where: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      if (error instanceof InvariantViolation) throw error;
      this.#parts.reportDefect(`session stream: ${where}`, error);
      this.#failAtTurnEnd({ reason: 'INTERNAL', message: 'The server made a mistake; its log has more.' });
    }
  }
}
