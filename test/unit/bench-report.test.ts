import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { DOCUMENT, ETCD_PROTOS } from '../bench/project-files.js';
import { type BenchReport, byMerit, type Comparison, row } from '../bench/report.js';
import { reportText, withResults } from '../bench/report-table.js';
import { allRows } from '../bench/rows/all-rows.js';
import { readSettings } from '../bench/settings.js';

const comparison: Comparison = {
  name: 'acquire-release embedded inflight-256',
  peer: 'etcd-v3lock',
  unit: 'lock+unlock pairs/s',
  better: 'higher',
  ours: 12_345.6,
  peerValue: 3_000.4,
  oursDetails: { rounds: [12_000, 12_346, 13_000], p50Ms: 20.5, p99Ms: 31, generatorBusy: 0.934 },
  peerDetails: { rounds: [3_000, 2_900, 3_100] },
  framesPerMessage: 101,
  grantsPerCommit: 97.2,
};

const report: BenchReport = {
  commit: '0123456789ab',
  date: '2026-01-02T03:04:05.678Z',
  seconds: 5,
  complete: true,
  machine: {
    cpu: 'a processor',
    cores: 2,
    memoryGigabytes: 25,
    kernel: 'Linux 6',
    fileSystem: 'ext4',
    node: '20.20.2',
    etcd: null,
    redis: '7.0.15',
  },
  rows: [row(comparison)],
};

describe('the benchmark’s report', () => {
  it('has a value, the peer’s and a ratio in each row', () => {
    expect(row(comparison)).to.deep.equal({ ...comparison, ours: 12_346, peerValue: 3_000, ratio: 4.11 });
  });

  it('has neither where the peer cannot run, and says why', () => {
    const alone = row({ ...comparison, peerValue: null, peerDetails: null, note: 'etcd is not installed' });
    expect(alone).to.include({ peerValue: null, ratio: null, note: 'etcd is not installed' });
    const text = reportText({ ...report, rows: [alone] });
    expect(text).to.match(/^\| acquire-release embedded inflight-256 +\|.*\| 12,346 +\| etcd-v3lock +\| – +\| – +\|$/m);
    expect(text).to.include('- acquire-release embedded inflight-256: etcd is not installed');
  });

  it('shows as a table with commit, date and machine', () => {
    const text = reportText(report);
    expect(text).to.include('Measured 2026-01-02T03:04:05.678Z at commit 0123456789ab, 5 s a measurement');
    expect(text).to.include('2 × a processor, 25 GB, Linux 6, ext4, Node.js 20.20.2, without etcd, Redis 7.0.15');
    expect(text).to.match(/\| 12,346 +\| etcd-v3lock +\| 3,000 +\| 4\.11× +\|/);
    expect(text).to.match(/\| ours +\| 20\.5 +\| 31 +\| 93 % +\| – +\| – +\| – +\| 12,000 \/ 12,346 \/ 13,000 +\|/);
    expect(text).to.match(/\| acquire-release embedded inflight-256 +\| 101 +\| 97\.2 +\|/);
  });

  it('rates everyone who was measured beside ours, one line each', () => {
    const others = [
      { peer: 'another library', peerValue: 2_000.2, peerDetails: { rounds: [2_000], p50Ms: 3.25 } },
      { peer: 'absent', peerValue: null, peerDetails: null },
    ];
    const compared = row({ ...comparison, others });
    expect(compared.others?.map(({ peerValue, ratio }) => [peerValue, ratio])).to.deep.equal([
      [2_000, 6.17],
      [null, null],
    ]);
    const text = reportText({ ...report, rows: [compared] });
    expect(text).to.match(
      /\| 12,346 +\| etcd-v3lock +\| 3,000 +\| 4\.11× +\|\n.*\| 12,346 +\| another library +\| 2,000 +\| 6\.17× +\|/,
    );
    expect(text).to.match(/^\| acquire-release embedded inflight-256 +\| another library +\| 3\.25 +\|/m);
    expect(text).not.to.match(/^\| acquire-release embedded inflight-256 +\| absent/m);
  });

  it('takes the best rival for a row’s peer, and one that could not run for none', () => {
    const peers = [null, 10, 30, 20].map((peerValue) => ({ peer: String(peerValue), peerValue, peerDetails: null }));
    const names = (better: 'higher' | 'lower') => byMerit(peers, better).map(({ peer }) => peer);
    expect(names('higher')).to.deep.equal(['30', '20', '10', 'null']);
    expect(names('lower')).to.deep.equal(['10', '20', '30', 'null']);
    expect(byMerit(peers.slice(0, 1), 'higher')).to.deep.equal(peers.slice(0, 1));
  });

  it('says what an operation cost each kind of process, and how soon the grant came', () => {
    const oursDetails = {
      ...comparison.oursDetails,
      acquire: { p50Ms: 0.75, p99Ms: 2.5 },
      cpuMicros: { generator: 15.2, server: 31, nodes: 52.6 },
    };
    const text = reportText({
      ...report,
      rows: [row({ ...comparison, oursDetails, scriptCallsPerOperation: 0.0625 })],
    });
    expect(text).to.match(/\| ours +\| 0\.75 +\| 2\.5 +\| 15\.2 +\| 31 +\| 52\.6 +\|/);
    expect(text).to.match(/\| acquire-release embedded inflight-256 +\| 101 +\| 97\.2 +\| 0\.0625 +\|/);
  });

  it('goes between the markers of the document and changes nothing else', () => {
    const document = readFileSync(DOCUMENT, 'utf8');
    const once = withResults(document, 'ONE');
    expect(once).to.include('\n\nONE\n\n');
    expect(withResults(once, 'TWO')).to.equal(once.replace('ONE', 'TWO'));
    const [before = '', after = ''] = once.split('ONE');
    expect(document.startsWith(before.trimEnd())).to.equal(true);
    expect(document.endsWith(after.trimStart())).to.equal(true);
    expect(() => withResults('nothing', 'ONE')).to.throw('lacks');
  });
});

describe('a benchmark run', () => {
  it('is asked for by two variables', () => {
    expect(readSettings({})).to.deep.equal({ seconds: 5, rows: '' });
    expect(readSettings({ BENCH_SECONDS: '0.5', BENCH_ROWS: 'hand-off' })).to.deep.equal({
      seconds: 0.5,
      rows: 'hand-off',
    });
    for (const wrong of ['', ' ', '0', '-1', 'five', '3601', 'Infinity']) {
      expect(() => readSettings({ BENCH_SECONDS: wrong }), wrong).to.throw(
        `BENCH_SECONDS is ${JSON.stringify(wrong)}; it must be a number above 0, at most 3600`,
      );
    }
  });

  it('has rows that can be told apart, each described in the document', () => {
    const names = allRows().map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    const document = readFileSync(DOCUMENT, 'utf8');
    for (const name of names) {
      const heading = name.replace(/ (embedded|redlock-5)/, '').replace(/inflight-\d+/, 'inflight-N');
      expect(document, name).to.include(`**${heading}.**`);
    }
  });

  it('finds its files', () => {
    for (const file of ETCD_PROTOS) expect(readFileSync(file, 'utf8')).to.match(/^service (Lock|Lease) \{$/m);
  });
});
