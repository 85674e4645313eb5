import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('./wall-clock.c', import.meta.url));
const NANOSECONDS = 1_000_000n;
const NANOSECONDS_A_SECOND = 1e9;
/** A shift, a gain and since when, each of eight bytes. */
const SETTING_BYTES = 24;
const GAIN_AT = 8;
const SINCE_AT = 16;

/** The wall clock of some processes, which can be set while they run. */
export class WallClock {
  readonly #file: number;
  /** For each process that is to have this clock. */
  readonly env: Readonly<Record<string, string>>;

  /** Compiles the library when the run has none yet. @param name No other clock of the run has it. */
  constructor(folder: string, name: string) {
    const library = join(folder, 'wall-clock.so');
    if (!existsSync(library)) execFileSync('cc', ['-O2', '-Wall', '-shared', '-fPIC', '-o', library, SOURCE, '-ldl']);
    const path = join(folder, `${name}.shift`);
    writeFileSync(path, Buffer.alloc(SETTING_BYTES));
    this.#file = openSync(path, 'r+');
    this.env = { LD_PRELOAD: library, WALL_CLOCK_SHIFT: path };
  }

  /** From now on it shows so much more than the machine's. */
  shiftBy(ms: number): void {
    this.#write(BigInt(Math.round(ms)) * NANOSECONDS, 0);
  }

  /** From now on it goes faster than the machine's by this share, or slower by one below nothing. Once a clock. */
  gain(share: number): void {
    // Since when comes first: without a gain nobody looks at it.
    this.#write(process.hrtime.bigint(), SINCE_AT);
    this.#write(BigInt(Math.round(share * NANOSECONDS_A_SECOND)), GAIN_AT);
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(value: bigint, position: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    writeSync(this.#file, bytes, 0, bytes.length, position);
  }
}
