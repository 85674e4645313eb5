import { expect } from 'chai';
import { ScriptedCore } from './support/scripted-core.js';
import { type Served, serve } from './support/served.js';
import { acquire } from './support/wire-client.js';

describe('A stream that has been open for long', () => {
  let core: ScriptedCore;
  let served: Served;
  const begin = async (moveWithinMs: number): Promise<void> => {
    core = new ScriptedCore();
    served = await serve(core, { maxConnectionAgeMs: 50, moveWithinMs });
  };

  afterEach(() => served.stop());

  it('is asked to move, and served until it has', async () => {
    await begin(60_000);
    const stream = await served.client().openSession();
    const draining = await stream.frame(({ kind }) => kind?.$case === 'draining');
    expect(draining.kind?.value).to.deep.equal({ remainingMs: 60_000 });
    stream.write({ id: 2, kind: acquire('still served') });
    expect((await stream.answer(2)).kind?.$case).to.equal('granted');
    expect(core.latest.ended).to.equal(false);
  });

  it('is ended when it stays, which the core hears of, and nobody else is', async () => {
    await begin(50);
    const client = served.client();
    const stream = await client.openSession();
    const old = core.latest;
    const end = await stream.ended();
    expect(end).to.deep.include({ code: 'UNAVAILABLE' });
    expect(end.infos[0]).to.include({ reason: 'DRAINING', domain: 'holdfast' });
    expect(old.closedCalls).to.equal(1);
    const another = await client.openSession();
    another.write({ id: 2, kind: acquire('served') });
    expect((await another.answer(2)).kind?.$case).to.equal('granted');
    expect(core.latest).to.not.equal(old);
  });
});
