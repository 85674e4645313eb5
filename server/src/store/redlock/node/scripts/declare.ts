import { configurationText } from '../configuration-text.js';
import { EARLIER_LIFE } from './prelude.js';
import type { ErrandScript } from './script.js';

/** The mark goes with it: it serves for one declaration, and a wait that has begun is over. */
export const declare: ErrandScript<'declare'> = {
  name: 'declare',
  lua: String.raw`${EARLIER_LIFE}
local nonce, mine, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])
local isMarked = call('GET', MARK) == IDENTITY .. '\0' .. nonce
local may = isMarked and not earlierLife() and (not configuration or configuration == mine)
if may then
  call('SET', CFG, mine)
  call('SET', TTL, format('%.0f', math.max(tonumber(call('GET', TTL)) or 0, ttl)))
  call('SET', ADM, IDENTITY, 'PX', ADM_PX)
  call('DEL', MARK)
  configuration, admitted = mine, true
end
return { standing('votes'), may and '1' or '0' }
`,
  args: ({ nonce, configuration, maxTtlMs }) => [nonce, configurationText(configuration), String(Math.ceil(maxTtlMs))],
  outcome: (details) => ({ kind: 'declare', admitted: details.text() === '1' }),
};
