import type { ListedLease } from '../transport/lease-listing.js';
import { roughDuration } from './duration.js';
import { type Column, TextTable } from './text-table.js';

/** A lease, and what time it is. */
interface Row extends ListedLease {
  readonly wallMs: number;
}

const NAMESPACE: Column<Row> = { head: 'NAMESPACE', cell: ({ namespace }) => namespace, align: 'left' };

const COLUMNS: readonly Column<Row>[] = [
  { head: 'RESOURCE', cell: ({ name }) => name, align: 'left' },
  { head: 'HOLDER', cell: ({ clientName }) => clientName, align: 'left' },
  { head: 'TOKEN', cell: ({ token }) => String(token), align: 'right' },
  { head: 'STATE', cell: ({ sessionState }) => sessionState, align: 'left' },
  { head: 'AGE', cell: ({ grantedAtWallMs, wallMs }) => roughDuration(wallMs - grantedAtWallMs), align: 'right' },
  { head: 'REMAINING', cell: ({ remainingMs }) => roughDuration(remainingMs), align: 'right' },
  { head: 'WAITERS', cell: ({ waiters }) => String(waiters), align: 'right' },
];

/** Leases as lines of a table for people. */
export class LeaseTable {
  readonly #table: TextTable<Row>;

  constructor(withNamespaces: boolean) {
    this.#table = new TextTable(withNamespaces ? [NAMESPACE, ...COLUMNS] : COLUMNS);
  }

  /** The lines of a page, headed if it is the first; `wallMs` is now. */
  lines(leases: readonly ListedLease[], wallMs: number): readonly string[] {
    return this.#table.lines(leases.map((lease) => ({ ...lease, wallMs })));
  }
}
