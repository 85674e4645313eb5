import { Released_Outcome } from '@holdfast/protocol';
import { expect } from 'chai';
import { LeaseLostError } from '../../client/src/errors.js';
import { ClientHarness, outcomeOf, rejectionOf } from './client-harness.js';

describe('client: release', () => {
  for (const [wire, outcome] of [
    [Released_Outcome.OUTCOME_RELEASED, 'released'],
    [Released_Outcome.OUTCOME_EXPIRED, 'expired'],
    [Released_Outcome.OUTCOME_UNKNOWN, 'unknown'],
  ] as const) {
    it(`tells ${outcome}, once for any number of calls`, async () => {
      const harness = await ClientHarness.connected();
      const { lease, id } = await harness.hold('r');
      const first = lease.release();
      const second = lease.release();
      expect(lease.state).to.equal('released');
      await harness.clock.settle();
      expect(harness.stream.sent('release').map(({ value }) => value.requestId)).to.deep.equal([BigInt(id)]);
      harness.stream.released(wire);
      expect(await first).to.deep.equal({ outcome });
      expect(await second).to.deep.equal({ outcome });
      expect(await lease.release()).to.deep.equal({ outcome });
      expect(harness.engaged).to.equal(false);
    });
  }

  it('ends the lease for its holder at once, without aborting its signal', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r');
    const { signal } = lease;
    const states: string[] = [];
    lease.on('state', (state) => states.push(state));
    void lease.release();
    expect(lease.remainingMs()).to.equal(0);
    expect(() => lease.assertHeld()).to.throw(LeaseLostError, 'given back');
    expect(signal.aborted).to.equal(false);
    expect(lease.signal.aborted).to.equal(false);
    expect(states).to.deep.equal(['released']);
    await harness.clock.advance(3_000);
    expect(states).to.deep.equal(['released']);
  });

  it('tells expired when the server refuses because the lease is lost', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r');
    const releasing = lease.release();
    await harness.clock.settle();
    harness.stream.fail(harness.stream.last('release').id, { reason: 'LEASE_LOST', message: 'gone' });
    expect(await releasing).to.deep.equal({ outcome: 'expired' });
  });

  it('does not wait past the validity', async () => {
    const harness = await ClientHarness.connected({ maxBackoffMs: 10 });
    const { lease } = await harness.hold('r', { ttlMs: 10_000 });
    harness.stream.close();
    await harness.clock.advance(1_000);
    const releasing = lease.release();
    await harness.clock.advance(8_999);
    expect(await outcomeOf(releasing)).to.equal('pending');
    await harness.clock.advance(1);
    expect(await releasing).to.deep.equal({ outcome: 'unknown' });
    expect(harness.engaged).to.equal(false);
  });

  it('is the word that lets a lost lease go before its validity ends', async () => {
    const harness = await ClientHarness.connected({ abortMarginMs: 5_000 });
    const { lease, id } = await harness.hold('r', { ttlMs: 10_000 });
    await harness.beat(5_000);
    expect(lease.state).to.equal('lost');
    expect(harness.stream.sent('release')).to.have.length(0);
    expect(await lease.release()).to.deep.equal({ outcome: 'expired' });
    await harness.clock.settle();
    expect(harness.stream.sent('release').map(({ value }) => value.requestId)).to.deep.equal([BigInt(id)]);
    await harness.beat(10_000);
    expect(harness.stream.sent('release')).to.have.length(1);
    expect(harness.engaged).to.equal(false);
  });

  it('crosses the news that the lease is lost', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r');
    const releasing = lease.release();
    await harness.clock.settle();
    harness.stream.lose(id);
    expect(lease.state).to.equal('released');
    harness.stream.released(Released_Outcome.OUTCOME_EXPIRED);
    expect(await releasing).to.deep.equal({ outcome: 'expired' });
  });

  it('comes with the end of the block, and never throws', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r');
    harness.stream.lose(id);
    await lease[Symbol.asyncDispose]();
  });
});

describe('client: extend', () => {
  it('resolves when the server has extended the lease', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('r', { autoExtend: false });
    await harness.clock.advance(2_000);
    const extending = [lease.extend(), lease.extend()];
    await harness.clock.settle();
    expect(harness.stream.sent('extend')).to.have.length(1);
    const extend = harness.stream.last('extend');
    harness.stream.extend(extend.id, extend.id, [{ durationMs: 30_000, requests: [id] }]);
    await Promise.all(extending);
    expect(lease.remainingMs()).to.be.closeTo(29_500, 0.01);
  });

  it('rejects when the store could not say, and the lease holds on', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r', { autoExtend: false });
    const rejection = rejectionOf(lease.extend());
    await harness.clock.settle();
    const { id } = harness.stream.last('extend');
    harness.stream.fail(id, { reason: 'STORE_UNAVAILABLE', message: 'no disk' });
    expect(await rejection).to.include({ code: 'UNAVAILABLE' });
    expect(lease.state).to.equal('held');
    const again = rejectionOf(lease.extend());
    await harness.clock.settle();
    harness.stream.extend(harness.stream.last('extend').id, 0, []);
    expect(await again).to.include({ code: 'UNAVAILABLE' });
  });

  it('rejects when the lease is lost, before or meanwhile', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r', { autoExtend: false });
    const rejection = rejectionOf(lease.extend());
    await harness.clock.settle();
    harness.stream.fail(harness.stream.last('extend').id, { reason: 'LEASE_LOST', message: 'gone' });
    expect(await rejection).to.be.instanceOf(LeaseLostError);
    expect(lease.state).to.equal('lost');
    expect(await rejectionOf(lease.extend())).to.be.instanceOf(LeaseLostError);
  });

  it('rejects when its lease is released or runs out while it waits', async () => {
    const harness = await ClientHarness.connected();
    const { lease } = await harness.hold('r', { autoExtend: false });
    const { lease: other } = await harness.hold('s', { autoExtend: false, ttlMs: 5_000 });
    harness.stream.close();
    const first = rejectionOf(lease.extend());
    const second = rejectionOf(other.extend());
    void lease.release();
    expect(await first).to.include({ code: 'LEASE_LOST', how: 'released' });
    await harness.clock.advance(5_000);
    expect(await second).to.include({ code: 'LEASE_LOST', how: 'deadline' });
  });
});

describe('client: using', () => {
  const start = async (harness: ClientHarness, running: Promise<unknown>): Promise<number> => {
    await harness.clock.settle();
    const id = harness.stream.grantLast({ ttlMs: 10_000, durationMs: 10_000 });
    await Promise.race([running, harness.clock.settle()]);
    return id;
  };
  const finish = async (harness: ClientHarness): Promise<void> => {
    await harness.clock.settle();
    harness.stream.released();
  };

  it('returns what the function returns, after giving the lease back', async () => {
    const harness = await ClientHarness.connected();
    const running = harness.client.using('r', { ttlMs: 10_000 }, async (lease) => lease.token);
    const id = await start(harness, running);
    await finish(harness);
    expect(await running).to.equal(BigInt(id));
  });

  it('passes on what the function throws, at once or later', async () => {
    const harness = await ClientHarness.connected();
    const mine = new Error('mine');
    for (const fn of [
      () => {
        throw mine;
      },
      () => Promise.reject(mine),
    ]) {
      const rejection = rejectionOf(harness.client.using('r', fn));
      await start(harness, rejection);
      await finish(harness);
      expect(await rejection).to.equal(mine);
    }
  });

  it('takes a lease the function gave back itself for no loss', async () => {
    const harness = await ClientHarness.connected();
    const running = harness.client.using('r', async (lease) => {
      void lease.release();
      return 1;
    });
    await start(harness, running);
    await finish(harness);
    expect(await running).to.equal(1);
  });

  it('aborts the signal when the lease is lost, and keeps what the function then throws as the cause', async () => {
    const harness = await ClientHarness.connected();
    const mine = new Error('mine');
    const rejection = rejectionOf(
      harness.client.using(
        'r',
        (lease) => new Promise((_, reject) => lease.signal.addEventListener('abort', () => reject(mine))),
      ),
    );
    const id = await start(harness, rejection);
    harness.stream.lose(id);
    const error = await rejection;
    expect(error).to.be.instanceOf(LeaseLostError);
    expect(error.cause).to.equal(mine);
  });

  it('rejects when the lease was lost under a function that did not notice', async () => {
    const harness = await ClientHarness.connected();
    let done = (): void => undefined;
    const work = new Promise<void>((resolve) => {
      done = resolve;
    });
    const rejection = rejectionOf(harness.client.using('r', () => work));
    await start(harness, rejection);
    harness.clock.stall(10_000);
    done();
    expect(await rejection).to.be.instanceOf(LeaseLostError);
  });

  it('does not wait for ever for a function that never ends', async () => {
    const harness = await ClientHarness.connected({ abortMarginMs: 1_000 });
    const rejection = rejectionOf(harness.client.using('r', () => new Promise<void>(() => undefined)));
    await start(harness, rejection);
    await harness.beat(9_000);
    expect(await outcomeOf(rejection)).to.equal('pending');
    await harness.beat(1_000);
    expect(await rejection).to.be.instanceOf(LeaseLostError);
  });
});
