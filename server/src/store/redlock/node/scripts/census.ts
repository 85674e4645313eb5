import { shownKey } from '../node-keys.js';
import { EARLIER_LIFE } from './prelude.js';
import type { PagedScript } from './script.js';

const EXAMPLES = 3;

export const census: PagedScript<'census'> = {
  name: 'census',
  lua: `${EARLIER_LIFE}
local reply, found = { standing('votes'), '0' }, 2
local function example(key)
  found = found + 1
  reply[found] = key
end
if ARGV[1] == '0' then
  local trace = earlierLife()
  if trace then example(trace) end
end
local own = { [ADM] = true, [CFG] = true, [SEEN] = true, [MARK] = true, [TTL] = true, [WANTS] = true }
local page = call('SCAN', ARGV[1], 'MATCH', LOCKS, 'COUNT', 1000)
reply[2] = page[1]
for i = 1, #page[2] do
  if found < 5 and not own[page[2][i]] then example(page[2][i]) end
end
return reply
`,
  outcome: (pages) => ({ kind: 'census', found: pages.flat().slice(0, EXAMPLES).map(shownKey) }),
  enough: (pages) => pages.flat().length >= EXAMPLES,
};
