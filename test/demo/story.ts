import { connect, WaitTimeoutError } from '@holdfast/client';
import { LeaseInfo_SessionState } from '@holdfast/protocol';
import { ClaimFailed, type Narrator } from './narrator.js';
import type { RedisCluster } from './redis-cluster.js';
import { RESOURCE, type Stage, type Worker } from './stage.js';
import { sharedNowMs } from './worker-protocol.js';

/** Short, so that nobody has to wait long for a lease to run out. */
const TTL_MS = 2_000;
/** Long enough to outlast the restart of a server, on a busy machine too. */
const LONG_TTL_MS = 10_000;
const LATE_MS = 2_000;
/** Of five nodes. */
const QUORUM = 3;

interface View {
  readonly state: string;
  readonly token: string;
  readonly leaseId: string;
}

function sameLease(before: View, after: View): boolean {
  return after.state === 'held' && after.token === before.token && after.leaseId === before.leaseId;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** The demo, chapter by chapter. Whatever it claims, it has seen. */
export class Story {
  readonly #tokens: bigint[] = [];

  constructor(
    private readonly stage: Stage,
    private readonly narrator: Narrator,
  ) {}

  async tell(): Promise<void> {
    const { stage, narrator } = this;
    const [ada, ben, cleo] = await Promise.all(['ada', 'ben', 'cleo'].map((name) => stage.worker(name)));
    if (ada === undefined || ben === undefined || cleo === undefined) throw new ClaimFailed('there are three workers');
    narrator.tell('workers', `ada (pid ${ada.pid}), ben (${ben.pid}) and cleo (${cleo.pid}) are connected`);
    const cleosGrant = await this.#takeTurns(ada, ben, cleo);
    await this.#crash(ben, cleo, cleosGrant);
    await this.#restart(cleo, ada);
    await this.#pause(ada, await stage.worker('dora'));
    if (stage.redis !== undefined) await this.#loseNodes(stage.redis, ada, cleo);
    await this.#lookBack();
  }

  /** The chapter in which the resource's check of tokens decides, alone. */
  async tellOfPause(): Promise<void> {
    const [ada, dora] = await Promise.all([this.stage.worker('ada'), this.stage.worker('dora')]);
    this.narrator.tell('workers', `ada (pid ${ada.pid}) and dora (${dora.pid}) are connected`);
    await this.#pause(ada, dora);
    await this.#lookBack();
  }

  /** Ends with ben holding, and cleo first in line: its grant is what is returned, still to come. */
  async #takeTurns(ada: Worker, ben: Worker, cleo: Worker): Promise<Grant> {
    const { stage, narrator } = this;
    narrator.chapter('Taking turns');
    await this.#granted('ada', ada.ask({ kind: 'acquire', ttlMs: TTL_MS }, 'granted'));
    const bensGrant = ben.ask({ kind: 'acquire', ttlMs: TTL_MS }, 'granted');
    await stage.listing('ben in line', ({ waiters }) => waiters === 1);
    narrator.tell('ben', 'waits, 1st in line');
    const cleosGrant: Grant = { promise: cleo.ask({ kind: 'acquire', ttlMs: LONG_TTL_MS }, 'granted') };
    await stage.listing('cleo in line', ({ waiters }) => waiters === 2);
    narrator.tell('cleo', 'waits, 2nd in line');
    await this.#visit();
    await this.#write(ada, 'ada');
    const { fromMs, toMs } = await ada.ask({ kind: 'watch' }, 'extended');
    narrator.claim(
      `ada's lease was extended without her doing: ${seconds(fromMs)} were left, then ${seconds(toMs)}`,
      toMs > fromMs,
    );
    await this.#write(ada, 'ada');
    const { outcome } = await ada.ask({ kind: 'release' }, 'released');
    narrator.claim('ada gave it back', outcome === 'released');
    await this.#granted('ben', bensGrant);
    await this.#write(ben, 'ben');
    return cleosGrant;
  }

  /** Somebody with little patience is told who holds the resource, and how long the line is. */
  async #visit(): Promise<void> {
    const visitor = await connect(this.stage.server.address, { name: 'visitor' });
    try {
      const error: unknown = await visitor.acquire(RESOURCE, { waitMs: 200 }).catch((reason: unknown) => reason);
      if (!(error instanceof WaitTimeoutError)) throw new ClaimFailed('a visitor is turned away');
      this.narrator.tell('visitor', error.message);
      this.narrator.claim(
        'who does not want to wait is told who holds it and how many are before him',
        error.holder?.clientName === 'ada' && error.position === 3,
      );
    } finally {
      await visitor.close();
    }
  }

  async #crash(ben: Worker, cleo: Worker, cleosGrant: Grant): Promise<void> {
    const { stage, narrator } = this;
    narrator.chapter('A worker dies');
    await ben.kill();
    const seenMs = sharedNowMs();
    const { remainingMs } = await stage.listing("ben's lease", ({ clientName }) => clientName === 'ben');
    narrator.tell('ben', `was killed (SIGKILL) while he held it; his lease has ${seconds(remainingMs)} to run`);
    const { atMs } = await this.#granted('cleo', cleosGrant.promise);
    const afterMs = atMs - seenMs;
    narrator.claim(`cleo got it when ben's lease had run out, not before`, afterMs >= remainingMs);
    narrator.claim(`and soon after: ${seconds(afterMs - remainingMs)}`, afterMs < remainingMs + LATE_MS);
    await this.#write(cleo, 'cleo');
  }

  async #restart(cleo: Worker, ada: Worker): Promise<void> {
    const { stage, narrator } = this;
    narrator.chapter('The server dies, and comes back');
    const adasGrant = ada.ask({ kind: 'acquire', ttlMs: TTL_MS }, 'granted');
    await stage.listing('ada in line', ({ waiters }) => waiters === 1);
    narrator.tell('ada', 'waits, 1st in line');
    const before = await cleo.ask({ kind: 'look' }, 'view');
    const away = cleo.next('state', ({ state }) => state === 'reconnecting');
    await stage.cutServer();
    await away;
    narrator.tell('server', 'was killed (SIGKILL); cleo holds on, for as long as her lease is valid');
    const back = cleo.next('state', ({ state }) => state === 'connected');
    await stage.restartServer();
    await back;
    narrator.tell('server', `is back: pid ${stage.server.pid}, same address, same data`);
    const after = await cleo.ask({ kind: 'look' }, 'view');
    narrator.claim(`cleo's lease was resumed, with the same token ${after.token}`, sameLease(before, after));
    await this.#write(cleo, 'cleo');
    const { token } = await stage.listing('cleo attached and ada in line', ({ sessionState, waiters }) => {
      return sessionState === LeaseInfo_SessionState.SESSION_STATE_ATTACHED && waiters === 1;
    });
    narrator.claim('the new server knows her lease, and ada still waits in line', String(token) === before.token);
    const { outcome } = await cleo.ask({ kind: 'release' }, 'released');
    narrator.claim('cleo gave it back', outcome === 'released');
    await this.#granted('ada', adasGrant);
    await this.#write(ada, 'ada');
    await ada.ask({ kind: 'release' }, 'released');
  }

  async #pause(ada: Worker, dora: Worker): Promise<void> {
    const { stage, narrator } = this;
    narrator.chapter('A worker is paused, and comes back too late');
    await this.#granted('ada', ada.ask({ kind: 'acquire', ttlMs: TTL_MS }, 'granted'));
    const dorasGrant = dora.ask({ kind: 'acquire', ttlMs: TTL_MS }, 'granted');
    await stage.listing('dora in line', ({ waiters }) => waiters === 1);
    narrator.tell('dora', 'waits, 1st in line');
    ada.signal('SIGSTOP');
    narrator.tell('ada', 'is stopped (SIGSTOP) before her next write; she sends no heartbeats');
    await this.#granted('dora', dorasGrant);
    await this.#write(dora, 'dora');
    const late = ada.ask({ kind: 'writeBlindly', text: 'too late' }, 'wroteBlindly');
    ada.signal('SIGCONT');
    const { accepted, assertHeld } = await late;
    narrator.tell('ada', 'goes on (SIGCONT) and writes with the token she remembers, without looking');
    narrator.claim('the resource refused her write: it has seen a higher token', !accepted);
    narrator.claim(`assertHeld() would have told her: it throws ${assertHeld}`, assertHeld === 'LeaseLostError');
    await this.#write(dora, 'dora');
    const { outcome } = await dora.ask({ kind: 'release' }, 'released');
    narrator.claim('dora gave it back', outcome === 'released');
  }

  /** Two of the nodes, which is all that five can do without, while a lease is held and another one waited for. */
  async #loseNodes(redis: RedisCluster, ada: Worker, cleo: Worker): Promise<void> {
    const { stage, narrator } = this;
    narrator.chapter('Two of the five Redis nodes die');
    await this.#granted('ada', ada.ask({ kind: 'acquire', ttlMs: TTL_MS }, 'granted'));
    const cleosGrant = cleo.ask({ kind: 'acquire', ttlMs: TTL_MS }, 'granted');
    await stage.listing('cleo in line', ({ waiters }) => waiters === 1);
    narrator.tell('cleo', 'waits, 1st in line');
    const before = await ada.ask({ kind: 'look' }, 'view');
    const victims = redis.nodes.slice(0, 2).map(({ id }) => id);
    await Promise.all(victims.map((id) => redis.killNode(id)));
    narrator.tell('redis', `${victims.join(' and ')} were killed (SIGKILL), and with them all they had in memory`);
    const voting = await stage.votingNodes(redis.nodes.length - victims.length);
    narrator.tell('server', `${voting} of ${redis.nodes.length} nodes vote; ${QUORUM} must agree`);
    const { fromMs, toMs } = await ada.ask({ kind: 'watch' }, 'extended');
    narrator.claim(`ada's lease is extended by the others: ${seconds(fromMs)}, then ${seconds(toMs)}`, toMs > fromMs);
    const after = await ada.ask({ kind: 'look' }, 'view');
    narrator.claim('it is the lease she had, with the token she had', sameLease(before, after));
    await this.#write(ada, 'ada');
    await ada.ask({ kind: 'release' }, 'released');
    await this.#granted('cleo', cleosGrant);
    await this.#write(cleo, 'cleo');
    const { outcome } = await cleo.ask({ kind: 'release' }, 'released');
    narrator.claim('cleo gave it back', outcome === 'released');
  }

  async #lookBack(): Promise<void> {
    const { narrator, stage } = this;
    narrator.chapter('Looking back');
    const writes = await stage.writes();
    const falls = writes.some(({ token }, index) => BigInt(token) < BigInt(writes[index - 1]?.token ?? 0));
    narrator.claim(`${writes.length} writes were taken, and their tokens never went down`, !falls && writes.length > 0);
    const rising = this.#tokens.every((token, index) => index === 0 || token > (this.#tokens[index - 1] ?? token));
    narrator.claim(`${this.#tokens.length} grants, each with a higher token than the one before`, rising);
  }

  async #granted<G extends { readonly token: string }>(name: string, grant: Promise<G>): Promise<G> {
    const granted = await grant;
    const token = BigInt(granted.token);
    const last = this.#tokens.at(-1);
    this.#tokens.push(token);
    if (last === undefined) this.narrator.tell(name, `holds ${RESOURCE} with token ${token}`);
    else this.narrator.claim(`${name} holds it with a higher token: ${token}`, token > last);
    return granted;
  }

  async #write(worker: Worker, name: string): Promise<void> {
    const { accepted } = await worker.ask({ kind: 'write', text: `by ${name}` }, 'wrote');
    this.narrator.claim(`${name} wrote, and the resource took it`, accepted);
  }
}

/** A grant to come; wrapped, so that returning it does not wait for it. */
interface Grant {
  readonly promise: Promise<{ readonly token: string; readonly atMs: number }>;
}
