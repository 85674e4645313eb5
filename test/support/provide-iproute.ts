import { execFileSync } from 'node:child_process';
import { installPackages } from './debian-packages.js';

const PACKAGE = 'iproute2';
const PROGRAMS = ['ip', 'tc'];

/** Looks for `ip` and `tc` and, as root on a Debian system, installs them when they are missing. Throws an error that says what to do. */
export function provideIproute(): void {
  if (process.getuid?.() !== 0) throw new Error('only root may make network namespaces');
  if (PROGRAMS.every(isThere)) return;
  const exitCode = installPackages(PACKAGE);
  if (!PROGRAMS.every(isThere)) throw new Error(`apt-get install ${PACKAGE} failed with ${exitCode}`);
}

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
