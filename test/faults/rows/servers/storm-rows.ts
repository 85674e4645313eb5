import { PATIENCE_MS, SLACK_MS, TTL_MS } from '../../harness/cell.js';
import { CrowdProcess } from '../../harness/crowd-process.js';
import type { Stage } from '../../harness/stage.js';
import { NO_HELD } from '../controls.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { R, SMALL } from '../scenes.js';

/** As many as two processors carry, servers and nodes included. */
const CLIENTS = 1_000;
/** The control is about who holds what, not about how many there are. */
const FEW_CLIENTS = 100;
const LONG_TTL_MS = 60_000;
const BACK_MS = 30_000;
/** All of a crowd share one process: an attempt of one may take as long as those of all. */
const OF_CROWD = { attemptTimeoutMs: 10_000 };
/** The client's own pauses: they double, and are at least half of this. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** How often a client tries at most within a time that no attempt succeeds in. */
function mostAttempts(withinMs: number): number {
  // One at once, and one when it finds that the connection is gone.
  let attempts = 2;
  for (let [passedMs, pauseMs] = [0, FIRST_PAUSE_MS]; passedMs < withinMs; attempts += 1) {
    passedMs += pauseMs / 2;
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
  return attempts;
}

export const D13: PlayedRow = {
  id: 'D13',
  title: `the server of ${CLIENTS} clients is killed, each of which holds a lease, and comes back`,
  kind: 'played',
  controlRuns: 'afterwards',
  control: NO_HELD,
  play: async (stage) => {
    const crowd = await CrowdProcess.start();
    try {
      return await storm(stage, crowd, stage.control === undefined ? CLIENTS : FEW_CLIENTS);
    } finally {
      await crowd.kill();
    }
  },
};

const storm = async (stage: Stage, crowd: CrowdProcess, clients: number): ReturnType<PlayedRow['play']> => {
  const cell = await stage.cell({ ...SMALL, nodes: 3, maxTtlMs: LONG_TTL_MS });
  const [holder, rival] = [cell.client(1), cell.client(2)];
  const door = cell.door();
  await Promise.all([holder.connect(door.address), rival.connect(cell.server(2).address)]);
  await crowd.join([door.address], clients, OF_CROWD);
  await crowd.hold(LONG_TTL_MS);
  const first = await holder.acquire(R, LONG_TTL_MS);
  const askedBefore = door.asked;
  const killedMs = performance.now();
  await cell.server(1).kill();
  const refused = rival.refusal(R, LONG_TTL_MS, SLACK_MS);
  await cell.succeed(1);
  const upMs = performance.now();
  await holder.acquire('fresh', TTL_MS, PATIENCE_MS);
  const freshMs = performance.now() - upMs;
  const backMs = await stage.soon(
    'I11',
    'all clients back',
    BACK_MS,
    async () => (await crowd.count()).connected === clients,
  );
  const wholeMs = performance.now() - killedMs;
  const attempts = (door.asked - askedBefore) / clients;
  stage.check('D13', `${attempts} attempts each in ${seconds(wholeMs)}`, attempts <= mostAttempts(wholeMs));
  const { held, lost } = await crowd.count();
  stage.check('I11', `${held} of ${clients} leases came back, ${lost} were lost`, held === clients && lost === 0);
  stage.check('I3', 'what is held was granted by the other server', (await refused) !== undefined);
  stage.check('I11', 'the holder lost its lease', await holder.mayWrite(R));
  const lag = async (quantile: string): Promise<string> =>
    seconds(1_000 * (await cell.metric(`holdfast_event_loop_delay_seconds\\{quantile="${quantile}"\\}`)));
  const [p99, longest] = [await lag('0.99'), await lag('1')];
  await holder.release(R);
  const next = await rival.acquire(R, TTL_MS, PATIENCE_MS);
  stage.check('I1', 'the token does not rise', BigInt(next.token) > BigInt(first.token));
  return (figures) =>
    `${clients} back with their leases ${seconds(freshMs + backMs)} after the server, a fresh one granted after ${seconds(freshMs)}, ` +
    `${attempts.toFixed(1)} attempts each; the server’s turns late by ${p99} (99 %), ${longest} at most; ${measured(figures)}`;
};
