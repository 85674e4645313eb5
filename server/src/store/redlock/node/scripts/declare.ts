import { configurationText } from '../configuration-text.js';
import { EARLIER_LIFE } from './prelude.js';
import type { ErrandScript } from './script.js';

/** A wait that has begun is over with it. */
export const declare: ErrandScript<'declare'> = {
  name: 'declare',
  lua: `${EARLIER_LIFE}
local mine, ttl = ARGV[1], tonumber(ARGV[2])
local may = not earlierLife() and (not configuration or configuration == mine)
if may then
  call('SET', CFG, mine)
  call('SET', TTL, format('%.0f', math.max(tonumber(call('GET', TTL)) or 0, ttl)))
  call('SET', ADM, IDENTITY, 'PX', ADM_PX)
  call('DEL', MARK)
  configuration, admitted = mine, true
end
return { standing('votes'), may and '1' or '0' }
`,
  args: ({ configuration, maxTtlMs }) => [configurationText(configuration), String(Math.ceil(maxTtlMs))],
  outcome: (details) => ({ kind: 'declare', admitted: details.text() === '1' }),
};
