import type { Row } from './row.js';

export const EMBEDDED_ROWS: readonly Row[] = [
  {
    id: 'G1',
    title: 'the embedded store is killed again and again, and its disk refuses a write',
    kind: 'tested',
    files: ['faults/embedded-kill.test.ts'],
    grep: /G1/,
    scope: 'the store in a process of its own',
  },
  {
    id: 'G2',
    title: 'two processes open one data directory',
    kind: 'tested',
    files: ['faults/embedded-directory.test.ts'],
    grep: /G2/,
    scope: 'stores in processes of their own',
  },
];
