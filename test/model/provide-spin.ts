import { execFileSync } from 'node:child_process';
import { installPackages } from '../support/debian-packages.js';

/** What a search needs, and the packages of Debian's that bring it. */
const TOOLS = [
  { command: ['spin', '-V'], packages: ['spin'] },
  { command: ['gcc', '--version'], packages: ['gcc', 'libc6-dev'] },
] as const;

/**
 * Looks for `spin` and `gcc` and, as root on a Debian system, installs what is missing. Returns their versions; throws an
 * error that says what to install.
 */
export function provideSpin(): { readonly spin: string; readonly gcc: string } {
  const missing = TOOLS.filter(({ command }) => versionOf(command) === undefined).flatMap(({ packages }) => packages);
  if (missing.length > 0) install(missing);
  const [spin, gcc] = TOOLS.map(({ command }) => versionOf(command));
  if (spin === undefined || gcc === undefined) throw new Error(`install them: apt-get install ${missing.join(' ')}`);
  return { spin, gcc };
}

function install(packages: readonly string[]): void {
  const names = packages.join(' ');
  if (process.getuid?.() !== 0) throw new Error(`spin or gcc is not installed; install it: apt-get install ${names}`);
  const exitCode = installPackages(...packages);
  if (exitCode !== '0') throw new Error(`apt-get install ${names} failed with ${exitCode}`);
}

/** The first number with a dot in what a program says of itself. */
function versionOf([program, ...args]: readonly [string, ...string[]]): string | undefined {
  try {
    const output = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /\d+(?:\.\d+)+/.exec(output)?.[0] ?? 'unknown';
  } catch {
    return undefined;
  }
}
