import { BATCH } from './prelude.js';
import type { BatchScript } from './script.js';
import { extendVote, wholeMs } from './votes.js';

const ENTRY = String.raw`
local function extend(key, value, px)
  local there = pcall('GET', key)
  if there == value then
    local raised = pcall('PEXPIRE', key, px, 'GT')
    if type(raised) == 'table' then return fault(raised) end
    return 'o'
  end
  if there then
    if type(there) == 'table' then return fault(there) end
    return 'l'
  end
  local ballot = pcall('GET', key .. '\0b')
  if type(ballot) == 'table' then return fault(ballot) end
  detail(ballot or '')
  return 'x'
end

for i = 1, #entries, 3 do
  answer(extend(entries[i], entries[i + 1], entries[i + 2]))
end
return done()
`;

export const extend: BatchScript<'extend'> = {
  name: 'extend',
  lua: BATCH + ENTRY,
  encode: ({ key, value, expiryMs }, into) => void into.push(key, value, wholeMs(expiryMs)),
  decode: extendVote,
};
