import { expect } from 'chai';
import type { Edit } from '../mutants/patch.js';
import { runSimulator } from '../mutants/simulator-run.js';

/** A line of each real core, by no means one that every run comes by; it throws. */
const THROWING: readonly (Edit & { readonly core: string })[] = [
  {
    core: 'the server’s core',
    file: 'server/src/core/resumption.ts',
    original: '  resume(session: Session, attachment: Attachment, frame: ResumeFrame): void {',
    replacement:
      "  resume(session: Session, attachment: Attachment, frame: ResumeFrame): void {\n    throw new Error('on purpose');",
  },
  {
    core: 'the redlock coordinator',
    file: 'server/src/store/redlock/coordinator/extend-motion.ts',
    original: 'if (!this.terms.repairs || this.terms.lease.over) return;',
    replacement: "throw new Error('on purpose');",
  },
  {
    core: 'the client’s session',
    file: 'client/src/session/leases.ts',
    original: '  raise(lease: HeldLease, anchorId: number, durationMs: number): void {',
    replacement:
      "  raise(lease: HeldLease, anchorId: number, durationMs: number): void {\n    throw new Error('on purpose');",
  },
];
const WITHIN_SEEDS = 60;

describe('simulation: the cores in it are the real ones', () => {
  if (process.env['SEED'] !== undefined) return;

  for (const { core, ...edit } of THROWING) {
    it(`fails when ${core} throws somewhere`, async () => {
      const run = await runSimulator([edit], { seeds: WITHIN_SEEDS, limitMs: 60_000 });
      expect(run).to.include({ kind: 'ran', patched: true });
      expect(run).to.have.nested.property('search.violation').that.includes('crash').and.includes('on purpose');
    }).timeout(120_000);
  }
});
