import { execFileSync, spawnSync } from 'node:child_process';

/** Whether a program that is measured can run here; where it cannot, why. */
export type Presence =
  | { readonly kind: 'present'; readonly version: string }
  | { readonly kind: 'missing'; readonly why: string };

/** A program and the Debian package it comes from. */
export interface Program {
  readonly command: string;
  readonly versionPattern: RegExp;
  readonly packageName: string;
}

/** Looks for a program and, as root on a Debian system, installs it when it is missing. */
export function provide(program: Program): Presence {
  const { command, packageName } = program;
  const version = versionOf(program);
  if (version !== undefined) return { kind: 'present', version };
  if (process.getuid?.() !== 0) {
    return { kind: 'missing', why: `${command} is not installed: apt-get install ${packageName}` };
  }
  const installed = spawnSync('apt-get', ['install', '-y', packageName], {
    stdio: ['ignore', process.stderr, process.stderr],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const found = versionOf(program);
  if (found !== undefined) return { kind: 'present', version: found };
  const how = installed.error?.message ?? `exit code ${installed.status}`;
  return { kind: 'missing', why: `${command} is not installed, and apt-get install ${packageName} failed: ${how}` };
}

function versionOf({ command, versionPattern }: Program): string | undefined {
  try {
    const output = execFileSync(command, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return versionPattern.exec(output)?.[1] ?? 'unknown';
  } catch {
    return undefined;
  }
}
