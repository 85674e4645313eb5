import { entryFault } from './details.js';
import { BATCH, WANTING } from './prelude.js';
import type { BatchScript } from './script.js';

/** The tombstone writes an expiry first: a script that has written is not refused the memory for a ballot. */
const ENTRY = String.raw`
local function one(there, value)
  return there == value or (sub(value, -1) == ':' and sub(there, 1, #value) == value)
end

local function theirs(there, values)
  if type(values) == 'string' then return one(there, values) end
  for i = 1, #values do
    if one(there, values[i]) then return true end
  end
  return false
end

local function bury(key, tombstone)
  local ballot = key .. '\0b'
  local before = pcall('GET', ballot)
  if type(before) == 'table' then return fault(before) end
  local raised = math.min(tombstone + 1, now + WINDOW)
  if raised > (tonumber(before) or 0) then
    pcall('PEXPIRE', ballot, BALLOT_PX)
    local set = pcall('SET', ballot, format('%.0f', raised), 'PX', BALLOT_PX)
    if set.err then return fault(set) end
  end
  return 'g'
end

local function release(key, values, tombstone, since)
  local there = pcall('GET', key)
  if there then
    if type(there) == 'table' then return fault(there) end
    if there == values or theirs(there, values) then
      local deleted = pcall('DEL', key)
      if type(deleted) == 'table' then return fault(deleted) end
      return announce(key, since) and 'w' or 'r'
    end
  end
  if tombstone > 0 then return bury(key, tombstone) end
  return 'g'
end

for i = 1, #entries, 4 do
  answer(release(entries[i], entries[i + 1], entries[i + 2], entries[i + 3]))
end
return done()
`;

const RELEASED = Object.freeze({ kind: 'released', wanted: false } as const);
const WANTED = Object.freeze({ kind: 'released', wanted: true } as const);
const GONE = Object.freeze({ kind: 'gone' } as const);

export const release: BatchScript<'release'> = {
  name: 'release',
  lua: BATCH + WANTING + ENTRY,
  encode: ({ key, values, tombstone, waitingSinceUs }, into) =>
    void into.push(key, packedValues(values), tombstone, waitingSinceUs),
  decode(letter, details) {
    switch (letter) {
      case 'r':
        return RELEASED;
      case 'w':
        return WANTED;
      case 'g':
        return GONE;
      default:
        return entryFault(letter, details);
    }
  },
};

/** One value goes as it is: that is nearly always so. */
export function packedValues(values: readonly string[]): string | readonly string[] {
  const [first] = values;
  return values.length === 1 && first !== undefined ? first : values;
}
