import { readFileSync } from 'node:fs';

/** Processor time of this machine since it started, in ticks. */
interface Ticks {
  readonly all: number;
  /** What its host gave to other machines while this one had something to do. */
  readonly stolen: number;
}

/** The place of steal among the numbers of the line `cpu` of /proc/stat (proc(5)), and how many of them count. */
const STEAL = 7;
const COUNTED = 8;
/** Below this share a note would be noise. */
const WORTH_A_NOTE = 0.03;

/** Runs something; says so if the host took part of the processors meanwhile. Systems other than Linux do not tell. */
export async function noteStolen<T>(run: () => Promise<T>): Promise<{ readonly result: T; readonly note?: string }> {
  const before = readTicks();
  const result = await run();
  const after = readTicks();
  if (before === undefined || after === undefined) return { result };
  const share = (after.stolen - before.stolen) / (after.all - before.all);
  if (share < WORTH_A_NOTE) return { result };
  return {
    result,
    note: `the host of this virtual machine took ${Math.round(share * 100)} % of its processors meanwhile`,
  };
}

function readTicks(): Ticks | undefined {
  try {
    const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
    const ticks = line
      .split(/\s+/)
      .slice(1, 1 + COUNTED)
      .map(Number);
    return { all: ticks.reduce((sum, count) => sum + count, 0), stolen: ticks[STEAL] ?? 0 };
  } catch {
    return undefined;
  }
}
