import { spawnSync } from 'node:child_process';

/** Installs packages of Debian's, as root. Returns apt's exit code, or why it did not run. */
export function installPackages(...names: readonly string[]): string {
  const install = ['install', '-y', '--no-install-recommends', ...names];
  const installed = aptGet(...install);
  if (installed === '0') return installed;
  // A fresh machine may not have any list of packages yet.
  aptGet('update');
  return aptGet(...install);
}

function aptGet(...args: readonly string[]): string {
  const run = spawnSync('apt-get', args, {
    stdio: ['ignore', process.stderr, process.stderr],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return run.error?.message ?? String(run.status);
}
