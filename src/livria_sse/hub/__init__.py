"""Feeds and subscribers of this process: from a difference to the sockets."""

from __future__ import annotations

from livria_sse.hub.burst import Burst
from livria_sse.hub.connects import Connects
from livria_sse.hub.feed import Feed
from livria_sse.hub.hub import Hub
from livria_sse.hub.shelf import Beginning
from livria_sse.hub.sink import Owner, Sink
from livria_sse.hub.statistics import Statistics
from livria_sse.hub.stepping import SteppingSink
from livria_sse.hub.subscriber import Subscriber
from livria_sse.hub.welcome import Answer

__all__ = [
    "Answer",
    "Beginning",
    "Burst",
    "Connects",
    "Feed",
    "Hub",
    "Owner",
    "Sink",
    "Statistics",
    "SteppingSink",
    "Subscriber",
]
