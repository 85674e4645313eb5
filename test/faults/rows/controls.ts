import { guard } from '../harness/guards-off.js';
import { type Control, OLD_WRITE, TWO_BELIEVE } from '../harness/stage.js';

/** A client that believes what it was told last, whatever its clock says. */
export const NO_OWN_CLOCK: Control = {
  without: 'the look at its own clock',
  edits: [
    {
      file: 'client/src/session/leases.ts',
      original: "    this.#lose(lease, 'deadline');\n    return 0;",
      replacement: '    return lease.ttlMs / 2;',
    },
  ],
  breaks: TWO_BELIEVE,
  unfenced: true,
};

/** A resource that takes every write. */
export const NO_FENCE: Control = {
  without: 'the token check of the resource',
  edits: [],
  breaks: OLD_WRITE,
  unfenced: true,
};

/** A server that leaves at nodes what came to nothing. */
export const NO_DELETION: Control = {
  without: 'deleting a failed bid from nodes that were silent, or answer late',
  edits: [...guard('abort-silent'), ...guard('abort-late')],
  breaks: /^I6: all keys freed/,
};

/** Two of five are enough: any two such sets need not share a node. */
export const NO_MAJORITY: Control = {
  without: 'the majority: two of five are enough',
  edits: [
    {
      file: 'server/src/store/redlock/coordinator/quorum.ts',
      original: 'return Math.floor(n / 2) + 1;',
      replacement: 'return Math.floor(n / 2);',
    },
  ],
  breaks: TWO_BELIEVE,
};

/** A node gives to whoever asks what another has. */
export const NO_HELD: Control = {
  without: 'the look at who holds it, on the nodes',
  edits: [
    {
      file: 'server/src/store/redlock/node/scripts/acquire.ts',
      original: "local set = pcall('SET', key, value, 'NX', 'PX', px)",
      replacement: "local set = pcall('SET', key, value, 'PX', px)",
    },
  ],
  breaks: TWO_BELIEVE,
};

/** A node that has forgotten votes at once. */
export const NO_QUARANTINE: Control = {
  without: 'the quarantine',
  edits: guard('quarantine-wait'),
  breaks: TWO_BELIEVE,
  admitsAtOnce: true,
};

/** A server that leaves it at what nodes have forgotten. */
export const NO_PUTTING_BACK: Control = {
  without: 'putting a lease back where it is missing',
  edits: [
    {
      file: 'server/src/store/redlock/coordinator/extend-motion.ts',
      original: '    if (!this.terms.repairs || this.terms.lease.over) return;',
      replacement: '    if (this.terms.ttlMs > 0) return;',
    },
  ],
  breaks: TWO_BELIEVE,
};

/** A client that relies on a lease to the last moment that it was told of. */
export const NO_KEPT_BACK: Control['edits'] = [
  {
    file: 'client/src/session/leases.ts',
    original: 'return Math.min(optionMs ?? Math.min(ttlMs * MARGIN_SHARE, MAX_MARGIN_MS), ttlMs / 2);',
    replacement: 'return Math.min(optionMs ?? Math.min(ttlMs * MARGIN_SHARE, MAX_MARGIN_MS), 0);',
  },
];
