import { expect } from 'chai';
import type { ClientEvent, ShiftEvent } from '../support/client-process.js';
import { ClientRecord } from '../support/client-record.js';

/** A client process that tells what the test has it tell. */
class ClientByHand {
  tell: (event: ClientEvent) => void = () => undefined;

  constructor(record: ClientRecord, name: string) {
    record.watch(this, name);
  }

  heardBy(listener: (event: ClientEvent) => void): void {
    this.tell = listener;
  }

  acquires(atUs: number): void {
    this.tell({ kind: 'acquiring', name: 'r', waitMs: 1_000, atUs });
  }

  holds(atUs: number, token: string, remainingMs: number): void {
    this.acquires(atUs);
    this.tell({ kind: 'granted', name: 'r', leaseId: 'id', token, remainingMs, atUs: atUs + 10 });
  }
}

describe('the record of client processes', () => {
  let record: ClientRecord;
  let first: ClientByHand;
  let second: ClientByHand;
  beforeEach(() => {
    record = new ClientRecord();
    first = new ClientByHand(record, 'first');
    second = new ClientByHand(record, 'second');
  });

  const broken = (): readonly string[] => record.judged.violations.map((text) => text.replace(/ at .*/, ''));

  it('shows two that rely on one thing, and by how much', () => {
    second.holds(5_000, '2', 10);
    first.holds(0, '1', 5.013);
    expect(broken()).to.have.members(['S1/I3', 'I4']);
    expect(record.judged.figures.overlapMs * 1_000).to.be.closeTo(13, 1e-3);
  });

  it('shows a lease that goes on for longer than was known when the next one is granted', () => {
    first.holds(0, '1', 5);
    second.holds(5_010, '2', 5);
    expect(broken()).to.deep.equal([]);
    first.tell({ kind: 'extended', name: 'r', untilUs: 5_021, sinceUs: 1_990, atUs: 2_000 });
    expect(broken()).to.have.members(['S1/I3', 'I4']);
  });

  it('takes an extension that was seen late for one that came in time', () => {
    first.holds(0, '1', 5);
    first.tell({ kind: 'extended', name: 'r', untilUs: 9_000, sinceUs: 4_990, atUs: 6_000 });
    expect(broken()).to.deep.equal([]);
    second.holds(5_500, '2', 1);
    expect(broken()).to.include('S1/I3');
  });

  it('takes none for that which cannot have come before the deadline: it was not there at the last look', () => {
    first.holds(0, '1', 5);
    first.tell({ kind: 'extended', name: 'r', untilUs: 9_000, sinceUs: 5_500, atUs: 6_000 });
    expect(broken()).to.deep.equal(['S4/I4']);
  });

  it('shows who goes on when the deadline has passed', () => {
    first.holds(0, '1', 5);
    first.tell({ kind: 'stalled', name: 'r', signalAborted: false, mayWrite: true, atUs: 7_000 });
    expect(broken()).to.deep.equal(['I4']);
  });

  it('takes no offence where the first has given it back, lost it, or died, and its time is over', () => {
    first.holds(0, '1', 5);
    first.tell({ kind: 'releasing', name: 'r', atUs: 1_000 });
    second.holds(1_000, '2', 5);
    second.tell({ kind: 'lost', name: 'r', atUs: 6_009 });
    first.holds(6_010, '3', 5);
    first.acquires(6_100);
    record.died(first);
    expect(broken()).to.deep.equal([]);
  });

  it('shows an acquire that fails, and one without an answer', () => {
    first.acquires(0);
    const failure = { order: 'acquire', error: 'UnavailableError', message: '' } as const;
    first.tell({ kind: 'failed', name: 'r', ...failure, atUs: 100 });
    expect(broken()).to.deep.equal([]);
    first.acquires(200);
    expect(broken()).to.deep.equal(['S5/I5']);
  });

  describe('of clients at work', () => {
    /** A shift up to its grant. */
    function begins(by: ClientByHand, shift: number, token: string, atUs: number): (event: ShiftEvent) => void {
      const tell = (event: ShiftEvent): void => by.tell({ kind: 'at_work', shift, event });
      tell({ kind: 'acquiring', name: 'r', waitMs: 1_000, atUs });
      tell({ kind: 'granted', name: 'r', leaseId: 'id', token, remainingMs: 5, atUs: atUs + 10 });
      return tell;
    }

    it('shows two lanes of one client that rely on one thing', () => {
      begins(first, 1, '1', 0);
      begins(first, 2, '2', 4_000);
      expect(broken()).to.have.members(['S1/I3', 'I4']);
    });

    it('has a lease until its own deadline, whether its shift comes to its end or not', () => {
      begins(first, 1, '1', 0);
      begins(second, 1, '2', 4_000)({ kind: 'releasing', name: 'r', atUs: 4_500 });
      expect(broken()).to.have.members(['S1/I3', 'I4']);
    });

    it('takes no offence at one after the other, at what is lost, and at late news of what was lost', () => {
      begins(first, 1, '1', 0)({ kind: 'releasing', name: 'r', atUs: 1_000 });
      const late = begins(first, 2, '2', 1_000);
      begins(first, 3, '3', 6_100);
      late({ kind: 'lost', name: 'r', atUs: 6_200 });
      expect(broken()).to.deep.equal([]);
      begins(second, 1, '4', 6_300);
      expect(broken()).to.include('S1/I3');
    });

    it('has what one lane tells late where it belongs among what others tell', () => {
      const late = begins(first, 1, '1', 0);
      first.tell({ kind: 'acquiring', name: 'other', waitMs: 1_000, atUs: 5_500 });
      first.tell({ kind: 'granted', name: 'other', leaseId: 'id', token: '1', remainingMs: 5, atUs: 5_510 });
      late({ kind: 'extended', name: 'r', untilUs: 9_000, sinceUs: 4_900, atUs: 6_000 });
      expect(broken()).to.deep.equal([]);
    });

    it('shows an acquire without an answer, and takes a failure for one', () => {
      first.tell({ kind: 'at_work', shift: 1, event: { kind: 'acquiring', name: 'r', waitMs: 1_000, atUs: 0 } });
      first.tell({ kind: 'at_work', shift: 2, event: { kind: 'acquiring', name: 'r', waitMs: 1_000, atUs: 0 } });
      const failure = { order: 'acquire', name: 'r', error: 'UnavailableError', message: '' } as const;
      first.tell({ kind: 'at_work', shift: 2, event: { kind: 'failed', ...failure, atUs: 100 } });
      expect(broken()).to.deep.equal(['S5/I5']);
    });
  });
});
