import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readCommandLine } from '../../client/src/cli/command-line.js';
import { roughDuration } from '../../client/src/cli/duration.js';
import { EXIT } from '../../client/src/cli/exit-codes.js';
import { UsageError } from '../../client/src/cli/usage-error.js';
import { markdownTable } from '../support/markdown-table.js';
import { ROOT } from '../support/project-root.js';

const read = (line: string, environment: Readonly<Record<string, string>> = {}): ReturnType<typeof readCommandLine> =>
  readCommandLine(line.split(' ').filter(Boolean), environment, '1.2.3');

describe('the command line', () => {
  it('has defaults', () => {
    expect(read('run orders/42 -- sh -c x')).to.deep.equal({
      kind: 'run',
      json: false,
      options: {
        name: 'orders/42',
        command: ['sh', '-c', 'x'],
        servers: ['localhost:7420'],
        namespace: undefined,
        connectTimeoutMs: 3_000,
        ttlMs: undefined,
        waitMs: 0,
        killAfterMs: undefined,
        clientName: undefined,
      },
    });
  });

  it('takes options before and after the command’s name, and none after --', () => {
    const line = '--server a:1,b:2 run --ttl 1.5s x --server [::1]:3 --wait 1m --kill-after 500ms --json -- y --ttl 1h';
    expect(read(line)).to.deep.include({ kind: 'run', json: true });
    const { options } = read(line) as Extract<ReturnType<typeof read>, { kind: 'run' }>;
    expect(options).to.deep.include({ servers: ['a:1', 'b:2', '[::1]:3'], command: ['y', '--ttl', '1h'] });
    expect(options).to.include({ ttlMs: 1_500, waitMs: 60_000, killAfterMs: 500 });
  });

  it('takes server and namespace from the environment, unless they are given', () => {
    const environment = { HOLDFAST_SERVER: 'a:1, b:2', HOLDFAST_NAMESPACE: 'billing' };
    expect(read('ls', environment)).to.deep.nested.include({
      'options.servers': ['a:1', 'b:2'],
      'options.namespace': 'billing',
    });
    expect(read('ls --server c:3 --namespace x', environment)).to.deep.nested.include({
      'options.servers': ['c:3'],
      'options.namespace': 'x',
    });
    expect(read('ls', { HOLDFAST_SERVER: '', HOLDFAST_NAMESPACE: '' })).to.deep.nested.include({
      'options.servers': ['localhost:7420'],
      'options.namespace': undefined,
    });
  });

  for (const [line, message] of [
    [
      'run x --ttl 30 -- y',
      '--ttl is "30", which has no unit; it must be a duration such as 500ms, 30s or 1m: 1ms to 24h',
    ],
    ['run x --ttl soon -- y', '--ttl is "soon"; it must be a duration such as 500ms, 30s or 1m: 1ms to 24h'],
    ['run x --ttl 1.0005s -- y', '--ttl is "1.0005s"; it must be a duration such as 500ms, 30s or 1m: 1ms to 24h'],
    ['run x --wait 25h -- y', '--wait is "25h"; it must be 0ms to 24h'],
    ['run x --ttl 30s --kill-after 11s -- y', '--kill-after is 11s; it must be at most 10s, a third of the TTL'],
    ['run x --ttll 1s -- y', "unknown option '--ttll' (Did you mean --ttl?)"],
    ['run x', 'there is no command to run; write it like: holdfast run NAME -- COMMAND'],
    ['ls --namespace=', '--namespace is ""; it must be 1 to 256 bytes long; it has 0'],
    ['run x --name= -- y', '--name is ""; it must be 1 to 256 bytes long; it has 0'],
    ['run x\u0007 -- y', 'the resource is "x\\u0007"; it must be well-formed text without control characters'],
    ['run x --', 'there is no command to run; write it like: holdfast run NAME -- COMMAND'],
    [
      'run x y',
      "too many arguments for 'run'. Expected 1 argument but got 2; write it like: holdfast run NAME -- COMMAND",
    ],
    ['run -- y', "missing required argument 'name'; see holdfast --help"],
    ['ls -- y', 'ls takes no command after --; that is for run'],
    ['ls x --nodes', 'ls --nodes lists nodes, not leases; it takes no prefix and no --all-namespaces'],
    ['ls --nodes --all-namespaces', 'ls --nodes lists nodes, not leases; it takes no prefix and no --all-namespaces'],
    ['admin init -- y', 'only run takes a command after --'],
    [
      'admin node reset redis-1',
      'admin node reset takes the vote of redis-1 away until its quarantine is over; add --yes to do it',
    ],
    [
      'forget orders/42 --always',
      'forget --always takes orders/42 from a holder who may still rely on it; add --yes to do it',
    ],
    ['forget', "missing required argument 'name'; see holdfast --help"],
    ['admin node reset --yes', "missing required argument 'id'; see holdfast --help"],
    ['lst', "unknown command 'lst' (Did you mean ls?)"],
    [
      'ls --server localhost',
      '--server has "localhost"; it must be host:port such as localhost:7420, [::1]:7420, dns:///host:port, ipv4:…, ipv6:… or unix:/path',
    ],
    [
      'ls --server a:99999',
      '--server has "a:99999"; it must be host:port such as localhost:7420, [::1]:7420, dns:///host:port, ipv4:…, ipv6:… or unix:/path',
    ],
  ] as const) {
    it(`refuses: ${line}`, () => {
      expect(() => read(line))
        .to.throw(UsageError)
        .with.property('message', message);
    });
  }

  for (const [line, order] of [
    ['admin init', { kind: 'init' }],
    ['admin node reset redis-1 --yes', { kind: 'reset', nodeId: 'redis-1' }],
    ['forget orders/42', { kind: 'forget', name: 'orders/42', always: false }],
    ['forget orders/42 --yes', { kind: 'forget', name: 'orders/42', always: false }],
    ['forget --always orders/42 --yes', { kind: 'forget', name: 'orders/42', always: true }],
  ] as const) {
    it(`takes for an order: ${line}`, () => {
      expect(read(`${line} --json --server a:1 --namespace x`)).to.deep.equal({
        kind: 'order',
        json: true,
        options: { order, servers: ['a:1'], namespace: 'x', connectTimeoutMs: 3_000 },
      });
    });
  }

  it('tells nodes from leases', () => {
    expect(read('ls --nodes')).to.deep.include({ kind: 'nodes', json: false });
    expect(read('ls')).to.deep.include({ kind: 'ls', json: false });
  });

  it('shows the help of a group of commands that is named without one', () => {
    for (const line of ['admin', 'admin node']) expect(read(line).kind).to.equal('lost');
  });

  it('looks for the Node.js the package wants', () => {
    const main = readFileSync(join(ROOT, 'client/src/cli/main.ts'), 'utf8');
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'client/package.json'), 'utf8'));
    expect(`>=${/MINIMUM_NODE = '([^']+)'/.exec(main)?.[1]}`).to.equal(engines.node);
  });

  it('tells what it is asked for', () => {
    expect(read('--version')).to.deep.equal({ kind: 'told', text: '1.2.3\n' });
    expect(read('--help').kind).to.equal('told');
    expect(read('').kind).to.equal('lost');
  });

  it('shows durations as people say them', () => {
    const shown = [-5, 0, 850, 59_999, 60_000, 3_600_000, 90_000_000].map(roughDuration);
    expect(shown).to.deep.equal(['0.0s', '0.0s', '0.8s', '59s', '1m 0s', '1h 0m', '1d 1h']);
  });
});

describe('docs/cli.md', () => {
  const page = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');

  it('has every exit code', () => {
    const rows = Object.values(EXIT).map(({ code, meaning }) => [String(code), meaning]);
    expect(page).to.include(`\n${markdownTable(['Exit code', 'Meaning'], rows)}\n`);
  });

  it('has every option', () => {
    for (const command of ['', 'run ', 'ls ', 'admin init ', 'admin node reset ', 'forget ']) {
      const help = read(`${command}--help`);
      const text = 'text' in help ? help.text : '';
      const flags = [...text.matchAll(/^ {2}(?:-h, )?(--[a-z-]+(?: <[^>]+>)?)/gm)].map(([, flag]) => flag ?? '');
      expect(flags).to.include('--help');
      for (const flag of flags) expect(page, flag).to.include(`\`${flag}\``);
    }
  });
});
