"""Feeds and subscribers of this process: from a difference to the sockets."""

from __future__ import annotations

from livria_sse.hub.feed import Feed
from livria_sse.hub.hub import Hub
from livria_sse.hub.statistics import Statistics
from livria_sse.hub.subscriber import Subscriber

__all__ = ["Feed", "Hub", "Statistics", "Subscriber"]
