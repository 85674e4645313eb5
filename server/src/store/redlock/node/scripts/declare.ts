import { configurationText } from '../configuration-text.js';
import type { ErrandScript } from './script.js';

export const declare: ErrandScript<'declare'> = {
  name: 'declare',
  lua: `
local empty = call('EXISTS', ADM, CFG, SEEN, MARK, TTL) == 0
if empty then
  call('SET', CFG, ARGV[1])
  call('SET', TTL, ARGV[2])
  call('SET', ADM, IDENTITY, 'PX', ADM_PX)
  configuration, admitted = ARGV[1], true
end
return { standing('votes'), empty and '1' or '0' }
`,
  args: ({ configuration, maxTtlMs }) => [configurationText(configuration), String(Math.ceil(maxTtlMs))],
  outcome: (details) => ({ kind: 'declare', admitted: details.text() === '1' }),
};
