"""What is accepted from outside: the shapes, and the rules of text, for the API and the files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from livria_sse.errors import InvalidInput
from livria_sse.models import LARGEST_NUMBER

M = TypeVar("M", bound=BaseModel)

LONGEST_REVIEW = 5_000
LONGEST_TITLE = 1_000
LONGEST_USERNAME = 30
#: Argon2 takes any length; without a bound, so would a request.
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 200

#: Letters of which nothing is seen, the fillers of Hangul, and a pattern of Braille without dots.
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
_USERNAME = re.compile(rf"(?!.*[{_BLANK}])\w[\w.@+-]*")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_LINE_END = re.compile(r"\r\n?")


def clean_text(text: str) -> str:
    """Text in NFC with LF line ends, trimmed.

    Raises:
        ValueError: It has a control character other than newline and tab.
    """
    text = _LINE_END.sub("\n", text)
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t":
            raise ValueError(f"The character U+{ord(character):04X} is not allowed.")
    return unicodedata.normalize("NFC", text).strip()


def clean_username(name: str) -> str:
    """A username in NFKC, so that names which look alike more often are alike.

    Raises:
        ValueError: It is not 1 to 30 letters, digits and `.@+-_`, the first none of `.@+-`.
    """
    name = normal_username(name)
    if not _USERNAME.fullmatch(name) or len(name) > LONGEST_USERNAME:
        raise ValueError(f"Use 1 to {LONGEST_USERNAME} letters, digits and any of . @ + - _")
    return name


def normal_username(name: str) -> str:
    """A username as it is kept, however it was typed."""
    return unicodedata.normalize("NFKC", name.strip())


def checked_key(key: str) -> str:
    """An idempotency key as it is stored.

    Raises:
        InvalidInput: It is not 1 to 255 visible ASCII characters.
    """
    if not _KEY.fullmatch(key):
        raise InvalidInput(errors={"Idempotency-Key": ["Use 1 to 255 visible ASCII characters."]})
    return key


def _review_text(text: str) -> str:
    text = clean_text(text)
    if not any(_visible(character) for character in text):
        raise ValueError("Write something.")
    if len(text) > LONGEST_REVIEW:
        raise ValueError(f"Use at most {LONGEST_REVIEW:,} characters.")
    return text


def _visible(character: str) -> bool:
    # Not alone: controls and formats, marks, separators and spaces.
    return unicodedata.category(character)[0] not in "CMZ" and character not in _BLANK


def _required(text: str) -> str:
    text = clean_text(text)
    if not text:
        raise ValueError("It is empty.")
    if len(text) > LONGEST_TITLE:
        raise ValueError(f"Use at most {LONGEST_TITLE:,} characters.")
    return text


def _cover(address: str) -> str:
    address = clean_text(address)
    if address and not re.fullmatch(r"(https://|/(?![/\\]))\S*", address):
        raise ValueError("Use an address that begins with https:// or with one slash.")
    return address


def _described(shortest: int, longest: int) -> Any:
    # Only described: these lengths are those of the text when it is cleaned.
    return Field(json_schema_extra={"minLength": shortest, "maxLength": longest})


Identifier = Annotated[int, Field(strict=True, ge=1, le=LARGEST_NUMBER)]
ReviewText = Annotated[str, AfterValidator(_review_text), _described(1, LONGEST_REVIEW)]
# What is typed alike must be the same bytes, on whatever keyboard (RFC 8265, section 4.2.2).
SameBytes = AfterValidator(partial(unicodedata.normalize, "NFC"))
Required = Annotated[str, AfterValidator(_required)]


class Input(BaseModel):
    """The base of all inputs. Fields that are not known are passed over, as they always were."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class NewReview(Input):
    """A review that is posted."""

    book: Identifier
    content: ReviewText


class EditedReview(Input):
    """The new text of a review; its book cannot be changed."""

    content: ReviewText


class Credentials(Input):
    """A username and a password, as they are given to sign in."""

    username: Annotated[str, Field(max_length=1_000), AfterValidator(normal_username)]
    password: Annotated[str, Field(max_length=LONGEST_PASSWORD), SameBytes]


class NewAccount(Input):
    """A username and a password, as they are chosen."""

    username: Annotated[str, AfterValidator(clean_username), _described(1, LONGEST_USERNAME)]
    password: Annotated[
        str, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD), SameBytes
    ]


class CatalogueLine(Input):
    """A book in a file that is imported."""

    id: Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
    title: Required
    author: Required
    description: Annotated[str, AfterValidator(clean_text), Field(max_length=20_000)] = ""
    cover: Annotated[str, AfterValidator(_cover), Field(max_length=1_000)] = ""


def validated(model: type[M], data: object) -> M:
    """The data as a model.

    Raises:
        InvalidInput: With a reason for each field that is not acceptable.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(errors=_reasons(error)) from None


def _reasons(error: ValidationError) -> Mapping[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in problem["loc"]) or "body"
        reasons.setdefault(field, []).append(problem["msg"].removeprefix("Value error, "))
    return reasons
