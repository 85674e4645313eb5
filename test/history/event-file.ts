import { appendFileSync, readFileSync } from 'node:fs';
import type { EventKind, HistoryEvent } from './events.js';

/** What each kind must have besides its time: names of strings, numbers, truth values and objects. */
interface Shape {
  readonly strings?: readonly string[];
  readonly numbers?: readonly string[];
  readonly booleans?: readonly string[];
}

const OPERATION = ['client', 'operation'];
const LEASE = ['client', 'resource', 'token'];
const QUEUE = ['server', 'resource', 'waiter'];

const SHAPES: Readonly<Record<EventKind, Shape>> = {
  invoke: { strings: [...OPERATION, 'resource'], numbers: ['waitMs'] },
  grant: { strings: [...OPERATION, 'token'], numbers: ['deadlineUs'] },
  denial: { strings: OPERATION },
  failure: { strings: [...OPERATION, 'code'] },
  unknown: { strings: OPERATION },
  extension: { strings: LEASE, numbers: ['deadlineUs'] },
  loss: { strings: [...LEASE, 'how'] },
  belief_ends: { strings: LEASE },
  release_call: { strings: LEASE },
  release_answer: { strings: [...LEASE, 'outcome'] },
  look: { strings: LEASE, booleans: ['held'] },
  died: { strings: ['client'] },
  paused: { strings: ['client'] },
  resumed: { strings: ['client'] },
  write_accepted: { strings: LEASE },
  write_refused: { strings: LEASE },
  queued: { strings: QUEUE },
  served: { strings: QUEUE },
  left_queue: { strings: QUEUE },
  was_away: { strings: QUEUE },
  server_died: { strings: ['server'] },
  fault_begins: { strings: ['fault'] },
  fault_ends: { strings: ['fault'] },
  probe: { strings: ['resource'], numbers: ['calledUs'], booleans: ['granted'] },
  key_left: { strings: ['node', 'key', 'of'] },
  count_left: { strings: ['where', 'what'], numbers: ['count'] },
};

/** Appends an event to a file, so that it is there even if the process is killed right after. */
export function writeEvent(path: string, event: HistoryEvent): void {
  appendFileSync(path, `${JSON.stringify(event)}\n`);
}

/**
 * Reads what one process has written. A last line without its end is what a killed process was about to write: it is left out.
 *
 * @throws Error when a line is no event, or goes back in time; it says which line, and what is wrong with it.
 */
export function readEvents(path: string): readonly HistoryEvent[] {
  return parseEvents(readFileSync(path, 'utf8'), path);
}

/** As `readEvents`; `where` is what the text is called in errors. */
export function parseEvents(text: string, where: string): readonly HistoryEvent[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const events = whole
    .split('\n')
    .slice(0, -1)
    .map((line, index) => parseEvent(line, `${where}:${index + 1}`));
  events.reduce((lastUs, { atUs }, index) => {
    if (atUs < lastUs) throw new Error(`${where}:${index + 1}: atUs goes back from ${lastUs} to ${atUs}`);
    return atUs;
  }, 0);
  return events;
}

function parseEvent(line: string, where: string): HistoryEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`${where}: not JSON`);
  }
  if (typeof value !== 'object' || value === null) throw new Error(`${where}: not an object`);
  const fields = value as Readonly<Record<string, unknown>>;
  const { kind } = fields;
  if (!isKind(kind)) throw new Error(`${where}: kind is ${JSON.stringify(kind)}, which no event is`);
  const { strings = [], numbers = [], booleans = [] } = SHAPES[kind];
  const must = (name: string, type: string): void => {
    if (typeof fields[name] !== type) throw new Error(`${where}: ${kind} needs ${name}, a ${type}`);
  };
  for (const name of ['atUs', ...numbers]) must(name, 'number');
  for (const name of strings) must(name, 'string');
  for (const name of booleans) must(name, 'boolean');
  if ('token' in fields && !/^\d+$/.test(String(fields['token']))) {
    throw new Error(`${where}: the token must be a decimal number, not ${JSON.stringify(fields['token'])}`);
  }
  return value as HistoryEvent;
}

function isKind(kind: unknown): kind is EventKind {
  return typeof kind === 'string' && Object.hasOwn(SHAPES, kind);
}

/** What ends a belief or a fault comes before what begins one at the same microsecond. */
const FIRST: ReadonlySet<EventKind> = new Set<EventKind>(['release_call', 'belief_ends', 'loss', 'died', 'left_queue']);

/** One history of several: by time, each in its own order. */
export function merged(histories: readonly (readonly HistoryEvent[])[]): readonly HistoryEvent[] {
  const next = histories.map(() => 0);
  const all: HistoryEvent[] = [];
  for (;;) {
    let chosen: number | undefined;
    let first: HistoryEvent | undefined;
    histories.forEach((events, index) => {
      const head = events[next[index] ?? 0];
      if (head === undefined || (first !== undefined && !isBefore(head, first))) return;
      first = head;
      chosen = index;
    });
    if (first === undefined || chosen === undefined) return all;
    all.push(first);
    next[chosen] = (next[chosen] ?? 0) + 1;
  }
}

function isBefore(left: HistoryEvent, right: HistoryEvent): boolean {
  if (left.atUs !== right.atUs) return left.atUs < right.atUs;
  return FIRST.has(left.kind) && !FIRST.has(right.kind);
}
