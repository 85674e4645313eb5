import { configurationText } from '../configuration-text.js';
import type { ErrandScript } from './script.js';

const ANSWERS = ['claimed', 'equal', 'other'] as const;

/** The greatest time to live is raised only by those who may grant here. */
export const confirm: ErrandScript<'confirm'> = {
  name: 'confirm',
  lua: `
local mine, ttl = ARGV[1], tonumber(ARGV[2])
local greatest = tonumber(call('GET', TTL)) or 0
local said = 'other'
if not configuration then
  call('SET', CFG, mine)
  configuration, said = mine, 'claimed'
elseif configuration == mine then
  said = 'equal'
end
if said ~= 'other' and ttl > greatest then
  greatest = ttl
  call('SET', TTL, format('%.0f', greatest))
end
return { standing('votes'), said, format('%.0f', greatest) }
`,
  args: ({ configuration, maxTtlMs }) => [configurationText(configuration), String(Math.ceil(maxTtlMs))],
  outcome(details) {
    const said = details.text();
    const answer = ANSWERS.find((name) => name === said);
    if (answer === undefined) throw new TypeError('confirm answers something else');
    return { kind: 'confirm', answer, greatestTtlMs: details.number() };
  },
};
