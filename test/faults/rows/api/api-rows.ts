import { acquire, type FrameKind, WireClient } from '../../../wire/support/wire-client.js';
import { PATIENCE_MS, SLACK_MS, TTL_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import { ONE_SERVER } from '../../harness/plan.js';
import type { Stage } from '../../harness/stage.js';
import type { PlayedRow, Row } from '../row.js';
import { LASTING_TTL_MS, R } from '../scenes.js';
import { CROWD_ROWS } from './crowd-rows.js';
import { WAITER_ROWS } from './waiter-rows.js';

const BAD_TTLS_MS = [-1, 0, 1, Number.NaN, 2 ** 31, 2 ** 63];
/** What a frame can carry of them, and the ends of what it can. */
const BAD_TTLS_ON_WIRE = [-1n, 0n, 1n, 2n ** 31n, 2n ** 63n - 1n, -(2n ** 63n)];

/** With that as its time to live, whatever a library would say to it. */
function withTtl(ttlMs: bigint): FrameKind {
  const asked = acquire(`of ${ttlMs} ms in a frame`);
  if (asked.$case !== 'acquire') throw new Error(asked.$case);
  return { ...asked, value: { ...asked.value, ttlMs } };
}

/** Each has to be refused with what is wrong, and with what would be right. */
async function refusedOnWire(stage: Stage, address: string): Promise<void> {
  const wire = new WireClient(address);
  try {
    const stream = await wire.openSession();
    for (const [index, ttlMs] of BAD_TTLS_ON_WIRE.entries()) {
      stream.write({ id: 2 + index, kind: withTtl(ttlMs) });
      const { kind } = await stream.answer(2 + index);
      const words = kind?.$case === 'failed' ? (kind.value.status?.message ?? '') : kind?.$case;
      const isNamed = /acquire\.ttl_ms is .*; allowed: 200 to 2000/.test(words ?? '');
      stage.check('I10', `a frame with ${ttlMs} ms: ${words}`, isNamed);
    }
  } finally {
    wire.close();
  }
}

const J1: PlayedRow = {
  id: 'J1',
  title: `times to live of ${BAD_TTLS_MS.join(', ')} ms, by the library and in frames`,
  kind: 'played',
  control: {
    without: 'looking at times to live, in the library and at the server',
    edits: [
      {
        file: 'client/src/client.ts',
        original: "if (ttlMs !== undefined) checkInteger('ttlMs',",
        replacement: "if (ttlMs === null) checkInteger('ttlMs',",
      },
      {
        file: 'server/src/core/request-check.ts',
        original:
          "checkMs('acquire.ttl_ms', request.ttlMs ?? limits.defaultTtlMs, limits.minTtlMs, limits.maxTtlMs) ??",
        replacement: '',
      },
    ],
    breaks: /^I10: .*: grant/,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...ONE_SERVER, clients: 1 });
    const { address } = cell.server();
    const client = cell.client(1);
    await client.connect(address);
    stage.faultBegins('bad times to live', ['InvalidArgumentError']);
    for (const ttlMs of BAD_TTLS_MS) {
      const words = (await client.refusal(`of ${ttlMs} ms`, ttlMs)) ?? 'granted';
      const isNamed = /InvalidArgumentError: ttlMs .*200 to 2000/.test(words);
      stage.check('I10', `${ttlMs} ms: ${words}`, isNamed);
    }
    await refusedOnWire(stage, address);
    stage.faultEnds('bad times to live', [R], PATIENCE_MS);
    await client.acquire(R, TTL_MS, PATIENCE_MS);
    return () =>
      `${BAD_TTLS_MS.length + BAD_TTLS_ON_WIRE.length} refused, each with what is allowed; the next request served`;
  },
};

const J18: PlayedRow = {
  id: 'J18',
  title: 'an extension after the release',
  kind: 'played',
  control: {
    without: 'the refusal of what was given back, in the library, at the server and by a majority of nodes',
    edits: [
      {
        file: 'client/src/session/leases.ts',
        original: '    if (!this.check(lease)) {\n      pending.failed(lease.error);',
        replacement: "    if (lease.how !== 'released' && !this.check(lease)) {\n      pending.failed(lease.error);",
      },
      {
        file: 'client/src/session/leases.ts',
        original: 'if (lease.extensions.length === 0 || !outbox.attached || !held.has(id)) return;',
        replacement: 'if (lease.extensions.length === 0 || !outbox.attached) return;',
      },
      {
        file: 'server/src/core/extensions.ts',
        original: "if (request?.state !== 'held' || request.abandoned) {",
        replacement: 'if (request === undefined) {',
      },
      ...guard('repair-after-quorum'),
    ],
    breaks: /^S4: it stands again/,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...ONE_SERVER, nodes: 5, clients: 1, maxTtlMs: LASTING_TTL_MS });
    const client = cell.client(1);
    await client.connect(cell.server().address);
    await client.acquire(R, LASTING_TTL_MS);
    const before = await client.notExtended(R);
    stage.check('S6', `an extension while it is held: ${before}`, before === undefined);
    const released = client.release(R);
    const words = (await client.notExtended(R)) ?? 'extended';
    const outcome = await released;
    await stage.noLocksLeft([R], SLACK_MS, LASTING_TTL_MS);
    const left = (await cell.locks(R)).filter((value) => value !== null).length;
    stage.check('S4', `it stands again, at ${left} nodes`, left === 0);
    stage.check('S4', `the extension: ${words}`, words.includes('LeaseLostError') && outcome === 'released');
    return () => `${words}; 0 keys left`;
  },
};

export const API_ROWS: readonly Row[] = [J1, WAITER_ROWS.J12, CROWD_ROWS.J15, WAITER_ROWS.J16, J18];
