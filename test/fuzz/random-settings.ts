import { environmentNameOf, flagOf, OPTION_NAMES, OPTIONS, type OptionName } from '../../server/src/config/options.js';
import type { SeededRandom } from '../simulation/seeded-random.js';

/** Stands wherever a password may stand; nothing may ever print it. */
export const PASSWORD = 'pass-and-word';

/** What somebody may have written for a setting: right, nearly right, or nonsense. Nothing of it leads off this machine. */
const VALUES: readonly string[] = [
  ...[
    '',
    ' ',
    '0',
    '1',
    '-1',
    '1e3',
    '0x10',
    '007',
    '1_000',
    'NaN',
    'Infinity',
    '9007199254740993',
    '10000000000000000000',
  ],
  ...[
    '0s',
    '1s',
    '5ms',
    '100ms',
    '1.5s',
    '1.0005s',
    '30s',
    '1m',
    '1h',
    '24h',
    '25h',
    '-5s',
    '5',
    '5 s',
    '5S',
    '1d',
    '٣s',
  ],
  ...[
    '0%',
    '1%',
    '0.5%',
    '50%',
    '51%',
    '100%',
    '1',
    '%',
    '1%%',
    'true',
    'false',
    'TRUE',
    'yes',
    'on',
    'off',
    'none',
    'auto',
  ],
  ...['127.0.0.1:0', '127.0.0.1:65536', '127.0.0.1:-1', '127.0.0.1', ':0', '[::1]:0', '[::1', '[zz]:0', 'localhost:0'],
  ...[
    '0.0.0.0:0',
    '127.0.0.1:0:0',
    '256.0.0.1:0',
    'unix:',
    'unix:\u0000',
    `unix:${'x'.repeat(200)}`,
    'http://127.0.0.1:0',
  ],
  ...['embedded', 'redlock', 'postgres', 'json', 'pretty', 'debug', 'fatal', 'constructor', '__proto__', 'toString'],
  ...[
    'redis-1=redis://127.0.0.1:1',
    'a=redis://127.0.0.1:1,b=redis://127.0.0.1:2',
    'a=redis://127.0.0.1:1,a=redis://127.0.0.1:2',
  ],
  `a=redis://user:${PASSWORD}@127.0.0.1:1,b=redis://:${PASSWORD}@127.0.0.1:2/3,c=rediss://127.0.0.1:3`,
  `a=redis://user:${PASSWORD}@127.0.0.1:1/x`,
  `a=redis://:${PASSWORD}%zz@127.0.0.1:1,b`,
  `redis://:${PASSWORD}@127.0.0.1:1`,
  `a=redis://${PASSWORD}@[::1:1`,
  ...[
    'holdfast:{ns}:{name}',
    '{name}',
    '{ns}{name}',
    '{name}{ns}',
    '{key}',
    '{name}{name}',
    '\n',
    'a\u001b[31mb',
    '\u0000',
    '\ud800',
  ],
  'x'.repeat(10_000),
];

/** What a process cannot be given, and hosts that are not this one. */
const NOT_AS_ARGUMENTS = ['\u0000', '\ud800', '0.0.0.0', '256.'];

/** A command line and an environment. */
export interface Written {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** `asArguments`: as a process takes them, and with no host to look up or to open to others. */
export function randomSettings(random: SeededRandom, asArguments = false): Written {
  const args: string[] = [];
  const environment: Record<string, string> = {};
  const count = Math.floor(random.unit() ** 2 * 8);
  for (let at = 0; at < count; at += 1) {
    const name = random.pick(OPTION_NAMES);
    const written = random.chance(0.25) ? OPTIONS[name].fallback : randomValue(random, asArguments);
    // What does not even look like an address can be told from other text by nobody.
    const looksRight = name === 'redisNodes' || VALUES.includes(written);
    const value = looksRight ? written : written.replaceAll(PASSWORD, 'word');
    if (random.chance(0.3)) environment[environmentNameOf(name)] = value;
    else args.push(...flag(random, name, value));
  }
  if (random.chance(0.1)) args.push(random.pick(['--check', '--help', '--version', '--check=yes']));
  if (random.chance(0.1))
    args.push(random.pick(['--', '-', '-x', '--no-insecure', 'start', '--=', '', '--port', '--listen']));
  return { args, environment };
}

function flag(random: SeededRandom, name: OptionName, value: string): readonly string[] {
  const written = random.chance(0.05) ? misspelt(random, flagOf(name)) : flagOf(name);
  if (random.chance(0.05)) return [written];
  return random.chance(0.4) ? [`${written}=${value}`] : [written, value];
}

function misspelt(random: SeededRandom, text: string): string {
  const at = Math.floor(random.unit() * text.length);
  return text.slice(0, at) + text.slice(at + 1);
}

function randomValue(random: SeededRandom, asArguments: boolean): string {
  if (asArguments) return random.pick(VALUES.filter((value) => !NOT_AS_ARGUMENTS.some((part) => value.includes(part))));
  const value = random.pick(VALUES);
  if (random.chance(0.8)) return value;
  const at = Math.floor(random.unit() * value.length);
  return (
    value.slice(0, at) +
    random.pick([' ', ',', '=', '@', '\u0000', '9', '%', '{', random.pick(VALUES)]) +
    value.slice(at)
  );
}
