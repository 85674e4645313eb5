import { mkdtemp, open as openFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../server/src/process/system-clock.js';
import type { EmbeddedStore } from '../../server/src/store/embedded/embedded-store.js';
import { openEmbeddedStore } from '../../server/src/store/embedded/open-embedded-store.js';
import { StoreRefusedError } from '../../server/src/store/embedded/store-refused-error.js';
import { grantee } from '../contract/store-bids.js';
import { Verbs } from '../contract/verbs.js';
import { GranterProcess } from './embedded-child.js';

describe('the embedded store’s data directory', function () {
  this.timeout(60_000);
  let directory: string;
  let file: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-directory-'));
    file = join(directory, 'leases.mdb');
  });
  afterEach(async () => {
    await GranterProcess.killAll();
    await rm(directory, { recursive: true });
  });

  const open = (path = directory): Promise<EmbeddedStore> =>
    openEmbeddedStore({
      directory: path,
      clock: systemClock,
      clockRateDrift: 0.01,
      clockMarginMs: 5,
      onFailure: (error) => {
        throw error;
      },
    });

  async function refusal(path = directory): Promise<string> {
    try {
      await (await open(path)).close();
    } catch (error) {
      expect(error).to.be.instanceOf(StoreRefusedError);
      const { message } = error as StoreRefusedError;
      expect(message).to.not.include('\n');
      return message;
    }
    throw new Error('the store was opened');
  }

  async function filled(): Promise<void> {
    const store = await open();
    const on = new Verbs(() => store);
    for (let index = 0; index < 30; index += 1) await on.granted(`name ${index}`, grantee(`secret ${index}`));
    await store.close();
  }

  it('belongs to one process, until that ends in whatever way (G2)', async () => {
    const other = new GranterProcess([directory, 'other', '--idle']);
    await other.said(1);
    expect(await refusal()).to.equal(
      `data directory ${directory} is in use by process ${other.pid}: stop it or choose another --data-dir`,
    );
    await other.kill();
    await (await open()).close();
  });

  it('is refused within a moment when its owner is stopped and cannot say who it is (G2)', async () => {
    const other = new GranterProcess([directory, 'other', '--idle']);
    await other.said(1);
    other.signal('SIGSTOP');
    expect(await refusal()).to.include('is in use by another process: stop it');
  });

  it('cannot be opened twice by one process, by whatever path', async () => {
    const store = await open();
    expect(await refusal(join(directory, '.'))).to.include(`is in use by process ${process.pid}`);
    await store.close();
    await (await open()).close();
  });

  it('is made when it is missing, for its owner alone', async () => {
    const deep = join(directory, 'not', 'there', 'yet');
    await (await open(deep)).close();
    expect(await readdir(deep)).to.include('leases.mdb');
  });

  it('must be a directory, and one that can be made', async () => {
    await writeFile(join(directory, 'file'), '');
    expect(await refusal(join(directory, 'file'))).to.include('it is not a directory');
    expect(await refusal(join(directory, 'file', 'below'))).to.include('it is not a directory');
    expect(await refusal('/proc/holdfast')).to.include('choose another --data-dir');
    expect(await refusal('/sys/holdfast')).to.include('choose another --data-dir');
  });

  it('starts anew where a first start was cut short', async () => {
    await writeFile(join(directory, 'new-leases.mdb'), 'half of a store');
    await writeFile(join(directory, 'new-leases.mdb-lock'), 'and its lock');
    await (await open()).close();
    expect(await readdir(directory)).to.include('leases.mdb');
  });

  it('must be of the format this server reads', async () => {
    await filled();
    const bytes = await readFile(file, 'latin1');
    await writeFile(file, bytes.replaceAll('mformat1', 'mformat2'), 'latin1');
    expect(await refusal()).to.equal(
      `${file} has store format "2" and this server reads format 1: start the server version that wrote it, or choose another --data-dir`,
    );
  });

  it('is refused when the file is none of ours, too short, or has a damaged header or record', async () => {
    await filled();
    const whole = await readFile(file);
    const cases: readonly [string, () => Promise<void>][] = [
      ['its header', () => writeFile(file, 'something else entirely')],
      ['its header', () => writeFile(file, Buffer.alloc(40_960, 7))],
      ['its header', () => writeFile(file, '')],
      ['its header', () => overwrite(file, 0, Buffer.alloc(4_096))],
      ['its second header', () => overwrite(file, 4_096, Buffer.alloc(4_096))],
      ['its length', () => truncate(file, 8_192)],
      // Everywhere, because LMDB leaves older copies of a page behind.
      [
        'the record of',
        () => writeFile(file, whole.toString('latin1').replaceAll('client secret 7', 'Client secret 7'), 'latin1'),
      ],
    ];
    for (const [what, damage] of cases) {
      await writeFile(file, whole);
      await damage();
      expect(await refusal()).to.match(new RegExp(`^${file} is damaged \\(${what}.*restore the data directory`));
    }
    await writeFile(file, whole);
    await (await open()).close();
  });
});

async function overwrite(path: string, at: number, bytes: Buffer): Promise<void> {
  const handle = await openFile(path, 'r+');
  await handle.write(bytes, 0, bytes.length, at);
  await handle.close();
}
