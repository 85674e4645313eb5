import { posix } from 'node:path';
import { packageOf } from './imports.js';
import type { SourceFile } from './source-tree.js';

/** A part of the code: a folder or a file, and what it may know. */
export interface Room {
  /** From the root; the longest path that fits a file is its room. */
  readonly path: string;
  /** Rooms it may import from, besides itself. */
  readonly rooms: readonly string[];
  /** Packages it may import; `node:` stands for every module of Node, `@grpc/` for every package of the scope. */
  readonly packages: readonly string[];
  /** Packages of which it may import types only. */
  readonly typesOf?: readonly string[];
}

const SERVER_ROOMS = ['config', 'core', 'rpc', 'store', 'store/embedded', 'store/redlock', 'telemetry'].map(
  (room) => `server/src/${room}`,
);

/** The whole layout: a folder of `server/src` or `client/src` that is not here is refused. */
export const ROOMS: readonly Room[] = [
  // The composition root, in two places: nothing imports either.
  { path: 'server/src/main.ts', rooms: ['server/src/process', ...SERVER_ROOMS], packages: ['node:'] },
  { path: 'server/src/process', rooms: SERVER_ROOMS, packages: ['node:'] },
  { path: 'server/src/core', rooms: [], packages: [] },
  { path: 'server/src/config', rooms: ['server/src/core'], packages: ['node:', 'commander', 'zod'] },
  {
    path: 'server/src/rpc',
    rooms: ['server/src/core'],
    packages: ['node:', '@bufbuild/protobuf', '@grpc/', '@holdfast/protocol', 'grpc-health-check'],
  },
  { path: 'server/src/store', rooms: ['server/src/core'], packages: ['node:'] },
  { path: 'server/src/store/embedded', rooms: ['server/src/core'], packages: ['node:', 'lmdb'] },
  // The quorum's rules are as pure as the core; what they know of Redis is a port.
  {
    path: 'server/src/store/redlock',
    rooms: ['server/src/core', 'server/src/store/redlock/coordinator', 'server/src/store/redlock/node'],
    packages: ['node:'],
  },
  { path: 'server/src/store/redlock/coordinator', rooms: ['server/src/core'], packages: [] },
  {
    path: 'server/src/store/redlock/node',
    rooms: ['server/src/core', 'server/src/store/redlock/coordinator'],
    packages: ['node:', 'ioredis', 'msgpackr'],
  },
  { path: 'server/src/store/postgres', rooms: ['server/src/core'], packages: ['node:', 'pg'] },
  { path: 'server/src/telemetry', rooms: ['server/src/core'], packages: ['node:', '@opentelemetry/', 'pino'] },

  // The client: its session logic is as pure as the server's core, and speaks in the protocol's types.
  {
    path: 'client/src',
    rooms: ['client/src/errors.ts', 'client/src/session', 'client/src/trace-context.ts', 'client/src/transport'],
    packages: ['node:'],
    typesOf: ['@holdfast/protocol'],
  },
  { path: 'client/src/errors.ts', rooms: [], packages: [] },
  {
    path: 'client/src/session',
    rooms: ['client/src/errors.ts'],
    packages: [],
    typesOf: ['@holdfast/protocol'],
  },
  {
    path: 'client/src/transport',
    rooms: ['client/src/errors.ts', 'client/src/session'],
    packages: ['node:', '@bufbuild/protobuf', '@grpc/grpc-js', '@holdfast/protocol'],
  },
  { path: 'client/src/trace-context.ts', rooms: ['client/src/session'], packages: ['@opentelemetry/api'] },
  {
    path: 'client/src/cli',
    rooms: ['client/src', 'client/src/errors.ts', 'client/src/transport'],
    packages: ['node:', 'commander'],
  },

  { path: 'proto', rooms: [], packages: ['@bufbuild/protobuf', '@grpc/grpc-js'] },
];

/** What is wrong with a file's imports, one line each. */
export function importViolations(file: SourceFile, rooms: readonly Room[] = ROOMS): readonly string[] {
  const room = roomOf(file.path, rooms);
  if (room === undefined) return [`${file.path}: is in no room; say in rooms.ts what it may import`];
  return file.imports.flatMap(({ specifier, typeOnly, line }) => {
    const problem =
      specifier === undefined
        ? 'imports something computed'
        : specifier.startsWith('.')
          ? relativeProblem(room, file.path, specifier, rooms)
          : packageProblem(room, specifier, typeOnly);
    return problem === undefined ? [] : [`${file.path}:${line}: ${problem}`];
  });
}

function relativeProblem(room: Room, path: string, specifier: string, rooms: readonly Room[]): string | undefined {
  const target = posix.join(posix.dirname(path), specifier.replace(/\.js$/, '.ts'));
  const targetRoom = roomOf(target, rooms)?.path;
  if (targetRoom === room.path || (targetRoom !== undefined && room.rooms.includes(targetRoom))) return undefined;
  return `${room.path} must not import ${target}`;
}

function packageProblem(room: Room, specifier: string, typeOnly: boolean): string | undefined {
  const name = packageOf(specifier);
  const listed = (packages: readonly string[]): boolean =>
    packages.some((entry) => (/[:/]$/.test(entry) ? specifier.startsWith(entry) : name === entry));
  if (listed(room.packages) || (typeOnly && listed(room.typesOf ?? []))) return undefined;
  return `${room.path} must not import ${name}`;
}

function roomOf(path: string, rooms: readonly Room[]): Room | undefined {
  return rooms
    .filter((room) => path === room.path || path.startsWith(`${room.path}/`))
    .reduce<Room | undefined>((best, room) => (best && best.path.length >= room.path.length ? best : room), undefined);
}
