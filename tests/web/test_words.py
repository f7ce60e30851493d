"""The words of the pages."""

from __future__ import annotations

from string import Formatter

import pytest

from livria_sse import errors
from livria_sse.web.problems import STATUSES
from livria_sse.web.words import ENGLISH, KOREAN, reason_in

#: What no page says in the API's words: it has its own, or it is a program's mistake.
NEVER_SHOWN = {
    errors.MalformedBody,
    errors.UnsupportedMediaType,
    errors.WrongCredentials,
    errors.UsernameTaken,
}


def test_both_languages_are_complete() -> None:
    """Whatever can be said in one language can be said in the other, of the same things."""
    assert KOREAN.keys() == ENGLISH.keys()
    for name, words in KOREAN.items():
        assert places(words) == places(ENGLISH[name]), name


def places(words: str) -> set[str | None]:
    """What is put into words."""
    return {place for _, place, _, _ in Formatter().parse(words)} - {None}


def test_what_varies_in_reasons() -> None:
    """A reason that names a character or a size has the same words whichever it is."""
    assert reason_in("ko", "Use at most 1024 bytes.") == reason_in("ko", "Use at most 9 bytes.")
    assert reason_in("ko", "The character U+202E is not allowed.")


@pytest.mark.parametrize("error", [each for each in STATUSES if each not in NEVER_SHOWN])
def test_refusals_have_korean_words(error: type[errors.LivriaError]) -> None:
    """Whoever reads Korean is told in Korean why something was refused."""
    reason = error().detail
    assert reason_in("ko", reason)
    assert reason_in("en", reason) == reason
