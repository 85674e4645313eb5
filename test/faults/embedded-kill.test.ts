import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../server/src/process/system-clock.js';
import type { EmbeddedStore } from '../../server/src/store/embedded/embedded-store.js';
import { openEmbeddedStore } from '../../server/src/store/embedded/open-embedded-store.js';
import { grantee, resource } from '../contract/store-bids.js';
import { expectRising, Verbs } from '../contract/verbs.js';
import { GranterProcess, type Told } from './embedded-child.js';

const ROUNDS = 20;
/** Enough to be killed at start, in the first commits, and well under way. */
const MOST_LINES = 400;

describe('the embedded store in a process that is killed', function () {
  this.timeout(180_000);
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-kill-'));
  });
  afterEach(async () => {
    await GranterProcess.killAll();
    await rm(directory, { recursive: true });
  });

  it(`keeps every grant it told anybody of, over ${ROUNDS} rounds of SIGKILL (G1, S1, S2, A1)`, async () => {
    let greatest = 0n;
    let seed = 20_261_122;
    for (let round = 0; round < ROUNDS; round += 1) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      const granter = new GranterProcess([directory, String(round)]);
      await granter.said(1 + (seed % MOST_LINES));
      await granter.kill();
      const told = granter.told();
      expectRising([greatest, ...told.hot.map(({ token }) => token)]);
      greatest = await withStore(directory, (store) => checkTold(store, told, String(round), greatest));
    }
  });

  it('makes greater tokens after an older backup was put back (S2)', async () => {
    const first = new GranterProcess([directory, 'first']);
    await first.said(50);
    await first.kill();
    const backup = await mkdtemp(join(tmpdir(), 'holdfast-backup-'));
    await cp(directory, backup, { recursive: true });
    const second = new GranterProcess([directory, 'second']);
    await second.said(200);
    await second.kill();
    await rm(directory, { recursive: true });
    await cp(backup, directory, { recursive: true });
    await rm(backup, { recursive: true });
    const greatest = greatestOf(second.told(), 0n);
    await withStore(directory, async (store) => {
      const token = await new Verbs(() => store).granted('new', grantee('new'));
      expect(token > greatest).to.equal(true);
    });
  });

  it('stops at the first write the disk refuses, and loses nothing it told anybody of (G1)', async () => {
    // Files may grow to 200 blocks of 1,024 bytes: then a write fails as on a full disk.
    const granter = new GranterProcess([directory, 'full'], ['bash', '-c', 'ulimit -f 200; exec "$@"', 'limited']);
    // A failed write leaves the library's own memory damaged now and then, for which the C library may end the process first.
    expect(await granter.ended()).to.be.oneOf([3, 'SIGABRT']);
    expect(granter.lines.at(-1)).to.match(/^failed writing .*leases\.mdb failed: /);
    expect(granter.lines.filter((line) => line.startsWith('failed'))).to.have.length(1);
    await withStore(directory, (store) => checkTold(store, granter.told(), 'full', 0n));
  });

  if (spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0) {
    it('tells a grant after fdatasync and the synchronous write of the meta page, as strace sees it', async () => {
      const trace = join(directory, 'trace');
      const calls = ['-f', '-e', 'trace=openat,fdatasync,pwrite64,write', '-o', trace];
      const granter = new GranterProcess([directory, 'traced', '--one-by-one'], ['strace', ...calls]);
      await granter.said(12);
      // strace forwards no SIGKILL: the granter's own pid is in its first line.
      process.kill(Number(granter.lines[0]?.split(' ')[1]), 'SIGKILL');
      await granter.ended();
      expectSynced((await readFile(trace, 'utf8')).split('\n'));
    });
  }
});

async function withStore<T>(directory: string, use: (store: EmbeddedStore) => Promise<T>): Promise<T> {
  const store = await openEmbeddedStore({
    directory,
    clock: systemClock,
    clockRateDrift: 0.01,
    clockMarginMs: 5,
    onFailure: (error) => {
      throw error;
    },
  });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Every lease told is there, with its token, for nobody else; returns the greatest token there ever was. */
async function checkTold(store: EmbeddedStore, told: Told, run: string, before: bigint): Promise<bigint> {
  const on = new Verbs(() => store);
  for (const { name } of told.plain) {
    expect((await on.acquire(name, grantee('stranger'))).kind, name).to.equal('held');
  }
  const adoptions = told.plain.map(({ name, token }) => ({
    resource: resource(name),
    presented: [grantee(name).hash],
    token,
    grantee: grantee(name, { secret: `${name} again` }),
  }));
  const answers = await on.batch.adopt(adoptions);
  expect(answers).to.deep.equal(told.plain.map(({ token }) => ({ kind: 'adopted', token })));
  const holder = told.hot.at(-1);
  if (holder !== undefined && told.hotHolderBelieves) {
    const again = grantee(holder.secret, { secret: 'again' });
    const adopted = await on.adopt(`hot-${run}`, [holder.secret], holder.token, again);
    expect(adopted).to.deep.equal({ kind: 'adopted', token: holder.token });
  }
  const greatest = greatestOf(told, before);
  const next = await on.granted(`after-${run}`, grantee('next'));
  expect(next > greatest).to.equal(true);
  return next;
}

function greatestOf({ plain, hot }: Told, before: bigint): bigint {
  return [...plain, ...hot].reduce((greatest, { token }) => (token > greatest ? token : greatest), before);
}

/** Between every `begin` and the `plain` that follows it: fdatasync of the file, then a write that is synchronous itself. */
function expectSynced(trace: readonly string[]): void {
  const synchronous = trace.findLast((line) => line.includes('leases.mdb"') && line.includes('O_DSYNC'));
  const descriptor = /= (\d+)$/.exec(synchronous ?? '')?.[1];
  expect(descriptor, 'a descriptor opened with O_DSYNC').to.not.equal(undefined);
  let synced = 0;
  let stage: 'told' | 'begun' | 'pages' | 'meta' = 'told';
  for (const line of trace) {
    if (line.includes('"begin ')) stage = 'begun';
    else if (stage === 'begun' && /fdatasync\(\d+\)\s+= 0|fdatasync resumed>\)\s+= 0/.test(line)) stage = 'pages';
    else if (stage === 'pages' && line.includes(`pwrite64(${descriptor},`)) stage = 'meta';
    else if (line.includes('"plain ')) {
      expect(stage).to.equal('meta');
      stage = 'told';
      synced += 1;
    }
  }
  expect(synced).to.be.greaterThan(3);
}
