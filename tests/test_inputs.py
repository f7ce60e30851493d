"""What is accepted from outside."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel

from livria_sse.errors import InvalidInput
from livria_sse.inputs import (
    LONGEST_PASSWORD,
    LONGEST_REVIEW,
    LONGEST_USERNAME,
    SHORTEST_PASSWORD,
    CatalogueLine,
    Credentials,
    EditedReview,
    NewAccount,
    NewReview,
    checked_key,
    clean_text,
    clean_username,
    validated,
)
from livria_sse.models import LARGEST_NUMBER

PASSWORD = "correct horse"


def review_text(content: object) -> str:
    """The text of a review, as it is accepted."""
    return validated(EditedReview, {"content": content}).content


def reasons(model: type[BaseModel], data: object) -> Mapping[str, Sequence[str]]:
    """Why the data is not accepted, for each field."""
    with pytest.raises(InvalidInput) as caught:
        validated(model, data)
    assert caught.value.errors
    return caught.value.errors


def test_text_is_composed() -> None:
    """Text is kept in NFC, so that what looks equal is equal: a Korean syllable is one letter."""
    assert review_text("e\N{COMBINING ACUTE ACCENT}") == "é"
    assert review_text(unicodedata.normalize("NFD", "좋아요")) == "좋아요"


def test_text_keeps_its_look() -> None:
    """Text is not changed beyond that: ligatures, wide letters and emoji stay what they are."""
    text = "ﬁ Ｗ ² 👩‍👩‍👧 ㈜ <b>&amp;</b>"  # noqa: RUF001

    assert review_text(text) == text


def test_text_is_trimmed() -> None:
    """White space around a text is dropped, that within stays."""
    assert review_text(" \n\t\u3000\u00a0good \n\n\tbook \u2028\n") == "good \n\n\tbook"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_lines_end_alike(end: str) -> None:
    """Lines end with LF, however the sender's do."""
    assert review_text(f"one{end}{end}two") == "one\n\ntwo"


@pytest.mark.parametrize("code", sorted({*range(0x20), *range(0x7F, 0xA0)} - {9, 10, 13}))
def test_control_characters(code: int) -> None:
    """No control character but newline and tab is accepted, and the reason names it."""
    for content in (f"a{chr(code)}b", f"{chr(code)}a", f"a{chr(code)}"):
        (reason,) = reasons(EditedReview, {"content": content})["content"]
        assert f"U+{code:04X}" in reason


@pytest.mark.parametrize("codes", [[0xD800], [0xDBFF], [0xDC00], [0xDFFF], [0xD83D, 0xDE00]])
@pytest.mark.parametrize("model", [EditedReview, NewReview])
def test_lone_surrogates(model: type[BaseModel], codes: list[int]) -> None:
    """A lone surrogate, which no encoding can carry, is not accepted."""
    surrogates = "".join(map(chr, codes))

    errors = reasons(model, {"book": 10, "content": f"a{surrogates}b"})

    assert set(errors) == {"content"}


@pytest.mark.parametrize("content", ["", " ", "\n\n", "\t", "\u3000\u00a0\u2029"])
def test_empty_reviews(content: str) -> None:
    """A review without a word is not accepted."""
    assert set(reasons(EditedReview, {"content": content})) == {"content"}


@pytest.mark.parametrize("content", ["x", "x" * LONGEST_REVIEW, "좋" * LONGEST_REVIEW])
def test_lengths_that_fit(content: str) -> None:
    """A review has 1 to 5,000 characters, whatever surrounds them."""
    assert review_text(content) == content
    assert review_text(f" \n{content}\t ") == content


def test_length_when_composed() -> None:
    """The length is that of the text as it is kept."""
    decomposed = unicodedata.normalize("NFD", "좋" * LONGEST_REVIEW)

    assert len(decomposed) > LONGEST_REVIEW
    assert len(review_text(decomposed)) == LONGEST_REVIEW


def test_long_reviews() -> None:
    """A review of more than 5,000 characters is not accepted, and the reason says so."""
    (reason,) = reasons(EditedReview, {"content": "x" * (LONGEST_REVIEW + 1)})["content"]

    assert "5,000" in reason


@given(st.text())
def test_clean_text_is_clean(text: str) -> None:
    """Text that was accepted is accepted again unchanged, and has nothing that is forbidden."""
    try:
        clean = clean_text(text)
    except ValueError:
        return

    assert clean_text(clean) == clean
    assert unicodedata.is_normalized("NFC", clean)
    assert clean == clean.strip()
    assert "\r" not in clean
    assert not any(unicodedata.category(character) == "Cs" for character in clean)


@pytest.mark.parametrize("content", [None, 5, 1.5, True, ["x"], {"x": 1}])
def test_text_is_text(content: object) -> None:
    """What is not a string is not made one."""
    assert set(reasons(EditedReview, {"content": content})) == {"content"}


@pytest.mark.parametrize("book", [1, LARGEST_NUMBER])
def test_ids_that_fit(book: int) -> None:
    """An id is a whole number that JavaScript holds exactly."""
    assert validated(NewReview, {"book": book, "content": "x"}).book == book


@pytest.mark.parametrize(
    "book",
    [0, -1, LARGEST_NUMBER + 1, 10**5_000, 1.0, 1.5, float("nan"), True, "1", None, [1], {}],
    ids=lambda book: str(type(book)) if isinstance(book, int) and book > 2**60 else repr(book),
)
def test_ids_that_do_not(book: object) -> None:
    """Anything else is not an id, not even a number in quotes."""
    assert set(reasons(NewReview, {"book": book, "content": "x"})) == {"book"}


def test_every_field_is_named() -> None:
    """Every field that is wrong or missing has its reasons."""
    assert set(reasons(NewReview, {})) == {"book", "content"}
    assert set(reasons(NewAccount, {"username": "a b", "password": "x"})) == {
        "username",
        "password",
    }


@pytest.mark.parametrize("data", [None, [], "x", 5, [{"book": 1, "content": "x"}]])
def test_body_is_an_object(data: object) -> None:
    """Data that is no object is refused as a whole."""
    assert set(reasons(NewReview, data)) == {"body"}


def test_unknown_fields_pass() -> None:
    """Fields that are not known are passed over, as they always were."""
    review = validated(NewReview, {"book": 10, "content": "x", "user": 3, "id": 7})

    assert review.model_dump() == {"book": 10, "content": "x"}


def test_reasons_do_not_quote() -> None:
    """A reason never repeats what was sent: it may be a password."""
    errors = reasons(NewAccount, {"username": "a secret name", "password": "hunter2"})

    assert "secret" not in str(errors)
    assert "hunter2" not in str(errors)


@pytest.mark.parametrize(
    "username", ["m", "mina", "민아", "Zoë", "李白", "мина", "mina.kim@livria+1-2_3", "7of9"]
)
def test_usernames(username: str) -> None:
    """A username is letters of any script, digits and a few signs."""
    assert clean_username(username) == username


def test_longest_username() -> None:
    """A username has at most 30 characters, as it is kept."""
    assert clean_username(f"  {'ﬁ' * 15} ") == "fi" * 15
    assert len(clean_username("m" * LONGEST_USERNAME)) == LONGEST_USERNAME
    with pytest.raises(ValueError, match="30"):
        clean_username("m" * (LONGEST_USERNAME + 1))
    with pytest.raises(ValueError, match="30"):
        clean_username("ﬁ" * 16)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  mina\n", "mina"),
        (unicodedata.normalize("NFD", "민아"), "민아"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER M}ina", "Mina"),
        ("ﬁona", "fiona"),
    ],
)
def test_usernames_that_look_alike(written: str, kept: str) -> None:
    """Usernames that look alike are kept alike."""
    assert clean_username(written) == kept


@pytest.mark.parametrize(
    "username",
    [
        "",
        " ",
        "mina kim",
        "mi\tna",
        "mi\nna",
        "mi\0na",
        "-mina",
        ".mina",
        "@mina",
        "mina/kim",
        "mina,kim",
        "<mina>",
        "mina\u202e",
        "\u202emina",
        "mi\u2066na",
        "mi\u200dna",
        "mi\u200bna",
        "mi\u00adna",
        "mi\ufeffna",
        "mina\u3164",
        "\u115fmina",
        "mi\uffa0na",
        "mi\u1160na",
        "mina\u2800",
        "mina\ud800",
        "👩",
        "m" * 100_000,
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_usernames_refused(username: str) -> None:
    """Spaces, control and bidi characters, and what cannot be seen, are in no username."""
    errors = reasons(NewAccount, {"username": username, "password": PASSWORD})

    assert set(errors) == {"username"}


@pytest.mark.parametrize("length", [SHORTEST_PASSWORD, LONGEST_PASSWORD])
def test_passwords(length: int) -> None:
    """A password is taken exactly as it is given."""
    password = (" é\t" * LONGEST_PASSWORD)[:length]

    assert validated(NewAccount, {"username": "mina", "password": password}).password == password


@pytest.mark.parametrize(
    "password",
    [
        "",
        "x" * (SHORTEST_PASSWORD - 1),
        "x" * (LONGEST_PASSWORD + 1),
        "x" * 10 + "\ud800",
        12345678,
    ],
    ids=["empty", "short", "long", "surrogate", "number"],
)
def test_passwords_refused(password: object) -> None:
    """A password that is too short, too long or no text is not accepted."""
    errors = reasons(NewAccount, {"username": "mina", "password": password})

    assert set(errors) == {"password"}


def test_credentials_are_bounded() -> None:
    """Who signs in need not send a good password, but not one of any size."""
    assert validated(Credentials, {"username": "x", "password": ""}).password == ""
    assert set(reasons(Credentials, {"username": "x" * 1_001, "password": "x" * 201})) == {
        "username",
        "password",
    }


def test_catalogue_line() -> None:
    """A book needs an id, a title and an author; the id may be in quotes, as in CSV."""
    line = validated(CatalogueLine, {"id": "7", "title": " 날개 ", "author": "이상", "isbn": "1"})

    assert line.model_dump() == {
        "id": 7,
        "title": "날개",
        "author": "이상",
        "description": "",
        "cover": "",
    }


@pytest.mark.parametrize("field", ["id", "title", "author"])
def test_required_of_a_book(field: str) -> None:
    """A book without one of these, or with an empty one, is refused by its name."""
    book = {"id": "7", "title": "Emma", "author": "Jane Austen"}

    assert set(reasons(CatalogueLine, {**book, field: " "})) == {field}
    del book[field]
    assert set(reasons(CatalogueLine, book)) == {field}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "0"),
        ("id", "-7"),
        ("id", "seven"),
        ("id", "1.5"),
        ("id", str(LARGEST_NUMBER + 1)),
        ("id", "1" * 5_000),
        ("title", "x" * 1_001),
        ("title", "a\0b"),
        ("title", "\ud800"),
        ("author", 5),
        ("description", "x" * 20_001),
        ("description", "a\x1bb"),
        ("cover", "http://livria.example/cover.svg"),
        ("cover", "javascript:alert(1)"),
        ("cover", "data:image/svg+xml,x"),
        ("cover", "//livria.example/cover.svg"),
        ("cover", "static/cover.svg"),
        ("cover", "/" + "x" * 1_000),
    ],
    ids=lambda text: ascii(text)[:24],
)
def test_wrong_fields_of_a_book(field: str, value: object) -> None:
    """Each field of a book has its rules, and only what breaks them is named."""
    book = {"id": "7", "title": "Emma", "author": "Jane Austen", field: value}

    assert set(reasons(CatalogueLine, book)) == {field}


@pytest.mark.parametrize(
    "cover", ["", "/static/covers/emma.svg", "https://livria.example/emma.svg?size=2"]
)
def test_covers(cover: str) -> None:
    """A cover is nothing, a path on this site, or an https address."""
    book = {"id": 7, "title": "Emma", "author": "Jane Austen", "cover": cover}

    assert validated(CatalogueLine, book).cover == cover


@pytest.mark.parametrize(
    "content", ["\u200b\u2060", "\u3000\u00a0", "\ufeff \u200d", "\u3164", "\u2800 \ufe0f"]
)
def test_invisible_text_is_empty(content: str) -> None:
    """A review that nobody could see is no review."""
    assert reasons(EditedReview, {"content": content}) == {"content": ["Write something."]}


def test_passwords_are_typed_alike() -> None:
    """A password is the same whether its letters were typed whole or in parts."""
    whole, parts = "비밀번호비밀번호", unicodedata.normalize("NFD", "비밀번호비밀번호")

    chosen = validated(NewAccount, {"username": "mina", "password": whole})
    given = validated(Credentials, {"username": "mina", "password": parts})

    assert chosen.password == given.password


@given(st.text() | st.text("mi\u1160\u3164", max_size=3) | st.text("m.@+- \u202e\uff4d"))
def test_clean_usernames_are_clean(name: str) -> None:
    """A username that was accepted is accepted again unchanged, and all of it can be seen."""
    try:
        clean = clean_username(name)
    except ValueError:
        return

    assert clean_username(clean) == clean
    assert 1 <= len(clean) <= LONGEST_USERNAME
    assert clean.isprintable()
    assert not set(clean) & set("\u1160\u115f\u3164")


@given(st.text() | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7F)))
def test_keys_are_visible(key: str) -> None:
    """An idempotency key is accepted as it is, or refused by its name."""
    visible = all("!" <= character <= "~" for character in key) and 1 <= len(key) <= 255
    if visible:
        assert checked_key(key) == key
    else:
        with pytest.raises(InvalidInput) as refused:
            checked_key(key)
        assert set(refused.value.errors) == {"Idempotency-Key"}
