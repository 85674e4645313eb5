#!/usr/bin/env node
/**
 * Looks at the version of Node.js before anything is imported that an old one cannot read; so this file imports nothing
 * and uses no syntax younger than ES modules.
 */
const MINIMUM_NODE = '20.19.0';

function isOlder(version: string, minimum: string): boolean {
  const have = version.split('.').map(Number);
  const want = minimum.split('.').map(Number);
  for (let i = 0; i < want.length; i += 1) {
    const difference = Number(have[i]) - Number(want[i]);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

if (isOlder(process.versions.node, MINIMUM_NODE)) {
  process.stderr.write(
    `holdfast: Node.js ${process.versions.node} is too old: install ${MINIMUM_NODE} or later, for example with: nvm install 20\n`,
  );
  process.exitCode = 70;
} else {
  void import('./program.js').then((module) => module.runProgram(process.argv.slice(2), process.env));
}
