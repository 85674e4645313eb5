import { entryFault } from './details.js';
import { BATCH, WANTING } from './prelude.js';
import type { BatchScript } from './script.js';

const ENTRY = `
local function forget(key, longerThan)
  local there = pcall('GET', key)
  if not there then return 'g' end
  if type(there) == 'table' then return fault(there) end
  local left = call('PTTL', key)
  local outlasts = left == -1 or left > longerThan
  if outlasts then
    local deleted = pcall('DEL', key)
    if type(deleted) == 'table' then return fault(deleted) end
    announce(key, 0)
  end
  detail(there)
  detail(left)
  return outlasts and 'd' or 'k'
end

for i = 1, #entries, 2 do
  answer(forget(entries[i], entries[i + 1]))
end
return done()
`;

const ABSENT = Object.freeze({ kind: 'absent' } as const);

export const forget: BatchScript<'forget'> = {
  name: 'forget',
  lua: BATCH + WANTING + ENTRY,
  encode: ({ key, longerThanMs }, into) => void into.push(key, longerThanMs),
  decode(letter, details) {
    switch (letter) {
      case 'd':
        return { kind: 'forgotten', value: details.text(), expiresInMs: details.number() };
      case 'k':
        return { kind: 'kept', value: details.text(), expiresInMs: details.number() };
      case 'g':
        return ABSENT;
      default:
        return entryFault(letter, details);
    }
  },
};
