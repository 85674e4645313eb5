import { expect } from 'chai';
import { disorder, saturation } from '../bench/rows/remarks.js';
import type { Round } from '../bench/rows/side.js';
import { sideDetails } from '../bench/rows/side-details.js';
import { scriptCalls } from '../bench/systems/redis-nodes.js';

const ROUND: Round = {
  perSecond: 1_000,
  p50Ms: 1,
  p99Ms: 2,
  busy: 0.5,
  cores: 0.25,
  outOfOrder: 3,
  lost: 0,
  serverCores: undefined,
  nodesCores: undefined,
  gained: undefined,
  gainedInMs: 5_000,
};
const perSecond = (round: Round): number => round.perSecond;

describe('one side of a benchmark row', () => {
  it('shares processor time among what was done in each round, and takes the middle of the rounds', () => {
    const rounds = [
      { ...ROUND, serverCores: 0.5, nodesCores: 1 },
      { ...ROUND, perSecond: 2_000, serverCores: 0.2, nodesCores: 1 },
      { ...ROUND, perSecond: 500, serverCores: 0.5, nodesCores: 1 },
    ];
    const details = sideDetails(rounds, perSecond);
    expect(details.cpuMicros).to.deep.equal({ generator: 250, server: 500, nodes: 1_000 });
    expect(details).to.include({ serverCores: 0.5, nodesCores: 1, generatorCores: 0.25, outOfOrder: 9 });
  });

  it('goes by the rate that the row counts, whatever the generator did', () => {
    expect(sideDetails([ROUND], () => 50_000).cpuMicros).to.deep.equal({ generator: 5 });
  });

  it('says nothing of processes there are not, nor of grants that were not timed', () => {
    expect(sideDetails([ROUND], perSecond)).not.to.have.any.keys('serverCores', 'nodesCores', 'acquire');
    const timed = [3, 1, 2].map((p50Ms) => ({ ...ROUND, acquire: { p50Ms, p99Ms: 10 * p50Ms } }));
    expect(sideDetails(timed, perSecond).acquire).to.deep.equal({ p50Ms: 2, p99Ms: 20 });
  });

  it('is remarked upon when the generator was the limit of a server', () => {
    const busy = { rounds: [1], generatorBusy: 0.95, cpuMicros: { generator: 1, server: 1 } };
    expect(saturation('ours', busy)).to.include('ours: the load generator was busy 95 % of the time');
    expect(saturation('ours', { ...busy, generatorBusy: 0.89 })).to.equal(undefined);
    expect(saturation('a library', { ...busy, cpuMicros: { generator: 1, nodes: 1 } })).to.equal(undefined);
    expect(saturation('absent', null)).to.equal(undefined);
  });

  it('is remarked upon when turns were out of order, with their share', () => {
    const details = { rounds: [1_000, 2_000, 1_500], outOfOrder: 9_000 };
    expect(disorder('a library', details, 2)).to.equal(
      'a library: 9,000 hand-offs (100 %) went to a client while another had asked earlier',
    );
    expect(disorder('ours', { ...details, outOfOrder: 0 }, 2)).to.equal(undefined);
    expect(disorder('absent', null, 2)).to.equal(undefined);
  });
});

describe('script calls of a Redis node', () => {
  it('are those by hash, and none when there were none', () => {
    const statistics = 'cmdstat_eval:calls=9,usec=1\r\ncmdstat_evalsha:calls=1234,usec=5678,usec_per_call=4.60\r\n';
    expect(scriptCalls(`# Commandstats\r\n${statistics}`)).to.equal(1_234);
    expect(scriptCalls('# Commandstats\r\ncmdstat_evalsha_ro:calls=7,usec=1\r\n')).to.equal(0);
  });
});
