/**
 * `make soak`: for MINUTES (default 5) a nemesis does at random whatever the rows of faults do, to five nodes, three servers and
 * their clients, or to one server with its own store: STORE=embedded. SEED=k decides what it does. What the processes make of
 * that has a timing of its own, so that a seed brings back the blows, not the run.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commitText } from '../../bench/machine.js';
import { inFigures } from '../../history/history.js';
import { markdownTable } from '../../support/markdown-table.js';
import { ROOT } from '../../support/project-root.js';
import { OwnGroup } from '../harness/own-group.js';
import { machineText } from '../rows/results.js';
import { leaksOf } from './leaks.js';
import { leakTable, writeSoakReport } from './report.js';
import { latestSoaks, recordSoak, type SoakEvent, type SoakResult, type StoreName } from './result.js';

type Done = Extract<SoakEvent, { kind: 'done' }>;

const MAIN = fileURLToPath(new URL('./soak-main.ts', import.meta.url));
const FOLDER = join(ROOT, 'build/soak');
/** To start, to come to an end, to become quiet, and to be judged. */
const BESIDES_MS = 400_000;
/** Two servers that contend are enough for the one; the other needs a connection that breaks. */
const CONTROL_MINUTES: Readonly<Record<StoreName, number>> = { redlock: 0.4, embedded: 1 };
const MOST_SEED = 1_000_000;
const SHOWN_VIOLATIONS = 10;

const store = storeOf(process.env['STORE'] || 'redlock');
const minutes = positive('MINUTES', process.env['MINUTES'] || '5');
const seed = positive('SEED', process.env['SEED'] || String(1 + Math.floor(Math.random() * MOST_SEED)));

const group = new OwnGroup<SoakEvent>(join(FOLDER, 'tmp'));

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

function storeOf(text: string): StoreName {
  if (text === 'redlock' || text === 'embedded') return text;
  throw new RangeError(`STORE is ${text}; it can be redlock or embedded`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new RangeError(`${name} is ${text}; it must be a number above 0`);
}

function show({ rounds, strikes, writes, violations, figures, leaks, failure }: SoakResult): void {
  const done = Object.entries(strikes).map(([kind, count]) => `${count} × ${kind.replaceAll('_', ' ')}`);
  say(`\n${rounds} rounds: ${done.join(', ')}`);
  say(`${inFigures(figures)}, ${writes} writes`);
  say(`\n${markdownTable(...leakTable(leaks))}\n`);
  for (const violation of violations.slice(0, SHOWN_VIOLATIONS)) say(`VIOLATION ${violation}`);
  for (const leak of leaksOf(leaks)) say(`LEAK ${leak}`);
  if (failure !== undefined) say(`BROKEN ${failure}`);
  say(`${violations.length} violations, ${leaksOf(leaks).length} leaks; history in ${join(FOLDER, 'history.jsonl')}`);
}

/** One run in a group of its own; nothing where it ended without a result. */
async function soak(forMinutes: number, folder: string, ...as: readonly string[]): Promise<Done | undefined> {
  let done: Done | undefined;
  const args = [store, String(seed), String(forMinutes), folder, ...as];
  await group.run(MAIN, args, forMinutes * 60_000 + BESIDES_MS, (event) => {
    if (event.kind === 'done') done = event;
    else if (as.length === 0) say(event.line);
  });
  return done;
}

rmSync(FOLDER, { recursive: true, force: true });
const commit = commitText();
say(`SEED=${seed} COMMIT=${commit} STORE=${store}, ${minutes} minutes`);
const result = (await soak(minutes, FOLDER))?.result;
if (result === undefined) {
  say('BROKEN: it ended without a result');
  process.exit(1);
}
show(result);
const controlled = await soak(Math.min(minutes, CONTROL_MINUTES[store]), join(FOLDER, 'control'), 'control');
const found = controlled?.found ?? 'control: it ended without a result';
if (typeof found === 'string') say(`${found}\n  ${controlled?.result.failure ?? ''}`);
else say(`control: ${found.violations} violations without ${found.without}\n  ${found.first}`);
const control = typeof found === 'string' ? {} : { control: found };
recordSoak(store, {
  ...result,
  ...control,
  commit,
  date: new Date().toISOString().slice(0, 10),
  machine: machineText(),
});
writeSoakReport(latestSoaks());
const isClean = result.failure === undefined && result.violations.length === 0 && leaksOf(result.leaks).length === 0;
process.exitCode = isClean && typeof found !== 'string' ? 0 : 1;
