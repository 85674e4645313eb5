import type { ListedNode } from '../transport/admin-calls.js';
import { roughDuration } from './duration.js';
import { type Column, TextTable } from './text-table.js';

const COLUMNS: readonly Column<ListedNode>[] = [
  { head: 'NODE', cell: ({ node }) => node, align: 'left' },
  { head: 'ADDRESS', cell: ({ address }) => address, align: 'left' },
  { head: 'STATE', cell: ({ state }) => state, align: 'left' },
  { head: 'VOTES IN', cell: ({ quarantineLeftMs: ms }) => (ms === undefined ? '' : roughDuration(ms)), align: 'right' },
  { head: 'VERSION', cell: ({ version }) => version, align: 'left' },
  { head: 'CLOCK', cell: ({ clockOffsetMs: ms }) => (ms === undefined ? '' : offsetText(ms)), align: 'right' },
  { head: 'ROUND TRIP', cell: ({ roundTripMs: ms }) => (ms === undefined ? '' : `${ms.toFixed(1)}ms`), align: 'right' },
  { head: 'DETAIL', cell: ({ detail }) => detail, align: 'left' },
];

/** Nodes as lines of a table for people. */
export function nodeLines(nodes: readonly ListedNode[]): readonly string[] {
  return new TextTable(COLUMNS).lines(nodes);
}

/** `+0.3ms`, `-12.0ms` */
function offsetText(ms: number): string {
  return `${ms < 0 ? '' : '+'}${ms.toFixed(1)}ms`;
}
