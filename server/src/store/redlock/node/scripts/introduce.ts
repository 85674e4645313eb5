import { BATCH } from './prelude.js';
import type { BatchScript } from './script.js';
import { okOrRefused } from './votes.js';

/** Kept for as long as a ballot: it names the value it is about, so it is never taken for a later holder's. */
const ENTRY = String.raw`
for i = 1, #entries, 3 do
  local key, value, holder = entries[i], entries[i + 1], entries[i + 2]
  local there = pcall('GET', key)
  if type(there) == 'table' then
    answer(fault(there))
  elseif there ~= value then
    answer('n')
  else
    local set = pcall('SET', key .. '\0i', value .. '\0' .. holder, 'PX', INTRODUCED_PX)
    answer(set.err and fault(set) or 'o')
  end
end
return done()
`;

export const introduce: BatchScript<'introduce'> = {
  name: 'introduce',
  lua: BATCH + ENTRY,
  encode: ({ key, value, holder }, into) => void into.push(key, value, holder),
  decode: okOrRefused,
};
