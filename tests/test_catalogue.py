"""Files of books, and the sample catalogue."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from livria_sse.catalogue import read_catalogue, sample_catalogue
from livria_sse.errors import InvalidCatalogue
from livria_sse.models import CatalogueEntry
from tests.factories import make_entry

EMMA = make_entry(id=7, title="Emma", author="Jane Austen", description="", cover="")


def complaint(path: Path, content: str | bytes) -> str:
    """What is said of a file with this content."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InvalidCatalogue) as caught:
        read_catalogue(path)
    assert caught.value.detail.isprintable()
    return caught.value.detail


def test_a_dozen_samples() -> None:
    """An empty database begins with twelve books, from id 1, in Korean and English."""
    books = sample_catalogue()

    assert [book.id for book in books] == list(range(1, 13))
    assert len({book.title for book in books}) == 12
    assert all(book.author and len(book.description) > 100 for book in books)
    assert {book.title.isascii() for book in books} == {True, False}


@pytest.mark.parametrize("book", sample_catalogue(), ids=lambda book: f"{book.id}")
def test_sample_covers(book: CatalogueEntry) -> None:
    """Every sample book has a cover in the package: a well-formed picture that needs nothing."""
    assert book.cover.startswith("/static/covers/")

    picture = resources.files("livria_sse").joinpath(*book.cover.strip("/").split("/"))
    root = ET.fromstring(picture.read_bytes())  # noqa: S314 - our own file

    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    for element in root.iter():
        assert not element.tag.endswith("script")
        for name, value in element.attrib.items():
            assert not name.endswith("href") or value.startswith("#")


def test_covers_differ() -> None:
    """No two sample books share a cover."""
    assert len({book.cover for book in sample_catalogue()}) == 12


def test_json_lines(tmp_path: Path) -> None:
    """A file of JSON lines has a book on each line; blank lines are nothing."""
    path = tmp_path / "books.jsonl"
    lines = [
        '{"id": 7, "title": "Emma", "author": "Jane Austen"}',
        "",
        "   \t",
        '{"id": "8", "title": "날개", "author": "이상", "description": "a\\u2028b", '
        '"cover": "/8.svg"}',
    ]
    path.write_bytes("\r\n".join(lines).encode())

    assert read_catalogue(path) == [
        EMMA,
        make_entry(id=8, title="날개", author="이상", description="a\u2028b", cover="/8.svg"),
    ]


def test_json_with_bom(tmp_path: Path) -> None:
    """A byte order mark in front is nothing, and separators of Unicode do not end a line."""
    path = tmp_path / "books.jsonl"
    book = '{"id": 7, "title": "Em\u2028ma", "author": "Jane"}'
    path.write_bytes(b"\xef\xbb\xbf" + book.encode())

    assert read_catalogue(path) == [
        make_entry(id=7, title="Em\u2028ma", author="Jane", description="", cover="")
    ]


def test_csv(tmp_path: Path) -> None:
    """A CSV file with a byte order mark, quotes and its columns in any order is read."""
    path = tmp_path / "books.csv"
    path.write_bytes(
        (
            "\ufeffauthor,id,title,isbn,description\r\n"
            'Jane Austen,7,"Emma",0,\r\n'
            "\r\n"
            '이상,8,날개,,"one, ""two""\r\nthree"\r\n'
        ).encode()
    )

    assert read_catalogue(path) == [
        EMMA,
        make_entry(id=8, title="날개", author="이상", description='one, "two"\nthree', cover=""),
    ]


@pytest.mark.parametrize("name", ["books.jsonl", "books.csv"])
@pytest.mark.parametrize(
    "content", [b"", b"\xef\xbb\xbf", b"\n\n"], ids=["nothing", "bom", "blank"]
)
def test_empty_files(tmp_path: Path, name: str, content: bytes) -> None:
    """A file without books has no books."""
    path = tmp_path / name
    path.write_bytes(content)

    assert read_catalogue(path) == []


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "nonsense",
        '{"id": 7, "title": "Emma", "author": "Jane"} {}',
        "[" * 100_000,
        '{"id": ' + "1" * 5_000 + "}",
    ],
    ids=["open", "word", "two", "deep", "huge"],
)
def test_no_json(tmp_path: Path, line: str) -> None:
    """What is not JSON is complained of by its line."""
    good = '{"id": 7, "title": "Emma", "author": "Jane Austen"}'

    said = complaint(tmp_path / "books.jsonl", f"{good}\n\n{line}\n{good}\n")

    assert said.startswith("line 3: ")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("[]", "line 2: "),
        ("5", "line 2: "),
        ("null", "line 2: "),
        ('{"title": "Emma", "author": "Jane"}', "id"),
        ('{"id": NaN, "title": "Emma", "author": "Jane"}', "id"),
        ('{"id": 1e400, "title": "Emma", "author": "Jane"}', "id"),
        ('{"id": 7, "title": " ", "author": "Jane"}', "title"),
        ('{"id": 7, "title": "a\\u0000b", "author": "Jane"}', "title"),
        ('{"id": 7, "title": "\\ud800", "author": "Jane"}', "title"),
        ('{"id": 7, "title": "Emma", "author": "Jane", "cover": "javascript:x"}', "cover"),
    ],
)
def test_wrong_json_lines(tmp_path: Path, line: str, word: str) -> None:
    """A book that breaks a rule is complained of by its line and its field."""
    said = complaint(tmp_path / "books.jsonl", f"\n{line}\n")

    assert said.startswith("line 2: ")
    assert word in said


def test_every_field_is_named(tmp_path: Path) -> None:
    """All fields of the line that are wrong are named."""
    said = complaint(tmp_path / "books.jsonl", '{"id": 0, "title": "", "cover": "//x"}')

    assert all(f"{field}: " in said for field in ("id", "title", "author", "cover"))


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("seven,Emma,Jane Austen", "id"),
        (",Emma,Jane Austen", "id"),
        ("7,Emma", "author"),
        ('7,"",Jane Austen', "title"),
    ],
)
def test_wrong_csv_lines(tmp_path: Path, row: str, word: str) -> None:
    """A row that breaks a rule is complained of by its line, the header being the first."""
    said = complaint(tmp_path / "books.csv", f"id,title,author\n6,Persuasion,Jane Austen\n{row}\n")

    assert said.startswith("line 3: ")
    assert f"{word}: " in said


def test_csv_without_header(tmp_path: Path) -> None:
    """Without a header the fields are missing, and that is said."""
    said = complaint(tmp_path / "books.csv", "7,Emma,Jane\n8,Persuasion,Jane\n")

    assert said.startswith("line 2: ")
    assert "title: " in said


@pytest.mark.parametrize("name", ["books.jsonl", "books.csv"])
@pytest.mark.parametrize(
    "content",
    ["id,title\n".encode("utf-16"), b"\xff\n", "id,title,author\n7,Zoë,x".encode("latin-1")],
    ids=["utf-16", "byte", "latin-1"],
)
def test_no_utf_8(tmp_path: Path, name: str, content: bytes) -> None:
    """A file in another encoding is complained of by its name."""
    said = complaint(tmp_path / name, content)

    assert name in said
    assert "utf-8" in said


def test_huge_csv_field(tmp_path: Path) -> None:
    """A CSV file that is none, with a quote that never ends, is complained of by its name."""
    said = complaint(tmp_path / "books.csv", f'id,title\n7,"{"x" * 200_000}\n')

    assert "books.csv" in said


def test_no_such_file(tmp_path: Path) -> None:
    """A file that cannot be opened is complained of by its name."""
    with pytest.raises(InvalidCatalogue, match="nowhere"):
        read_catalogue(tmp_path / "nowhere.jsonl")
    with pytest.raises(InvalidCatalogue):
        read_catalogue(tmp_path)


def json_lines() -> st.SearchStrategy[bytes]:
    """Files of JSON lines that are nearly right."""
    values = st.none() | st.integers() | st.floats() | st.text(st.characters())
    books = st.dictionaries(st.sampled_from(["id", "title", "author", "cover"]), values)
    lines = st.lists((books | values | st.lists(values)).map(json.dumps) | st.text('{[",}]\0\r'))
    return lines.map("\n".join).map(str.encode)


def csv_files() -> st.SearchStrategy[bytes]:
    """Files of CSV that are nearly right."""
    cells = st.text('a7",\n\r\0;') | st.sampled_from(["id", "title", "author", "7", '"'])
    return st.lists(st.lists(cells).map(",".join)).map("\r\n".join).map(str.encode)


@pytest.mark.parametrize("name", ["books.jsonl", "books.csv"])
@given(content=st.binary() | json_lines() | csv_files())
def test_any_file_is_read(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    """Whatever is in a file, it is books, or there is one line that says why it is none."""
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    assert _said_of(path).isprintable()


def _said_of(path: Path) -> str:
    try:
        read_catalogue(path)
    except InvalidCatalogue as error:
        return error.detail
    return ""
