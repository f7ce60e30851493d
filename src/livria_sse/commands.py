"""The command line.

A command imports what it needs when it is run: what serves takes most of a second to load, and
neither a help page nor a terminal that follows a stream needs any of it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from livria_sse import __version__
from livria_sse.deploy import PROXIES, Names, configuration
from livria_sse.errors import InvalidSettings, LivriaError, StoreUnavailable
from livria_sse.loading import loading
from livria_sse.models import Account, Position

if TYPE_CHECKING:
    from livria_sse.settings import Settings
    from livria_sse.store import Store

T = TypeVar("T")

DEFAULTS = Names()
#: Books that are stored in one transaction: the step of the progress bar.
BATCH = 200


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="livria-sse")
def commands() -> None:
    """Live book reviews over plain HTTP.

    Settings are read from LIVRIA_* in the environment. Those that matter first:

    \b
    LIVRIA_DATABASE_URL   where reviews are kept      [sqlite:///livria.db]
    LIVRIA_REDIS_URL      by what processes tell each other of changes
    LIVRIA_SAMPLE_BOOKS   0: begin without books      [1]
    LIVRIA_LOG_LEVEL      debug, info, warning, error [info]
    """  # noqa: D301 - click takes the backspace as "do not wrap"


@commands.command()
@click.option("--host", help="Address to listen on. [LIVRIA_HOST, 127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one. [PORT, 8000]")
@click.option("--workers", type=int, help="Number of processes; more than 1 needs Redis. [1]")
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the site, the API and the streams.

    Brings the database up to date first; an empty one gets a dozen sample books.
    """
    with loading():
        from livria_sse.application import create_app
        from livria_sse.server import prepared, serve as run_server
        from livria_sse.settings import Settings, warn_of_unknown
        from livria_sse.store.migrate import migrate as migrate_database

        try:
            settings = Settings.from_environment(host=host, port=port, workers=workers)
        except InvalidSettings:
            warn_of_unknown()  # it may be why
            raise
        settings = prepared(settings)
        app = create_app(settings)
        # Here, a database that cannot be opened is one line.
        migrate_database(settings.database_url)
    run_server(app, settings)


@commands.command()
def migrate() -> None:
    """Bring the database's tables to this version; `serve` does it too."""
    from livria_sse.store.migrate import migrate as migrate_database

    migrate_database(_settings().database_url)
    click.echo("The database is up to date.")


@commands.command("new-epoch")
def new_epoch() -> None:
    """Declare all positions of before invalid, after a restore from a backup.

    Readers then fetch their page again, once, instead of trusting numbers that were given out
    twice. Stop the servers before, and start them after it.
    """
    epoch = _with_store(lambda store: store.facts.renew_epoch())
    click.echo(f"The epoch is now {epoch}.")


@commands.command("deploy-config")
@click.argument("proxy", type=click.Choice(list(PROXIES)))
@click.option("--host", default=DEFAULTS.host, show_default=True, help="The site's name.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=DEFAULTS.port,
    show_default=True,
    help="Where browsers come.",
)
@click.option("--certificate", default=DEFAULTS.certificate, show_default=True)
@click.option("--key", default=DEFAULTS.key, show_default=True)
@click.option(
    "--server",
    "servers",
    multiple=True,
    default=DEFAULTS.servers,
    show_default=True,
    help="Address and port of a process; may be given several times.",
)
def deploy_config(proxy: str, servers: tuple[str, ...], **given: Any) -> None:
    """Print the configuration of a proxy in front of this service.

    With HTTP/2 and TLS to the browser, and streams that pass at once.
    """
    click.echo(configuration(proxy, Names(servers=servers, **given)), nl=False)


@commands.command()
@click.argument("book", type=click.IntRange(min=1))
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The site.")
@click.option("--from", "position", default="", help="The position to begin at; EPOCH-0 for all.")
@click.option("--heartbeats", is_flag=True, help="Show those, too.")
def watch(book: int, url: str, position: str, *, heartbeats: bool) -> None:
    """Follow the stream of a BOOK in the terminal, and come back when it breaks off."""
    from livria_sse.watch import Watch

    if position and not Position.parse(position):
        raise click.BadParameter("write it like k7q2m-42", param_hint="--from")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal knows all letters
    with suppress(KeyboardInterrupt):
        Watch(url, book, position=position, heartbeats=heartbeats).follow(click.echo)


@commands.group()
def books() -> None:
    """Manage the catalogue."""


@books.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_books(file: Path) -> None:
    """Add the books in FILE, or update those whose ids are known.

    FILE is JSON lines, or CSV with a header if its name ends in .csv. The fields are id, title and
    author, and, if you like, description and cover (https:// or a path on this site). Nothing is
    stored if any line is wrong.
    """
    from livria_sse.catalogue import read_catalogue

    entries = read_catalogue(file)

    async def put(store: Store) -> None:
        with click.progressbar(length=len(entries), label="Books", file=sys.stderr) as bar:
            for start in range(0, len(entries), BATCH):
                batch = entries[start : start + BATCH]
                await store.books.put(batch)
                bar.update(len(batch))

    _with_store(put)
    click.echo(f"Imported {len(entries)} {'book' if len(entries) == 1 else 'books'}.")


@commands.group()
def accounts() -> None:
    """Manage accounts."""


@accounts.command()
@click.argument("username")
@click.option("--staff", is_flag=True, help="They may change the reviews of others.")
@click.password_option(help="Asked for if it is not given, which keeps it out of the history.")
def create(username: str, password: str, *, staff: bool) -> None:
    """Create an account."""
    from livria_sse.auth import Auth, SiteTokens, open_passwords
    from livria_sse.inputs import NewAccount, validated
    from livria_sse.settings import Settings

    chosen = validated(NewAccount, {"username": username, "password": password})

    async def sign_up(store: Store) -> Account:
        async with open_passwords() as passwords:
            tokens = SiteTokens(Settings.from_environment())
            auth = Auth(store, passwords, tokens, lifetime=timedelta())
            return await auth.sign_up(chosen.username, chosen.password, staff=staff)

    account = _with_store(sign_up)
    click.echo(f"{account.user.username} has account {account.user.id}.")


@accounts.command("set-staff")
@click.argument("username")
@click.option("--off", is_flag=True, help="They may no longer.")
def set_staff(username: str, *, off: bool) -> None:
    """Let an account change the reviews of others."""
    from livria_sse.inputs import normal_username

    name = normal_username(username)
    account = _with_store(lambda store: store.accounts.set_staff(name, staff=not off))
    click.echo(f"{account.user.username} is {'staff' if account.staff else 'not staff'}.")


def _settings() -> Settings:
    from livria_sse.settings import Settings, warn_of_unknown

    warn_of_unknown()
    return Settings.from_environment()


def _with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    from livria_sse.store import open_store

    settings = _settings()

    async def run() -> T:
        async with open_store(settings.database_url) as store:
            return await work(store)

    return asyncio.run(run())


def main(arguments: list[str] | None = None) -> None:
    """Runs a command. What goes wrong is one line; the status is 2 if it is about the settings."""
    try:
        commands(arguments, prog_name="livria-sse")
    except LivriaError as error:
        reasons = [f"{field}: {' '.join(why)}" for field, why in error.errors.items()]
        click.echo(f"livria-sse: {'; '.join(reasons) or error.detail}", err=True)
        sys.exit(2 if isinstance(error, InvalidSettings | StoreUnavailable) else 1)
