import { ErrorReason, RetryInfo } from '@holdfast/protocol';
import { expect } from 'chai';
import { failureCode } from '../../server/src/core/failure.js';
import { grpcStatus, WIRE_REASONS, wireStatus } from '../../server/src/rpc/failure-status.js';

describe('Failures as statuses', () => {
  it('have a reason for every value of the protocol, under the same name, and no other', () => {
    const named = Object.entries(WIRE_REASONS).map(([reason, value]) => [`ERROR_REASON_${reason}`, value]);
    const wire = Object.entries(ErrorReason).filter(
      ([name, value]) => name.startsWith('ERROR_REASON_') && value !== ErrorReason.ERROR_REASON_UNSPECIFIED,
    );
    expect(Object.fromEntries(named)).to.deep.equal(Object.fromEntries(wire));
  });

  it('have a status code for every reason', () => {
    for (const reason of Object.keys(WIRE_REASONS) as (keyof typeof WIRE_REASONS)[]) {
      expect(failureCode(reason), reason).to.be.a('string');
      expect(wireStatus({ reason, message: '' }).code, reason).to.be.within(1, 16);
    }
  });

  it('say when to try again, rounded up to whole milliseconds', () => {
    const { details } = wireStatus({ reason: 'STORE_UNAVAILABLE', message: '', retryAfterMs: 1_250.4 });
    expect(details).to.have.length(2);
    const retry = RetryInfo.decode(details[1]?.value ?? Buffer.alloc(0));
    expect(retry.retryDelay).to.deep.equal({ seconds: 1n, nanos: 251_000_000 });
  });

  it('have a message that survives percent-encoding, whatever text went into it', () => {
    const { details } = grpcStatus({ reason: 'FIELD_INVALID', message: 'half a pair: \ud800' });
    expect(() => encodeURI(details)).not.to.throw();
  });
});
