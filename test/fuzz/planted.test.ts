import { expect } from 'chai';
import { parsePatch } from '../mutants/patch.js';
import { twoAtATime } from '../mutants/two-at-a-time.js';
import { tryPatch } from '../mutants/verdict.js';

/** A bug, planted as the source is loaded, and what the fuzzer must say of it. */
const PLANTED = [
  {
    id: 'acquire-answered-twice',
    title: 'an Acquire is answered twice',
    file: 'server/src/core/contention.ts',
    original: "    if (isAnswered) session.send({ kind: 'denied',",
    replacement:
      "    session.send({ kind: 'denied', id: request.id, reason, holder, position: 0 });\n    if (isAnswered) session.send({ kind: 'denied',",
    target: 'sessions',
    found: /denied for frame \d+, which has no answer to come/,
  },
  {
    id: 'ids-unchecked',
    title: 'ids need not rise',
    file: 'server/src/core/stream-handler.ts',
    original: 'if (frame.id <= session.lastFrameId) {',
    replacement: 'if (frame.id < 0) {',
    target: 'sessions',
    found: /Violation/,
  },
  {
    id: 'session-secret-unchecked',
    title: 'a session is anybody’s',
    file: 'server/src/core/sessions.ts',
    original: 'if (session.secretHash !== frame.secretHash) {',
    replacement: 'if (session.secretHash === undefined) {',
    target: 'sessions',
    found: /Violation: the stream ended with SESSION_SUPERSEDED/,
  },
  {
    id: 'beats-unanswered',
    title: 'a beat that asks for nothing is not answered',
    file: 'server/src/core/extensions.ts',
    original: '    if (round.pending > 0 || round.session.attachment !== round.attachment) return;',
    replacement: '    if (round.pending > 0 || round.renewed === 0) return;',
    target: 'sessions',
    found: /frame \d+ has no answer: extended/,
  },
  {
    id: 'freed-by-the-cut',
    title: 'a lease is freed because its stream ended',
    file: 'server/src/core/sessions.ts',
    original: '    session.passedOver.clear();',
    replacement: '    session.passedOver.clear();\n    this.endings.giveBackAll(session);',
    target: 'sessions',
    found: /may both rely on/,
  },
  {
    id: 'frame-lengths-unchecked',
    title: 'a frame may be longer than it says',
    file: 'server/src/rpc/frame-decoder.ts',
    original: "    if (reader.pos !== end) throw new RangeError('a frame is not as long as it says');",
    replacement: '    reader.pos = end;',
    target: 'messages',
    found: /two readers see different things|premature EOF/,
  },
  {
    id: 'passwords-printed',
    title: 'a password is printed with the settings',
    file: 'server/src/config/resolve.ts',
    original: '    const setting = shownSetting(written, kind);',
    replacement: '    const setting = { ...shownSetting(written, kind), text: written.text };',
    target: 'settings',
    found: /a password is printed/,
  },
] as const;

describe('a bug that is planted', () => {
  it('is found by the fuzzer, each by the cases of every run', async () => {
    const verdicts = await twoAtATime(PLANTED, async ({ found, target, ...patch }) => {
      const test = `finds nothing in ${target}`;
      const verdict = await tryPatch(parsePatch(JSON.stringify({ ...patch, tests: ['test/fuzz/fuzz.test.ts'], test })));
      const isFound = verdict.kind === 'noticed' && found.test(verdict.error);
      return isFound ? 'found' : `${patch.id}: ${JSON.stringify(verdict)}`;
    });
    expect(verdicts.filter((verdict) => verdict !== 'found')).to.deep.equal([]);
  }).timeout(120_000);
});
