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
    fitting = {
        "max_streams": min(settings.max_streams, free - others),
        # Nobody may hold all of those by themselves.
        "max_connections_per_address": min(settings.max_connections_per_address, others // 2 or 1),
    }
    if settings.limits:
        for name, number in fitting.items():
            _warn_of_fewer(settings, name, number)
    return settings.model_copy(update=fitting)


def _warn_of_fewer(settings: Settings, name: str, number: int) -> None:
    wanted = getattr(settings, name)
    # Of what nobody has asked for, only the streams are missed.
    if number < wanted and (name == "max_streams" or name in settings.model_fields_set):
        logger.warning(
            "LIVRIA_%(name)s: there are files for %(fitting)d instead of %(wanted)d (ulimit -n)",
            {"name": name.upper(), "fitting": number, "wanted": wanted},
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
    return max(1, _raised(_wanted(settings)) - OWN_FILES)
