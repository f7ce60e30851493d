"""Lengths that clients declare."""

from __future__ import annotations


def bounded(digits: str, most: int) -> int:
    """A declared length in bytes, or `most` if it is more.

    Python refuses to make a number of thousands of digits, and zeros may stand before them.
    """
    digits = digits.lstrip("0")
    return most if len(digits) > len(str(most)) else min(int(digits or "0"), most)
