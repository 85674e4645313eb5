import { configurationText } from '../configuration-text.js';
import type { ErrandScript } from './script.js';

/** The mark goes with it, so that it serves for one wait; a node that has lost its configuration gets it back. */
export const admit: ErrandScript<'admit'> = {
  name: 'admit',
  lua: String.raw`
local nonce, mine = ARGV[1], ARGV[2]
local fits = not configuration or configuration == mine
if not admitted and fits and call('GET', MARK) == IDENTITY .. '\0' .. nonce then
  call('SET', CFG, mine)
  call('SET', ADM, IDENTITY, 'PX', ADM_PX)
  call('DEL', MARK)
  configuration, admitted = mine, true
end
return { standing('votes'), admitted and '1' or '0' }
`,
  args: ({ nonce, configuration }) => [nonce, configurationText(configuration)],
  outcome: (details) => ({ kind: 'admit', admitted: details.text() === '1' }),
};
