import type { ServerFrame } from '@holdfast/protocol';
import { detailsOf } from '../wire/support/wire-client.js';

/** The server did what the protocol does not allow, or did not do what it must. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export type Answer = NonNullable<ServerFrame['kind']>['$case'];

/** What may answer a frame, once. */
export interface Due {
  readonly answers: readonly Answer[];
  /** Reasons with which it may fail. */
  readonly failures: readonly string[];
}

export function due(answers: readonly Answer[], ...failures: readonly string[]): Due {
  return { answers, failures };
}

/** The one reason of a status, which has exactly one ErrorInfo. */
export function reasonOf(status: Parameters<typeof detailsOf>[0] | undefined): string {
  const { infos } = detailsOf(status ?? { code: 0, message: '', details: [] });
  const [info] = infos;
  if (info === undefined || infos.length > 1) throw new Violation(`a failure with ${infos.length} ErrorInfo`);
  if (info.domain !== 'holdfast') throw new Violation(`a failure of the domain ${info.domain}`);
  return info.reason;
}

type Table = Map<number, readonly Due[]>;

/** What is still to be answered on a stream: each frame once, by what its kind allows. */
export class Dues {
  readonly #owed: Table = new Map();
  /** Frames of earlier streams of the session, and entries listed twice: they may be answered, and need not be. */
  readonly #late: Table = new Map();

  /** What must be answered, by id. */
  *owed(): Iterable<readonly [number, Due]> {
    for (const [id, all] of this.#owed) for (const each of all) yield [id, each];
  }

  owe(id: number, what: Due): void {
    add(this.#owed, id, what);
  }

  mayAnswer(id: number, what: Due): void {
    add(this.#late, id, what);
  }

  /** A stream takes over from another: nothing is owed any more of what was asked there. */
  inherit(earlier: Dues): void {
    for (const table of [earlier.#late, earlier.#owed]) {
      for (const [id, all] of table) for (const each of all) this.mayAnswer(id, each);
    }
  }

  /** Whether an Acquire of this id is to be answered. */
  waitsFor(id: number): boolean {
    return this.owes(id) || isWaiting(this.#late.get(id));
  }

  /** Whether an Acquire of this id must be answered. */
  owes(id: number): boolean {
    return isWaiting(this.#owed.get(id));
  }

  answered(frame: ServerFrame): void {
    const id = Number(frame.id);
    const { kind } = frame;
    if (kind === undefined) throw new Violation(`frame ${id} is answered by a frame without a kind`);
    const reason = kind.$case === 'failed' ? reasonOf(kind.value.status) : undefined;
    const fits = ({ answers, failures }: Due): boolean =>
      reason === undefined ? answers.includes(kind.$case) : failures.includes(reason);
    if (take(this.#owed, id, fits) || take(this.#late, id, fits)) return;
    const owed = this.#owed.get(id);
    const expected =
      owed === undefined ? 'has no answer to come' : `may be answered by ${owed.map(inWords).join(', ')}`;
    throw new Violation(
      `${kind.$case}${reason === undefined ? '' : ` (${reason})`} for frame ${id}, which ${expected}`,
    );
  }
}

function add(table: Table, id: number, what: Due): void {
  table.set(id, [...(table.get(id) ?? []), what]);
}

/** Takes the first that fits out of a table; false where none does. */
function take(table: Table, id: number, fits: (what: Due) => boolean): boolean {
  const all = table.get(id) ?? [];
  const found = all.find(fits);
  if (found === undefined) return false;
  const rest = all.filter((each) => each !== found);
  if (rest.length === 0) table.delete(id);
  else table.set(id, rest);
  return true;
}

function isWaiting(all: readonly Due[] | undefined): boolean {
  return all?.some(({ answers }) => answers.includes('granted')) === true;
}

export function inWords({ answers, failures }: Due): string {
  return [...answers, ...failures].join(' or ');
}
