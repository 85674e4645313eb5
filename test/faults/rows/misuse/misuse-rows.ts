import type { Row } from '../row.js';
import { BEAT_ROWS } from './beat-rows.js';
import { CONNECTION_ROWS } from './connection-rows.js';
import { FRAME_ROWS } from './frame-rows.js';
import { HEADER_ROWS } from './header-rows.js';
import { NOISE_ROWS } from './noise-rows.js';
import { READER_ROWS } from './reader-rows.js';
import { SIZE_ROWS } from './size-rows.js';
import { STREAM_ROWS } from './stream-rows.js';

const H8: Row = {
  id: 'H8',
  title: 'connections that have become old, and a balancer’s GOAWAY',
  kind: 'tested',
  files: ['faults/connection-age.test.ts'],
  scope: 'all in processes of their own',
  control: {
    without: 'connecting elsewhere before leaving',
    edits: [
      {
        file: 'client/src/session/link.ts',
        original: '    this.ctx.alarms.clear(this.#retry);\n    this.#dial();\n  }',
        replacement: "    this.drop('left at once');\n  }",
      },
    ],
    // Gone for a moment, or found gone by whoever asks for something.
    breaks: /'reconnecting'|: left at once$/,
  },
};

export const MISUSE_ROWS: readonly Row[] = [
  READER_ROWS.H1,
  STREAM_ROWS.H2,
  SIZE_ROWS.H5,
  ...FRAME_ROWS,
  NOISE_ROWS.H7,
  H8,
  HEADER_ROWS.H11,
  BEAT_ROWS.H12,
  CONNECTION_ROWS.H13,
];
