"""The command line: the commands that matter most as real processes, in the long suite all."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from livria_sse import __version__
from livria_sse.commands import main
from livria_sse.models import Position
from tests.parts import ServerProcess, plain_uvicorn
from tests.parts.server import FOREIGN

PASSWORD = "correct horse battery"
EMMA = '{"id": 7, "title": "Emma", "author": "Jane Austen"}'
WINGS = '{"id": 8, "title": "날개", "author": "이상"}'


class CommandLine:
    """`livria-sse` in a folder of its own, with nothing of the tester's own environment.

    A process takes its time to load everything. `serve` needs one of its own in any case, as it
    changes what it runs in: the limits and the log.
    """

    def __init__(self, folder: Path, *, here: bool = False) -> None:
        self.folder = folder
        #: Whether the other commands run in this process.
        self._here = here

    def run(
        self, *arguments: str | Path, typed: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end; what is typed is its standard input."""
        if self._here and not typed and arguments[0] != "serve":
            return self._run_here([*map(str, arguments)], variables)
        return subprocess.run(
            [sys.executable, "-m", "livria_sse", *map(str, arguments)],
            cwd=self.folder,
            env={**_environment(), **variables},
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _run_here(
        self, arguments: list[str], variables: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        said, complained = StringIO(), StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            redirect_stdout(said),
            redirect_stderr(complained),
        ):
            patch.chdir(self.folder)
            patch.setattr(os, "environ", {**_environment(), **variables})
            with pytest.raises(SystemExit) as end:
                main(arguments)
        code = end.value.code
        assert isinstance(code, int)
        return subprocess.CompletedProcess(arguments, code, said.getvalue(), complained.getvalue())

    def succeeds(self, *arguments: str | Path, **variables: str) -> str:
        """Runs a command that succeeds; what it prints."""
        result = self.run(*arguments, **variables)
        assert result.returncode == 0, result.stderr
        assert "Traceback" not in result.stderr
        return result.stdout

    def fails(self, code: int, *arguments: str | Path, **variables: str) -> str:
        """Runs a command that fails with a code and one line on stderr; the line."""
        result = self.run(*arguments, **variables)
        assert "Traceback" not in result.stderr
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert result.returncode == code
        assert line.startswith("livria-sse: ")
        return line.removeprefix("livria-sse: ")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What is in its database."""
        assert (self.folder / "livria.db").exists()
        with closing(sqlite3.connect(self.folder / "livria.db")) as connection:
            return connection.execute(sql).fetchall()

    def file(self, name: str, *lines: str) -> Path:
        """A file in its folder."""
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path


def _environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.upper().startswith(FOREIGN)
    }


@pytest.fixture(params=["here", pytest.param("process", marks=pytest.mark.long)])
def livria(request: pytest.FixtureRequest, tmp_path: Path) -> CommandLine:
    """The command line in an empty folder; processes of its own only where they have to be."""
    return CommandLine(tmp_path, here=request.param == "here")


@pytest.fixture
def process(tmp_path: Path) -> CommandLine:
    """The command line in an empty folder; each command is a process."""
    return CommandLine(tmp_path)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", ["serve", "migrate", "new-epoch", "books", "accounts", "LIVRIA_DATABASE_URL"]),
        ("serve", ["--host", "--port", "--workers", "LIVRIA_HOST", "PORT", "sample books"]),
        ("migrate", ["tables"]),
        ("new-epoch", ["backup", "Stop the servers"]),
        ("books", ["import"]),
        ("books import", ["FILE", "JSON lines", "CSV", "title", "update"]),
        ("accounts", ["create", "set-staff"]),
        ("accounts create", ["USERNAME", "--staff", "--password"]),
        ("accounts set-staff", ["USERNAME", "--off"]),
    ],
    ids=lambda text: text.replace(" ", "-") if isinstance(text, str) else "",
)
def test_help(livria: CommandLine, command: str, words: list[str]) -> None:
    """The help of every command says what it does and what it takes, and does nothing."""
    shown = livria.succeeds(*command.split(), "--help")

    assert shown.startswith("Usage: livria-sse")
    assert [word for word in words if word not in " ".join(shown.split())] == []
    assert max(map(len, shown.splitlines())) <= 100
    assert not list(livria.folder.iterdir())


def test_version(process: CommandLine) -> None:
    """It tells its version."""
    assert process.succeeds("--version") == f"livria-sse, version {__version__}\n"


def test_migrate_makes_tables(process: CommandLine) -> None:
    """`migrate` makes an empty database where the setting says, and may be repeated."""
    first = process.succeeds("migrate", LIVRIA_DATABASE_URL="sqlite:///livria.db")
    epoch = process.rows("SELECT value FROM facts WHERE name = 'epoch'")
    again = process.succeeds("migrate")

    assert first == again == "The database is up to date.\n"
    assert process.rows("SELECT count(*) FROM books") == [(0,)]
    assert process.rows("SELECT value FROM facts WHERE name = 'epoch'") == epoch


@pytest.mark.parametrize("command", ["migrate", "new-epoch"])
def test_unknown_settings(process: CommandLine, command: str) -> None:
    """A command says once that a name is no setting, and does its work."""
    result = process.run(command, LIVRIA_DATABSE_URL="sqlite:///other.db")

    said = "LIVRIA_DATABSE_URL: there is no such setting; is LIVRIA_DATABASE_URL meant?\n"
    assert (result.returncode, result.stderr) == (0, said)


@pytest.mark.parametrize("serving", [ServerProcess, plain_uvicorn])
def test_unknown_settings_of_a_server(
    tmp_path: Path, serving: Callable[..., ServerProcess]
) -> None:
    """A server says so, too, whoever has started it."""
    with serving(tmp_path, redis_ulr="redis://localhost") as server:
        said = "LIVRIA_REDIS_ULR: there is no such setting; is LIVRIA_REDIS_URL meant?\n"
        assert server.log.read_text().count(said) == 1


def test_unknown_settings_where_one_is_missing(process: CommandLine) -> None:
    """A server that does not start says which name was meant to be what it lacks."""
    result = process.run("serve", "--workers", "2", LIVRIA_REDIS_ULR="redis://localhost")

    said = "LIVRIA_REDIS_ULR: there is no such setting; is LIVRIA_REDIS_URL meant?\n"
    assert result.returncode == 2
    assert result.stderr.count(said) == 1


def test_new_epoch(livria: CommandLine) -> None:
    """`new-epoch` gives the database another epoch each time, and says which."""
    first = livria.succeeds("new-epoch").split()[-1].strip(".")
    second = livria.succeeds("new-epoch").split()[-1].strip(".")

    assert first != second
    assert Position.parse(f"{second}-0")
    assert livria.rows("SELECT value FROM facts WHERE name = 'epoch'") == [(second,)]


def test_import_twice_updates(process: CommandLine) -> None:
    """A file may be imported again: what is known is updated, its reviews stay, the rest stays."""
    process.succeeds("books", "import", process.file("books.jsonl", EMMA, WINGS))
    with closing(sqlite3.connect(process.folder / "livria.db")) as connection:
        connection.execute("UPDATE books SET last_seq = 5, review_count = 2 WHERE id = 7")
        connection.commit()

    said = process.succeeds(
        "books", "import", process.file("new.csv", "id,title,author", "7,EMMA,J. A.", "9,New,X")
    )

    assert "2 books" in said
    assert process.rows("SELECT id, title, author, last_seq, review_count FROM books") == [
        (7, "EMMA", "J. A.", 5, 2),
        (8, "날개", "이상", 0, 0),
        (9, "New", "X", 0, 0),
    ]


def test_import_shows_progress(livria: CommandLine) -> None:
    """An import of more books than fit one step stores them all, and says so."""
    lines = [f'{{"id": {n}, "title": "Book {n}", "author": "X"}}' for n in range(1, 452)]

    said = livria.succeeds("books", "import", livria.file("books.jsonl", *lines))

    assert "451 books" in said
    assert livria.rows("SELECT count(*), min(id), max(id) FROM books") == [(451, 1, 451)]


def test_import_of_wrong_file(process: CommandLine) -> None:
    """A file with a wrong line stores nothing; the line and the field are named."""
    process.succeeds("migrate")
    path = process.file("books.jsonl", EMMA, "", '{"id": 8, "title": "", "author": "이상"}')

    said = process.fails(1, "books", "import", path)

    assert said.startswith("line 3: title: ")
    assert process.rows("SELECT count(*) FROM books") == [(0,)]


def test_import_of_no_text(livria: CommandLine) -> None:
    """A file that is no text is one line that names it."""
    path = livria.folder / "cover.jsonl"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))

    assert "cover.jsonl" in livria.fails(1, "books", "import", path)


def test_import_of_no_file(livria: CommandLine) -> None:
    """A file that is not there is a wrong use of the command."""
    result = livria.run("books", "import", "nowhere.jsonl")

    assert result.returncode == 2
    assert "nowhere.jsonl" in result.stderr
    assert "Traceback" not in result.stderr


def test_accounts_create(process: CommandLine) -> None:
    """An account is made with a hash of its password; a name that differs in case is taken."""
    said = process.succeeds("accounts", "create", "민아", "--password", PASSWORD)
    process.succeeds("accounts", "create", "Mina", "--staff", "--password", PASSWORD)
    taken = process.fails(1, "accounts", "create", "MINA", "--password", PASSWORD)

    assert said == "민아 has account 1.\n"
    assert "username: " in taken
    assert "taken" in taken
    assert process.rows("SELECT username, staff FROM accounts ORDER BY id") == [
        ("민아", 0),
        ("Mina", 1),
    ]
    for (kept,) in process.rows("SELECT password_hash FROM accounts"):
        assert kept.startswith("$argon2id$")
        assert PASSWORD not in kept


def test_password_is_asked(process: CommandLine) -> None:
    """A password that is not given is asked for, twice, and not shown."""
    result = process.run("accounts", "create", "mina", typed=f"{PASSWORD}\n{PASSWORD}\n")

    assert result.returncode == 0, result.stderr
    assert "Password" in result.stdout + result.stderr
    assert PASSWORD not in result.stdout + result.stderr
    assert process.rows("SELECT username FROM accounts") == [("mina",)]


def test_wrong_accounts(livria: CommandLine) -> None:
    """A wrong name and a wrong password are one line that names both and shows neither."""
    said = livria.fails(1, "accounts", "create", "mina kim", "--password", "hunter2")

    assert "username: " in said
    assert "password: " in said
    assert "hunter2" not in said
    assert not (livria.folder / "livria.db").exists()


def test_set_staff(livria: CommandLine) -> None:
    """`set-staff` lets an account change others' reviews, and takes that back with --off."""
    livria.succeeds("accounts", "create", "mina", "--password", PASSWORD)

    assert livria.succeeds("accounts", "set-staff", "Mina") == "mina is staff.\n"
    assert livria.rows("SELECT staff FROM accounts") == [(1,)]
    assert livria.succeeds("accounts", "set-staff", "mina", "--off") == "mina is not staff.\n"
    assert livria.rows("SELECT staff FROM accounts") == [(0,)]
    assert "account" in livria.fails(1, "accounts", "set-staff", "june")


def test_names_as_typed(process: CommandLine) -> None:
    """A name that was accepted is found again as it was typed, composed or not."""
    typed = unicodedata.normalize("NFD", "민아")
    process.succeeds("accounts", "create", typed, "--password", PASSWORD)

    assert process.succeeds("accounts", "set-staff", typed) == "민아 is staff.\n"


@pytest.mark.parametrize(
    ("arguments", "variables", "name"),
    [
        (["serve", "--workers", "2"], {}, "LIVRIA_WORKERS"),
        (["serve", "--port", "99999"], {}, "LIVRIA_PORT"),
        (["serve"], {"PORT": "http"}, "PORT"),
        (["serve"], {"LIVRIA_REDIS_URL": "localhost:6379"}, "LIVRIA_REDIS_URL"),
        (
            ["serve"],
            {"LIVRIA_JWT_ALGORITHM": "RS256", "LIVRIA_JWT_JWKS_FILE": "nowhere.json"},
            "LIVRIA_JWT_JWKS_FILE",
        ),
        (
            ["serve"],
            {"LIVRIA_JWT_ALGORITHM": "RS256", "LIVRIA_JWT_PUBLIC_KEY": "-----BEGIN X-----\\nx"},
            "LIVRIA_JWT_PUBLIC_KEY",
        ),
        (["migrate"], {"LIVRIA_DATABASE_URL": "mysql://localhost/x"}, "LIVRIA_DATABASE_URL"),
        (["accounts", "set-staff", "mina"], {"LIVRIA_LIMITS": "perhaps"}, "LIVRIA_LIMITS"),
    ],
    ids=["workers", "port", "PORT", "redis", "jwks", "key", "url", "limits"],
)
def test_wrong_settings(
    livria: CommandLine, arguments: list[str], variables: dict[str, str], name: str
) -> None:
    """A wrong setting is one line that names it, and exit 2; nothing is begun."""
    said = livria.fails(2, *arguments, **variables)

    assert name in said
    assert not list(livria.folder.iterdir())


@pytest.fixture
def without_extras(process: CommandLine) -> CommandLine:
    """The command line where nothing but the package itself was installed."""
    for name in ("asyncpg", "greenlet"):
        process.file(f"{name}.py", f"raise ModuleNotFoundError({name!r})")
    return process


def test_without_extras(without_extras: CommandLine) -> None:
    """A plain installation serves."""
    with ServerProcess(without_extras.folder, migrated=False) as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        assert httpx.get(f"{server.url}/api/books/").json()["books"]


def test_extra_is_missing(without_extras: CommandLine) -> None:
    """PostgreSQL without its extra is one line that says what to install."""
    said = without_extras.fails(2, "serve", DATABASE_URL="postgresql://localhost/livria")

    assert "pip install 'livria-sse[postgres]'" in said


@pytest.mark.parametrize(
    ("command", "place"),
    [("migrate", "folder"), ("new-epoch", "file/livria.db"), ("serve", "nowhere/livria.db")],
)
def test_places_without_databases(livria: CommandLine, command: str, place: str) -> None:
    """A database that can be neither opened nor made is one line that names it."""
    livria.file("file", "not a folder")
    (livria.folder / "folder").mkdir()

    said = livria.fails(2, command, LIVRIA_DATABASE_URL=f"sqlite:///{place}")

    assert place in said


@pytest.mark.parametrize("command", ["migrate", "serve"])
def test_file_is_no_database(livria: CommandLine, command: str) -> None:
    """A file that is no database is one line that names it, and stays as it is."""
    path = livria.file("notes.txt", "This is no database. " * 100)
    before = path.read_bytes()

    said = livria.fails(2, command, LIVRIA_DATABASE_URL="sqlite:///notes.txt")

    assert "notes.txt" in said
    assert path.read_bytes() == before


def test_database_of_tomorrow(livria: CommandLine) -> None:
    """A database that a later version has migrated is left alone, and one line says so."""
    livria.succeeds("migrate")
    with closing(sqlite3.connect(livria.folder / "livria.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

    assert "livria.db" in livria.fails(2, "migrate")
