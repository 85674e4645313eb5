import { nowUs } from '../../../history/events.js';
import type { HistoryRecord } from '../../../history/record.js';
import { type Cell, PATIENCE_MS, TTL_MS } from '../../harness/cell.js';
import { FarSide } from '../../harness/far-side.js';
import type { Participant } from '../../harness/participant.js';
import type { Stage } from '../../harness/stage.js';
import { NO_OWN_CLOCK } from '../controls.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { R, reached, SMALL } from '../scenes.js';

const LOSSES = [5, 20, 50];
const LOSSY_MS = 3_000;
const SLOW_BITS = 1_000;
const WAIT_MS = 1_000;
const HOLD_MS = 50;

/** Takes and gives back one lease after another until then; answers how many it was granted. */
async function contends(client: Participant, name: string, untilUs: number): Promise<number> {
  let grants = 0;
  while (nowUs() < untilUs) {
    if ((await client.refusal(name, TTL_MS, WAIT_MS)) !== undefined) continue;
    grants += 1;
    await reached(nowUs() + HOLD_MS * 1_000);
    await client.mayWrite(name);
    await client.release(name);
  }
  return grants;
}

/** By how much the latest answer to an acquire came after its wait. */
function latestAnswerMs({ events }: HistoryRecord): number {
  const dueUs = new Map<string, number>();
  let latestUs = Number.NEGATIVE_INFINITY;
  for (const event of events) {
    if (event.kind === 'invoke') dueUs.set(`${event.client} ${event.operation}`, event.atUs + event.waitMs * 1_000);
    if (event.kind !== 'grant' && event.kind !== 'failure') continue;
    const due = dueUs.get(`${event.client} ${event.operation}`);
    if (due !== undefined) latestUs = Math.max(latestUs, event.atUs - due);
  }
  return latestUs / 1_000;
}

/** The servers at the far end of one cable, two clients at that of another, and a third client at neither. */
async function apart(stage: Stage, servers: FarSide, clients: FarSide) {
  const cell = await stage.cell({
    ...SMALL,
    serverArgs: ['--insecure', '--listen', `${servers.far}:0`, '--metrics-listen', `${servers.far}:0`],
    serverLaunch: { inside: servers.command },
    clientLaunch: { inside: clients.command },
    waysAt: servers.near,
    doorsAt: clients.near,
  });
  const near = await cell.joinedBy('client-3', {});
  await Promise.all([...cell.clients.map((client) => client.connect(...cell.doors)), near.connect(...addresses(cell))]);
  return { cell, near };
}

function addresses({ servers }: Cell): readonly string[] {
  return servers.map(({ address }) => address);
}

const D10: PlayedRow = {
  id: 'D10',
  title: `${LOSSES.join(', ')} % of packets lost on every link of servers and clients; ${SLOW_BITS / 1_000} kbit/s for clients`,
  kind: 'played',
  controlRuns: 'afterwards',
  control: NO_OWN_CLOCK,
  impossible: () => FarSide.impossible(),
  play: async (stage) => {
    const sides = [await FarSide.begin(), await FarSide.begin()] as const;
    try {
      return await throughLoss(stage, ...sides);
    } finally {
      for (const side of sides) side.end();
    }
  },
};

const throughLoss = async (stage: Stage, servers: FarSide, clients: FarSide): ReturnType<PlayedRow['play']> => {
  const { cell, near } = await apart(stage, servers, clients);
  const [first, second] = [cell.client(1), cell.client(2)];
  const granted: number[] = [];
  for (const percent of LOSSES) {
    for (const side of [servers, clients]) side.lose(percent);
    const untilUs = nowUs() + LOSSY_MS * 1_000;
    const grants = await Promise.all([first, second, near].map((client) => contends(client, R, untilUs)));
    granted.push(grants.reduce((sum, each) => sum + each, 0));
    for (const side of [servers, clients]) side.heal();
  }
  const again = servers.sentAgain + clients.sentAgain;
  stage.check('D10', 'nothing had to be sent again: nothing was lost', again > 0);
  const healedMs = performance.now();
  await first.acquire('slow', TTL_MS, PATIENCE_MS);
  const backMs = performance.now() - healedMs;
  const next = near.acquire('slow', TTL_MS, PATIENCE_MS);
  next.catch(() => undefined);
  clients.slow(SLOW_BITS);
  const slowly = contends(second, R, nowUs() + LOSSY_MS * 1_000);
  const { atUs } = await next;
  stage.check('I3', 'the holder believed in its lease, and another had it', !(await first.mayWrite('slow')));
  const toldMs = stage.control === undefined ? (atUs - (await first.lost())) / 1_000 : 0;
  await slowly;
  clients.heal();
  const late = latestAnswerMs(stage.record);
  return (figures) =>
    `${granted.join(', ')} grants with ${again} segments sent again, granted ${seconds(backMs)} after that; on the slow link lost, ` +
    `and said so ${seconds(toldMs)} before the next grant; latest answer ${late.toFixed(0)} ms after its wait; ${measured(figures)}`;
};

export const LOSSY_ROWS = [D10];
