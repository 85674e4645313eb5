import { nowUs } from '../../../history/events.js';
import { eventually } from '../../../support/deadline.js';
import { makeCertificates, type TestCertificates } from '../../../support/redis-certificates.js';
import { startRedis } from '../../../support/redis-server.js';
import { makeFit, makeUnfit } from '../../../support/redlock/unfit-node.js';
import type { Cell } from '../../harness/cell.js';
import { PATIENCE_MS, SLACK_MS, TTL_MS } from '../../harness/cell.js';
import { guard } from '../../harness/guards-off.js';
import type { Stage } from '../../harness/stage.js';
import { NO_QUARANTINE } from '../controls.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { granted, heldByThree, LASTING_TTL_MS, LONG_TTL_MS, R, reached, SMALL } from '../scenes.js';

const MAJORITY = [1, 2, 3];
const NONE_GRANTED = ['UnavailableError', 'WaitTimeoutError'];
const NEW = 'new';

/** Nothing is granted while most nodes are not fit for it, in words that say why. */
async function refusedAs(stage: Stage, cell: Cell, words: RegExp): Promise<void> {
  await stage.soon('I10', `a refusal in the words ${words}`, PATIENCE_MS, async () =>
    words.test((await cell.client(2).refusal(NEW, TTL_MS)) ?? ''),
  );
}

const C11: PlayedRow = {
  id: 'C11',
  title: 'all nodes have all the memory they may have, under two leases; one goes on, one is given back',
  kind: 'played',
  control: {
    without: 'extending by a command that needs no memory: the lease is written anew instead',
    edits: [
      {
        file: 'server/src/store/redlock/node/scripts/extend.ts',
        original: "    local raised = pcall('PEXPIRE', key, px, 'GT')\n    if type(raised) == 'table' then",
        replacement: "    local raised = pcall('SET', key, value, 'XX', 'PX', px)\n    if raised.err then",
      },
    ],
    breaks: /^I11: a lease was lost for want of memory/,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1, maxTtlMs: LASTING_TTL_MS });
    const holder = cell.client(1);
    await Promise.all(cell.clients.map((client) => client.connect(cell.server().address)));
    await holder.acquire('given', LASTING_TTL_MS, PATIENCE_MS);
    await holder.acquire(R, TTL_MS, PATIENCE_MS);
    await Promise.all(cell.redises.map((redis) => makeUnfit(redis, 'full')));
    const fullUs = nowUs();
    stage.faultBegins('no memory is left', NONE_GRANTED);
    await refusedAs(stage, cell, /redis-\d failed: OOM command not allowed/);
    const outcome = await holder.release('given');
    stage.check('S6', `given back without memory: ${outcome}`, outcome === 'released');
    await stage.noLocksLeft(['given'], SLACK_MS, LASTING_TTL_MS);
    await reached(fullUs + 2_000 * TTL_MS);
    const heldMs = (nowUs() - fullUs) / 1_000;
    stage.check('I11', 'a lease was lost for want of memory', await holder.mayWrite(R));
    stage.check('S6', 'nor could it be given back', (await holder.release(R)) === 'released');
    stage.faultEnds('no memory is left', [NEW], PATIENCE_MS);
    await Promise.all(cell.redises.map((redis) => makeFit(redis, 'full')));
    const startMs = performance.now();
    await granted(cell, 2, NEW, PATIENCE_MS);
    const tookMs = performance.now() - startMs;
    return (figures) =>
      `held on for ${seconds(heldMs)} (TTL ${seconds(TTL_MS)}), given back, 0 keys left; granted ${seconds(tookMs)} after; ${measured(figures)}`;
  },
};

const C13: PlayedRow = {
  id: 'C13',
  title: 'three nodes cannot save to their disks, and take no writes for it, under a lease',
  kind: 'played',
  control: {
    without: 'a majority that has confirmed an extension',
    edits: guard('unknown-not-renewed'),
    breaks: /^I4: it believed when a majority had nothing of its lease any more/,
  },
  play: async (stage) => {
    const redis = { directives: [['enable-protected-configs', 'yes']] };
    const cell = await stage.cell({ ...SMALL, servers: 1, maxTtlMs: LASTING_TTL_MS, redis });
    const holder = cell.client(1);
    await Promise.all(cell.clients.map((client) => client.connect(cell.server().address)));
    await holder.acquire('given', LASTING_TTL_MS, PATIENCE_MS);
    await holder.acquire(R, TTL_MS, PATIENCE_MS);
    await Promise.all(MAJORITY.map((number) => makeUnfit(cell.redis(number), 'unable_to_save')));
    const unfitUs = nowUs();
    stage.faultBegins('three nodes cannot save', NONE_GRANTED);
    await refusedAs(stage, cell, /redis-\d takes no writes because it cannot save them to its disk/);
    const outcome = await holder.release('given');
    stage.check('S6', 'given back where nobody can free it', outcome !== 'released');
    await eventually(PATIENCE_MS, 'the end of the lease at three nodes', async () =>
      (await cell.locks(R)).slice(0, MAJORITY.length).every((value) => value === null) ? true : undefined,
    );
    const believes = await holder.mayWrite(R);
    stage.check('I4', 'it believed when a majority had nothing of its lease any more', !believes);
    const lostMs = ((await holder.lost()) - unfitUs) / 1_000;
    stage.faultEnds('three nodes cannot save', [R, NEW], TTL_MS + PATIENCE_MS);
    await Promise.all(MAJORITY.map((number) => makeFit(cell.redis(number), 'unable_to_save')));
    const startMs = performance.now();
    for (const name of [R, NEW]) await granted(cell, 2, name, TTL_MS + PATIENCE_MS);
    const tookMs = performance.now() - startMs;
    await stage.noLocksLeft(['given'], SLACK_MS, LASTING_TTL_MS);
    return (figures) =>
      `release: ${outcome}; lost ${seconds(lostMs)} after, granted again ${seconds(tookMs)} after they could save; ${measured(figures)}`;
  },
};

/** Copies itself at once, and not after some seconds in which others might want that as well. */
const COPIES_AT_ONCE = [['repl-diskless-sync-delay', '0']];

const C14: PlayedRow = {
  id: 'C14',
  title:
    'a node becomes a replica of an empty Redis, under a lease on it and two others, and then a primary again; ' +
    'another server reaches it and the other two',
  kind: 'played',
  control: NO_QUARANTINE,
  play: async (stage) => {
    let outMs = 0;
    let promotedUs = 0;
    const primary = await startRedis({ directives: COPIES_AT_ONCE });
    try {
      const { cell, afterMs, befellUs } = await heldByThree(stage, {}, async (cell) => {
        const { client } = cell.redis(3);
        const startMs = performance.now();
        await client.replicaof('127.0.0.1', primary.port);
        await refusedAs(stage, cell, /redis-3 is a replica/);
        outMs = performance.now() - startMs;
        await eventually(PATIENCE_MS, 'the copy', async () =>
          /^master_link_status:up/m.test(await client.info('replication')) ? true : undefined,
        );
        stage.check('C14', 'the copy has a lease that its primary lacks', (await cell.locks(R))[2] === null);
        await client.replicaof('NO', 'ONE');
        promotedUs = nowUs();
      });
      const waitedMs = afterMs - (promotedUs - befellUs) / 1_000;
      stage.check('S1', 'granted before the quarantine was over', waitedMs >= cell.quarantineMs);
      return (figures) =>
        `out after ${seconds(outMs)}, next grant ${seconds(waitedMs)} after it was a primary again; ${measured(figures)}`;
    } finally {
      await primary.stop();
    }
  },
};

const PASSWORD = 'open-sesame';
const IN_ANY_PASSWORD = /sesame/;

/** Node 1 has another password, node 2 gives its user fewer rights, and node 3 shows a certificate that has expired. */
async function shutOut(cell: Cell, { files }: TestCertificates): Promise<void> {
  await cell.redis(1).client.config('SET', 'requirepass', 'shut-sesame');
  await makeUnfit(cell.redis(2), 'without_rights');
  await cell.redis(3).client.config('SET', 'tls-cert-file', files.expired);
  for (const number of [1, 3])
    await cell.redis(number).client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
}

async function letIn(cell: Cell, { files }: TestCertificates): Promise<void> {
  await cell.redis(1).client.config('SET', 'requirepass', PASSWORD);
  await makeFit(cell.redis(2), 'without_rights');
  await cell.redis(3).client.config('SET', 'tls-cert-file', files.node);
}

const CAUSES = [
  'refused the password',
  'does not let this user do what it must: .*evalsha',
  'could not be connected to: certificate has expired',
];

const C15: PlayedRow = {
  id: 'C15',
  title: 'one node has another password, one takes rights away, the certificate of one expires, under a lease',
  kind: 'played',
  control: {
    without: 'words of its own for what a node refuses: the error of the library as it is',
    edits: [
      {
        file: 'server/src/store/redlock/node/node-fault.ts',
        original: "return byCode.kind === 'no_permission' ? noPermission(message) : byCode;",
        replacement: "return { ...byCode, message: byCode.message + ': ' + JSON.stringify(error) };",
      },
    ],
    breaks: /^C15: a password in the log/,
  },
  play: async (stage) => {
    const tls = makeCertificates();
    try {
      const { ca, cert, key } = tls.files;
      const serverArgs = ['--redis-ca', ca, '--redis-cert', cert, '--redis-key', key];
      const cell = await stage.cell({ ...SMALL, servers: 1, serverArgs, redis: { tls, password: PASSWORD } });
      const server = cell.server();
      await Promise.all(cell.clients.map((client) => client.connect(server.address)));
      await cell.client(1).acquire(R, TTL_MS, PATIENCE_MS);
      const startMs = performance.now();
      await shutOut(cell, tls);
      await refusedAs(stage, cell, new RegExp(CAUSES.map((cause, index) => `redis-${index + 1} ${cause}`).join('.*')));
      const outMs = performance.now() - startMs;
      stage.faultBegins('three nodes have shut it out', NONE_GRANTED);
      await cell.client(1).lost();
      const downs = server.logs.filter(({ event }) => event === 'node_down');
      for (const [index, cause] of CAUSES.entries()) {
        const isTold = downs.some((line) => line['node'] === `redis-${index + 1}` && isIn(line['cause'], cause));
        stage.check('C15', `no line in the log: redis-${index + 1} ${cause}`, isTold);
      }
      stage.faultEnds('three nodes have shut it out', [R], PATIENCE_MS);
      await letIn(cell, tls);
      const backMs = performance.now();
      await granted(cell, 2, R, PATIENCE_MS);
      const tookMs = performance.now() - backMs;
      const told = server.logs.map((line) => JSON.stringify(line));
      const passwords = told.filter((line) => IN_ANY_PASSWORD.test(line)).length;
      stage.check('C15', `a password in the log, in ${passwords} of ${told.length} lines`, passwords === 0);
      stage.check('C15', 'a password in the metrics', !IN_ANY_PASSWORD.test(await cell.metrics()));
      return (figures) =>
        `out after ${seconds(outMs)}, granted ${seconds(tookMs)} after they let it in; no password in ${told.length} lines of its log; ${measured(figures)}`;
    } finally {
      tls.remove();
    }
  },
};

function isIn(cause: unknown, words: string): boolean {
  return typeof cause === 'string' && new RegExp(words).test(cause);
}

const C18: PlayedRow = {
  id: 'C18',
  title: 'SCRIPT FLUSH on all nodes at once, under a lease',
  kind: 'played',
  control: {
    without: 'the look whether it is the process it was: a node without its scripts is taken for one without memory',
    edits: [
      {
        file: 'server/src/store/redlock/coordinator/member.ts',
        original: '  down(fault: NodeFault): void {\n',
        replacement:
          "  down(fault: NodeFault): void {\n    if (fault.kind === 'unverified') this.admission.distrust();\n",
      },
    ],
    breaks: /^C18: [1-5] nodes had to wait/,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, servers: 1, maxTtlMs: LONG_TTL_MS });
    const [holder, other] = [cell.client(1), cell.client(2)];
    const { address, logs } = cell.server();
    await Promise.all(cell.clients.map((client) => client.connect(address)));
    await holder.acquire(R, TTL_MS, PATIENCE_MS);
    const before = logs.length;
    const flushedUs = nowUs();
    await Promise.all(cell.redises.map(({ client }) => client.script('FLUSH')));
    const grantMs = await stage.soon('I11', 'a grant without a wait', cell.quarantineMs / 2, async () => {
      const words = await other.refusal(NEW, TTL_MS);
      return words === undefined;
    });
    const votesMs = await stage.soon('I11', 'all nodes back without a wait', cell.quarantineMs / 2, async () => {
      const votes = await Promise.all(
        cell.redises.map((_, index) =>
          cell.metric(`holdfast_node_state\\{node="redis-${index + 1}",state="admitted"\\}`),
        ),
      );
      return votes.every((value) => value === 1);
    });
    const waits = logs.slice(before).flatMap(({ event, node }) => (event === 'node_quarantined' ? [node] : []));
    const waited = new Set(waits).size;
    stage.check('C18', `${waited} nodes had to wait`, waited === 0);
    await reached(flushedUs + 2_000 * TTL_MS);
    stage.check('I11', 'the lease was lost', await holder.mayWrite(R));
    return (figures) =>
      `granted after ${seconds(grantMs)}, all nodes vote after ${seconds(grantMs + votesMs)}, none waited; ${measured(figures)}`;
  },
};

export const UNFIT_ROWS = { C11, C13, C14, C15, C18 };
