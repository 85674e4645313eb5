import { type SessionRequest as Request, SessionRequest, SessionResponse } from '@holdfast/protocol';
import { expect } from 'chai';
import type { Failure } from '../../server/src/core/failure.js';
import type { ServerFrame } from '../../server/src/core/frames.js';
import { type SessionCall, SessionStream } from '../../server/src/rpc/session-stream.js';
import { Traffic } from '../../server/src/rpc/traffic.js';
import { TurnFlusher } from '../../server/src/rpc/turn-flusher.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { ScriptedCore, type ScriptedStream } from '../wire/support/scripted-core.js';

export const SLOW_READER_MS = 10_000;
export const MAX_UNSENT_FRAMES = 100;
export const MAX_UNSENT_BYTES = 200_000;

/** A call whose client reads only when told to. */
export class FakeCall implements SessionCall {
  readonly messages: string[][] = [];
  readonly #written: (() => void)[] = [];
  finished: Failure | 'OK' | undefined;

  write(message: Buffer, written: () => void): void {
    expect(this.finished, 'written after the end').to.equal(undefined);
    this.messages.push(SessionResponse.decode(message).frames.map(({ id, kind }) => `${kind?.$case} ${id}`));
    this.#written.push(written);
  }

  finish(failure: Failure | undefined): void {
    expect(this.finished, 'finished twice').to.equal(undefined);
    this.finished = failure ?? 'OK';
  }

  /** The reason it finished with, or `OK`. */
  get reason(): string | undefined {
    return typeof this.finished === 'object' ? this.finished.reason : this.finished;
  }

  /** The client reads all there is, and what follows from that. */
  readAll(): void {
    for (let next = this.#written.shift(); next !== undefined; next = this.#written.shift()) next();
  }
}

/** A session stream between a fake call and a core that says nothing unless scripted, in virtual time. */
export class SessionRig {
  readonly clock = new VirtualClock();
  readonly core = new ScriptedCore();
  readonly call = new FakeCall();
  readonly traffic = new Traffic();
  readonly defects: unknown[] = [];

  constructor() {
    this.core.script = () => undefined;
  }

  connect(): { readonly stream: SessionStream; readonly seen: ScriptedStream } {
    const stream = this.connectOnly();
    return { stream, seen: this.core.latest };
  }

  /** For a core whose `connect` the test has replaced. */
  connectOnly(): SessionStream {
    return new SessionStream(this.call, {
      core: this.core,
      clock: this.clock,
      flusher: new TurnFlusher(this.clock),
      traffic: this.traffic,
      settings: {
        maxUnsentFrames: MAX_UNSENT_FRAMES,
        maxUnsentBytes: MAX_UNSENT_BYTES,
        slowReaderMs: SLOW_READER_MS,
      },
      reportDefect: (_, error) => void this.defects.push(error),
    });
  }

  /** Fills what the call takes at a time, and sees to it that more than that waits. */
  async untilStalled(stream: SessionStream): Promise<void> {
    for (let id = 1; stream.unsentFrames === 0; id += 1) {
      stream.send(released(id));
      await this.clock.settle();
    }
  }
}

export function released(id: number): ServerFrame {
  return { kind: 'released', id, outcome: 'released' };
}

/** A message from a client, with ids from 1. */
export function message(...kinds: readonly Request['frames'][number]['kind'][]): Buffer {
  const frames = kinds.map((kind, at) => ({ id: BigInt(at + 1), kind }));
  return Buffer.from(SessionRequest.encode({ frames }).finish());
}
