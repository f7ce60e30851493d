"""Logs: one line for each event, for people or for programs."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from livria_sse.settings import Settings

#: What goes on is mentioned once in so many seconds.
MENTION_SECONDS = 60.0


def configure_logging(settings: Settings) -> None:
    """Writes what happens to stderr, as the settings say."""
    handler = logging.StreamHandler()
    handler.setFormatter(JSONLines() if settings.log_format == "json" else Lines())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of each bad request


class Mentions:
    """Warns of what may happen a thousand times a second, and not each time."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._mentioned_at: dict[str, float] = {}

    def warn(self, of: str, text: str, told: Mapping[str, object]) -> None:
        """Warns of something, by names, unless it has just warned of the same."""
        now = time.monotonic()
        if now - self._mentioned_at.get(of, float("-inf")) > MENTION_SECONDS:
            self._mentioned_at[of] = now
            self._logger.warning(text, told)


class Lines(logging.Formatter):
    """Lines for people; a traceback follows its line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """A message, on one line whatever somebody has put into it."""
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")


class JSONLines(logging.Formatter):
    """One JSON object a line; what a message is made of stands beside it, by name."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as an object."""
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if isinstance(record.args, Mapping):
            told |= record.args
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)
