import { BATCH } from './prelude.js';
import type { BatchScript } from './script.js';
import { okOrRefused } from './votes.js';

/** Other libraries release by deletion and leave no ballot: where they share the keys, nothing tells a loss from a release. */
const ENTRY = String.raw`
local function repair(key, value, token, read, notAfter)
  if SHARED then return 'n' end
  local there = pcall('GET', key)
  if type(there) == 'table' then return fault(there) end
  local ballot = key .. '\0b'
  local stands = pcall('GET', ballot)
  if type(stands) == 'table' then return fault(stands) end
  local px = math.floor((notAfter - now) / 1000)
  if there or (stands or '') ~= read or px < 1 then return 'n' end
  if token > (tonumber(stands) or 0) then
    local raised = pcall('SET', ballot, format('%.0f', token), 'PX', BALLOT_PX)
    if raised.err then return fault(raised) end
  end
  local set = pcall('SET', key, value, 'NX', 'PX', format('%.0f', px))
  if set.err then return fault(set) end
  return 'o'
end

for i = 1, #entries, 5 do
  answer(repair(entries[i], entries[i + 1], entries[i + 2], entries[i + 3], entries[i + 4]))
end
return done()
`;

export const repair: BatchScript<'repair'> = {
  name: 'repair',
  lua: BATCH + ENTRY,
  encode: ({ key, value, token, ballot, notAfterUs }, into) =>
    void into.push(key, value, token, ballot === undefined ? '' : String(ballot), notAfterUs),
  decode: okOrRefused,
};
