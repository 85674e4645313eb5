import type { ErrandReply } from '../../../server/src/store/redlock/coordinator/redis-node.js';
import { sharesKeys } from '../../../server/src/store/redlock/coordinator/settings.js';
import { configurationText } from '../../../server/src/store/redlock/node/configuration-text.js';
import type { Connection, Outcome } from '../../../server/src/store/redlock/node/connection.js';
import { runErrand } from '../../../server/src/store/redlock/node/errands.js';
import { lockPattern, nodeKeys } from '../../../server/src/store/redlock/node/node-keys.js';
import { payloadOf } from '../../../server/src/store/redlock/node/payload.js';
import { readBatchReply } from '../../../server/src/store/redlock/node/reply.js';
import { type ScriptName, scriptTexts } from '../../../server/src/store/redlock/node/scripts/all-scripts.js';
import type { ScriptConstants } from '../../../server/src/store/redlock/node/scripts/prelude.js';
import { type ModelSide, realKey } from './conformance-model.js';
import { type Answer, CLUSTER_ID, type KeptKey, type Keys, NO_TEXT, SERVERS, type Step } from './conformance-steps.js';

/** The one line by which scripts learn the time, and what stands there instead. */
const CLOCK = "local time = call('TIME')";
const FED_CLOCK = 'local time = { ARGV[#ARGV - 1], ARGV[#ARGV] }';

type Shas = ReadonlyMap<ScriptName, string>;
export type LoadedScripts = Map<string, Promise<Shas>>;

/** Between two calls nothing expires: this much is added to what is left of every key. */
const PARKED_MS = 86_400_000;

/** Gives every key the time since the last call back, and takes a step of the clock off it. Says when that was. */
const UNPARK = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local passed = now - ARGV[1]
for at = 3, #ARGV do redis.call('DEL', ARGV[at]) end
for _, key in ipairs(redis.call('KEYS', '*')) do
  local ends = redis.call('PEXPIRETIME', key)
  if ends > 0 then redis.call('PEXPIREAT', key, string.format('%.0f', ends - ${PARKED_MS} + passed - ARGV[2])) end
end
return string.format('%.0f', now)
`;

/** Says what is there and when it ends, and when that was. */
const PARK = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = { string.format('%.0f', now) }
for _, key in ipairs(redis.call('KEYS', '*')) do
  local ends = redis.call('PEXPIRETIME', key)
  local isText = redis.call('TYPE', key).ok == 'string'
  found[#found + 1] = key
  found[#found + 1] = isText and redis.call('GET', key) or '${NO_TEXT}'
  found[#found + 1] = string.format('%.0f', ends)
  if ends > 0 then redis.call('PEXPIREAT', key, string.format('%.0f', ends + ${PARKED_MS})) end
end
return found
`;

/**
 * A real Redis behind the product's scripts, payloads and replies, one step after the other. It is told the time by the
 * model, and nothing in it expires but by that time.
 */
export class RealSide {
  #calledAtMs = '0';
  #longestCallMs = 0;
  #contents: Keys = new Map();

  private constructor(
    private readonly connection: Connection,
    private readonly model: ModelSide,
    /** By the constants they carry, as long as the process keeps them. */
    private readonly loaded: LoadedScripts,
  ) {}

  /** For so long time has passed in it, by its own clock, that the model knows nothing of. */
  get longestCallMs(): number {
    return this.#longestCallMs;
  }

  /** Forgets everything but the scripts. */
  static async begin(connection: Connection, model: ModelSide, loaded: LoadedScripts): Promise<RealSide> {
    const side = new RealSide(connection, model, loaded);
    await side.#command('flushall');
    await side.#during(0, [], () => Promise.resolve());
    return side;
  }

  /** What it kept after the last step. */
  get contents(): Keys {
    return this.#contents;
  }

  /** The model has not taken the step yet, but for steps of the clock, of which it says what they let expire. */
  async run(step: Step): Promise<Answer> {
    switch (step.kind) {
      case 'batch':
        return this.#batch(step);
      case 'errand':
        return runErrand(step.errand, (name, args) => this.#script(step.server, name, args));
      case 'time':
        await this.#during(step.byUs, this.model.expired.map(realKey), () => Promise.resolve());
        return undefined;
      case 'plant':
        await this.#during(0, [], () => this.#plant(step));
        return undefined;
      case 'vanish':
        await this.#during(0, [realKey(step.key)], () => Promise.resolve());
        return undefined;
      case 'flush':
        await this.#during(0, [], () => this.#command('flushall'));
        return undefined;
      case 'restart':
        if (step.memory === 'empty') await this.#during(0, [], () => this.#command('flushall'));
        return this.#withoutScripts(0);
      case 'new history':
      case 'verified':
        return undefined;
      case 'script flush':
        return this.#withoutScripts(step.server);
    }
  }

  async #batch({ server, batch, outOfMemory }: Extract<Step, { kind: 'batch' }>): Promise<Answer> {
    const shas = await this.#shas(server);
    const args = [payloadOf(batch), SERVERS[server] ?? ''];
    const [, outcome] = await Promise.all([
      outOfMemory && this.#command('config', 'set', 'maxmemory', '1'),
      this.#call(shas, batch.verb, args),
      outOfMemory && this.#command('config', 'set', 'maxmemory', '0'),
    ]);
    return outcome.kind === 'fault' ? outcome : readBatchReply(batch, outcome.reply);
  }

  /** The scripts are gone, and a call does nothing; later calls find them again. */
  async #withoutScripts(server: number): Promise<ErrandReply> {
    const shas = await this.#shas(server);
    await this.#command('script', 'flush');
    const reply = await runErrand({ kind: 'reset' }, (name, args) => this.#call(shas, name, args));
    this.loaded.clear();
    return reply;
  }

  async #script(server: number, name: ScriptName, args: readonly (string | Buffer)[]): Promise<Outcome> {
    return this.#call(await this.#shas(server), name, args);
  }

  #call(shas: Shas, name: ScriptName, args: readonly (string | Buffer)[]): Promise<Outcome> {
    const { clockUs } = this.model;
    const time = [String(Math.floor(clockUs / 1e6)), String(clockUs % 1e6)];
    return this.#during(0, [], () => this.#send('evalsha', [shas.get(name) ?? '', '0', ...args, ...time]));
  }

  /** Every answer is awaited at once, so that nothing of this process comes between the commands. */
  async #during<T>(byUs: number, gone: readonly string[], act: () => Promise<T>): Promise<T> {
    const { clockUs } = this.model;
    const stepMs = Math.floor(clockUs / 1_000) - Math.floor((clockUs - byUs) / 1_000);
    const unparked = this.#command('eval', UNPARK, '0', this.#calledAtMs, String(stepMs), ...gone);
    const acted = act();
    const parked = this.#command('eval', PARK, '0');
    const [calledAtMs, result, found] = await Promise.all([unparked, acted, parked]);
    this.#calledAtMs = String(calledAtMs);
    this.#take(found as readonly string[]);
    return result;
  }

  #take([parkedAtMs, ...found]: readonly string[]): void {
    const calledAtMs = Number(this.#calledAtMs);
    this.#longestCallMs = Math.max(this.#longestCallMs, Number(parkedAtMs) - calledAtMs);
    const contents = new Map<string, KeptKey>();
    for (let at = 0; at < found.length; at += 3) {
      const [key = '', value = '', ends] = found.slice(at, at + 3);
      contents.set(key, { value, leftMs: Number(ends) > 0 ? Number(ends) - calledAtMs : -1 });
    }
    this.#contents = contents;
  }

  async #plant({ key, what, expiryMs }: Extract<Step, { kind: 'plant' }>): Promise<void> {
    const name = realKey(key);
    const commands = [this.#command('del', name)];
    if (what.kind === 'list') commands.push(this.#command('rpush', name, 'x'));
    else commands.push(this.#command('set', name, what.text));
    if (expiryMs !== undefined) commands.push(this.#command('pexpire', name, String(Math.ceil(expiryMs))));
    await Promise.all(commands);
  }

  #shas(server: number): Promise<Shas> {
    const settings = this.model.settings(server);
    const { windowMs, ballotMs, admissionMs, keyTemplate } = settings;
    const constants: ScriptConstants = {
      identity: this.model.verifiedFor(server),
      clusterId: CLUSTER_ID,
      configuration: configurationText(settings.configuration),
      windowMs,
      ballotMs,
      admissionMs,
      sharedKeys: sharesKeys(settings),
      lockPattern: lockPattern(keyTemplate),
    };
    const name = JSON.stringify(constants);
    const loaded = this.loaded.get(name) ?? this.#load(constants);
    this.loaded.set(name, loaded);
    return loaded;
  }

  async #load(constants: ScriptConstants): Promise<Shas> {
    const loading = scriptTexts(constants).map(async ([name, text]) => {
      return [name, String(await this.#command('script', 'load', fedClock(text)))] as const;
    });
    return new Map(await Promise.all(loading));
  }

  #send(name: string, args: readonly (string | Buffer)[]): Promise<Outcome> {
    return new Promise((resolve) => this.connection.send(name, args, resolve));
  }

  /** One of the test's own, which has to succeed. */
  async #command(name: string, ...args: readonly string[]): Promise<unknown> {
    const outcome = await this.#send(name, args);
    if (outcome.kind === 'fault') throw new Error(`${name}: ${outcome.fault.message}`);
    return outcome.reply;
  }
}

function fedClock(text: string): string {
  const parts = text.split(CLOCK);
  if (parts.length !== 2 || parts.some((part) => part.includes("'TIME'"))) {
    throw new Error(`the scripts must take their clock in one line: ${CLOCK}`);
  }
  return parts.join(FED_CLOCK);
}

export const hintsChannel = nodeKeys(CLUSTER_ID).hints;
