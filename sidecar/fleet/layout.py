"""What a fleet keeps in the shared store, and the scripts that change it, each as a whole or not at all.

    kilter:{NAME}:about         hash    layout, key (a check value, not the key), tick, counting: what all must share
    kilter:{NAME}:members       hash    incarnation -> "<time> <json>": who tells, and how far
    kilter:{NAME}:ticks         zset    ticks that have parts
    kilter:{NAME}:parts:TICK    hash    "<incarnation> <classifier>" -> a part; written once, expires
    kilter:{NAME}:counted:TICK  set     which parts were counted; expires
    kilter:{NAME}:lease         string  the monitor that judges; expires
    kilter:{NAME}:state         hash    next (first tick not counted), generation, state, and what is kept beside it
    kilter:{NAME}:baselines     hash    id -> baseline
    kilter:{NAME}:lost          hash    parts that came after their tick was counted

NAME stands in braces, Redis Cluster's hash tag. Times are the store's own, Unix seconds: no two clocks are compared.
"""

from __future__ import annotations

LAYOUT = 1
"""Raised when another Kilter could not read what this one keeps."""


class Keys:
    """The names of a fleet's keys.

    >>> Keys("chat").parts(7)
    'kilter:{chat}:parts:7'
    """

    def __init__(self, fleet: str) -> None:
        self._prefix = f"kilter:{{{fleet}}}:"
        self.about, self.members, self.ticks = self._of("about"), self._of("members"), self._of("ticks")
        self.lease, self.state, self.lost = self._of("lease"), self._of("state"), self._of("lost")
        self.baselines = self._of("baselines")

    def parts(self, tick: int) -> str:
        """The parts of a tick."""
        return self._of(f"parts:{tick}")

    def counted(self, tick: int) -> str:
        """Which parts of a tick were counted."""
        return self._of(f"counted:{tick}")

    def _of(self, name: str) -> str:
        return self._prefix + name


_ABOUT = """
local function agree(key, ...)
  local wanted = {...}
  for i = 1, #wanted, 2 do
    redis.call('HSETNX', key, wanted[i], wanted[i + 1])
    local found = redis.call('HGET', key, wanted[i])
    if found ~= wanted[i + 1] then
      return redis.error_reply('KILTER this fleet has ' .. wanted[i] .. ' ' .. found .. ', and this process has '
        .. wanted[i + 1] .. ' (one fleet.name, one fleet.key_file, ticks.length_s and version for all)')
    end
  end
end
local function now()
  local time = redis.call('TIME')
  return string.format('%d.%06d', tonumber(time[1]), tonumber(time[2]))
end
"""

TELL = (
    _ABOUT
    + """
-- KEYS: about, members, ticks, state, lease, lost, then parts and counted of each part's tick.
-- ARGV: layout, key, tick, counting, incarnation, about itself, seconds to keep, the first tick not counted as it was
-- last told ('' where everything that is held is told again), then tick, field, bytes of each part.
local refused = agree(KEYS[1], 'layout', ARGV[1], 'key', ARGV[2], 'tick', ARGV[3], 'counting', ARGV[4])
if refused then return refused end
local at, known = now(), redis.call('HEXISTS', KEYS[2], ARGV[5])
local state = redis.call('HMGET', KEYS[4], 'next', 'baseline')
local upcoming = tonumber(state[1] or '-1')
if ARGV[8] ~= '' and (known == 0 or upcoming < tonumber(ARGV[8])) then
  return {at, 0, upcoming, '', 0, {}}  -- the store has lost something: nothing is taken before all is told again
end
redis.call('HSET', KEYS[2], ARGV[5], at .. ' ' .. ARGV[6])
local results = {}
for i = 0, (#ARGV - 8) / 3 - 1 do
  local tick, field = ARGV[9 + 3 * i], ARGV[10 + 3 * i]
  local parts, counted = KEYS[7 + 2 * i], KEYS[8 + 2 * i]
  if redis.call('SISMEMBER', counted, field) == 1 then
    results[i + 1] = 'known'
  elseif tonumber(tick) < upcoming then
    results[i + 1] = 'late'
    redis.call('SADD', counted, field)
    redis.call('EXPIRE', counted, ARGV[7])
    redis.call('HINCRBY', KEYS[6], 'late', 1)
  elseif redis.call('HSETNX', parts, field, ARGV[11 + 3 * i]) == 1 then
    results[i + 1] = 'taken'
    redis.call('EXPIRE', parts, ARGV[7])
    redis.call('ZADD', KEYS[3], tick, tick)
  else
    results[i + 1] = 'known'
  end
end
return {at, 1, upcoming, state[2] or '', redis.call('EXISTS', KEYS[5]), results}
"""
)
"""Parts and how far they go, at once: whoever reads the second has the first."""

LEASE = (
    _ABOUT
    + """
-- KEYS: about, lease, state, members, ticks, lost.  ARGV: layout, key, tick, counting, name and token, milliseconds.
local refused = agree(KEYS[1], 'layout', ARGV[1], 'key', ARGV[2], 'tick', ARGV[3], 'counting', ARGV[4])
if refused then return refused end
local holder = redis.call('GET', KEYS[2])
if not holder or holder == ARGV[5] then
  redis.call('SET', KEYS[2], ARGV[5], 'PX', ARGV[6])
  holder = ARGV[5]
end
local state = redis.call('HMGET', KEYS[3], 'generation', 'next')
return {now(), holder, state[1] or '-1', state[2] or '-1', redis.call('HGETALL', KEYS[4]),
  redis.call('ZRANGE', KEYS[5], 0, -1), redis.call('HGET', KEYS[6], 'late') or '0'}
"""
)
"""Takes the lease where nobody holds it, renews one's own; and everything that a cycle begins with."""

PARTS = "return redis.call('HGETALL', KEYS[1])"

SAVE = """
-- KEYS: lease, state, ticks, lost, members, baselines, then parts and counted of each tick.
-- ARGV: name and token ('' offers a state without the lease), generation, next, seconds to keep, number of fields of the
-- state and those, number of baselines and those, number of members to forget and those, then tick, number of parts
-- and those.
local at = 5
local function take()
  at = at + 1
  return ARGV[at - 1]
end
local stored = redis.call('HMGET', KEYS[2], 'generation', 'next')
local generation, upcoming = tonumber(stored[1] or '-1'), tonumber(stored[2] or '-1')
local newer = generation > tonumber(ARGV[2]) or (generation == tonumber(ARGV[2]) and upcoming > tonumber(ARGV[3]))
if newer then return {'newer', 0} end
if ARGV[1] == '' then
  if generation == tonumber(ARGV[2]) and upcoming == tonumber(ARGV[3]) then return {'newer', 0} end
else
  local holder = redis.call('GET', KEYS[1])
  if holder and holder ~= ARGV[1] then return {'lost', 0} end  -- one that ran out and nobody took is as good
end
redis.call('HSET', KEYS[2], 'generation', ARGV[2], 'next', ARGV[3])
for _ = 1, tonumber(take()) do
  redis.call('HSET', KEYS[2], take(), take())
end
for _ = 1, tonumber(take()) do
  redis.call('HSET', KEYS[6], take(), take())
end
for _ = 1, tonumber(take()) do
  redis.call('HDEL', KEYS[5], take())
end
local late, place = 0, 7
while at <= #ARGV do
  local tick, parts, counted = take(), KEYS[place], KEYS[place + 1]
  local n = tonumber(take())
  late = late + redis.call('HLEN', parts)
  for _ = 1, n do
    local field = take()
    late = late - redis.call('HEXISTS', parts, field)
    redis.call('SADD', counted, field)
  end
  if n > 0 then redis.call('EXPIRE', counted, ARGV[4]) end
  redis.call('UNLINK', parts)
  redis.call('ZREM', KEYS[3], tick)
  place = place + 2
end
if late > 0 then redis.call('HINCRBY', KEYS[4], 'late', late) end
return {'saved', late}
"""
"""The state after some ticks, and that these are counted: at once, and only by whoever holds the lease."""

LOAD = "return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2])}"

BASELINE = "return redis.call('HGET', KEYS[1], ARGV[1])"

RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

LEAVE = "return redis.call('HDEL', KEYS[1], ARGV[1])"
