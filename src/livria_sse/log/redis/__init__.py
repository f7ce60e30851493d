"""The log with Redis: a stream for each book above the database, and a doorbell for each book."""

from __future__ import annotations

from livria_sse.log.redis.log import RedisLog, open_redis_log

__all__ = ["RedisLog", "open_redis_log"]
