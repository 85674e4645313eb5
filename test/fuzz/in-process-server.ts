import { type ServerFrame, SessionResponse } from '@holdfast/protocol';
import type { Random } from '../../server/src/core/ports.js';
import { ServerCore } from '../../server/src/core/server-core.js';
import type { CoreSettings } from '../../server/src/core/session-api.js';
import { SessionStream } from '../../server/src/rpc/session-stream.js';
import { Traffic } from '../../server/src/rpc/traffic.js';
import { TurnFlusher } from '../../server/src/rpc/turn-flusher.js';
import { SeededRandom } from '../simulation/seeded-random.js';
import { RecordedTelemetry, SETTINGS } from '../support/core-rig.js';
import { ModelStore } from '../support/model-store.js';
import { LockstepClock } from './lockstep-clock.js';

/** Small bounds, so that a short sequence reaches them. */
const LIMITS = { ...SETTINGS.limits, maxTtlMs: 60_000, maxFramesPerMessage: 16, maxRequestsPerSession: 8 };
export const FUZZ_SETTINGS: CoreSettings = { ...SETTINGS, limits: LIMITS };

/** Something a server said on a stream. */
export type Said =
  | { readonly kind: 'frame'; readonly stream: number; readonly frame: ServerFrame }
  /** `reason` is `OK`, or of the failure it ended with. */
  | { readonly kind: 'end'; readonly stream: number; readonly reason: string };

/** The decoder, the streams and the core of a server without sockets, over a store in memory, in virtual time. */
export class InProcessServer {
  readonly clock = new LockstepClock();
  readonly defects: unknown[] = [];
  readonly #store = new ModelStore(this.clock);
  readonly #core: ServerCore;
  readonly #flusher = new TurnFlusher(this.clock);
  readonly #traffic = new Traffic();
  readonly #streams: SessionStream[] = [];
  readonly #said: Said[] = [];

  constructor() {
    this.#store.answerDelayMs = () => 0.1;
    const ports = { clock: this.clock, random: fixedRandom(), telemetry: new RecordedTelemetry(), store: this.#store };
    this.#core = new ServerCore(FUZZ_SETTINGS, ports);
  }

  store(answersAfterMs: number, unavailable: boolean): void {
    this.#store.answerDelayMs = () => answersAfterMs;
    this.#store.unavailable = unavailable;
  }

  connect(): number {
    const stream = this.#streams.length;
    const call = {
      write: (message: Buffer, written: () => void): void => {
        for (const frame of SessionResponse.decode(message).frames) this.#said.push({ kind: 'frame', stream, frame });
        written();
      },
      finish: (failure: { readonly reason: string } | undefined): void => {
        this.#said.push({ kind: 'end', stream, reason: failure?.reason ?? 'OK' });
      },
    };
    const { clock, defects } = this;
    const settings = { maxUnsentFrames: 1_000, maxUnsentBytes: 1_000_000, slowReaderMs: 10_000 };
    const reportDefect = (_: string, error: unknown): void => void defects.push(error);
    const parts = { core: this.#core, clock, flusher: this.#flusher, traffic: this.#traffic, settings, reportDefect };
    this.#streams.push(new SessionStream(call, parts));
    return stream;
  }

  deliver(stream: number, message: Buffer): void {
    this.#streams[stream]?.received(message);
    this.clock.endTurn();
  }

  cut(stream: number): void {
    this.#streams[stream]?.gone();
    this.clock.endTurn();
  }

  halfClose(stream: number): void {
    this.#streams[stream]?.halfClosed();
    this.clock.endTurn();
  }

  /** What has been said since the last time. */
  take(): readonly Said[] {
    return this.#said.splice(0);
  }

  /** What is left in the tables, and pending timers. */
  leftovers(): string {
    const left = Object.entries({ ...this.#core.sizes(), pending: this.clock.pending }).filter(([, size]) => size > 0);
    return left.map(([what, size]) => `${size} ${what}`).join(', ');
  }
}

function fixedRandom(): Random {
  const random = new SeededRandom(1);
  return { bytes: (count) => random.bytes(count), unit: () => random.unit() };
}
