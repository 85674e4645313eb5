import { expect } from 'chai';
import { ScriptedCore } from './support/scripted-core.js';
import { type Served, serve } from './support/served.js';
import { acquire, open } from './support/wire-client.js';

describe('A session stream', () => {
  let core: ScriptedCore;
  let served: Served;

  beforeEach(async () => {
    core = new ScriptedCore();
    served = await serve(core);
  });

  afterEach(async () => {
    await served.stop();
    expect(served.defects).to.deep.equal([]);
  });

  it('carries frames both ways, and the answers of one turn in one message', async () => {
    const stream = served.client().session();
    stream.write({ id: 1, kind: open() }, { id: 2, kind: acquire('a') }, { id: 3, kind: acquire('b') });
    await stream.answer(3);
    expect(stream.frames.map(({ kind }) => kind?.$case)).to.deep.equal(['opened', 'granted', 'granted']);
    expect(stream.messages).to.deep.equal([3]);
    expect(core.latest.messages).to.have.length(1);
  });

  it('answers Close and ends with OK, also when the client stops sending at once', async () => {
    const stream = served.client().session();
    stream.write({ id: 1, kind: open() }, { id: 2, kind: { $case: 'close', value: {} } });
    stream.call.end();
    expect((await stream.ended()).code).to.equal('OK');
    expect(stream.frames.at(-1)?.kind?.$case).to.equal('closed');
    expect(core.latest.closedCalls).to.equal(0);
  });
});
