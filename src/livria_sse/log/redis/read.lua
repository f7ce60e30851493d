-- Reads what changed in a book since a seq, if its log is certain to hold all of it.
--
-- KEYS  the log, the index (see append.lua)
-- ARGV  the seq, the seq after it, the head that must be reached, how many entries to read at most
-- Answers the head, the review count and the entries; nothing if the log is not here, or begins
-- later; BEHIND if it is here and lacks something, so that it is to be brought up to date

local log, index = KEYS[1], KEYS[2]
local seq, next_seq, known, most = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4]
local FACTS, BEHIND = 2, -1

local facts = redis.call('HMGET', index, 'floor', 'review_count')
local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
if not newest then
  return false -- expired, evicted or flushed
end
local head = tonumber(string.match(newest[1], '^%d+'))
local untouched = redis.call('XLEN', log) == redis.call('HLEN', index) - FACTS
if not facts[1] or not facts[2] or not untouched or head < known then
  return BEHIND -- by itself, or since somebody else has trimmed it or evicted its index
end
if tonumber(facts[1]) > seq or head < seq then
  return false -- trimmed in order
end
local entries = redis.call('XRANGE', log, next_seq .. '-0', '+', 'COUNT', most)
return { head, tonumber(facts[2]), entries }
