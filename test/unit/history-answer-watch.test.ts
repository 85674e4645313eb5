import { expect } from 'chai';
import type { ServerFrame } from '../../server/src/core/frames.js';
import type { LeaseId } from '../../server/src/core/names.js';
import type { StreamHandler, StreamPort } from '../../server/src/core/session-api.js';
import { AnswerWatch } from '../history/answer-watch.js';
import { request } from '../support/core-rig.js';

/** A stream to a server that says what the test says. */
class StreamByHand {
  readonly violations: string[] = [];
  readonly heard: ServerFrame[] = [];
  readonly #handler: StreamHandler;
  #port: StreamPort | undefined;

  constructor() {
    const watch = new AnswerWatch((guarantee, what) => void this.violations.push(`${guarantee}: ${what}`));
    const core = {
      connect: (port: StreamPort): StreamHandler => {
        this.#port = port;
        return { receive: () => undefined, drain: () => undefined, closed: () => undefined };
      },
    };
    this.#handler = watch.over(core).connect({ send: (frame) => this.heard.push(frame), end: () => undefined });
  }

  acquires(id: number): void {
    this.#handler.receive([{ kind: 'acquire', id, request: request('r') }], 0);
  }

  lists(claim: 'held' | 'open' | 'given_up', requestId: number): void {
    const entry = { requestId, request: request('r'), leaseId: '' as LeaseId, token: 1n };
    this.#handler.receive([{ kind: 'resume', id: 9, entries: [{ claim, ...entry }], last: true }], 0);
  }

  isDenied(id: number): void {
    this.#port?.send({ kind: 'denied', id, reason: 'cancelled', holder: undefined, position: 0 });
  }

  isGranted(id: number): void {
    const validity = { anchor: 1, durationMs: 1_000 };
    const grant = { leaseId: '' as LeaseId, tokens: [1n], validity, ttlMs: 1_000, heartbeatIntervalMs: 100, push: 1 };
    this.#port?.send({ kind: 'granted', id, ...grant });
  }

  fails(id: number): void {
    this.#port?.send({ kind: 'failed', id, failure: { reason: 'STORE_UNAVAILABLE', message: 'away' } });
  }
}

describe('the watch over what servers answer (S5)', () => {
  let stream: StreamByHand;
  beforeEach(() => {
    stream = new StreamByHand();
  });

  it('passes everything on, and finds what is answered twice', () => {
    stream.acquires(2);
    stream.isGranted(2);
    stream.isDenied(2);
    expect(stream.heard.map(({ kind }) => kind)).to.deep.equal(['granted', 'denied']);
    expect(stream.violations).to.deep.equal(['S5: request 2 for r was answered when it was denied']);
  });

  it('finds what is answered though its client holds it', () => {
    stream.lists('held', 2);
    stream.fails(2);
    expect(stream.violations).to.deep.equal(['S5: request 2 for r was listed as held when it was failed']);
  });

  it('takes no offence at one answer each, also to what was asked on an earlier stream', () => {
    stream.lists('open', 2);
    stream.acquires(3);
    stream.isGranted(2);
    stream.isDenied(3);
    expect(stream.violations).to.deep.equal([]);
  });

  it('does not judge what is said of requests that were given up, nor answers to other frames', () => {
    stream.lists('given_up', 2);
    stream.isDenied(2);
    stream.isDenied(2);
    stream.fails(7);
    expect(stream.violations).to.deep.equal([]);
  });
});
