import { expect } from 'chai';
import type {
  AdoptEntry,
  ExtendEntry,
  LockValue,
  RepairEntry,
} from '../../server/src/store/redlock/coordinator/redis-node.js';
import { type Adopted, KeepingWatch } from '../simulation/keeping-watch.js';

const KEY = 'holdfast:default:lock:r1';
const VALUE = 'a1b2:17' as LockValue;
const OLDER = 'c3d4:17' as LockValue;
const MISSING = { kind: 'missing', ballot: undefined } as const;
const OK = { kind: 'ok' } as const;
const LOST = { kind: 'lost' } as const;

describe('how leases are kept at nodes that are watched', () => {
  let nowMs: number;
  let found: string[];
  let watch: KeepingWatch;
  let adopted: Adopted;

  beforeEach(() => {
    nowMs = 0;
    found = [];
    adopted = new Map();
    watch = new KeepingWatch({
      ...{ size: 3, quorum: 2, isSure: true, nowMs: () => nowMs },
      violated: (guarantee) => void found.push(guarantee),
    });
  });

  const extension = (): ExtendEntry => ({ key: KEY, value: VALUE, expiryMs: 500 });
  const adoption = (): AdoptEntry => ({ ...extension(), presented: [OLDER] });
  const repair: RepairEntry = { key: KEY, value: VALUE, token: 17, ballot: undefined, notAfterUs: 0 };

  function extended(node2: typeof OK | typeof LOST, node3: typeof OK | typeof LOST): void {
    const entry = extension();
    watch.sent([entry], adopted);
    watch.voted('redis-1', entry, MISSING, undefined);
    watch.voted('redis-2', entry, node2, VALUE);
    watch.voted('redis-3', entry, node3, VALUE);
  }

  it('may be to put them back where a quorum of others has said in one round that they stand', () => {
    extended(OK, LOST);
    extended(LOST, OK);
    watch.repaired('redis-1', repair, 100);
    expect(found).to.deep.equal(['S4']);
    extended(OK, OK);
    watch.repaired('redis-1', repair, 100);
    expect(found).to.have.length(1);
    watch.repaired('redis-2', repair, 100);
    expect(found).to.have.length(2);
  });

  it('is not to put them back for longer than is left of them', () => {
    extended(OK, OK);
    nowMs = 200;
    watch.repaired('redis-1', repair, 300);
    expect(found).to.deep.equal([]);
    watch.repaired('redis-1', repair, 310);
    expect(found).to.deep.equal(['S4']);
  });

  it('is not to call them lost while a quorum may have them', () => {
    extended(OK, OK);
    watch.lost(KEY, VALUE, 0);
    expect(found).to.deep.equal(['L6']);
    nowMs = 10;
    extended(LOST, OK);
    watch.lost(KEY, VALUE, 10);
    expect(found).to.have.length(1);
    watch.lost(KEY, VALUE, 11);
    expect(found).to.have.length(2);
  });

  it('is to tell of an adoption again wherever it may not be known', () => {
    watch.sent([adoption()], adopted);
    const known = adoption();
    watch.sent([known], adopted);
    watch.voted('redis-1', known, OK, OLDER);
    const entry = extension();
    watch.sent([entry], adopted);
    watch.voted('redis-1', entry, LOST, OLDER);
    watch.voted('redis-2', entry, LOST, 'e5f6:18');
    expect(found).to.deep.equal([]);
    watch.voted('redis-2', entry, LOST, OLDER);
    expect(found).to.deep.equal(['S6']);
  });
});
