"""What livria-sse refuses or cannot do: one tree, mapped to HTTP statuses in `web/problems.py`.

The docstring of a class is the sentence that a person reads, unless a better one is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class LivriaError(Exception):
    """Something went wrong."""

    #: What is wrong with which field of the input: `{"content": ["It is empty."]}`.
    errors: Mapping[str, Sequence[str]]
    #: After how many seconds the same may succeed; None if it never will.
    retry_seconds: int | None = None

    def __init__(
        self, detail: str | None = None, *, errors: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self.detail = detail or (self.__doc__ or "").strip()
        self.errors = errors or {}
        super().__init__(self.detail)


class InvalidSettings(LivriaError):
    """A setting is wrong."""


class InvalidCatalogue(LivriaError):
    """The file of books cannot be imported."""


class MalformedBody(LivriaError):
    """The body is not a valid JSON object."""


class UnsupportedMediaType(LivriaError):
    """The body's content type is not accepted here."""


class BodyTooLarge(LivriaError):
    """The body is too large."""


class InvalidInput(LivriaError):
    """Some fields are not acceptable."""


class IdempotencyKeyReused(LivriaError):
    """This Idempotency-Key was used for another review."""


class RepeatedReview(LivriaError):
    """You have just posted the same text here."""

    def __init__(self) -> None:
        super().__init__(errors={"content": [self.__doc__ or ""]})


class TooManyRequests(LivriaError):
    """That was too much in a short time. Try again later."""

    def __init__(self, *, retry_seconds: int = 60) -> None:
        super().__init__()
        self.retry_seconds = retry_seconds


class NotSignedIn(LivriaError):
    """Sign in first."""


class WrongCredentials(LivriaError):
    """The username or the password is wrong."""


class InvalidToken(LivriaError):
    """The token is not valid, or no longer."""


class CrossSiteRequest(LivriaError):
    """The request comes from another site."""


class NotPermitted(LivriaError):
    """Only the author or the staff may change this review."""


class NotStaff(LivriaError):
    """Only the staff may hide and restore reviews."""


class UsernameTaken(LivriaError):
    """This username is taken."""


class UnknownBook(LivriaError):
    """There is no such book."""


class UnknownReview(LivriaError):
    """There is no such review."""


class UnknownAccount(LivriaError):
    """There is no such account."""


class DifferenceTooLarge(LivriaError):
    """More has changed than is replayed."""


class StoreUnavailable(LivriaError):
    """The database does not answer at present."""

    retry_seconds = 2


class RedisAway(LivriaError):
    """Redis does not answer at present."""


class StreamBehind(LivriaError):
    """The stream of a book lacks what the database has."""
