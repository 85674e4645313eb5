import { setTimeout as pause } from 'node:timers/promises';
import { type ClientFrame, SessionRequest } from '@holdfast/protocol';
import { eventually } from '../support/deadline.js';
import { WireClient, type WireStream } from '../wire/support/wire-client.js';
import { FuzzClient } from './fuzz-client.js';
import { framesOf } from './in-process-run.js';
import { mangled } from './mangle.js';
import type { ModelLimits } from './meaning.js';
import type { ModelStream } from './model-stream.js';
import { SessionModel } from './session-model.js';
import type { Edit, SaidFrame, Step } from './steps.js';

/** What an answer may take on a busy machine beyond the longest wait. */
const ANSWER_MS = 10_000;

interface Conversation {
  readonly wire: WireStream;
  readonly model: ModelStream;
  readonly client: FuzzClient;
  /** How many of its frames the model has judged. */
  judged: number;
  isCut: boolean;
  isHalfClosed: boolean;
}

/** Plays a sequence against a server at an address, with the model beside it. Answers come when they come. */
export class ProcessSessionRun {
  readonly #wire: WireClient;
  readonly #model: SessionModel;
  readonly #clients = new Map<number, FuzzClient>();
  readonly #newest = new Map<number, Conversation>();
  readonly #all: Conversation[] = [];
  readonly #messages: Buffer[] = [];

  constructor(
    target: string,
    limits: ModelLimits,
    /** Ten characters; different for every run on a server. */
    private readonly tag: string,
  ) {
    this.#wire = new WireClient(target);
    this.#model = new SessionModel({ limits, nowMs: () => performance.now(), inStep: false });
  }

  async play(steps: readonly Step[]): Promise<void> {
    try {
      for (const step of steps) await this.#step(step);
      await eventually(ANSWER_MS, 'answers', () => (this.#isAtRest() ? true : undefined)).catch(() => undefined);
      this.#judge();
      for (const { model } of this.#all) model.atRest();
    } finally {
      for (const { wire } of this.#all) wire.call.cancel();
      this.#wire.close();
    }
  }

  #isAtRest(): boolean {
    this.#judge();
    try {
      for (const { model } of this.#all) model.atRest();
      return true;
    } catch {
      return false;
    }
  }

  async #step(step: Step): Promise<void> {
    switch (step.do) {
      case 'open':
        await this.#open(step.client, (client) => client.open(step.id, step), step.frames);
        return;
      case 'barge_in': {
        const conversation = this.#connect(step.client);
        this.#say(conversation, step.frames);
        return;
      }
      case 'say': {
        const conversation = this.#newest.get(step.client);
        if (conversation !== undefined) this.#say(conversation, step.frames, step.edits);
        return;
      }
      case 'cut':
      case 'half_close':
        this.#leave(this.#newest.get(step.client), step.do);
        return;
      case 'wait':
        await pause(step.ms);
        this.#judge();
        return;
      case 'store':
        return;
    }
  }

  #connect(index: number): Conversation {
    const client = this.#clients.get(index) ?? new FuzzClient(`${this.tag}${String(index).padStart(2, '0')}`, this.tag);
    this.#clients.set(index, client);
    const model = this.#model.connected();
    const conversation = { wire: this.#wire.session(), model, client, judged: 0, isCut: false, isHalfClosed: false };
    this.#all.push(conversation);
    this.#newest.set(index, conversation);
    return conversation;
  }

  /** Only the server can say whether it has opened a stream, so that is waited for. */
  async #open(index: number, first: (client: FuzzClient) => ClientFrame, said: readonly SaidFrame[]): Promise<void> {
    this.#judge();
    const conversation = this.#connect(index);
    const { client, model, wire } = conversation;
    const frames = [first(client), ...said.map((each) => client.frame(each))];
    const sentAtMs = performance.now();
    wire.writeRaw(SessionRequest.encode({ frames }).finish());
    await eventually(ANSWER_MS, 'an answer to Open', () =>
      wire.frames.length > 0 || wire.end !== undefined ? true : undefined,
    );
    this.#model.said(model, frames, wire.frames[0]?.kind?.$case === 'opened', sentAtMs);
    this.#judge();
  }

  #say(
    { client, model, wire, isCut, isHalfClosed }: Conversation,
    said: readonly SaidFrame[],
    edits: readonly Edit[] = [],
  ): void {
    this.#judge();
    const frames = said.map((each) => client.frame(each));
    if (isCut || isHalfClosed || wire.end !== undefined) return;
    const right = Buffer.from(SessionRequest.encode({ frames }).finish());
    const message = mangled(right, edits, this.#messages);
    this.#messages.push(right);
    const meant = edits.length === 0 ? frames : framesOf(message);
    if (meant === undefined) this.#model.saidNonsense(model, 'MESSAGE_UNDECODABLE', 'RESOURCE_EXHAUSTED');
    else this.#model.said(model, meant, false);
    wire.writeRaw(message);
  }

  #leave(conversation: Conversation | undefined, how: 'cut' | 'half_close'): void {
    if (conversation === undefined || conversation.isCut || conversation.wire.end !== undefined) return;
    if (how === 'half_close') {
      conversation.isHalfClosed = true;
      this.#model.halfClosed(conversation.model);
      conversation.wire.call.end();
      return;
    }
    conversation.isCut = true;
    this.#model.cut(conversation.model);
    conversation.wire.call.cancel();
  }

  #judge(): void {
    for (const conversation of this.#all) {
      const { client, isCut, model, wire } = conversation;
      if (isCut) continue;
      for (const frame of wire.frames.slice(conversation.judged)) {
        model.heard(frame);
        if (this.#newestOf(client) === conversation) client.heard(frame);
      }
      conversation.judged = wire.frames.length;
      if (wire.end === undefined || model.stage === 'over') continue;
      const [info] = wire.end.infos;
      model.ended(info?.reason ?? wire.end.code);
    }
    this.#model.beliefs.check(performance.now());
  }

  #newestOf(client: FuzzClient): Conversation | undefined {
    return this.#all.findLast((conversation) => conversation.client === client);
  }
}
