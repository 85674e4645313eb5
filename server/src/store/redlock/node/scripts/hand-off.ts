import type { HandOffVote } from '../../coordinator/redis-node.js';
import { type Details, entryFault } from './details.js';
import { AMONG, BATCH, GRANTING, WANTING } from './prelude.js';
import { packedValues } from './release.js';
import type { BatchScript } from './script.js';
import { AHEAD, BEHIND, low, tokenDigits, wholeMs } from './votes.js';

/** Clients of other libraries leave no wants: where they share the keys, somebody may always be waiting. */
const ENTRY = String.raw`
local function wantedByOthers(key)
  if SHARED then return true end
  return state[4] and #wantsOfOthers(key) > 0
end

local function handOff(key, value, px, token, from)
  local there = pcall('GET', key)
  if type(there) == 'table' then return fault(there) end
  if there and not among(there, from) then return 'h' end
  local t = tonumber(token)
  if t > highest then return 'a' end
  if t < lowest then return 'b' end
  local ballot = key .. '\0b'
  local before = pcall('SET', ballot, token, 'PX', BALLOT_PX, 'GET')
  if before then
    if type(before) == 'table' then return fault(before) end
    if (tonumber(before) or 0) >= t then
      call('SET', ballot, before, 'PX', BALLOT_PX)
      detail(before)
      return 'l'
    end
  end
  local set = pcall('SET', key, value, 'PX', px)
  if set.err then return fault(set) end
  accepted = true
  if wantedByOthers(key) then return there and 'S' or 'F' end
  return there and 's' or 'f'
end

for i = 1, #entries, 5 do
  answer(handOff(entries[i], entries[i + 1], entries[i + 2], entries[i + 3], entries[i + 4]))
end
return finished()
`;

const ok = (how: 'swapped' | 'fresh', wanted: boolean): HandOffVote => Object.freeze({ kind: 'ok', how, wanted });
const VOTES: Readonly<Record<string, HandOffVote>> = {
  s: ok('swapped', false),
  S: ok('swapped', true),
  f: ok('fresh', false),
  F: ok('fresh', true),
  h: Object.freeze({ kind: 'held' }),
  a: AHEAD,
  b: BEHIND,
};

export const handOff: BatchScript<'hand_off'> = {
  name: 'hand_off',
  lua: BATCH + GRANTING + WANTING + AMONG + ENTRY,
  encode: ({ key, value, expiryMs, from }, into) =>
    void into.push(key, value, wholeMs(expiryMs), tokenDigits(value), packedValues(from)),
  decode: (letter: string, details: Details) =>
    VOTES[letter] ?? (letter === 'l' ? low(details) : entryFault(letter, details)),
};
