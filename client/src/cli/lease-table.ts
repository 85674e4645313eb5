import type { ListedLease } from '../transport/lease-listing.js';
import { roughDuration } from './duration.js';

interface Column {
  readonly head: string;
  readonly cell: (lease: ListedLease, wallMs: number) => string;
  readonly align: 'left' | 'right';
}

const NAMESPACE: Column = { head: 'NAMESPACE', cell: ({ namespace }) => namespace, align: 'left' };

const COLUMNS: readonly Column[] = [
  { head: 'RESOURCE', cell: ({ name }) => name, align: 'left' },
  { head: 'HOLDER', cell: ({ clientName }) => clientName, align: 'left' },
  { head: 'TOKEN', cell: ({ token }) => String(token), align: 'right' },
  { head: 'STATE', cell: ({ sessionState }) => sessionState, align: 'left' },
  { head: 'AGE', cell: ({ grantedAtWallMs }, wallMs) => roughDuration(wallMs - grantedAtWallMs), align: 'right' },
  { head: 'REMAINING', cell: ({ remainingMs }) => roughDuration(remainingMs), align: 'right' },
  { head: 'WAITERS', cell: ({ waiters }) => String(waiters), align: 'right' },
];

/** Leases as lines of a table for people. Its columns are as wide as its first page needs, so that it can be streamed. */
export class LeaseTable {
  readonly #columns: readonly Column[];
  #widths: readonly number[] | undefined;

  constructor(withNamespaces: boolean) {
    this.#columns = withNamespaces ? [NAMESPACE, ...COLUMNS] : COLUMNS;
  }

  /** The lines of a page, headed if it is the first; `wallMs` is now. */
  lines(leases: readonly ListedLease[], wallMs: number): readonly string[] {
    const rows = leases.map((lease) => this.#columns.map(({ cell }) => cell(lease, wallMs)));
    if (this.#widths === undefined) {
      rows.unshift(this.#columns.map(({ head }) => head));
      this.#widths = this.#columns.map((_, index) => Math.max(...rows.map((row) => widthOf(row[index] ?? ''))));
    }
    return rows.map((row) => this.#line(row));
  }

  #line(row: readonly string[]): string {
    const cells = row.map((text, index) => {
      const padding = ' '.repeat(Math.max(0, (this.#widths?.[index] ?? 0) - widthOf(text)));
      return this.#columns[index]?.align === 'right' ? padding + text : text + padding;
    });
    return cells.join('  ').trimEnd();
  }
}

function widthOf(text: string): number {
  return [...text].length;
}
