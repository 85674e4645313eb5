import { nowUs } from '../../../history/events.js';
import { eventually } from '../../../support/deadline.js';
import { NODE_DEADLINE_MS, PATIENCE_MS, SLACK_MS, TTL_MS } from '../../harness/cell.js';
import type { Control } from '../../harness/stage.js';
import { NO_DELETION } from '../controls.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { LASTING_TTL_MS, R, reached, SMALL } from '../scenes.js';

const MAJORITY = [1, 2, 3];
const MINORITY = [4, 5];
/** Less than an hour, and more than a row takes. */
const NEVER = '3_600_000';
const PING_MS = 1_000;
const PINGS = ['--keepalive-interval', '1s', '--keepalive-timeout', '1s'];
/** A connection to a node that is silent for so long is replaced. */
const SILENCE_MS = 3_000;
/** Beats come every sixth of it, and four of them go unanswered before it is over. */
const BEATEN_TTL_MS = 4_000;

const NOTHING_NOTICED: Control = {
  without: 'the server’s pings, and its looks for nodes that are silent',
  edits: [
    {
      file: 'server/src/rpc/grpc-server.ts',
      original: "'grpc.keepalive_time_ms': settings.keepaliveIntervalMs,",
      replacement: `'grpc.keepalive_time_ms': ${NEVER},`,
    },
    {
      file: 'server/src/store/redlock/coordinator/member.ts',
      original: 'const SILENCE_MS = 3_000;',
      replacement: `const SILENCE_MS = ${NEVER};`,
    },
    {
      file: 'server/src/store/redlock/node/ioredis-node.ts',
      original: 'const CHECK_EVERY_MS = 5_000;',
      replacement: `const CHECK_EVERY_MS = ${NEVER};`,
    },
  ],
  breaks: /^(I7|I11): half-open connections/,
};

export const D8: PlayedRow = {
  id: 'D8',
  title:
    'nothing passes any more on connections that stay open: of a holder, of a client that stands still, of three nodes',
  kind: 'played',
  control: NOTHING_NOTICED,
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1, clients: 3, maxTtlMs: LASTING_TTL_MS, serverArgs: PINGS });
    const [holder, still, other] = [cell.client(1), cell.client(2), cell.client(3)];
    const door = cell.door();
    await Promise.all([
      holder.connect(door.address),
      still.connect(door.address),
      other.connect(cell.server().address),
    ]);
    await holder.acquire(R, BEATEN_TTL_MS);
    const before = door.asked;
    still.stop();
    door.deafen();
    const deafMs = performance.now();
    await eventually(PATIENCE_MS, 'another connection of the holder', () => door.asked > before || undefined);
    const noticedMs = performance.now() - deafMs;
    await holder.acquire('after', BEATEN_TTL_MS, PATIENCE_MS);
    stage.check('I11', 'the holder has not come back in time for its lease', await holder.mayWrite(R));
    const left = stage.soon('I7', 'half-open connections of clients ended', 2 * PING_MS + SLACK_MS, async () => {
      return (await cell.metric('holdfast_streams')) === 2;
    });
    // Whoever waits for it hears of a failure, too.
    left.catch(() => undefined);
    for (const node of MAJORITY) cell.way(1, node).deafen();
    const startMs = performance.now();
    const words = await other.refusal('half-open', LASTING_TTL_MS);
    const refusedMs = performance.now() - startMs;
    stage.check(
      'I10',
      `the refusal was: ${words ?? 'a grant'}`,
      /\b3 of 5 nodes .*redis-1 timed out after/.test(words ?? ''),
    );
    stage.check('I5', `refused only after ${seconds(refusedMs)}`, refusedMs < 2 * NODE_DEADLINE_MS + SLACK_MS / 4);
    await stage.soon('I11', 'half-open connections to nodes replaced', SILENCE_MS + SLACK_MS, async () => {
      return (await other.refusal('replaced', LASTING_TTL_MS)) === undefined;
    });
    const replacedMs = performance.now() - startMs;
    const endedMs = noticedMs + (await left);
    if (stage.control !== undefined) return measured;
    await other.release('replaced');
    await stage.noLocksLeft(['half-open', 'replaced'], LASTING_TTL_MS / 3, LASTING_TTL_MS);
    return (figures) =>
      `the holder back after ${seconds(noticedMs)} with its lease, the other ended after ${seconds(endedMs)}; nodes: refused after ` +
      `${seconds(refusedMs)}, connected anew after ${seconds(replacedMs)}; ${measured(figures)}`;
  },
};

/** Nothing, the first character, less and more than the first line of what a script answers. */
const CUT_AFTER = [0, 1, 3, 60];

export const D9: PlayedRow = {
  id: 'D9',
  title: `connections to three nodes are reset after ${CUT_AFTER.join(', ')} bytes of their answers to a bid; then those to two, again and again`,
  kind: 'played',
  control: NO_DELETION,
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1, maxTtlMs: LASTING_TTL_MS });
    const [holder, other] = [cell.client(1), cell.client(2)];
    await Promise.all(cell.clients.map((client) => client.connect(cell.server().address)));
    let freeMs = 0;
    for (const bytes of CUT_AFTER) {
      const name = `after-${bytes}`;
      for (const node of MAJORITY) cell.way(1, node).treat('down', { kind: 'hold' });
      const refused = other.refusal(name, LASTING_TTL_MS);
      await eventually(PATIENCE_MS, 'answers', async () =>
        (await cell.locks(name)).every((value) => value !== null) ? true : undefined,
      );
      // Of what was held back so much goes on, and then the connection ends.
      for (const node of MAJORITY) cell.way(1, node).treat('down', { kind: 'reset_after', bytes });
      const words = await refused;
      stage.check('I10', `the refusal was: ${words ?? 'a grant'}`, /\b3 of 5 nodes /.test(words ?? ''));
      cell.heal();
      const ms = await stage.soon('I6', 'all keys freed', LASTING_TTL_MS / 3, async () =>
        (await cell.locks(name)).every((value) => value === null),
      );
      freeMs = Math.max(freeMs, ms);
      // Once is enough to see that they never will be.
      if (stage.control !== undefined) return measured;
      await other.acquire(name, LASTING_TTL_MS, PATIENCE_MS);
      await other.release(name);
    }
    await holder.acquire(R, TTL_MS, PATIENCE_MS);
    await other.acquire('given back', LASTING_TTL_MS, PATIENCE_MS);
    const asked = (): number => MINORITY.reduce((sum, node) => sum + cell.way(1, node).asked, 0);
    const before = asked();
    for (const node of MINORITY) cell.way(1, node).treat('down', { kind: 'reset_after', bytes: 20 });
    await reached(nowUs() + 2 * TTL_MS * 1_000);
    stage.check('I11', 'a minority cost the holder its lease', await holder.mayWrite(R));
    stage.check('I11', 'given back to no majority', (await other.release('given back')) === 'released');
    const again = asked() - before;
    cell.heal();
    await stage.noLocksLeft(
      ['given back', ...CUT_AFTER.map((bytes) => `after-${bytes}`)],
      LASTING_TTL_MS / 2,
      LASTING_TTL_MS,
    );
    stage.check('I11', 'the holder lost its lease', (await holder.release(R)) === 'released');
    return (figures) =>
      `all keys freed after ${seconds(freeMs)}; a lease kept while two nodes were reached ${again} times anew; ${measured(figures)}`;
  },
};
