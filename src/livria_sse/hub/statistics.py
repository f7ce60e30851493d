"""What a hub is doing, in numbers; `/metrics` only formats them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client import Histogram

from livria_sse.frames import Mode
from livria_sse.hub.admission import Admission, Limit
from livria_sse.hub.audit import Audit
from livria_sse.hub.fanout import Fanout
from livria_sse.hub.feeds import Feeds
from livria_sse.hub.heartbeat import Heartbeat
from livria_sse.hub.ladder import Ladder
from livria_sse.hub.subscriber import Ending
from livria_sse.log.base import Log, Way
from livria_sse.models import Rung


class Statistics(NamedTuple):
    """What a hub is doing, in numbers."""

    #: Streams that are open.
    streams: int
    #: Books that are watched.
    books: int
    #: Streams that were opened since the start, by how they began.
    opened: Mapping[Mode, int]
    #: Streams that were resumed since the start, by the rung that had what they lacked.
    resumed: Mapping[Rung, int]
    #: Streams that were closed since the start, by why they ended.
    closed: Mapping[Ending, int]
    #: Streams that were sent away since the start, by which limit was reached.
    refused: Mapping[Limit, int]
    #: Differences that were written to readers since the start.
    deliveries: int
    #: How long each of them took, in seconds, with all to whom it was written.
    push_seconds: Histogram
    #: The same from the time that a review bears, also of those that other processes have taken.
    lags: Histogram
    #: How often the log has answered, by the rung that it read.
    reads: Mapping[Rung, int]
    #: In how many books something is still to be told to other processes.
    backlog: int
    #: For how many seconds the oldest of it has waited.
    backlog_seconds: float
    #: Which ways through Redis are cut.
    cut: Mapping[Way, bool]
    #: Whether changes of other processes come late.
    degraded: bool
    #: How late the event loop was lately, in seconds.
    loop_lag: float
    #: Books in which the audit found something that had not been told.
    repairs: int


def statistics(
    admission: Admission,
    feeds: Feeds,
    fanout: Fanout,
    ladder: Ladder,
    log: Log,
    heartbeat: Heartbeat,
    audit: Audit,
) -> Statistics:
    """What the parts of a hub count."""
    return Statistics(
        streams=admission.streams,
        books=len(feeds),
        opened=admission.opened,
        resumed=admission.resumed,
        closed=admission.closed,
        refused=admission.refused,
        deliveries=fanout.deliveries,
        push_seconds=fanout.seconds,
        lags=fanout.lags,
        reads=ladder.reads,
        backlog=log.backlog,
        backlog_seconds=log.backlog_seconds,
        cut=log.cut,
        degraded=log.degraded is not None,
        loop_lag=heartbeat.lag,
        repairs=audit.repairs,
    )
