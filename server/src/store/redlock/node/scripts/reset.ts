import type { PagedScript } from './script.js';

/** The admission goes first, together with the mark: from then on the node is one that knows nothing. */
export const reset: PagedScript<'reset'> = {
  name: 'reset',
  lua: String.raw`
local forgotten = call('DEL', ADM, MARK, SEEN)
admitted, now = false, clock
local page = call('SCAN', ARGV[1], 'MATCH', LOCKS .. '\0b', 'COUNT', 1000)
for i = 1, #page[2] do forgotten = forgotten + call('DEL', page[2][i]) end
return { standing('votes'), page[1], forgotten }
`,
  outcome: (pages) => ({ kind: 'reset', forgottenKeys: pages.flat().reduce((sum, count) => sum + Number(count), 0) }),
  enough: () => false,
};
