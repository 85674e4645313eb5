import { expect } from 'chai';
import { runHoldfast } from '../support/holdfast-command.js';
import { nodeReport, ScriptedNodes } from '../support/scripted-nodes.js';
import { ScriptedCore } from '../wire/support/scripted-core.js';
import { type Served, serve } from '../wire/support/served.js';

describe('holdfast, of nodes,', function () {
  this.timeout(30_000);
  let nodes: ScriptedNodes;
  let served: Served;

  beforeEach(async () => {
    nodes = new ScriptedNodes(
      [
        nodeReport(),
        nodeReport({
          id: 'b',
          address: 'redis://h:1',
          state: 'quarantined',
          quarantineLeftMs: 41_000,
          clockOffsetMs: -12,
        }),
        nodeReport({
          id: 'c',
          state: 'unavailable',
          detail: 'refused the connection',
          version: '',
          clockOffsetMs: undefined,
          roundTripMs: undefined,
        }),
      ],
      2,
    );
    served = await serve(new ScriptedCore(), {}, nodes);
  });

  afterEach(() => served.stop());

  const holdfast = (...args: readonly string[]): ReturnType<typeof runHoldfast> =>
    runHoldfast(args, { server: served.target });

  it('lists them', async () => {
    const { code, stdout, stderr } = await holdfast('ls', '--nodes');
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(stdout.split('\n')).to.deep.equal([
      'NODE     ADDRESS                STATE        VOTES IN  VERSION         CLOCK  ROUND TRIP  DETAIL',
      'redis-1  redis://10.0.0.1:6379  admitted               redis 7.0.15   +0.1ms       0.5ms',
      'b        redis://h:1            quarantined       41s  redis 7.0.15  -12.0ms       0.5ms',
      'c        redis://10.0.0.1:6379  unavailable                                               refused the connection',
      '1 of 3 nodes vote, and 2 must agree to a grant',
      '',
    ]);
  });

  it('lists them as JSON', async () => {
    const { code, stdout } = await holdfast('ls', '--nodes', '--json');
    expect(code).to.equal(0);
    const { quorum, nodes: listed } = JSON.parse(stdout);
    expect(quorum).to.equal(2);
    expect(listed[1]).to.deep.equal({
      node: 'b',
      address: 'redis://h:1',
      state: 'quarantined',
      detail: '',
      quarantineLeftMs: 41_000,
      version: 'redis 7.0.15',
      clockOffsetMs: -12,
      roundTripMs: 0.5,
    });
    expect(listed[2]).to.not.have.any.keys('quarantineLeftMs', 'clockOffsetMs', 'roundTripMs');
  });

  it('passes orders on, and says what came of them', async () => {
    const [init, reset, forget] = await Promise.all([
      holdfast('admin', 'init'),
      holdfast('admin', 'node', 'reset', 'b', '--yes', '--json'),
      holdfast('forget', 'orders/42', '--always', '--yes', '--namespace', 'x'),
    ]);
    expect(init).to.deep.include({ code: 0, stdout: 'it was done\n', stderr: '' });
    expect(reset).to.deep.include({ code: 0, stdout: '{"message":"it was done"}\n', stderr: '' });
    expect(forget).to.deep.include({ code: 0, stdout: 'it was done\n', stderr: '' });
    expect(nodes.orders).to.have.members(['declareNew', 'reset b', 'forget x orders/42 true']);
  });

  it('returns 78 for an order that was refused, 64 for one that cannot be meant', async () => {
    nodes.outcome = { kind: 'refused', message: 'b has keys already: holdfast default adm' };
    const [init, json, reset, unsure] = await Promise.all([
      holdfast('admin', 'init'),
      holdfast('forget', 'x', '--json'),
      holdfast('admin', 'node', 'reset', 'z', '--yes'),
      holdfast('forget', 'x', '--always'),
    ]);
    expect(init).to.deep.include({
      code: 78,
      stdout: '',
      stderr: 'holdfast: b has keys already: holdfast default adm\n',
    });
    expect(json).to.include({ code: 78, stdout: '' });
    expect(JSON.parse(json.stderr)).to.include({ event: 'error', code: 'REFUSED', exitCode: 78 });
    expect(reset).to.include({ code: 64, stderr: 'holdfast: the node is "z"; the nodes are redis-1, b, c\n' });
    expect(unsure.code).to.equal(64);
    expect(nodes.orders).to.have.members(['declareNew', 'forget default x false']);
  });

  it('says that a store has none', async () => {
    await served.stop();
    served = await serve(new ScriptedCore());
    const { code, stderr } = await holdfast('ls', '--nodes');
    expect(code).to.equal(78);
    expect(stderr).to.equal(
      'holdfast: The store of this server has no nodes; only a server with --store redlock has.\n',
    );
  });

  it('returns 69 where no server is, and asks the next one first', async () => {
    const nobody = '127.0.0.1:1';
    const [alone, other] = await Promise.all([
      runHoldfast(['admin', 'init'], { server: nobody }),
      runHoldfast(['ls', '--nodes', '--json'], { server: `${nobody},${served.target}` }),
    ]);
    expect(alone.code).to.equal(69);
    expect(alone.stderr).to.match(/^holdfast: no server at 127\.0\.0\.1:1 \(connection refused\); start one with/);
    expect(other.code).to.equal(0);
  });
});
