import { type NodeKeys, nodeKeys } from '../node-keys.js';

/** Raised with every change of what is stored or of what a stored thing means. */
export const WIRE_VERSION = 1;

/** How long a want stands that nobody repeats. */
const WANT_MS = 1_000;
/** Longer than any want, so that where there is one there is the flag as well. */
const WANT_FLAG_MS = 2 * WANT_MS;
/** A server that has not repeated its want for so long has given up. It tries again after 200 ms at the latest. */
const WANT_LIVE_MS = 400;
/** How long after a release whoever has waited longest goes first. One that cannot win must not keep out the others. */
const PRECEDENCE_MS = 250;
/** Servers whose wants are kept for one lock. */
const MOST_WANTS = 32;

/**
 * What is written into the text of every script, so that its SHA stands for all of it. Nothing of one server: Redis keeps
 * every text it is given for as long as it lives.
 */
export interface ScriptConstants {
  /** Of the process of Redis, and of its history. */
  readonly identity: string;
  readonly clusterId: string;
  /** `hash/generation`, as the node keeps it. */
  readonly configuration: string;
  readonly windowMs: number;
  readonly ballotMs: number;
  readonly admissionMs: number;
  readonly sharedKeys: boolean;
  /** A glob that every lock's key fits. */
  readonly lockPattern: string;
}

/** The text of a script for one node: its constants, what all scripts begin with, and its own part. */
export function scriptText(constants: ScriptConstants, lua: string): string {
  return [`-- Holdfast, wire version ${WIRE_VERSION}`, declarations(constants), STANDING, lua].join('\n');
}

function declarations(constants: ScriptConstants): string {
  const keys: NodeKeys = nodeKeys(constants.clusterId);
  const strings: Readonly<Record<string, string>> = {
    IDENTITY: constants.identity,
    CONFIGURATION: constants.configuration,
    LOCKS: constants.lockPattern,
    ADM: keys.admission,
    CFG: keys.configuration,
    SEEN: keys.seen,
    MARK: keys.mark,
    TTL: keys.greatestTtl,
    WANTS: keys.wants,
    HINTS: keys.hints,
    BALLOT_PX: String(Math.ceil(constants.ballotMs)),
    INTRODUCED_PX: String(Math.ceil(constants.ballotMs)),
    ADM_PX: String(Math.ceil(constants.admissionMs)),
    WANT_PX: String(WANT_MS),
    WANTS_PX: String(WANT_FLAG_MS),
    PRECEDENCE_PX: String(PRECEDENCE_MS),
  };
  return [
    ...Object.entries(strings).map(([name, text]) => `local ${name} = ${luaString(text)}`),
    `local WANT_LIVE, MOST_WANTS = ${WANT_LIVE_MS * 1_000}, ${MOST_WANTS}`,
    `local WINDOW = ${Math.floor(constants.windowMs * 1_000)}`,
    `local SHARED = ${constants.sharedKeys}`,
  ].join('\n');
}

/** A string of Lua, whatever its bytes. */
export function luaString(text: string): string {
  const escaped = [...Buffer.from(text, 'utf8')].map((byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\${String(byte).padStart(3, '0')}`,
  );
  return `'${escaped.join('')}'`;
}

/**
 * What every call reads, in one command besides the time. Numbers of 16 digits must not meet Lua's own formatting; texts are
 * joined where they can be, since `format` costs several times as much.
 */
const STANDING = `
local call, pcall = redis.call, redis.pcall
local tonumber, type, sub, find, format = tonumber, type, string.sub, string.find, string.format
local state = call('MGET', ADM, CFG, SEEN, WANTS)
local time = call('TIME')
local stamp = time[1] .. sub('000000' .. time[2], -6)
local clock = tonumber(stamp)
local now = tonumber(state[3]) or 0
if now < clock then now = clock end
-- What is accepted is as far ahead of a clock that went back as the node's time is, and is forgotten by that time.
if now > clock then BALLOT_PX = format('%.0f', tonumber(BALLOT_PX) + math.ceil((now - clock) / 1000)) end
local admitted = state[1] == IDENTITY
local configuration = state[2]

local function standing(how)
  local moment = now == clock and stamp or state[3]
  return how .. ' ' .. moment .. ' ' .. stamp .. (admitted and ' 1 ' or ' 0 ') .. (configuration or '')
end
`;

/** For scripts of batches: the entries, who asks, and one answer for each. Some errors are no entry's own, and fail the call. */
export const BATCH = `
local entries, server = cmsgpack.unpack(ARGV[1]), ARGV[2]
local reply, replied, letters, answered = { '', '' }, 2, {}, 0

local function answer(letter)
  answered = answered + 1
  letters[answered] = letter
end

local function detail(text)
  replied = replied + 1
  reply[replied] = text
end

local WHOLE_NODE = { READONLY = true, MISCONF = true, NOREPLICAS = true, MASTERDOWN = true, LOADING = true, NOPERM = true }

local function fault(failure)
  local text = failure.err
  local code = string.match(text, '^%-?(%u+)')
  if WHOLE_NODE[code] or find(text, 'user executing the script', 1, true) then error(failure) end
  detail(text)
  return code == 'WRONGTYPE' and 'W' or code == 'OOM' and 'O' or 'E'
end

local function done()
  reply[1], reply[2] = standing('votes'), table.concat(letters)
  return reply
end
`;

/** For scripts that grant: who may not, and the rules for a token. */
export const GRANTING = `
if not admitted then return { standing('not_admitted') } end
if configuration ~= CONFIGURATION then return { standing('other_configuration') } end
local highest, lowest, accepted = now + WINDOW, now - WINDOW, false

local function finished()
  if accepted and now == clock then call('SET', SEEN, stamp) end
  return done()
end
`;

/** For scripts that meet wants: one line for each server that waits, with since when, and when it last said so. */
export const WANTING = String.raw`
local function wantsOfOthers(key)
  local wants, text = {}, pcall('GET', key .. '\0w')
  if type(text) ~= 'string' then return wants end
  for who, since, seen in string.gmatch(text, '(%S+) (%d+) (%d+)\n') do
    local age = now - tonumber(seen)
    -- Before it was said: the clock was ahead then, and whoever still waits says so again.
    if who ~= server and age >= 0 and age < WANT_LIVE then
      wants[#wants + 1] = { who = who, since = tonumber(since), seen = tonumber(seen) }
    end
  end
  return wants
end

local function keepWants(key, wants, since)
  local lines = {}
  if since > 0 then lines[1] = format('%s %.0f %.0f\n', server, since, now) end
  for _, want in ipairs(wants) do
    if #lines < MOST_WANTS then lines[#lines + 1] = format('%s %.0f %.0f\n', want.who, want.since, want.seen) end
  end
  if #lines == 0 then return pcall('DEL', key .. '\0w') end
  pcall('SET', key .. '\0w', table.concat(lines), 'PX', WANT_PX)
  -- Once a call: the flag outlasts every want, also those that are repeated.
  if state[4] == 'renewed' then return end
  pcall('SET', WANTS, '1', 'PX', WANTS_PX)
  state[4] = 'renewed'
end

-- It is free now: true if another server waits for it, which then has some time to come.
local function announce(key, since)
  if not state[4] and since == 0 then return false end
  local others = wantsOfOthers(key)
  keepWants(key, others, since)
  if #others == 0 then return false end
  pcall('SET', key .. '\0p', '1', 'PX', PRECEDENCE_PX)
  pcall('PUBLISH', HINTS, 'r' .. key)
  return true
end

-- Whether another server goes first.
local function anyEarlier(wants, since)
  for _, want in ipairs(wants) do
    if since == 0 or want.since < since or (want.since == since and want.who < server) then return true end
  end
  return false
end
`;

/** For scripts that look whether one of several values stands. */
export const AMONG = `
local function among(there, values)
  if type(values) == 'string' then return there == values end
  for i = 1, #values do
    if there == values[i] then return true end
  end
  return false
end
`;

/** For a cluster's beginning: what servers leave that merely wait to be admitted is no trace of an earlier life. */
export const EARLIER_LIFE = `
local function earlierLife()
  if configuration and configuration ~= CONFIGURATION then return CFG end
  for _, key in ipairs({ ADM, SEEN }) do
    if call('EXISTS', key) == 1 then return key end
  end
  return nil
end
`;
