import { once } from 'node:events';
import { expect } from 'chai';
import type { ServerFrame } from '../../server/src/core/frames.js';
import { Bystander } from './support/bystander.js';
import { ScriptedCore, type ScriptedStream } from './support/scripted-core.js';
import { type Served, serve } from './support/served.js';
import { until } from './support/until.js';
import type { WireStream } from './support/wire-client.js';

const MAX_UNSENT_FRAMES = 500;

describe('A client that stops reading [H1]', () => {
  let core: ScriptedCore;
  let served: Served;
  let bystander: Bystander;

  beforeEach(() => {
    core = new ScriptedCore();
  });

  async function begin(settings: Parameters<typeof serve>[1]): Promise<WireStream> {
    served = await serve(core, settings);
    bystander = await Bystander.arrive(served);
    return await served.client().openSession();
  }

  afterEach(async () => {
    await bystander.isServed();
    await served.stop();
    expect(served.defects).to.deep.equal([]);
  });

  function queued(position: number): ServerFrame {
    const leaseId = '01923456-789a-7abc-8def-0123456789ab' as never;
    return { kind: 'queued', id: 7, position, holder: { leaseId, clientName: 'n'.repeat(250), heldMs: 1 } };
  }

  /** Pushes turn after turn until the stream has been ended, and says how many frames that took. */
  async function pushUntilClosed(stream: ScriptedStream): Promise<number> {
    for (let position = 1; ; position += 1) {
      if (stream.closedCalls > 0) return position;
      expect(position, 'pushes that nothing has stopped').to.be.lessThan(100_000);
      stream.send(queued(position));
      if (position % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it('is ended with RESOURCE_EXHAUSTED at the bound, and told so when it reads again', async () => {
    const stream = await begin({ maxUnsentFrames: MAX_UNSENT_FRAMES, slowReaderMs: 60_000 });
    stream.call.pause();
    const pushed = await pushUntilClosed(core.latest);
    // What HTTP/2 and the kernel take before anything is held back, and the four messages in flight, come on top.
    expect(pushed).to.be.greaterThan(MAX_UNSENT_FRAMES);
    stream.call.resume();
    const end = await stream.ended();
    expect(end.code).to.equal('RESOURCE_EXHAUSTED');
    expect(end.infos).to.have.length(1);
    expect(end.infos[0]).to.include({ reason: 'SLOW_READER', domain: 'holdfast' });
    expect(core.latest.closedCalls).to.equal(1);
  });

  it('is ended when it reads nothing for too long, however little waits', async () => {
    const stream = await begin({ slowReaderMs: 100 });
    stream.call.pause();
    const { latest } = core;
    // Enough to fill the windows, far from enough for a bound.
    for (let position = 1; position <= 3_000; position += 1) latest.send(queued(position));
    await new Promise((resolve) => setImmediate(resolve));
    const over = once(stream.call, 'error');
    await until('the core hears of the end', () => latest.closedCalls > 0);
    stream.call.resume();
    await over;
    expect((await stream.ended()).infos[0]).to.include({ reason: 'SLOW_READER' });
  });
});
