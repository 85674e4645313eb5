import { expect } from 'chai';
import { type Leftovers, leakRows, leaksOf } from '../faults/soak/leaks.js';
import { roundsOf } from '../faults/soak/nemesis-plan.js';
import { leakTable } from '../faults/soak/report.js';
import { type Cast, majorityOf, type Round, type Strike, targetsOf } from '../faults/soak/strikes.js';

const QUORUM_CAST: Cast = { nodes: 5, servers: 3, clients: 6 };
const ONE_SERVER: Cast = { nodes: 0, servers: 1, clients: 6 };
const ROUNDS = 2_000;

function rounds(seed: number, cast: Cast, count = ROUNDS): readonly Round[] {
  const plan = roundsOf(seed, cast);
  return Array.from({ length: count }, () => plan.next().value);
}

const kinds = (cast: Cast): ReadonlySet<Strike['kind']> =>
  new Set(rounds(1, cast).flatMap(({ blows }) => blows.map(({ strike }) => strike.kind)));

describe('the nemesis of a soak', () => {
  it('does the same for the same seed, and something else for another', () => {
    expect(rounds(7, QUORUM_CAST, 50)).to.deep.equal(rounds(7, QUORUM_CAST, 50));
    expect(rounds(7, QUORUM_CAST, 50)).to.not.deep.equal(rounds(8, QUORUM_CAST, 50));
  });

  it('comes to everything it can do', () => {
    expect(kinds(QUORUM_CAST)).to.have.property('size', 26);
    expect([...kinds(ONE_SERVER)].filter((kind) => /node|way|part|script|command|connection/.test(kind))).to.be.empty;
    expect(kinds(ONE_SERVER)).to.have.property('size', 15);
  });

  it('strikes in every round, and nothing twice at once', () => {
    for (const { blows } of [...rounds(3, QUORUM_CAST), ...rounds(3, ONE_SERVER)]) {
      const targets = blows.flatMap(({ strike }) => targetsOf(strike));
      expect(targets).to.not.be.empty;
      expect(new Set(targets)).to.have.property('size', targets.length);
    }
  });

  it('sets the clock of a node alone, and long enough to be seen', () => {
    const stepped = rounds(4, QUORUM_CAST).filter(({ blows }) =>
      blows.some(({ strike }) => strike.kind === 'step_node_clock'),
    );
    expect(stepped).to.not.be.empty;
    for (const { blows } of stepped) {
      expect(blows).to.have.length(1);
      expect(blows[0]?.forMs).to.be.at.least(1_000);
    }
  });

  it('takes away a majority, and then alone', () => {
    const gone = rounds(5, QUORUM_CAST).filter(({ blows }) =>
      blows.some(
        ({ strike }) =>
          (strike.kind === 'kill_nodes' || strike.kind === 'stop_nodes') &&
          strike.nodes.length >= majorityOf(QUORUM_CAST),
      ),
    );
    expect(gone.length).to.be.within(ROUNDS / 20, ROUNDS / 5);
    for (const { blows } of gone) expect(blows).to.have.length(1);
  });

  it('never ends server 1 where there are others', () => {
    const ended = rounds(6, QUORUM_CAST).flatMap(({ blows }) =>
      blows.flatMap(({ strike }) =>
        strike.kind === 'kill_server' || strike.kind === 'drain_server' ? [strike.server] : [],
      ),
    );
    expect(new Set(ended)).to.deep.equal(new Set([2, 3]));
  });
});

const CLEAN: Leftovers = {
  nodes: ['a', 'b'],
  keys: [
    { node: 'a', key: 'r b', kind: 'ballot', expiresInMs: 600_000 },
    { node: 'a', key: 'r q', kind: 'other', expiresInMs: 10 },
    { node: 'a', key: 'adm', kind: 'own', expiresInMs: undefined },
  ],
  allowed: { names: 1, ballotMs: 600_000 },
  counts: [
    { where: 'server 1', what: 'leases', count: 0 },
    { where: 'server 1', what: 'files', count: 30, before: 30 },
  ],
  heaps: [{ where: 'server 1', usedBytes: Array.from({ length: 30 }, (_, round) => 20e6 + 1e3 * round) }],
};

/** What leaks once this is there, too. */
function leaksWith(more: Partial<Leftovers>): readonly string[] {
  return leaksOf(leakRows({ ...CLEAN, ...more }));
}

describe('the leak report of a soak', () => {
  it('finds nothing where nothing is left but what may be', () => {
    expect(leaksWith({})).to.deep.equal([]);
    expect(leakRows(CLEAN).map(({ verdict }) => verdict)).to.not.include('unsaid');
  });

  it('finds a lock, one ballot more than names, and keys without an end', () => {
    const withKey = (...keys: Leftovers['keys']): readonly string[] => leaksWith({ keys: [...CLEAN.keys, ...keys] });
    expect(withKey({ node: 'b', key: 'r', kind: 'lock', expiresInMs: 1 })).to.deep.equal([
      'lock keys at b: 1, allowed: 0',
    ]);
    expect(withKey({ node: 'a', key: 's b', kind: 'ballot', expiresInMs: 1 })).to.deep.equal([
      'ballot keys at a: 2, 0 without an end, allowed: 1 names, 0',
    ]);
    expect(withKey({ node: 'b', key: 's b', kind: 'ballot', expiresInMs: undefined })).to.have.length(1);
    expect(withKey({ node: 'b', key: 's b', kind: 'ballot', expiresInMs: 600_001 })).to.have.length(1);
    expect(withKey({ node: 'b', key: 's w', kind: 'other', expiresInMs: undefined })).to.have.length(1);
  });

  it('finds a gauge that is not 0, and a file more than before', () => {
    const counts = (leases: number, files: number): Leftovers['counts'] => [
      { where: 'server 1', what: 'leases', count: leases },
      { where: 'server 1', what: 'files', count: files, before: 30 },
    ];
    expect(leaksWith({ counts: counts(1, 30) })).to.deep.equal(['leases at server 1: 1, allowed: 0']);
    expect(leaksWith({ counts: counts(0, 31) })).to.deep.equal(['files at server 1: 31, allowed: 30']);
    expect(leaksWith({ counts: counts(0, 29) })).to.deep.equal([]);
  });

  it('finds a heap that grows, after it has warmed up, and says nothing of a short run', () => {
    const heap = (usedBytes: readonly number[]): Pick<Leftovers, 'heaps'> => ({
      heaps: [{ where: 'server 1', usedBytes }],
    });
    const growing = Array.from({ length: 30 }, (_, round) => 20e6 + 100e3 * round);
    const settling = Array.from({ length: 30 }, (_, round) => 20e6 + 1e6 * Math.min(round, 8));
    expect(leaksWith(heap(growing))).to.deep.equal([
      'heap, by round at server 1: 100 kB a round, from 21000 kB to 22900 kB, allowed: 40 kB a round',
    ]);
    expect(leaksWith(heap(settling))).to.deep.equal([]);
    expect(leaksWith(heap(growing.slice(0, 5)))).to.deep.equal([]);
    expect(leakRows({ ...CLEAN, ...heap([1, 2]) }).at(-1)?.verdict).to.equal('unsaid');
  });

  it('shows a thing at all places in one line, with the worst that is said of it', () => {
    const counts = [1, 0].map((count, index) => ({ where: `server ${index + 1}`, what: 'waiters', count }));
    const [, table] = leakTable(leakRows({ ...CLEAN, counts }));
    expect(table).to.deep.include(['waiters', '1 · 0', '0', '**leaks**']);
    expect(table).to.deep.include(['lock keys', '0', '0', 'no leak']);
  });
});
