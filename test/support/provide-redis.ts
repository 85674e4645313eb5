import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { installPackages } from './debian-packages.js';

const PACKAGE = 'redis-server';
/** Debian asks this program whether a freshly installed service may be started. */
const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_FORBIDS = '#!/bin/sh\nexit 101\n';

/** Whether Redis can run here; where it cannot, why, and what to do. */
export type RedisPresence =
  | { readonly kind: 'present'; readonly version: string }
  | { readonly kind: 'missing'; readonly why: string };

let presence: RedisPresence | undefined;

/**
 * Looks for `redis-server` and, as root on a Debian system, installs it when it is missing, without the service that comes
 * with it. Asked again, it answers what it has found.
 */
export function provideRedis(): RedisPresence {
  presence ??= lookOrInstall();
  return presence;
}

/** The same for whoever cannot go on without. */
export function requireRedis(): void {
  const found = provideRedis();
  if (found.kind === 'missing') throw new Error(found.why);
}

function lookOrInstall(): RedisPresence {
  const version = redisVersion();
  if (version !== undefined) return { kind: 'present', version };
  if (process.getuid?.() !== 0) return missing(`install it: apt-get install ${PACKAGE}`);
  const exitCode = installWithoutService();
  const found = redisVersion();
  if (found !== undefined) return { kind: 'present', version: found };
  return missing(`apt-get install ${PACKAGE} failed with ${exitCode}`);
}

function missing(what: string): RedisPresence {
  return { kind: 'missing', why: `redis-server is not installed; ${what}` };
}

function installWithoutService(): string {
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, POLICY_FORBIDS, { mode: 0o755 });
  try {
    return installPackages(PACKAGE);
  } finally {
    if (ownPolicy) rmSync(POLICY, { force: true });
  }
}

function redisVersion(): string | undefined {
  try {
    const output = execFileSync(PACKAGE, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /v=(\S+)/.exec(output)?.[1] ?? 'unknown';
  } catch {
    return undefined;
  }
}
