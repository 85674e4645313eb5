import { credentials, type ServiceError } from '@grpc/grpc-js';
import { type Client, connect, InvalidArgumentError, type Lease } from '@holdfast/client';
import { AdminServiceClient } from '@holdfast/protocol';
import { expect } from 'chai';
import { inFigures } from '../history/history.js';
import { eventually } from '../support/deadline.js';
import { runHoldfast } from '../support/holdfast-command.js';
import type { OtherLibrary } from '../support/redlock/other-libraries.js';
import { SharedKeysRig } from '../support/redlock/shared-keys-rig.js';
import { monotonicMs, Turns } from '../support/redlock/turns.js';
import type { ServerProcess } from '../support/server-process.js';

const TTL_MS = 1_000;
/** Of what is to run out. */
const SHORT_TTL_MS = 600;
const LONG_TTL_MS = 10_000;
const SOON_MS = 5_000;
/** So long that no lease lasts without extensions. */
const KEPT_MS = 1.5 * TTL_MS;
/** Contention lasts until both sides have had so many turns, and between so long and so long. */
const LEAST_TURNS = 25;
const LEAST_CONTENTION_MS = 1_500;
const MOST_CONTENTION_MS = 8_000;
const LIBRARY_TRIES = 4;
const TITLES = ['node-redlock', 'redis-semaphore'] as const;

describe('a server that shares its keys', function () {
  this.timeout(30_000);
  let rig: SharedKeysRig;

  before(async () => {
    rig = await SharedKeysRig.start();
  });
  after(() => rig.stop());

  for (const [index, title] of TITLES.entries()) {
    describe(`with ${title}`, () => {
      let library: OtherLibrary;
      let server: ServerProcess;
      let client: Client;
      let admin: AdminServiceClient;

      before(async () => {
        const sharing = rig.sharings[index];
        if (sharing?.library.title !== title) throw new Error(`there is no ${title}`);
        ({ library, server } = sharing);
        client = await connect(server.address, { name: 'ours' });
        admin = new AdminServiceClient(server.address, credentials.createInsecure());
      });
      after(async () => {
        admin.close();
        await client.close();
      });

      const otherLock = async (name: string, ttlMs = LONG_TTL_MS) => {
        const lock = await library.tryAcquire(name, ttlMs);
        if (lock === undefined) throw new Error(`${name} was not free`);
        return lock;
      };

      it('excludes it, and gives way when it releases', async () => {
        const lease = await client.acquire('ours-first', { ttlMs: LONG_TTL_MS });
        const values = await rig.values(library.keyOf('ours-first'));
        expect(new Set(values).size).to.equal(1);
        expect(values[0]).to.match(/^[0-9a-f]{32}:\d+$/);
        expect(await library.tryAcquire('ours-first', TTL_MS)).to.equal(undefined);
        expect(await rig.values(library.keyOf('ours-first')), 'after the refusal').to.deep.equal(values);
        await lease.release();
        await (await otherLock('ours-first')).release();
      });

      it('is excluded by it, and is granted when it releases', async () => {
        const lock = await otherLock('theirs-first');
        const values = await rig.values(library.keyOf('theirs-first'));
        expect(new Set(values).size).to.equal(1);
        expect(await client.tryAcquire('theirs-first')).to.equal(undefined);
        const waiting = client.acquire('theirs-first', { waitMs: SOON_MS });
        expect(await rig.values(library.keyOf('theirs-first')), 'after the refusals').to.deep.equal(values);
        expect(await lock.release()).to.not.equal(false);
        await (await waiting).release();
      });

      it('takes turns with it where leases and locks run out, and what comes late deletes nothing', async () => {
        const key = library.keyOf('runs-out');
        const lock = await otherLock('runs-out', SHORT_TTL_MS);
        const lease = await client.acquire('runs-out', { ttlMs: SHORT_TTL_MS, waitMs: SOON_MS, autoExtend: false });
        expect(monotonicMs()).to.be.greaterThan(lock.untilMs);
        const ours = await rig.values(key);
        await lock.release();
        expect(await rig.values(key), 'after their late release').to.deep.equal(ours);

        const next = await eventually(SOON_MS, 'their lock', () => library.tryAcquire('runs-out', LONG_TTL_MS));
        expect(lease.signal.aborted).to.equal(true);
        const theirs = await rig.values(key);
        expect(theirs).to.not.deep.equal(ours);
        await lease.release();
        // A request after it that is refused shows that the release has been carried out.
        expect(await client.tryAcquire('runs-out')).to.equal(undefined);
        expect(await rig.values(key), 'after our late release').to.deep.equal(theirs);
        await next.release();
      });

      it('keeps its leases while the library tries, and waits while the library keeps its lock', async () => {
        const keepOurs = async (): Promise<void> => {
          const lease = await client.acquire('ours-kept', { ttlMs: TTL_MS });
          await throughout(KEPT_MS, async () => {
            expect(await library.tryAcquire('ours-kept', TTL_MS)).to.equal(undefined);
            lease.assertHeld();
          });
          await lease.release();
        };
        const keepTheirs = async (): Promise<void> => {
          let granted: Lease | undefined;
          let waiting: Promise<void> | undefined;
          await library.keeping('theirs-kept', TTL_MS, async (lost) => {
            waiting = client.acquire('theirs-kept', { waitMs: SOON_MS }).then((lease) => {
              granted = lease;
            });
            await throughout(KEPT_MS, async () => {
              await rig.firstNode.ping();
              expect(granted).to.equal(undefined);
              expect(lost.aborted).to.equal(false);
            });
          });
          await waiting;
          await granted?.release();
        };
        await Promise.all([keepOurs(), keepTheirs()]);
      });

      it('does not bring back what a node has lost', async () => {
        const key = library.keyOf('lost-here');
        const lease = await client.acquire('lost-here', { ttlMs: TTL_MS, autoExtend: false });
        await rig.firstNode.del(key);
        for (const _ of [1, 2, 3]) await lease.extend();
        const [first, ...others] = await rig.values(key);
        expect(first).to.equal(null);
        expect(others.every((value) => value === others[0] && value !== null)).to.equal(true);
        await lease.release();
      });

      it('takes turns with it under contention, and never two at a time', async () => {
        const turns = new Turns();
        const startMs = monotonicMs();
        const enough = (): boolean => ['ours', 'theirs'].every((who) => turns.of(who) >= LEAST_TURNS);
        const over = (): boolean => {
          const forMs = monotonicMs() - startMs;
          return forMs >= MOST_CONTENTION_MS || (forMs >= LEAST_CONTENTION_MS && enough());
        };
        const contend = async (turn: () => Promise<void>): Promise<void> => {
          while (!over()) await turn();
        };
        const work = (): Promise<unknown> => rig.lastNode.ping();
        const ours = async (): Promise<void> => {
          const lease = await client.acquire('contended', { ttlMs: TTL_MS, waitMs: LONG_TTL_MS });
          await turns.have('ours', monotonicMs() + lease.remainingMs(), work);
          await lease.release();
        };
        const theirs = async (): Promise<void> => {
          const lock = await library.tryAcquire('contended', TTL_MS, LIBRARY_TRIES);
          if (lock === undefined) return;
          await turns.have('theirs', lock.untilMs, work);
          await lock.release();
        };
        await Promise.all([ours, ours, ours, ours, theirs, theirs, theirs].map(contend));
        const { figures, violations } = turns.judged;
        expect(violations).to.deep.equal([]);
        process.stdout.write(`        ${inFigures(figures)}\n`);
        expect(turns.lost, 'writings overwritten').to.equal(0);
        const counts = `${turns.of('ours')} turns of ours, ${turns.of('theirs')} of theirs`;
        expect(enough(), counts).to.equal(true);
      });

      it('has keys of its own that no name can be', async () => {
        const lease = await client.acquire('collides');
        const keys = [...(await rig.keys())].filter((key) => key.includes('collides') || key.includes(title));
        const separated = keys.filter((key) => key.includes('\u0000'));
        expect(separated).to.include(`holdfast\u0000${title}\u0000adm`);
        expect(keys.filter((key) => !separated.includes(key))).to.deep.equal([library.keyOf('collides')]);
        const refusal = await rejection(client.tryAcquire(`holdfast\u0000${title}\u0000adm`));
        expect(refusal).to.be.instanceOf(InvalidArgumentError);
        await lease.release();
      });

      it('refuses other namespaces at once', async () => {
        const refusal = await rejection(connect(server.address, { namespace: 'team-a' }));
        expect(refusal).to.be.instanceOf(InvalidArgumentError);
        expect(refusal).to.include({ reason: 'FIELD_INVALID', field: 'open.namespace', limit: '"default"' });
        await (await connect(server.address, { namespace: 'default' })).close();

        const lock = await otherLock('forgotten');
        const order = { namespace: 'team-a', name: 'forgotten', always: true };
        const refused = await new Promise<ServiceError | null>((resolve) => admin.forgetResource(order, resolve));
        expect(refused?.details).to.match(/^the key template has no \{ns\}, so there is only the namespace default/);
        expect(await rig.values(library.keyOf('forgotten'))).to.not.include(null);
        await lock.release();
      });
    });
  }

  it('says of a lock that is not its own only that it is there, and forgets it on no easy order', async () => {
    const { library, server } = rig.sharings[0] ?? {};
    const lock = await library?.tryAcquire('unknown-holder', LONG_TTL_MS);
    const holdfast = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await runHoldfast(args, { server: server?.address ?? '' });
      return `${code} ${stdout}${stderr}`.trim();
    };
    const [list, run, forget] = await Promise.all([
      holdfast('ls'),
      holdfast('run', 'unknown-holder', '--wait', '0s', '--', 'true'),
      holdfast('forget', 'unknown-holder'),
    ]);
    expect(list).to.equal('0 no leases in the namespace "default"');
    expect(run).to.equal('75 holdfast: unknown-holder is not free; wait longer with --wait');
    expect(forget).to.match(
      /^78 holdfast: unknown-holder may be a lease somebody relies on: it ends by itself within /,
    );
    expect(await lock?.release(), 'it stood until then').to.equal(true);
  });
});

/** Resolves to what a promise rejects with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Checks again and again for some time. */
async function throughout(ms: number, check: () => Promise<void>): Promise<void> {
  const endMs = monotonicMs() + ms;
  while (monotonicMs() < endMs) await check();
}
