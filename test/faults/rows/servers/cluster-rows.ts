import { nowUs } from '../../../history/events.js';
import { eventually } from '../../../support/deadline.js';
import { runHoldfast } from '../../../support/holdfast-command.js';
import { lockKey } from '../../../support/redlock/fault-rig.js';
import { canGrant } from '../../../support/server-cluster.js';
import { type Cell, PATIENCE_MS, TTL_MS, WINDOW_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import type { Participant } from '../../harness/participant.js';
import { type Stage, TWO_BELIEVE } from '../../harness/stage.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { clocks, LASTING_TTL_MS, R, reached, SMALL } from '../scenes.js';

const SET_BACK_MS = 120_000;
/** Kept by a client that a loaded machine makes wait for its turn, or for an operator’s order. */
const KEPT_TTL_MS = 3_000;
const HOUR_MS = 3_600_000;
const MAJORITY = [1, 2, 3] as const;

/** What comes of the order that a resource be forgotten. */
async function forgotten(cell: Cell, name: string, ...how: readonly string[]) {
  const { code, stdout, stderr } = await runHoldfast(['forget', name, ...how], { server: cell.server(1).address });
  return { isDone: code === 0, words: `${stdout}${stderr}`.trim() };
}

/** How long a lock will stand at a majority yet; negative: it does not. */
async function standsMs({ redises }: Cell, name: string): Promise<number> {
  const leftsMs = await Promise.all(redises.map(({ client }) => client.pttl(lockKey(name))));
  return leftsMs.sort((a, b) => b - a)[Math.floor(redises.length / 2)] ?? 0;
}

/** As a node has it that was ahead when it took it, or as another program leaves it. */
async function outlast(cell: Cell, name: string): Promise<void> {
  const value = `${'0'.repeat(32)}:${Date.now() * 1_000}`;
  await Promise.all(MAJORITY.map((number) => cell.redis(number).client.set(lockKey(name), value, 'PX', HOUR_MS)));
}

const LEFT = 'left by nobody';

/** Only an operator can free it; what somebody relies on only by force. */
async function untilForgotten(stage: Stage, cell: Cell): Promise<number> {
  const [, second, third] = cell.clients as [Participant, Participant, Participant];
  await outlast(cell, LEFT);
  stage.check('I3', 'granted what is held', (await third.refusal(LEFT, KEPT_TTL_MS)) !== undefined);
  const { words } = await forgotten(cell, LEFT);
  stage.check('E3', `what was left: ${words}`, words === `${LEFT} was forgotten by 3 of 5 nodes`);
  await third.acquire(LEFT, KEPT_TTL_MS, PATIENCE_MS);
  // From here on an operator has taken it upon himself.
  stage.beliefsMayMeetFromUs = nowUs();
  const order = forgotten(cell, R, '--always', '--yes');
  await eventually(PATIENCE_MS, 'nodes that have forgotten', async () => (await standsMs(cell, R)) < 0 || undefined);
  const goneUs = nowUs();
  stage.check('E3', `the order by force: ${(await order).words}`, (await order).isDone);
  const toldMs = ((await second.lost()) - goneUs) / 1_000;
  await third.acquire(R, KEPT_TTL_MS, PATIENCE_MS);
  return toldMs;
}

const E3: PlayedRow = {
  id: 'E3',
  title:
    'the clocks of three nodes are set back by 120 s, and right again, under a lease that somebody waits for; a lock that outlasts every lease is in the way until an operator has it forgotten',
  kind: 'played',
  control: {
    without: 'the refusal to forget what somebody may rely on',
    edits: [
      {
        file: 'server/src/store/redlock/node/scripts/forget.ts',
        original: 'local outlasts = left == -1 or left > longerThan',
        replacement: 'local outlasts = true',
      },
    ],
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    const clock = clocks(stage, ...MAJORITY);
    const cell = await stage.cell({ ...SMALL, clients: 3, maxTtlMs: KEPT_TTL_MS, redisEnv: clock.envOf });
    const [holder, waiter, third] = [cell.client(1), cell.client(2), cell.client(3)];
    const [first, second] = cell.servers.map(({ address }) => address) as [string, string];
    await Promise.all([holder.connect(first), waiter.connect(second), third.connect(first)]);
    const { token } = await holder.acquire(R, KEPT_TTL_MS);
    const granted = waiter.acquire(R, KEPT_TTL_MS, 6 * PATIENCE_MS);
    granted.catch(() => undefined);
    await cell.waiting(1, [2]);
    const early = await forgotten(cell, R);
    stage.check('E3', `its holder relies on it: ${early.words}`, /^holdfast: .*relies on/.test(early.words));
    if (early.isDone) {
      await granted;
      return measured;
    }
    clock.shiftBy(-SET_BACK_MS);
    await reached(nowUs() + KEPT_TTL_MS * 1_000);
    stage.check('I11', 'clocks set back cost the lease', await holder.mayWrite(R));
    await holder.kill();
    await eventually(PATIENCE_MS, 'the end of the lease where clocks are right', async () => {
      const [, , , fourth, fifth] = await cell.locks(R);
      return (fourth === null && fifth === null) || undefined;
    });
    const leftMs = await standsMs(cell, R);
    stage.check('E3', `it will stand for ${seconds(leftMs)}`, leftMs > SET_BACK_MS / 2);
    stage.check('I3', 'granted by nodes whose clocks are wrong', !waiter.has('granted'));
    const rightUs = nowUs();
    clock.shiftBy(0);
    const next = await granted;
    stage.check('I1', 'the token does not rise', BigInt(next.token) > BigInt(token));
    const afterMs = (next.atUs - rightUs) / 1_000;
    const toldMs = await untilForgotten(stage, cell);
    return (figures) =>
      `in the way for ${seconds(leftMs)}; granted ${seconds(afterMs)} after clocks were right; forgotten by force, its holder is told after ${seconds(toldMs)}; ${measured(figures)}`;
  },
};

/** How a server can be at odds with the others, by what all of them have to agree on. */
function quarrels(cell: Cell): readonly (readonly [what: string, args: readonly string[]])[] {
  const addresses = cell.redises.map((_, index) => `redis://${cell.way(1, index + 1).address}`);
  const nodes = (names: readonly string[]): readonly string[] => [
    '--redis-nodes',
    names.map((name, index) => `${name}=${addresses[index]}`).join(','),
  ];
  return [
    ['another key template', ['--redis-key-template', 'locks:{ns}:{name}']],
    ['another window', ['--redis-window', `${2 * WINDOW_MS}ms`]],
    ['another allowance for drift', ['--clock-drift', '2%']],
    ['other names of the nodes', nodes(['a', 'b', 'c', 'd', 'e'])],
    ['three of the nodes', nodes(['redis-1', 'redis-2', 'redis-3'])],
  ];
}

const CHECK = 'server/src/store/redlock/coordinator/configuration-check.ts';
const SAYS_WHY =
  / belongs to the configuration \w+ \(generation 1\), this server has \w+ \(generation 1\): all servers of/;

const B9: PlayedRow = {
  id: 'B9',
  title:
    'servers with other nodes, another window, drift or key template join; then one with other addresses and limits',
  kind: 'played',
  control: {
    without: 'the look at the configuration, by nodes and servers',
    edits: [
      ...guard('other-configuration-script'),
      {
        file: CHECK,
        original: "const agrees = outcome.answer !== 'other';",
        replacement: 'const agrees = true;',
      },
      {
        file: CHECK,
        original: 'if (configuration.hash === this.mine.hash && ',
        replacement: 'if (configuration.hash !== this.mine.hash || ',
      },
    ],
    breaks: TWO_BELIEVE,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1, maxTtlMs: LASTING_TTL_MS });
    const [holder, other] = [cell.client(1), cell.client(2)];
    await holder.connect(cell.server().address);
    const { token } = await holder.acquire(R, LASTING_TTL_MS);
    // Where nothing keeps them apart the first is enough.
    const all = quarrels(cell).slice(0, stage.control === undefined ? undefined : 1);
    const strangers = await Promise.all(
      all.map(async ([what, args]) => ({ what, server: await cell.strangerWith(args) })),
    );
    const fault = 'servers that do not belong to the cluster';
    const names = all.map(([what]) => what);
    stage.record.add({ kind: 'fault_begins', fault, closes: { resources: names, codes: ['UnavailableError'] } });
    for (const { what, server } of strangers) {
      await other.connect(server.address);
      await stage.soon('I10', `${what}: refused by its name`, PATIENCE_MS, async () => {
        const words = await other.refusal(R, TTL_MS);
        return words === undefined || SAYS_WHY.test(words);
      });
      stage.check('I10', `${what}: granted`, (await other.refusal(what, TTL_MS)) !== undefined);
      stage.check(
        'I10',
        `${what}: not logged`,
        server.logs.some(({ event }) => event === 'configuration_conflict'),
      );
    }
    stage.record.add({ kind: 'fault_ends', fault });
    stage.check('I11', 'the holder lost its lease', await holder.mayWrite(R));
    const limits = ['--max-ttl', `${2 * LASTING_TTL_MS}ms`, '--redis-node-deadline', '200ms', '--max-sessions', '100'];
    const direct = cell.redises.map(({ url }, index) => `redis-${index + 1}=${url}`).join(',');
    const friend = await cell.strangerWith([...limits, '--redis-nodes', direct]);
    await canGrant(friend);
    await other.connect(friend.address);
    stage.check('I3', 'granted what is held', (await other.refusal(R, TTL_MS)) !== undefined);
    await holder.release(R);
    const next = await other.acquire(R, 2 * LASTING_TTL_MS, PATIENCE_MS);
    stage.check('I1', 'the token does not rise', BigInt(next.token) > BigInt(token));
    return (figures) =>
      `${strangers.length} refused, each by its name; other addresses and limits serve; ${measured(figures)}`;
  },
};

export const CLUSTER_ROWS = { B9, E3 };
