import { expect } from 'chai';
import type { NodeReport } from '../../server/src/core/ports.js';
import { summaryOf } from '../../server/src/process/node-summary.js';
import { NodeWatch } from '../../server/src/process/node-watch.js';
import { readySummary } from '../../server/src/process/ready.js';
import { StoreHealth } from '../../server/src/process/store-health.js';
import { METRICS } from '../../server/src/telemetry/metric-table.js';
import { NodeMetrics } from '../../server/src/telemetry/node-metrics.js';
import { nodeReport, ScriptedNodes } from '../support/scripted-nodes.js';
import { VirtualClock } from '../support/virtual-clock.js';

type State = NodeReport['state'];

/** Nodes `n1`, `n2` … in these states. */
const nodesIn = (...states: readonly State[]): readonly NodeReport[] =>
  states.map((state, index) => nodeReport({ id: `n${index + 1}`, state }));

describe('what is said of the nodes of a store', () => {
  const summary = (nodes: readonly NodeReport[], quorum: number) => summaryOf(new ScriptedNodes(nodes, quorum));
  const text = (nodes: readonly NodeReport[], quorum: number): string => summary(nodes, quorum).text;

  it('is how many vote', () => {
    expect(text(nodesIn('admitted', 'admitted', 'unavailable'), 2)).to.equal('2 of 3 nodes vote');
  });

  it('is what else is in the way', () => {
    const nodes = new ScriptedNodes(nodesIn('admitted', 'admitted'), 2);
    nodes.doubt = 'b belongs to another configuration';
    expect(summaryOf(nodes)).to.include({
      grantable: false,
      text: '2 of 2 nodes vote, but b belongs to another configuration',
    });
  });

  it('is when enough of them will', () => {
    const nodes = [10_000, 40_000, 30_500, 20_000, 60_000].map((quarantineLeftMs, index) =>
      nodeReport({ id: `n${index}`, state: 'quarantined', quarantineLeftMs }),
    );
    expect(text(nodes, 3)).to.equal('waiting for admission: 5 new nodes, 31 s left');
    expect(text([...nodes.slice(1), nodeReport()], 3)).to.equal(
      'waiting for admission: 1 of the 3 needed, 4 quarantined nodes, 31 s left',
    );
  });

  it('names no moment that nobody knows', () => {
    const [known, unknown] = [5_000, undefined].map((quarantineLeftMs) =>
      nodeReport({ state: 'quarantined', quarantineLeftMs }),
    ) as [NodeReport, NodeReport];
    expect(text([known, unknown, unknown], 2)).to.equal('waiting for admission: 3 new nodes');
  });

  it('says why nodes are not there', () => {
    const gone = nodeReport({ id: 'n9', state: 'unavailable', detail: 'refused the connection' });
    expect(text([gone, ...nodesIn('connecting', 'connecting')], 2)).to.equal(
      'waiting for admission: 2 unconnected nodes, 1 unavailable node (n9 refused the connection)',
    );
  });

  it('proposes to declare a new cluster where all could be new, and only there', () => {
    const waiting = nodesIn('quarantined', 'quarantined', 'quarantined');
    const facts = { version: '1.2.3', address: '127.0.0.1:7420', metrics: undefined };
    const shown = (nodes: readonly NodeReport[]): string => {
      const store = { kind: 'redlock', nodes: nodes.map(({ id }) => id), summary: summary(nodes, 2) } as const;
      return readySummary({ ...facts, store });
    };
    expect(shown(waiting).split('\n').slice(0, 3)).to.deep.equal([
      'Holdfast 1.2.3 listens at 127.0.0.1:7420',
      '  nodes     n1, n2, n3',
      '  leases    waiting for admission: 3 new nodes; a new cluster? run `npx holdfast admin init`',
    ]);
    expect(shown(nodesIn('quarantined', 'quarantined', 'unavailable'))).to.not.include('admin init');
    expect(shown(nodesIn('admitted', 'quarantined', 'quarantined'))).to.not.include('admin init');
    expect(shown(nodesIn('admitted', 'admitted', 'quarantined'))).to.match(/^Holdfast 1\.2\.3 is ready at/);
  });
});

describe('the watch over the nodes of a store', () => {
  /** A watch in virtual time, with what it logs and tells. */
  function watched(...states: readonly State[]) {
    const clock = new VirtualClock();
    const nodes = new ScriptedNodes(nodesIn(...states), 2);
    const logged: string[] = [];
    const told: boolean[] = [];
    const logger = { log: (event: string, fields: object) => void logged.push(`${event} ${Object.values(fields)[0]}`) };
    const watch = new NodeWatch(nodes, { clock, logger, onGrantable: (grantable) => void told.push(grantable) });
    const become = (...next: readonly State[]): Promise<void> => {
      nodes.reports = nodesIn(...next);
      return clock.advance(250);
    };
    return { clock, nodes, watch, logged, told, become };
  }

  it('tells at once whether leases can be granted, and then every change', async () => {
    const { told, logged, become } = watched('connecting', 'connecting', 'connecting');
    expect(told).to.deep.equal([false]);
    await become('admitted', 'admitted', 'connecting');
    await become('admitted', 'admitted', 'connecting');
    await become('admitted', 'unavailable', 'quarantined');
    await become('admitted', 'unavailable', 'quarantined');
    expect(told).to.deep.equal([false, true, false]);
    expect(logged).to.deep.equal(['granting 2', 'not_granting 1']);
  });

  it('does not tell of a doubt that has passed at the next look', async () => {
    const { clock, nodes, told, become } = watched('admitted', 'admitted');
    for (let round = 0; round < 3; round += 1) {
      nodes.doubt = 'it stood still';
      await clock.advance(250);
      nodes.doubt = undefined;
      await clock.advance(250);
    }
    expect(told).to.deep.equal([true]);
    nodes.doubt = 'it stood still';
    await become('admitted', 'admitted');
    await become('admitted', 'admitted');
    expect(told).to.deep.equal([true, false]);
  });

  it('knows when something is known of every node, and does not wait for ever', async () => {
    const { clock, watch, become } = watched('connecting');
    const known = watch.settled(10_000);
    await become('quarantined');
    await known;
    await become('connecting');
    const late = watch.settled(1_000);
    await clock.advance(1_250);
    await late;
  });

  it('ends', async () => {
    const { clock, watch, told, nodes } = watched('connecting');
    watch.stop();
    nodes.reports = nodesIn('admitted', 'admitted');
    await clock.advance(10_000);
    expect(told).to.deep.equal([false]);
  });
});

describe('the health of a store', () => {
  it('is what its nodes say, where it has any: nobody may come to ask while it is bad', () => {
    const told: boolean[] = [];
    const health = new StoreHealth((available) => void told.push(available));
    health.answers(false);
    health.answers(true);
    health.grants(false);
    health.answers(true);
    health.answers(false);
    health.grants(true);
    expect(told).to.deep.equal([false, true, false, false, false, true]);
  });
});

describe('metrics of nodes', () => {
  it('show the state, and what is known', () => {
    const metrics = new NodeMetrics(['timed_out'], ['held', 'low']);
    metrics.fault('timed_out');
    metrics.refused('held');
    metrics.refused('held');
    const unknown = { clockOffsetMs: undefined, roundTripMs: undefined };
    const readings = metrics.readings(
      [nodeReport(), nodeReport({ id: 'n2', state: 'quarantined', quarantineLeftMs: 1_500, ...unknown })],
      3,
    );
    const shown = readings.map((reading) => {
      const labels = Object.values(reading.labels).join(' ');
      return `${reading.metric} ${labels} ${'value' in reading ? reading.value : ''}`;
    });
    expect(shown).to.include.members([
      'holdfast_node_faults_total timed_out 1',
      'holdfast_votes_refused_total held 2',
      'holdfast_votes_refused_total low 0',
      'holdfast_quorum  3',
      'holdfast_node_state redis-1 admitted 1',
      'holdfast_node_state redis-1 quarantined 0',
      'holdfast_node_state n2 quarantined 1',
      'holdfast_node_clock_offset_seconds redis-1 0.000125',
      'holdfast_node_round_trip_seconds redis-1 0.0005',
      'holdfast_node_quarantine_left_seconds redis-1 0',
      'holdfast_node_quarantine_left_seconds n2 1.5',
    ]);
    expect(shown.filter((line) => /clock_offset|round_trip/.test(line))).to.have.length(2);
    for (const { metric, labels } of readings) expect(Object.keys(labels)).to.deep.equal(METRICS[metric].labels);
  });
});
