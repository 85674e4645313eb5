import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import timers from 'node:timers';
import { expect } from 'chai';
import { ROOT } from '../support/project-root.js';
import { traceOf } from './failure.js';
import { SYSTEMS } from './systems.js';

/** Both systems are among them. */
const SEEDS = [1, 2, 3];
const OTHER_PLACES = [
  { TZ: 'Pacific/Chatham', LANG: 'C' },
  { TZ: 'America/St_Johns', LANG: 'de_DE.UTF-8' },
];

/** Keeps a processor busy for as long as it lives. */
const BUSY = 'for (;;) Math.sqrt(Math.random());';

async function tracesIn(place: Readonly<Record<string, string>>): Promise<string> {
  const args = ['--import', './support/prefer-import.mjs', '--import', 'tsx', '--conditions', '@holdfast/source'];
  const child = spawn(process.execPath, [...args, 'simulation/seed-process.ts', ...SEEDS.map(String)], {
    cwd: join(ROOT, 'test'),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...place },
  });
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  expect(code).to.equal(0);
  return printed;
}

describe('simulation: a seed is all there is to a run', () => {
  if (process.env['SEED'] !== undefined) return;

  it('plays the same seed the same way', async () => {
    for (const { simulate } of SYSTEMS) {
      const [first, second] = [await simulate(5), await simulate(5)];
      expect(traceOf(second)).to.equal(traceOf(first));
    }
  }).timeout(30_000);

  it('plays it the same way in other processes, in other time zones, and when the processors are busy', async () => {
    const busy = spawn(process.execPath, ['-e', BUSY], { stdio: 'ignore' });
    try {
      const [here, there] = await Promise.all(OTHER_PLACES.map(tracesIn));
      expect(here?.match(/lines/g)).to.have.length(SEEDS.length);
      expect(there).to.equal(here);
    } finally {
      busy.kill('SIGKILL');
      await once(busy, 'exit');
    }
  }).timeout(120_000);

  it('needs no timer, no socket, no clock and no chance of the machine', async () => {
    const forbidden: readonly (readonly [owner: object, name: string])[] = [
      ...(['setTimeout', 'setInterval'] as const).flatMap((name) => [
        [globalThis, name] as const,
        [timers, name] as const,
      ]),
      ...(['connect', 'write'] as const).map((name) => [Socket.prototype, name] as const),
      [Date, 'now'],
      [performance, 'now'],
      [process, 'hrtime'],
      [Math, 'random'],
    ];
    const used: string[] = [];
    const restore = forbidden.map(([owner, name]) => {
      const original = Object.getOwnPropertyDescriptor(owner, name);
      Object.defineProperty(owner, name, {
        configurable: true,
        value: () => {
          used.push(name);
          throw new Error(`a simulation used ${name}`);
        },
      });
      return () => {
        if (original === undefined) Reflect.deleteProperty(owner, name);
        else Object.defineProperty(owner, name, original);
      };
    });
    const grants: number[] = [];
    const violations: string[] = [];
    try {
      for (const { simulate } of SYSTEMS) {
        const outcome = await simulate(9);
        grants.push(outcome.grants);
        violations.push(...outcome.violations);
      }
    } finally {
      for (const undo of restore) undo();
    }
    expect(used).to.deep.equal([]);
    expect(violations).to.deep.equal([]);
    expect(Math.min(...grants)).to.be.at.least(200);
  }).timeout(30_000);
});
