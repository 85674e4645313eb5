import type { Hash } from '../../../../core/names.js';
import type { AcquireEntry, AcquireVote, LockValue } from '../../coordinator/redis-node.js';
import { type Details, entryFault } from './details.js';
import { BATCH, GRANTING, WANTING } from './prelude.js';
import type { BatchScript, Packable } from './script.js';
import { AHEAD, BEHIND, low, OK, tokenDigits, wholeMs } from './votes.js';

const ENTRY = String.raw`
local function want(key, since, introduced)
  keepWants(key, wantsOfOthers(key), since)
  if introduced then return end
  local question = key .. '\0q'
  local asked = pcall('SET', question, '1', 'NX', 'PX', WANT_PX)
  -- What has much longer than it was given was set when the clock was ahead.
  if not asked and call('PTTL', question) > tonumber(WANTS_PX) then
    asked = pcall('SET', question, '1', 'PX', WANT_PX)
  end
  if asked and asked.ok then pcall('PUBLISH', HINTS, 'w' .. key) end
end

-- Somebody has it: says who, or that it is an older secret of this request.
local function refuse(key, there, rest)
  if type(there) == 'table' then return fault(there) end
  local since = rest
  if type(rest) == 'table' then
    since = rest[1]
    for i = 2, #rest do
      local hash = rest[i] .. ':'
      if sub(there, 1, #hash) == hash and find(there, '^%d+$', #hash + 1) then
        detail(there)
        return 'm'
      end
    end
  end
  local introduction, mark, holder = pcall('GET', key .. '\0i'), there .. '\0', ''
  if type(introduction) == 'string' and sub(introduction, 1, #mark) == mark then
    holder = sub(introduction, #mark + 1)
  end
  if since > 0 then want(key, since, holder ~= '') end
  detail(there)
  detail(call('PTTL', key))
  detail(holder)
  return 'h'
end

-- It was released just now, and who has waited longest has not come yet.
local function goesToAnother(key, since)
  local left = pcall('PTTL', key .. '\0p')
  if left < 0 or left > tonumber(WANT_PX) then return false end
  local others = wantsOfOthers(key)
  local another = anyEarlier(others, since)
  keepWants(key, others, another and since or 0)
  return another
end

local function acquire(key, value, px, token, rest)
  local t = tonumber(token)
  if t > highest or t < lowest then
    local there = pcall('GET', key)
    if there then return refuse(key, there, rest) end
    return t > highest and 'a' or 'b'
  end
  local set = pcall('SET', key, value, 'NX', 'PX', px)
  if not set then return refuse(key, pcall('GET', key), rest) end
  if set.err then return fault(set) end
  if state[4] and goesToAnother(key, type(rest) == 'table' and rest[1] or rest) then
    call('DEL', key)
    detail('')
    detail(PRECEDENCE_PX)
    detail('')
    return 'h'
  end
  local ballot = key .. '\0b'
  local before = pcall('SET', ballot, token, 'PX', BALLOT_PX, 'GET')
  if before then
    if type(before) == 'table' then
      call('DEL', key)
      return fault(before)
    end
    if (tonumber(before) or 0) >= t then
      call('SET', ballot, before, 'PX', BALLOT_PX)
      call('DEL', key)
      detail(before)
      return 'l'
    end
  end
  accepted = true
  return 'o'
end

for i = 1, #entries, 5 do
  answer(acquire(entries[i], entries[i + 1], entries[i + 2], entries[i + 3], entries[i + 4]))
end
return finished()
`;

export const acquire: BatchScript<'acquire'> = {
  name: 'acquire',
  lua: BATCH + GRANTING + WANTING + ENTRY,
  encode(entry: AcquireEntry, into: Packable[]): void {
    const { key, value, expiryMs, earlierHashes, waitingSinceUs } = entry;
    into.push(key, value, wholeMs(expiryMs), tokenDigits(value));
    into.push(earlierHashes.length === 0 ? waitingSinceUs : [waitingSinceUs, ...earlierHashes]);
  },
  decode(letter: string, details: Details): AcquireVote {
    switch (letter) {
      case 'o':
        return OK;
      case 'h':
        return {
          kind: 'held',
          value: details.text(),
          expiresInMs: details.number(),
          holder: details.text() || undefined,
        };
      case 'm':
        return mine(details.text() as LockValue);
      case 'l':
        return low(details);
      case 'a':
        return AHEAD;
      case 'b':
        return BEHIND;
      default:
        return entryFault(letter, details);
    }
  },
};

function mine(value: LockValue): AcquireVote {
  const at = value.lastIndexOf(':');
  return { kind: 'mine', hash: value.slice(0, at) as Hash, token: Number(value.slice(at + 1)) };
}
