import { shownKey } from '../node-keys.js';
import type { PagedScript } from './script.js';

const EXAMPLES = 3;

export const census: PagedScript<'census'> = {
  name: 'census',
  lua: `
local reply, found = { standing('votes'), '0' }, 2
local function example(key)
  found = found + 1
  reply[found] = key
end
if ARGV[1] == '0' then
  for _, key in ipairs({ ADM, CFG, SEEN, MARK, TTL }) do
    if call('EXISTS', key) == 1 then example(key) end
  end
end
local page = call('SCAN', ARGV[1], 'MATCH', LOCKS, 'COUNT', 1000)
reply[2] = page[1]
for i = 1, math.min(#page[2], 3) do example(page[2][i]) end
return reply
`,
  outcome: (pages) => ({ kind: 'census', found: pages.flat().slice(0, EXAMPLES).map(shownKey) }),
  enough: (pages) => pages.flat().length >= EXAMPLES,
};
