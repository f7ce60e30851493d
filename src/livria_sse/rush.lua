-- Adds what came to a process within a second to what came to all, for each of some addresses.
--
-- Each address has a hash with a count for each second of Redis's clock, as processes' may differ.
--
-- KEYS  of each address its hash
-- ARGV  of each address how much came
-- Answers of each how much came to all: in this second so far, or in the one before if that is more

local second = tonumber(redis.call('TIME')[1])
local SECONDS = 2 -- until the hash of an address expires to which nothing is added

local function add(key, count)
  local so_far = redis.call('HINCRBY', key, second, count)
  local before = tonumber(redis.call('HGET', key, second - 1) or 0)
  redis.call('HDEL', key, second - 2, second - 3) -- what is older has expired with all of it
  redis.call('EXPIRE', key, SECONDS)
  return math.max(so_far, before)
end

local everywhere = {}
for at, key in ipairs(KEYS) do
  everywhere[at] = add(key, ARGV[at])
end
return everywhere
