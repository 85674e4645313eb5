import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { provideRedis } from '../support/provide-redis.js';
import type { BenchContext } from './bench-context.js';
import { commitText, thisMachine } from './machine.js';
import { DOCUMENT, RESULTS_FILE } from './project-files.js';
import type { BenchReport, Row } from './report.js';
import { reportText, withResults } from './report-table.js';
import { allRows } from './rows/all-rows.js';
import { DEFAULT_SECONDS, readSettings } from './settings.js';
import { noteStolen } from './stolen-time.js';
import { cleanUpOnExit } from './systems/children.js';
import { provideEtcd } from './systems/etcd-server.js';
import type { Presence } from './systems/system.js';

cleanUpOnExit();
try {
  process.exit((await bench()) ? 0 : 1);
} catch (error) {
  tell(`bench: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

/** Resolves to whether every row that was asked for could be measured; those that could are published either way. */
async function bench(): Promise<boolean> {
  const settings = readSettings(process.env);
  const all = allRows();
  const chosen = all.filter(({ name }) => name.includes(settings.rows));
  if (chosen.length === 0) {
    const names = all.map(({ name }) => name).join(', ');
    throw new Error(`BENCH_ROWS is ${JSON.stringify(settings.rows)} and fits none of: ${names}`);
  }
  const [etcd, redis] = [provideEtcd(), provideRedis()];
  const context: BenchContext = { seconds: settings.seconds, etcd, redis, progress: tell };
  const date = new Date().toISOString();
  const commit = commitText();
  const rows: Row[] = [];
  for (const spec of chosen) {
    try {
      const { result, note } = await noteStolen(() => spec.measure(context));
      const notes = [result.note, note].filter((text) => text !== undefined);
      rows.push(notes.length === 0 ? result : { ...result, note: notes.join('; ') });
    } catch (error) {
      tell(`${spec.name} could not be measured: ${error instanceof Error ? error.message : error}`);
    }
  }
  await publish({
    commit,
    date,
    seconds: settings.seconds,
    complete: rows.length === all.length,
    machine: thisMachine({ etcd: versionOf(etcd), redis: versionOf(redis) }),
    rows,
  });
  return rows.length === chosen.length;
}

function versionOf(presence: Presence): string | null {
  return presence.kind === 'present' ? presence.version : null;
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** On the terminal, as a file, and, when the run was a full one, in the document. */
async function publish(report: BenchReport): Promise<void> {
  const text = reportText(report);
  process.stdout.write(`\n${text}\n`);
  await mkdir(dirname(RESULTS_FILE), { recursive: true });
  await writeFile(RESULTS_FILE, `${JSON.stringify(report, undefined, 2)}\n`);
  if (!report.complete || report.seconds < DEFAULT_SECONDS) return;
  await writeFile(DOCUMENT, withResults(await readFile(DOCUMENT, 'utf8'), text));
}
