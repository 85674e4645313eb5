import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { PROJECT } from './project-files.js';
import type { Machine } from './report.js';

/** What statfs calls the usual file systems. */
const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlayfs'],
  [0x01021994, 'tmpfs'],
]);

export function thisMachine(peers: Pick<Machine, 'etcd' | 'redis'>): Machine {
  const processors = cpus();
  const { type: fileSystem } = statfsSync(PROJECT);
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown processor',
    cores: processors.length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    kernel: `${type()} ${release()}`,
    fileSystem: FILE_SYSTEMS.get(fileSystem) ?? `file system 0x${fileSystem.toString(16)}`,
    node: process.versions.node,
    ...peers,
  };
}

/** What runs write themselves. */
const APART = [':!test/bench/results', ':!test/faults/results', ':!docs'] as const;

/** The commit, with `-dirty` when files that git knows differ from it, apart from the results themselves. */
export function commitText(): string {
  try {
    const commit = git('rev-parse', '--short=12', 'HEAD');
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ...APART);
    return changed === '' ? commit : `${commit}-dirty`;
  } catch {
    return 'unknown';
  }
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: PROJECT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}
