import type { ClientFrame } from '@holdfast/protocol';
import { frameSizeBound } from './frame-size.js';
import type { Clock, Stream } from './ports.js';
import type { SendTimes } from './send-times.js';

/** What is said in a frame. */
export type FrameKind = NonNullable<ClientFrame['kind']>;

/** How much fits in a message until the server has said otherwise. */
const FIRST_MAX_BYTES = 65_536;
const FIRST_MAX_FRAMES = 16;
/** A single frame stays this far below the size of a message. */
const FRAME_SHARE = 0.9;
/** Room for what the bound on frames does not count. */
const MESSAGE_OVERHEAD_BYTES = 64;

/**
 * Frames on their way out. Gives them their ids, which rise as long as the session lives; gathers those of one turn;
 * and notes when they left. Between the preamble of a stream and the server's `Opened` they wait.
 */
export class Outbox {
  #stream: Stream | undefined;
  #open = false;
  #waiting: ClientFrame[] = [];
  #flushing = false;
  #lastId = 0;
  #epoch = 0;
  #maxBytes = FIRST_MAX_BYTES;
  #maxFrames = FIRST_MAX_FRAMES;

  constructor(
    private readonly clock: Clock,
    private readonly sendTimes: SendTimes,
  ) {}

  /** Whether there is a stream to say anything on. */
  get attached(): boolean {
    return this.#stream !== undefined;
  }

  /** Whether the server has answered `Open` on it. */
  get open(): boolean {
    return this.#open;
  }

  /** Changes with every stream that comes or goes. */
  get epoch(): number {
    return this.#epoch;
  }

  /** How large a frame may be, so that its message is not too large. */
  get maxFrameBytes(): number {
    return this.#maxBytes * FRAME_SHARE;
  }

  /** The id used last. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Takes a new stream and sends its first frames at once. */
  attach(stream: Stream, preamble: readonly FrameKind[]): void {
    this.detach();
    this.#stream = stream;
    this.sendTimes.clear();
    this.#write(preamble.map((kind) => this.#frame(kind)));
  }

  /** The server has answered `Open`: what waits may leave, in messages it accepts. */
  opened(maxMessageBytes = FIRST_MAX_BYTES, maxFramesPerMessage = FIRST_MAX_FRAMES): void {
    this.#open = true;
    this.#maxBytes = Math.max(1, Math.min(maxMessageBytes, FIRST_MAX_BYTES));
    this.#maxFrames = Math.max(1, maxFramesPerMessage);
    this.#scheduleFlush();
  }

  /** The stream is gone, and what has not left with it. */
  detach(): void {
    this.#epoch += 1;
    this.#stream = undefined;
    this.#open = false;
    this.#waiting = [];
    this.#maxFrames = FIRST_MAX_FRAMES;
  }

  /** Says something at the end of this turn, and tells the frame's id. */
  say(kind: FrameKind): number {
    if (this.#stream === undefined) throw new Error('assertion failed: a frame without a stream');
    this.#waiting.push(this.#frame(kind));
    this.#scheduleFlush();
    return this.#lastId;
  }

  #frame(kind: FrameKind): ClientFrame {
    this.#lastId += 1;
    return { id: BigInt(this.#lastId), kind };
  }

  #scheduleFlush(): void {
    if (this.#flushing || this.#waiting.length === 0) return;
    this.#flushing = true;
    this.clock.atTurnEnd(() => {
      this.#flushing = false;
      if (!this.#open) return;
      const frames = this.#waiting;
      this.#waiting = [];
      this.#write(frames);
    });
  }

  #write(frames: readonly ClientFrame[]): void {
    const at = { monotonicMs: this.clock.nowMs(), wallMs: this.clock.wallMs() };
    for (let begin = 0; begin < frames.length; ) {
      const end = this.#messageEnd(frames, begin);
      const message = begin === 0 && end === frames.length ? frames : frames.slice(begin, end);
      this.sendTimes.sent(idAt(frames, begin), idAt(frames, end - 1), at);
      this.#stream?.send(message);
      begin = end;
    }
  }

  #messageEnd(frames: readonly ClientFrame[], begin: number): number {
    let end = begin;
    let bytes = MESSAGE_OVERHEAD_BYTES;
    while (end < frames.length && end - begin < this.#maxFrames) {
      bytes += frameSizeBound(frames[end] as ClientFrame);
      if (bytes > this.#maxBytes && end > begin) break;
      end += 1;
    }
    return end;
  }
}

function idAt(frames: readonly ClientFrame[], index: number): number {
  return Number(frames[index]?.id);
}
