import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../support/deadline.js';
import type { ServerProcess } from '../../support/server-process.js';
import { PATIENCE_MS } from '../harness/cell.js';

const PRELOADED = new URL('./inspected-process.mjs', import.meta.url).href;

/** What a process has, right after its garbage was collected. */
export interface Inspection {
  /** Without code. */
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Open file descriptors. */
  readonly files: number;
  /** What keeps its event loop alive, by kind: timers, sockets … */
  readonly resources: Readonly<Record<string, number>>;
}

/** Looks into servers that were started for it. */
export class Inspector {
  /** For each server. */
  readonly env: Readonly<Record<string, string>>;

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    this.env = { INSPECTIONS: folder, NODE_OPTIONS: `--import=${PRELOADED}` };
  }

  async inspect(server: ServerProcess): Promise<Inspection> {
    const file = join(this.folder, `${server.pid}.json`);
    rmSync(file, { force: true });
    server.signal('SIGUSR2');
    return eventually(PATIENCE_MS, `the inspection of process ${server.pid}`, () =>
      existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Inspection) : undefined,
    );
  }
}
