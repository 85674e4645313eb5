import { eventually } from '../../../support/deadline.js';
import { freeAgainMs, PATIENCE_MS, SLACK_MS, TTL_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import { ONE_SERVER } from '../../harness/plan.js';
import { type PlayedRow, seconds } from '../row.js';
import { R } from '../scenes.js';

const A7: PlayedRow = {
  id: 'A7',
  title: 'what is done under the lease throws or never ends, and a disposal cannot reach the server',
  kind: 'played',
  control: {
    without: 'a bound on how long who gives back waits for an answer',
    edits: [
      {
        file: 'client/src/session/endings.ts',
        original:
          'this.ctx.alarms.set(claim.alarm, ended === undefined ? forgetAtMs : nowMs + Math.max(0, answerWithinMs));',
        replacement:
          'this.ctx.alarms.set(claim.alarm, ended === undefined ? forgetAtMs : nowMs + 3_600_000 + answerWithinMs);',
      },
    ],
    breaks: /^A7: the disposal/,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...ONE_SERVER, nodes: 5, clients: 2 });
    const [client, endless] = [cell.client(1), cell.client(2)];
    await Promise.all(cell.clients.map((each) => each.connect(cell.server().address)));
    const { isAsThrown, error } = await client.section(R, TTL_MS, 'throws');
    stage.check('A7', `rejected with ${error}`, isAsThrown);
    await stage.noLocksLeft([R], TTL_MS / 2, TTL_MS);
    const never = endless.section(R, TTL_MS, 'never ends');
    await client.acquire('other', TTL_MS, PATIENCE_MS);
    await eventually(PATIENCE_MS, 'both leases', async () => (await cell.metric('holdfast_leases')) === 2 || undefined);
    await cell.server().kill();
    let isDisposed = false;
    void client.dispose('other').then(
      () => {
        isDisposed = true;
      },
      () => undefined,
    );
    const tookMs = await stage.soon('A7', 'the disposal has ended', TTL_MS + SLACK_MS, () => isDisposed);
    const ended = await never;
    const isLost = ended.error.startsWith('LeaseLostError');
    stage.check('A7', `what never ends ended with ${ended.error}`, isLost);
    return () => `the error as it was thrown, 0 keys left; a disposal without a server took ${seconds(tookMs)}`;
  },
};

const HOARD = 10_000;
/** The control is about who else is left: few leases, and short ones. */
const SMALL_HOARD = 100;
const HOARD_TTL_MS = 6_000;
const LAG_MS = 100;
const OTHERS = 'waited for by the one who is killed';

const A11: PlayedRow = {
  id: 'A11',
  title: `a client with ${HOARD} leases, which waits for one more, is killed`,
  kind: 'played',
  controlRuns: 'afterwards',
  control: {
    without: 'taking those who do not come back out of the queues',
    edits: guard('dead-session-waiter'),
    breaks: /^I7: .*nothing of it left/,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...ONE_SERVER, clients: 2, maxTtlMs: HOARD_TTL_MS, serverArgs: ['--grace', '1s'] });
    const [client, other] = [cell.client(1), cell.client(2)];
    await Promise.all(cell.clients.map((each) => each.connect(cell.server().address)));
    const [count, ttlMs] = stage.control === undefined ? [HOARD, HOARD_TTL_MS] : [SMALL_HOARD, TTL_MS];
    await other.acquire(OTHERS, ttlMs);
    await client.hoard(count, ttlMs);
    client.acquire(OTHERS, ttlMs, 4 * PATIENCE_MS).catch(() => undefined);
    await cell.waiting(1);
    await client.kill();
    let lagMs = 0;
    const tookMs = await stage.soon('L3', 'all its leases gone', freeAgainMs(ttlMs) + SLACK_MS, async () => {
      const delay = await cell.metric('holdfast_event_loop_delay_seconds\\{quantile="0.99"\\}');
      lagMs = Math.max(lagMs, 1_000 * delay);
      return (await cell.metric('holdfast_leases')) === 1;
    });
    stage.check('A11', `turns were late by ${lagMs} ms`, lagMs < LAG_MS);
    await stage.soon('I7', 'nothing of it left', SLACK_MS, async () => {
      const gauges = ['waiters', 'streams', 'sessions\\{state="detached"\\}', 'leases'];
      const [waiters, streams, detached, leases] = await Promise.all(
        gauges.map((each) => cell.metric(`holdfast_${each}`)),
      );
      return waiters === 0 && streams === 1 && detached === 0 && leases === 1;
    });
    const late = `99 % of the server’s turns late by ${lagMs.toFixed(1)} ms at most`;
    return () => `all gone after ${seconds(tookMs)} (TTL ${HOARD_TTL_MS / 1_000} s), 0 waiters, 0 streams; ${late}`;
  },
};

export const LIBRARY_ROWS = { A7, A11 };
