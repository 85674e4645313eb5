import { type ClientFrame, SessionRequest } from '@holdfast/protocol';
import { decodeMessage } from '../../server/src/rpc/frame-decoder.js';
import { reasonOf, Violation } from './dues.js';
import { FuzzClient } from './fuzz-client.js';
import { FUZZ_SETTINGS, InProcessServer, type Said } from './in-process-server.js';
import { mangled } from './mangle.js';
import type { ModelStream } from './model-stream.js';
import { SessionModel } from './session-model.js';
import type { Edit, SaidFrame, Step } from './steps.js';

/** How long answers may take between two steps, and how long until nothing is left: longer than any wait or lease. */
const STEP_MS = 0.5;
const REST_MS = 70_000;
/** Changed bytes can ask to wait for a day. */
const LONG_REST_MS = 87_000_000;
const GONE_MS = 200_000;

/** Plays a sequence against a server in this process, and the model beside it. Throws where they disagree. */
export function playInProcess(steps: readonly Step[], note?: (line: string) => void): void {
  new InProcessRun(note).play(steps);
}

class InProcessRun {
  readonly #server = new InProcessServer();
  readonly #model = new SessionModel({
    limits: FUZZ_SETTINGS.limits,
    nowMs: () => this.#server.clock.nowMs(),
    inStep: true,
  });
  readonly #clients = new Map<number, FuzzClient>();
  readonly #streams: ModelStream[] = [];
  readonly #ownerOf: number[] = [];
  readonly #newest = new Map<number, number>();
  readonly #messages: Buffer[] = [];

  constructor(private readonly note: ((line: string) => void) | undefined) {}

  play(steps: readonly Step[]): void {
    for (const step of steps) {
      this.#step(step);
      this.#pass(STEP_MS);
    }
    this.#server.store(0.1, false);
    this.#pass(steps.some((step) => step.do === 'say' && step.edits !== undefined) ? LONG_REST_MS : REST_MS);
    for (const stream of this.#streams) stream.atRest();
    for (const stream of this.#streams.keys()) this.#cut(stream);
    this.#pass(GONE_MS);
    const left = this.#server.leftovers();
    if (left !== '') throw new Violation(`after all are gone there are still ${left}`);
  }

  #step(step: Step): void {
    this.note?.(JSON.stringify(step));
    switch (step.do) {
      case 'open': {
        const client = this.#client(step.client);
        const frames = [client.open(step.id, step), ...step.frames.map((said) => client.frame(said))];
        this.#send(this.#connect(step.client), frames);
        return;
      }
      case 'barge_in':
        this.#say(this.#connect(step.client), step.client, step.frames);
        return;
      case 'say':
        this.#say(this.#newest.get(step.client), step.client, step.frames, step.edits);
        return;
      case 'cut':
        this.#cut(this.#newest.get(step.client));
        return;
      case 'half_close': {
        const stream = this.#newest.get(step.client);
        const model = stream === undefined ? undefined : this.#streams[stream];
        if (stream === undefined || model === undefined || model.stage === 'over') return;
        this.#model.halfClosed(model);
        this.#server.halfClose(stream);
        this.#listen();
        return;
      }
      case 'wait':
        this.#pass(step.ms);
        return;
      case 'store':
        this.#server.store(step.answersAfterMs, step.unavailable);
        return;
    }
  }

  #client(index: number): FuzzClient {
    const client = this.#clients.get(index) ?? new FuzzClient(`c${index}`.padEnd(12, '0'), 'r');
    this.#clients.set(index, client);
    return client;
  }

  #connect(client: number): number {
    const stream = this.#server.connect();
    this.#streams[stream] = this.#model.connected();
    this.#ownerOf[stream] = client;
    this.#newest.set(client, stream);
    return stream;
  }

  #say(stream: number | undefined, client: number, said: readonly SaidFrame[], edits: readonly Edit[] = []): void {
    const frames = said.map((each) => this.#client(client).frame(each));
    if (stream !== undefined) this.#send(stream, frames, edits);
  }

  #send(stream: number, frames: readonly ClientFrame[], edits: readonly Edit[] = []): void {
    const model = this.#streams[stream];
    if (model === undefined || model.stage === 'over') return;
    const right = Buffer.from(SessionRequest.encode({ frames: [...frames] }).finish());
    const message = mangled(right, edits, this.#messages);
    this.#messages.push(right);
    this.#server.deliver(stream, message);
    const heard = this.#server.take();
    const opened = heard.some(
      (said) => said.kind === 'frame' && said.stream === stream && said.frame.kind?.$case === 'opened',
    );
    const meant = edits.length === 0 ? frames : framesOf(message);
    if (meant === undefined) this.#model.saidNonsense(model, 'MESSAGE_UNDECODABLE');
    else this.#model.said(model, meant, opened);
    this.#hear(heard);
  }

  #cut(stream: number | undefined): void {
    const model = stream === undefined ? undefined : this.#streams[stream];
    if (stream === undefined || model === undefined || model.stage === 'over') return;
    this.#model.cut(model);
    this.#server.cut(stream);
    this.#listen();
  }

  #pass(ms: number): void {
    this.#server.clock.pass(ms, () => this.#listen());
  }

  #listen(): void {
    const heard = this.#server.take();
    if (heard.length > 0) this.#hear(heard);
  }

  #hear(heard: readonly Said[]): void {
    for (const said of heard) {
      const model = this.#streams[said.stream];
      const client = this.#ownerOf[said.stream] ?? -1;
      this.note?.(inWords(said));
      if (said.kind === 'end') model?.ended(said.reason);
      else {
        model?.heard(said.frame);
        if (this.#newest.get(client) === said.stream) this.#client(client).heard(said.frame);
      }
    }
    this.#model.beliefs.check(this.#server.clock.nowMs());
    const [defect] = this.#server.defects;
    if (defect !== undefined) throw new Violation('a defect of the server', { cause: defect });
  }
}

/** The frames of a message whose bytes were changed, as far as it still is one. */
export function framesOf(message: Buffer): readonly ClientFrame[] | undefined {
  const decoded = decodeMessage(message, Infinity);
  if (decoded.kind === 'refused' && decoded.failure.reason === 'MESSAGE_UNDECODABLE') return undefined;
  return SessionRequest.decode(message).frames;
}

function inWords(said: Said): string {
  if (said.kind === 'end') return `  stream ${said.stream} ends: ${said.reason}`;
  const { id, kind } = said.frame;
  const reason = kind?.$case === 'failed' ? ` ${reasonOf(kind.value.status)}` : '';
  return `  stream ${said.stream}: ${kind?.$case} ${id}${reason}`;
}
