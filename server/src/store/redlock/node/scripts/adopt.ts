import { AMONG, BATCH } from './prelude.js';
import { packedValues } from './release.js';
import type { BatchScript } from './script.js';
import { extendVote, wholeMs } from './votes.js';

/** The expiry comes first: a script that has written is not refused the memory for a value of the same length. */
const ENTRY = String.raw`
local function adopt(key, value, px, presented)
  local there = pcall('GET', key)
  if not there then
    local ballot = pcall('GET', key .. '\0b')
    if type(ballot) == 'table' then return fault(ballot) end
    detail(ballot or '')
    return 'x'
  end
  if type(there) == 'table' then return fault(there) end
  if there ~= value and not among(there, presented) then return 'l' end
  local raised = pcall('PEXPIRE', key, px, 'GT')
  if type(raised) == 'table' then return fault(raised) end
  if there ~= value then
    local set = pcall('SET', key, value, 'KEEPTTL')
    if set.err then return fault(set) end
  end
  return 'o'
end

for i = 1, #entries, 4 do
  answer(adopt(entries[i], entries[i + 1], entries[i + 2], entries[i + 3]))
end
return done()
`;

export const adopt: BatchScript<'adopt'> = {
  name: 'adopt',
  lua: BATCH + AMONG + ENTRY,
  encode: ({ key, value, expiryMs, presented }, into) =>
    void into.push(key, value, wholeMs(expiryMs), packedValues(presented)),
  decode: extendVote,
};
