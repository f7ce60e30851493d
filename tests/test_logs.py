"""Logs, as lines for people and for programs."""

from __future__ import annotations

import json
import logging
from types import TracebackType
from typing import Any

import pytest

from livria_sse.logs import JSONLines, Lines, Mentions

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def record(message: str, *args: Any, error: BaseException | None = None) -> logging.LogRecord:
    """Something that happened."""
    info: ExcInfo | None = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("livria_sse.hub", logging.INFO, "", 0, message, args, info)


def failure() -> BaseException:
    """An error with a traceback."""
    try:
        int("two\nlines")
    except ValueError as error:
        return error
    raise AssertionError


def test_lines_for_people() -> None:
    """Every message is one line that begins with the time, whatever somebody put into it."""
    line = Lines().format(record("said %s", "x\r\n2026-11-25 INFO forged"))

    assert "\n" not in line
    assert line.endswith(r"INFO livria_sse.hub: said x\r\n2026-11-25 INFO forged")
    assert "Traceback" in Lines().format(record("failed", error=failure()))


def test_lines_for_programs() -> None:
    """Every message is one JSON object, with what it is made of by name, and a traceback."""
    line = JSONLines().format(record("ended: book=%(book)d", {"book": 10}, error=failure()))

    told = json.loads(line)
    assert "\n" not in line
    assert told["message"] == "ended: book=10"
    assert (told["book"], told["level"], told["logger"]) == (10, "info", "livria_sse.hub")
    assert told["time"].endswith("+00:00")
    assert told["traceback"].startswith("Traceback")


def test_mentions_have_fields(caplog: pytest.LogCaptureFixture) -> None:
    """What is said once a minute is told by name, too, and of each thing by itself."""
    mentions = Mentions(logging.getLogger("livria_sse.hub"))
    for limit in ("address", "address", "files"):
        mentions.warn(limit, "the limit of %(limit)s", {"limit": limit})

    told = [json.loads(JSONLines().format(record)) for record in caplog.records]
    assert [each["limit"] for each in told] == ["address", "files"]
    assert [each["message"] for each in told] == ["the limit of address", "the limit of files"]
