-- Appends a difference to the log of a book and rings its doorbell, in one atomic step.
--
-- The log is a stream with an entry <seq>-0 for each change. The index is a hash: of each review in
-- the log the seq of its entry, and two facts, `floor` (the log holds all that changed after it)
-- and `review_count`. So a log that nobody else has touched has as many entries as the index has
-- fields, less two.
--
-- KEYS  the log, the index
-- ARGV  the doorbell's channel, what it says, after, head, the review count, '1' to begin anew
--       rather than refuse, how many entries to keep, for how many seconds;
--       then of each change its seq, its review and its entry
-- Answers the seq that the log has reached; one below `after` says that it refused.

local log, index = KEYS[1], KEYS[2]
local channel, said = ARGV[1], ARGV[2]
local after, head = tonumber(ARGV[3]), tonumber(ARGV[4])
local review_count, anew = ARGV[5], ARGV[6] == '1'
local length, seconds = tonumber(ARGV[7]), ARGV[8]
local FACTS, FIRST_CHANGE = 2, 9

local function seq_of(entry)
  return string.match(entry[1], '^%d+')
end

local function reached_by_now()
  local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  local untouched = redis.call('XLEN', log) == redis.call('HLEN', index) - FACTS
  return newest and untouched and tonumber(seq_of(newest)) or nil
end

local reached = reached_by_now()
if reached and head <= reached then
  return reached -- it is there: a repeat, or the difference of somebody who was faster
end
if reached and after > reached and not anew then
  return reached
end
if not reached or after > reached then
  redis.call('DEL', log, index)
  redis.call('HSET', index, 'floor', ARGV[3])
  reached = after
end

for at = FIRST_CHANGE, #ARGV, 3 do
  local seq, review, entry = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if tonumber(seq) > reached then
    local replaced = redis.call('HGET', index, review)
    if replaced then
      redis.call('XDEL', log, replaced .. '-0')
    end
    redis.call('XADD', log, seq .. '-0', 'review', review, 'change', entry)
    redis.call('HSET', index, review, seq)
  end
end
redis.call('HSET', index, 'review_count', review_count)

-- Trimmed in batches: each costs as much as the entries that go.
local surplus = redis.call('XLEN', log) - length
if surplus > length / 10 then
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', surplus)
  for _, entry in ipairs(oldest) do
    redis.call('HDEL', index, entry[2][2])
  end
  redis.call('HSET', index, 'floor', seq_of(oldest[#oldest]))
  redis.call('XTRIM', log, 'MAXLEN', length)
end

redis.call('EXPIRE', log, seconds)
redis.call('EXPIRE', index, seconds)
redis.call('PUBLISH', channel, said)
return head
