import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ConnectOptions } from '@holdfast/client';
import { within } from '../../support/deadline.js';
import { nodeProgram } from '../../support/node-program.js';
import type { CrowdCount, CrowdEvent, CrowdOrder, Line, LineMove } from './crowd-protocol.js';

const MAIN = fileURLToPath(new URL('./crowd-main.ts', import.meta.url));
/** Generous: a loaded machine connects some hundred clients a second. */
const ANSWER_MS = 60_000;

/** Many clients in one process, for rows that are about how many there are; they are in nobody's history. */
export class CrowdProcess {
  private constructor(private readonly child: ChildProcess) {}

  static async start(): Promise<CrowdProcess> {
    const program = nodeProgram(MAIN);
    const child = fork(program.at(-1) ?? MAIN, { execArgv: program.slice(0, -1) });
    const crowd = new CrowdProcess(child);
    await crowd.#answer();
    return crowd;
  }

  /** Connects so many more clients, and resolves when a server has opened the sessions of all. */
  async join(targets: readonly string[], count: number, options: ConnectOptions = {}): Promise<void> {
    await this.#told({ kind: 'join', targets, count, options });
  }

  /** Resolves when each has a lease of its own. */
  async hold(ttlMs: number): Promise<void> {
    await this.#told({ kind: 'hold', ttlMs });
  }

  /** Resolves when all have asked. */
  async flood(flood: Omit<Extract<CrowdOrder, { kind: 'flood' }>, 'kind'>): Promise<void> {
    await this.#told({ kind: 'flood', ...flood });
  }

  /** Each takes lease after lease, until `enough`. */
  async gather(ttlMs: number): Promise<void> {
    await this.#told({ kind: 'gather', ttlMs });
  }

  async enough(): Promise<void> {
    await this.#told({ kind: 'enough' });
  }

  /** Resolves when they have asked, one after another. */
  async lineUp(line: Line): Promise<void> {
    await this.#told({ kind: 'line_up', ...line });
  }

  /** Resolves when nobody is in the line any more, with what happened in it. */
  async dissolved(): Promise<readonly LineMove[]> {
    const answer = await this.#told({ kind: 'dissolve' });
    if (answer.kind !== 'dissolved') throw new Error(`the crowd answered ${answer.kind}`);
    return answer.moves;
  }

  async count(): Promise<CrowdCount> {
    const answer = await this.#told({ kind: 'count' });
    if (answer.kind !== 'counted') throw new Error(`the crowd answered ${answer.kind}`);
    return answer;
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }

  #told(order: CrowdOrder): Promise<CrowdEvent> {
    const answer = this.#answer();
    this.child.send(order);
    return answer;
  }

  async #answer(): Promise<CrowdEvent> {
    const [event] = (await within(ANSWER_MS, 'an answer of the crowd', once(this.child, 'message'))) as [CrowdEvent];
    if (event.kind === 'failed') throw new Error(`the crowd failed: ${event.why}`);
    return event;
  }
}
