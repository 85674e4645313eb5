import { once } from 'node:events';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { Connection } from '../../../server/src/store/redlock/node/connection.js';
import { within } from '../../support/deadline.js';
import { parseNodeAddress } from '../../support/parse-node-address.js';
import { type RedisServer, startRedis } from '../../support/redis-server.js';
import type { ScriptRule } from '../../support/redlock/script-context.js';
import { type Sequence, sequences } from './conformance-choices.js';
import { Chooser } from './conformance-chooser.js';
import { answerDifference, keysDifference, text } from './conformance-compare.js';
import { ModelSide } from './conformance-model.js';
import { hintsChannel, type LoadedScripts, RealSide } from './conformance-redis.js';
import type { Answer, Step } from './conformance-steps.js';

const HINTS_DEADLINE_MS = 5_000;
/** A machine that stands still during a call makes times differ, but not twice in the same place: the sequence is repeated. */
const STALL_MS = 25;
const MAX_TRIES = 4;

/** One real Redis, and everything that was seen of it. */
export class ConformanceBench {
  readonly #loaded: LoadedScripts = new Map();
  readonly #hints: string[] = [];
  #ends = 0;
  #end = '';
  #ended: () => void = () => undefined;

  private constructor(
    private readonly redis: RedisServer,
    private readonly connection: Connection,
    private readonly listener: Redis,
  ) {
    listener.on('message', (_channel, hint: string) => {
      this.#hints.push(hint);
      if (hint === this.#end) this.#ended();
    });
  }

  static async start(): Promise<ConformanceBench> {
    const redis = await startRedis();
    const parsed = parseNodeAddress(redis.url);
    if (parsed.kind === 'refused') throw new Error(parsed.why);
    const connection = await new Promise<Connection>((resolve, reject) => {
      const opened: Connection = new Connection(
        { address: parsed.address, tls: undefined },
        { opened: () => resolve(opened), closed: ({ message }) => reject(new Error(message)) },
      );
    });
    const listener = new Redis(redis.url, { disableClientInfo: true });
    await listener.subscribe(hintsChannel);
    return new ConformanceBench(redis, connection, listener);
  }

  async stop(): Promise<void> {
    this.connection.drop({ kind: 'unreachable', message: 'is not needed any more' });
    const ended = once(this.listener, 'end');
    this.listener.disconnect();
    await ended;
    await this.redis.stop();
  }

  /** As many sequences as asked for, from a seed. The report is empty where nothing was found. */
  async compare(
    runs: number,
    seed: number,
    without: readonly ScriptRule[] = [],
  ): Promise<{ readonly report: string; readonly seen: ReadonlyMap<string, number> }> {
    const seen = new Map<string, number>();
    const property = fc.asyncProperty(sequences, async (sequence) => {
      for (let tries = 1; ; tries += 1) {
        const { difference, longestCallMs } = await this.#play(sequence, without, seen);
        if (difference === undefined) return;
        if (longestCallMs <= STALL_MS || tries === MAX_TRIES) throw new Error(difference);
      }
    });
    const details = await fc.check(property, { numRuns: runs, seed, endOnFailure: without.length > 0 });
    if (!details.failed) return { report: '', seen };
    const { errorInstance, numRuns, numShrinks } = details;
    const story = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
    const found = `CONFORMANCE_SEED=${seed}, found by sequence ${numRuns}, made shorter ${numShrinks} times`;
    return { report: `${found}\n${story}`, seen };
  }

  /** The whole story of a sequence that tells the two apart. */
  async #play(
    sequence: Sequence,
    without: readonly ScriptRule[],
    seen: Map<string, number>,
  ): Promise<{ readonly difference: string | undefined; readonly longestCallMs: number }> {
    const model = new ModelSide(sequence.scene, without);
    const real = await RealSide.begin(this.connection, model, this.#loaded);
    const chooser = new Chooser(model);
    this.#hints.length = 0;
    const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
    const told = (difference: string) => {
      const { longestCallMs } = real;
      return { difference: [...story, difference].join('\n'), longestCallMs };
    };
    const story = [text(sequence.scene)];
    const steps = [
      ...declaration(model).map((step) => () => step),
      ...sequence.choices.map((choice) => () => chooser.step(choice)),
    ];
    for (const next of steps) {
      const step = next();
      const [answer, difference] = await takeStep(step, model, real);
      story.push(text(step));
      if (difference !== undefined) return told(difference);
      kindsOf(step, answer).forEach(count);
    }
    const hints = await this.#heard();
    for (const hint of hints) count(hint.startsWith('r') ? 'hint released' : 'hint wanted');
    if (hints.join() !== model.hints.join()) {
      return told(`the model hints ${text(model.hints)}, the real Redis ${text(hints)}`);
    }
    return { difference: undefined, longestCallMs: real.longestCallMs };
  }

  /** All that was heard before a message that is sent now. */
  async #heard(): Promise<readonly string[]> {
    this.#ends += 1;
    this.#end = `end ${this.#ends}`;
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    await this.redis.client.publish(hintsChannel, this.#end);
    await within(HINTS_DEADLINE_MS, 'all hints', ended);
    return this.#hints.slice(0, -1);
  }
}

async function takeStep(step: Step, model: ModelSide, real: RealSide): Promise<[Answer, string | undefined]> {
  // How much a step of the clock lets expire is for the model to say; else the real one goes first.
  const early = step.kind === 'time' ? model.run(step) : undefined;
  const answer = await real.run(step);
  const expected = step.kind === 'time' ? early : model.run(step);
  const difference = answerDifference(expected, answer) ?? keysDifference(model.contents(), real.contents);
  return [answer, difference];
}

/** How a cluster begins. */
function declaration(model: ModelSide): readonly Step[] {
  const { configuration, maxTtlMs } = model.settings(0);
  const nonce = 'the first';
  return [
    { kind: 'errand', server: 0, errand: { kind: 'mark', nonce } },
    { kind: 'errand', server: 0, errand: { kind: 'declare', nonce, configuration, maxTtlMs } },
  ];
}

function kindsOf(step: Step, answer: Answer): readonly string[] {
  if (step.kind === 'errand' && answer?.kind === 'done') {
    const { outcome } = answer;
    if (outcome.kind === 'confirm') return [`confirm ${outcome.answer}`];
    return ['admitted' in outcome ? `${outcome.kind} ${outcome.admitted}` : outcome.kind];
  }
  if (step.kind !== 'batch') return [];
  if (answer?.kind === 'barred') return [`${step.batch.verb} ${answer.why}`];
  return answer?.kind === 'votes'
    ? answer.votes.map((vote) => `${step.batch.verb} ${vote.kind === 'fault' ? vote.code : vote.kind}`)
    : [];
}
