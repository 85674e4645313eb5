/** A column of a table for people. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  readonly align: 'left' | 'right';
}

/** Rows as lines. The columns are as wide as the first page needs, so that a table can be streamed. */
export class TextTable<Row> {
  #widths: readonly number[] | undefined;

  constructor(private readonly columns: readonly Column<Row>[]) {}

  /** The lines of a page, headed if it is the first. */
  lines(page: readonly Row[]): readonly string[] {
    const rows = page.map((row) => this.columns.map(({ cell }) => cell(row)));
    if (this.#widths === undefined) {
      rows.unshift(this.columns.map(({ head }) => head));
      this.#widths = this.columns.map((_, index) => Math.max(...rows.map((row) => widthOf(row[index] ?? ''))));
    }
    return rows.map((row) => this.#line(row));
  }

  #line(row: readonly string[]): string {
    const cells = row.map((text, index) => {
      const padding = ' '.repeat(Math.max(0, (this.#widths?.[index] ?? 0) - widthOf(text)));
      return this.columns[index]?.align === 'right' ? padding + text : text + padding;
    });
    return cells.join('  ').trimEnd();
  }
}

function widthOf(text: string): number {
  return [...text].length;
}
