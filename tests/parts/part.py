"""What all real parts have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self


class Part(ABC):
    """Runs as long as it is entered."""

    @abstractmethod
    def start(self) -> None:
        """Starts it, and waits until it is of use."""

    @abstractmethod
    def stop(self) -> object:
        """Ends it, if it runs."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
