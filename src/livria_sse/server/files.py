"""Files: how many connections fit into what a process may open."""

from __future__ import annotations

import logging
import math
import resource

from livria_sse.errors import InvalidSettings
from livria_sse.settings import Settings

logger = logging.getLogger(__name__)

#: Open files that are no connections of clients: the database, Redis, the log.
OWN_FILES = 200


def fitted(settings: Settings) -> Settings:
    """The settings, with no more streams than there are files for beside everything else.

    Raises the process's limit first, as far as it may. Processes that are started here inherit it.

    Raises:
        InvalidSettings: There are too few files for even one stream.
    """
    files = _raised(_wanted(settings))
    free = files - OWN_FILES
    if free < 2:
        raise InvalidSettings(
            f"ulimit -n: {files} open files are allowed, and {OWN_FILES + 2} needed at least"
        )
    others = min(settings.reserved_connections, free // 2)
    streams = min(settings.max_streams, free - others)
    # Nobody may hold all of the others by themselves.
    connections = min(settings.max_connections_per_address, max(1, others // 2))
    if settings.limits:
        _warn_of_fewer(settings, streams, connections)
    fewer = {"max_streams": streams, "max_connections_per_address": connections}
    return settings.model_copy(update=fewer)


def _warn_of_fewer(settings: Settings, streams: int, connections: int) -> None:
    if streams < settings.max_streams:
        logger.warning(
            "LIVRIA_MAX_STREAMS: there are files for %(fitting)d streams instead of %(wanted)d "
            "(ulimit -n)",
            {"fitting": streams, "wanted": settings.max_streams},
        )
    chosen = "max_connections_per_address" in settings.model_fields_set
    if chosen and connections < settings.max_connections_per_address:
        logger.warning(
            "LIVRIA_MAX_CONNECTIONS_PER_ADDRESS: %(fitting)d instead of %(wanted)d, half of what "
            "is reserved",
            {"fitting": connections, "wanted": settings.max_connections_per_address},
        )


def _wanted(settings: Settings) -> int:
    return settings.max_streams + settings.reserved_connections + OWN_FILES


def _raised(wanted: int) -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    return reachable


def places(settings: Settings) -> float:
    """How many connections may be open, streams among them."""
    if not settings.limits:
        return math.inf
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _wanted(settings)
    allowed = wanted if soft == resource.RLIM_INFINITY else min(soft, wanted)
    return max(1, allowed - OWN_FILES)
