import { expect } from 'chai';
import { Bystander } from './support/bystander.js';
import { RealCore } from './support/real-core.js';
import { type Served, serve } from './support/served.js';
import { acquire, open, type WireStream } from './support/wire-client.js';

describe('A client whose frames are out of order [H6]', () => {
  let core: RealCore;
  let served: Served;
  let bystander: Bystander;

  beforeEach(async () => {
    core = new RealCore();
    served = await serve(core);
    bystander = await Bystander.arrive(served);
  });

  afterEach(async () => {
    await bystander.isServed();
    await served.stop();
    core.abandon();
    expect(served.defects).to.deep.equal([]);
  });

  async function isRefused(stream: WireStream, reason: string): Promise<void> {
    const end = await stream.ended();
    expect(end.code).to.equal('INVALID_ARGUMENT');
    expect(end.infos).to.have.length(1);
    expect(end.infos[0]).to.include({ reason, domain: 'holdfast' });
  }

  it('is refused when it does not begin with Open', async () => {
    const stream = served.client().session();
    stream.write({ id: 1, kind: acquire('early') });
    await isRefused(stream, 'OPEN_EXPECTED');
  });

  it('is refused when the id of its Open is 0, which is no id', async () => {
    const stream = served.client().session();
    stream.write({ id: 0, kind: open() });
    await isRefused(stream, 'FRAME_ID_NOT_RISING');
  });

  it('is refused when it opens twice', async () => {
    const stream = await served.client().openSession();
    stream.write({ id: 2, kind: open() });
    await isRefused(stream, 'OPEN_REPEATED');
  });

  for (const id of [0, 1]) {
    it(`is refused when an id does not rise: ${id} after 1`, async () => {
      const stream = await served.client().openSession();
      stream.write({ id, kind: acquire('again') });
      await isRefused(stream, 'FRAME_ID_NOT_RISING');
    });
  }

  it('is answered all the same for what came before', async () => {
    const stream = await served.client().openSession();
    stream.write({ id: 2, kind: acquire('before') });
    await stream.answer(2);
    stream.write({ id: 3, kind: undefined }, { id: 3, kind: acquire('again') });
    await isRefused(stream, 'FRAME_ID_NOT_RISING');
    expect((await stream.answer(3)).kind?.$case).to.equal('failed');
  });
});
