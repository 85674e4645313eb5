/**
 * Fuzzes for `SECONDS` (default 60), or plays what belongs to one seed: `SEED=k`. Prints what it found, with the seed that
 * plays it again, and ends with 1 if that is anything.
 */
import { ProcessFuzz } from './process-fuzz.js';
import { faultOf, IN_PROCESS, type Input, inputOf, play, smaller, type TargetName } from './targets.js';

const SECONDS = Number(process.env['SECONDS'] || 60);
const REPLAY = process.env['SEED'];
/** So long in this process, then one batch and one command line with processes. */
const IN_PROCESS_MS = 4_000;
const MOST_FINDINGS = 5;

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const findings: string[] = [];

function found(what: string, seed: number, fault: string): void {
  findings.push(what);
  say(`\n${what}, seed ${seed}: ${fault}\n  again: make fuzz SEED=${seed}`);
}

function tell(input: Input, fault: string): void {
  const small = smaller(input, fault);
  say(`  as a file for test/fuzz/corpus: ${JSON.stringify(small)}`);
  try {
    play(small, (line) => say(`  ${line}`));
  } catch (error) {
    say(`  ${error instanceof Error ? error.stack : error}`);
  }
}

/** Plays one seed after the other against every target in this process, until the time is over. Returns the next seed. */
function inProcess(first: number, untilMs: number, counts: Map<TargetName, number>): number {
  let seed = first;
  while (performance.now() < untilMs && findings.length < MOST_FINDINGS) {
    for (const target of IN_PROCESS) {
      playOne(target, seed);
      counts.set(target, (counts.get(target) ?? 0) + 1);
      seed += 1;
    }
  }
  return seed;
}

function playOne(target: TargetName, seed: number): void {
  const input = inputOf(target, seed);
  const fault = faultOf(input);
  if (fault === undefined) return;
  found(target, seed, fault);
  tell(input, fault);
}

async function onProcess(what: string, seed: number, act: (seed: number) => Promise<void>): Promise<void> {
  try {
    await act(seed);
  } catch (error) {
    found(what, seed, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

async function withServer(act: (fuzz: ProcessFuzz) => Promise<void>): Promise<void> {
  const fuzz = await ProcessFuzz.start();
  try {
    await act(fuzz);
  } finally {
    await onProcess('the end of the server', 0, () => fuzz.stop());
  }
  const { commandLines, connections, memoryBytes, sequences } = fuzz.tried;
  const memory = memoryBytes.map((bytes) => Math.round(bytes / 1_048_576));
  say(`on server processes: ${connections} connections, ${sequences} sequences, ${commandLines} command lines`);
  if (memory.length > 0)
    say(`memory after batches: ${Math.min(...memory)} to ${Math.max(...memory)} MiB, at last ${memory.at(-1)}`);
}

async function replay(seed: number): Promise<void> {
  for (const target of new Set(IN_PROCESS)) playOne(target, seed);
  await withServer(async (fuzz) => {
    await onProcess('a batch on a server', seed, () => fuzz.batch(seed));
    await onProcess('a command line', seed, () => fuzz.commandLine(seed));
  });
}

async function search(seconds: number): Promise<void> {
  const counts = new Map<TargetName, number>();
  let seed = Date.now() % 1_000_000_000;
  say(`fuzzing for ${seconds} s from seed ${seed}`);
  await withServer(async (fuzz) => {
    const endMs = performance.now() + seconds * 1_000;
    while (performance.now() < endMs && findings.length < MOST_FINDINGS) {
      seed = inProcess(seed, Math.min(endMs, performance.now() + IN_PROCESS_MS), counts);
      await onProcess('a batch on a server', seed, () => fuzz.batch(seed));
      await onProcess('a command line', seed, () => fuzz.commandLine(seed));
    }
  });
  say([...counts].map(([target, count]) => `${target}: ${count}`).join(', '));
}

if (REPLAY !== undefined && REPLAY !== '') await replay(Number(REPLAY));
else await search(SECONDS);
say(findings.length === 0 ? 'nothing found' : `${findings.length} found`);
process.exitCode = findings.length === 0 ? 0 : 1;
