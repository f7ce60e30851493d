"""The time until a program is loaded and ready, in which it can already be interrupted."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Lets SIGINT end the process without a traceback: there is nothing to tell, or to tidy up.

    An exception would be lost, or become another, in what libraries do while they are imported.
    Where it is ignored, as in a script's background, it stays so.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
