import { inspect } from 'node:util';
import { Denied_Reason } from '@holdfast/protocol';
import { expect } from 'chai';
import { ClientHarness, rejectionOf } from './client-harness.js';

describe('what is told of a lease', () => {
  let harness: ClientHarness;
  beforeEach(async () => {
    harness = await ClientHarness.connected();
  });

  async function denialBy(leaseId: string, clientName: string): Promise<string> {
    const rejection = rejectionOf(harness.client.acquire('r', { waitMs: 0 }));
    await harness.clock.settle();
    const { id } = harness.stream.last('acquire');
    harness.stream.deny(id, Denied_Reason.REASON_HELD, { leaseId, clientName, heldMs: 12n });
    return (await rejection).message;
  }

  it('says to a client that waits for itself that it does', async () => {
    const { lease } = await harness.hold('r');
    const own = 'r is not free: held by this very client for 12 ms (leases are not reentrant)';
    expect(await denialBy(lease.id, 'tester')).to.equal(own);
    expect(await denialBy(lease.id, '')).to.equal(own);
    const namesake = lease.id.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    expect(await denialBy(namesake, 'tester')).to.equal('r is not free: held by "tester" for 12 ms');
  });

  it('is shown by console.log and JSON, whatever its state', async () => {
    const { lease } = await harness.hold('r');
    const token = String(lease.token);
    await harness.clock.advance(500);
    const { id } = lease;
    const held = { name: 'r', id, state: 'held', token, ttlMs: 30_000, remainingMs: 29_000 };
    expect(JSON.parse(JSON.stringify(lease))).to.deep.equal(held);
    const shown = `Lease { name: 'r', id: '${id}', state: 'held', token: '${token}', ttlMs: 30000, remainingMs: 29000 }`;
    expect(inspect(lease)).to.equal(shown);
    expect(inspect({ lease })).to.include(shown);
    harness.stream.close();
    await harness.clock.advance(30_000);
    expect(lease.toJSON()).to.deep.equal({ ...held, state: 'lost', remainingMs: 0 });
    expect(inspect(lease)).to.include("state: 'lost'");
  });

  it('is shown when it was given back', async () => {
    const { lease } = await harness.hold('r');
    void lease.release();
    expect(lease.toJSON()).to.include({ state: 'released', remainingMs: 0 });
  });
});
