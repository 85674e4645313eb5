import { ResumedLease_Outcome } from '@holdfast/protocol';
import { expect } from 'chai';
import { ClientHarness } from './client-harness.js';

describe('client: secrets over resumes', () => {
  it('keeps every secret until the server says which counts, and then only that', async () => {
    const harness = await ClientHarness.connected({ maxBackoffMs: 10 });
    const { id } = await harness.hold('r', { ttlMs: 60_000 });
    const used = [harness.stream.last('acquire').value.secret];
    for (let resumes = 0; resumes < 3; resumes += 1) {
      const stream = await harness.breakAndReconnect();
      const acquire = stream.last('resume').value.entries[0]?.acquire;
      expect(acquire?.earlierSecrets).to.deep.equal(used);
      if (acquire !== undefined) used.push(acquire.secret);
      await harness.clock.advance(2_000);
    }
    harness.stream.resumed({ request: id, outcome: ResumedLease_Outcome.OUTCOME_UNKNOWN });
    await harness.breakAndReconnect();
    expect(harness.stream.last('resume').value.entries[0]?.acquire?.earlierSecrets).to.have.length(4);
    harness.stream.resumed({ request: id, outcome: ResumedLease_Outcome.OUTCOME_HELD, durationMs: 60_000 });
    const confirmed = harness.stream.last('resume').value.entries[0]?.acquire?.secret;
    await harness.breakAndReconnect();
    expect(harness.stream.last('resume').value.entries[0]?.acquire?.earlierSecrets).to.deep.equal([confirmed]);
  });

  it('bounds the secrets, and drops neither the confirmed one nor the newest', async () => {
    const harness = await ClientHarness.connected({ maxBackoffMs: 10 });
    await harness.hold('r', { ttlMs: 60_000 });
    const { secret } = harness.stream.last('acquire').value;
    const newest: Buffer[] = [];
    for (let resumes = 0; resumes < 12; resumes += 1) {
      const stream = await harness.breakAndReconnect();
      const acquire = stream.last('resume').value.entries[0]?.acquire;
      expect(acquire?.earlierSecrets.length).to.be.at.most(7);
      expect(acquire?.earlierSecrets[0]).to.deep.equal(secret);
      expect(acquire?.earlierSecrets.slice(1)).to.deep.equal(newest.slice(-6));
      if (acquire !== undefined) newest.push(acquire.secret);
    }
  });

  it('spends no secret on attempts that never connect', async () => {
    const harness = await ClientHarness.connected({ maxBackoffMs: 10 });
    await harness.hold('r', { ttlMs: 60_000 });
    const { secret } = harness.stream.last('acquire').value;
    for (let attempts = 0; attempts < 20; attempts += 1) {
      harness.stream.close();
      await harness.clock.advance(10);
    }
    harness.stream.ready();
    expect(harness.stream.last('resume').value.entries[0]?.acquire?.earlierSecrets).to.deep.equal([secret]);
  });
});
