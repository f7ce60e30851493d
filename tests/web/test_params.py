"""Numbers in paths and query strings."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from livria_sse.models import LARGEST_NUMBER
from livria_sse.web.params import whole_number


@given(st.integers(0, LARGEST_NUMBER))
def test_numbers_are_read(number: int) -> None:
    """Every id that there can be is read as it is written."""
    assert whole_number(str(number)) == number


@given(st.text() | st.from_regex(r"[+-]?[0-9_. ]{1,20}", fullmatch=True) | st.integers().map(str))
def test_nothing_else_is_a_number(text: str) -> None:
    """A text is a number if it has ASCII digits alone and is not too large; nothing else is."""
    digits = text.isascii() and text.isdigit() and len(text) <= 16

    assert whole_number(text) == (int(text) if digits and int(text) <= LARGEST_NUMBER else None)


@pytest.mark.parametrize("text", [str(LARGEST_NUMBER + 1), "9" * 5_000, "\u0661", "\u00b2", "1\n"])
def test_numbers_that_python_would_take(text: str) -> None:
    """Nor is what Python could read, or would give up on."""
    assert whole_number(text) is None
