import { getEventListeners } from 'node:events';
import { Denied_Reason } from '@holdfast/protocol';
import { expect } from 'chai';
import { WaitTimeoutError } from '../../client/src/errors.js';
import { ClientHarness, outcomeOf, rejectionOf } from './client-harness.js';
import { holder } from './client-scripted-stream.js';

describe('client: acquire', () => {
  it('resolves with the lease it was granted', async () => {
    const harness = await ClientHarness.connected();
    const { lease, id } = await harness.hold('orders/42', { ttlMs: 10_000, waitMs: 5_000 });
    expect(lease).to.include({ name: 'orders/42', ttlMs: 10_000, state: 'held', token: BigInt(id) });
    const { value } = harness.stream.last('acquire');
    expect(value).to.deep.include({ resources: [{ name: 'orders/42' }], ttlMs: 10_000n, waitMs: 5_000n });
    expect(value.secret).to.have.length(16);
    expect(value.earlierSecrets).to.deep.equal([]);
  });

  it('never asks for more time than it was given, at whatever fraction of a millisecond', async () => {
    const harness = await ClientHarness.connected();
    for (let count = 0; count < 300; count += 1) {
      await harness.clock.advance(0.37);
      void rejectionOf(harness.client.acquire(`r/${count}`, { waitMs: 150 }));
    }
    await harness.clock.settle();
    const waits = new Set(harness.stream.sent('acquire').map(({ value }) => value.waitMs));
    expect([...waits]).to.deep.equal([150n]);
  });

  it('sends what one turn asks for in one message', async () => {
    const harness = await ClientHarness.connected();
    const pending = ['a', 'b', 'c'].map((name) => harness.client.acquire(name));
    await harness.clock.settle();
    expect(harness.stream.messages.at(-1)).to.have.length(3);
    for (const { id } of harness.stream.sent('acquire')) harness.stream.grant(id);
    const leases = await Promise.all(pending);
    expect(new Set(leases.map(({ token }) => token)).size).to.equal(3);
  });

  it('says who holds it, for how long, and how far the queue had moved', async () => {
    const harness = await ClientHarness.connected();
    const pending = harness.client.acquire('orders/42', { waitMs: 5_000 });
    await harness.clock.settle();
    const { id } = harness.stream.last('acquire');
    harness.stream.queue(id, 4, holder('invoicer-3', 5_000));
    harness.stream.queue(id, 3, holder('invoicer-3', 7_000));
    const rejection = rejectionOf(pending);
    await harness.beat(5_000);
    harness.stream.deny(id, Denied_Reason.REASON_WAIT_EXPIRED, holder('invoicer-3', 12_000), 3);
    const error = await rejection;
    expect(error).to.be.instanceOf(WaitTimeoutError);
    expect(error.message).to.equal(
      'orders/42 was not free within 5000 ms: held by "invoicer-3" for 12 s; you were 3rd in line',
    );
    expect(error).to.deep.include({ code: 'WAIT_TIMEOUT', retryable: true, position: 3 });
  });

  it('does not wait for a server that does not say so itself', async () => {
    const harness = await ClientHarness.connected();
    const rejection = rejectionOf(harness.client.acquire('r', { waitMs: 2_000 }));
    await harness.clock.settle();
    const { id } = harness.stream.last('acquire');
    harness.stream.queue(id, 2, holder('other', 1_000));
    await harness.beat(2_000);
    await harness.clock.advance(100);
    expect((await rejection).message).to.equal(
      'r was not free within 2000 ms: held by "other" for 3 s; you were 2nd in line',
    );
    expect(harness.stream.last('cancel').value.requestId).to.equal(BigInt(id));
  });

  it('releases the grant that crosses its Cancel', async () => {
    const harness = await ClientHarness.connected();
    const aborting = new AbortController();
    const rejection = rejectionOf(harness.client.acquire('r', { signal: aborting.signal }));
    await harness.clock.settle();
    const { id } = harness.stream.last('acquire');
    const reason = new Error('not any more');
    aborting.abort(reason);
    expect(await rejection).to.equal(reason);
    await harness.clock.settle();
    expect(harness.stream.last('cancel').value.requestId).to.equal(BigInt(id));
    harness.stream.grant(id);
    await harness.clock.settle();
    expect(harness.stream.last('release').value.requestId).to.equal(BigInt(id));
    await harness.clock.advance(1_000);
    expect(harness.stream.last('heartbeat').value).to.deep.include({ pushSeen: 1n, heldCount: 0, heldHash: 0n });
    expect(harness.engaged).to.equal(false);
  });

  it('releases a grant of which it knows nothing', async () => {
    const harness = await ClientHarness.connected();
    harness.stream.grant(77);
    await harness.clock.settle();
    expect(harness.stream.last('release').value.requestId).to.equal(77n);
  });

  it('gives back a grant that is dead on arrival, and asks again', async () => {
    const harness = await ClientHarness.connected();
    const pending = harness.client.acquire('r', { ttlMs: 1_000, waitMs: 10_000 });
    await harness.clock.settle();
    const first = harness.stream.last('acquire');
    await harness.clock.advance(990);
    harness.stream.grant(first.id, { ttlMs: 1_000, durationMs: 1_000 });
    await harness.clock.settle();
    expect(harness.stream.last('release').value.requestId).to.equal(BigInt(first.id));
    const second = harness.stream.last('acquire');
    expect(second.id).to.be.greaterThan(first.id);
    expect(second.value.waitMs).to.equal(9_010n);
    expect(second.value.secret).not.to.deep.equal(first.value.secret);
    expect(second.value.earlierSecrets, 'the old one is being released').to.deep.equal([]);
    harness.stream.grant(second.id, { ttlMs: 1_000, durationMs: 1_000 });
    expect((await pending).token).to.equal(BigInt(second.id));
  });

  it('gives back a grant anchored at a frame that was never sent', async () => {
    const harness = await ClientHarness.connected();
    const pending = harness.client.acquire('r');
    await harness.clock.settle();
    const { id } = harness.stream.last('acquire');
    harness.stream.grant(id, { anchor: id + 100 });
    await harness.clock.settle();
    expect(harness.stream.last('release').value.requestId).to.equal(BigInt(id));
    expect(await outcomeOf(pending)).to.equal('pending');
  });

  it('tries again after a passing failure, with the secrets used so far', async () => {
    const harness = await ClientHarness.connected();
    const pending = harness.client.acquire('r', { waitMs: 5_000 });
    await harness.clock.settle();
    const first = harness.stream.last('acquire');
    harness.stream.fail(first.id, { reason: 'STORE_UNAVAILABLE', message: 'no disk', retryAfterMs: 500 });
    await harness.clock.advance(499);
    expect(harness.stream.sent('acquire')).to.have.length(1);
    await harness.clock.advance(200);
    const second = harness.stream.last('acquire');
    expect(second.id).to.be.greaterThan(first.id);
    expect(second.value.earlierSecrets).to.deep.equal([first.value.secret]);
    harness.stream.grant(second.id);
    expect((await pending).state).to.equal('held');
  });

  it('fails with the reason when no time is left to try again', async () => {
    const harness = await ClientHarness.connected();
    const rejection = rejectionOf(harness.client.acquire('r', { waitMs: 300 }));
    await harness.clock.settle();
    const { id } = harness.stream.last('acquire');
    harness.stream.fail(id, { reason: 'STORE_UNAVAILABLE', message: 'no disk', retryAfterMs: 500 });
    expect(await rejection).to.include({
      code: 'UNAVAILABLE',
      reason: 'STORE_UNAVAILABLE',
      message: 'no disk',
      retryAfterMs: 500,
    });
  });

  for (const [reason, code] of [
    ['FIELD_INVALID', 'INVALID_ARGUMENT'],
    ['LIMIT_REACHED', 'LIMIT_REACHED'],
    ['INTERNAL', 'SERVER'],
    ['UNKNOWN_FRAME', 'PROTOCOL'],
  ] as const) {
    it(`fails at once with ${code} for ${reason}`, async () => {
      const harness = await ClientHarness.connected();
      const rejection = rejectionOf(harness.client.acquire('r'));
      await harness.clock.settle();
      const { id } = harness.stream.last('acquire');
      harness.stream.fail(id, { reason, message: 'no', field: 'f', value: 'v', limit: 'l' });
      expect(await rejection).to.include({ code, reason, field: 'f', value: 'v', limit: 'l' });
      expect(harness.engaged).to.equal(false);
      await harness.breakAndReconnect();
      expect(harness.stream.last('open').value.resume, 'nothing is left of it').to.equal(false);
    });
  }

  it('waits for a connection within its wait', async () => {
    const harness = await ClientHarness.connected();
    harness.stream.close();
    const pending = harness.client.acquire('r', { waitMs: 5_000 });
    const stream = await harness.reconnect();
    const { id, value } = stream.last('acquire');
    expect(value.waitMs).to.equal(4_990n);
    stream.grant(id);
    expect((await pending).state).to.equal('held');
  });

  it('says that no server could be reached when none could', async () => {
    const harness = await ClientHarness.connected();
    harness.stream.close({ message: 'connection reset' });
    const rejection = rejectionOf(harness.client.acquire('r', { waitMs: 1_000 }));
    await harness.clock.advance(1_100);
    const error = await rejection;
    expect(error).to.include({ code: 'UNAVAILABLE', retryable: true });
    expect(error.message).to.contain('connection reset');
  });

  it('asks once with no wait, and says who holds it', async () => {
    const harness = await ClientHarness.connected();
    const rejection = rejectionOf(harness.client.acquire('r', { waitMs: 0 }));
    await harness.clock.settle();
    harness.stream.deny(harness.stream.last('acquire').id, Denied_Reason.REASON_HELD, holder('', 0));
    expect((await rejection).message).to.equal('r is not free: held by a client of another server');
    await harness.breakAndReconnect();
    expect(harness.stream.last('open').value.resume, 'nothing is left of it').to.equal(false);
  });

  it('leaves no listener on the signal', async () => {
    const harness = await ClientHarness.connected();
    const { signal } = new AbortController();
    const { lease } = await harness.hold('a', { signal });
    const rejection = rejectionOf(harness.client.acquire('b', { signal, waitMs: 0 }));
    await harness.clock.settle();
    harness.stream.deny(harness.stream.last('acquire').id, Denied_Reason.REASON_HELD);
    await rejection;
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
    expect(lease.state).to.equal('held');
  });

  it('rejects at once when the signal has aborted before', async () => {
    const harness = await ClientHarness.connected();
    const reason = new Error('too late');
    expect(await rejectionOf(harness.client.acquire('r', { signal: AbortSignal.abort(reason) }))).to.equal(reason);
    await harness.clock.settle();
    expect(harness.stream.sent('acquire')).to.have.length(0);
  });

  for (const [name, options, field, value] of [
    ['', {}, 'name', '""'],
    ['x'.repeat(257), {}, 'name', `"${'x'.repeat(61)}..."`],
    ['é'.repeat(129), {}, 'name', `"${'é'.repeat(61)}..."`],
    ['a\u0000b', {}, 'name', '"a\\u0000b"'],
    ['a\ud800', {}, 'name', '"a\\ud800"'],
    ['r', { ttlMs: Number.NaN }, 'ttlMs', 'NaN'],
    ['r', { ttlMs: 99 }, 'ttlMs', '99'],
    ['r', { ttlMs: 60_001 }, 'ttlMs', '60001'],
    ['r', { ttlMs: 1_000.5 }, 'ttlMs', '1000.5'],
    ['r', { waitMs: -1 }, 'waitMs', '-1'],
    ['r', { waitMs: 86_400_001 }, 'waitMs', '86400001'],
    ['r', { waitMs: Number.POSITIVE_INFINITY }, 'waitMs', 'Infinity'],
  ] as const) {
    it(`refuses ${field} ${value}, by field, value and limit`, async () => {
      const harness = await ClientHarness.connected();
      const error = await rejectionOf(harness.client.acquire(name, options));
      expect(error).to.include({ code: 'INVALID_ARGUMENT', field, value });
      expect(error).to.have.property('limit').that.is.a('string');
      expect(error.message).to.contain(field).and.to.contain(value);
    });
  }
});
