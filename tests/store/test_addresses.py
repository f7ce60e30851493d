"""Addresses of databases: what is shown of them, and what the driver is told."""

from __future__ import annotations

import pytest

from livria_sse.errors import StoreUnavailable
from livria_sse.store.addresses import connect_options, without_password


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///reviews.db", "sqlite:///reviews.db"),
        (
            "postgresql://mina:secret@db.example:5432/livria",
            "postgresql://mina@db.example:5432/livria",
        ),
        ("postgres://mina:secret@db.example/livria", "postgres://mina@db.example/livria"),
        ("postgresql://mina@db.example/livria", "postgresql://mina@db.example/livria"),
        ("postgresql://db.example/livria", "postgresql://db.example/livria"),
        ("postgresql:///livria?host=/run/postgresql", "postgresql:///livria"),
        (
            "postgresql://db.example/livria?user=mina&password=secret",
            "postgresql://db.example/livria",
        ),
        ("postgresql://mina:sec/ret@db.example/livria", "postgresql://mina@db.example/livria"),
        ("postgresql://mina:sec?ret@db.example/livria", "postgresql://mina@db.example/livria"),
        ("postgresql://mina:sec#ret@db.example/livria", "postgresql://mina@db.example/livria"),
        ("postgresql://mina:sec@ret@db.example/livria", "postgresql://mina@db.example/livria"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    """An address is shown without its password, also if that was not quoted as it should be."""
    assert without_password(url) == shown


@pytest.mark.parametrize("password", ["sec/ret", "sec?ret", "sec#ret", "12/34?ret"])
def test_unquoted_passwords_are_refused(password: str) -> None:
    """An address whose password is not quoted is refused, without a part of it in the reason."""
    with pytest.raises(StoreUnavailable, match="not a valid address") as caught:
        connect_options(f"postgresql://mina:{password}@db.example/livria")

    assert "sec" not in caught.value.detail
    assert "ret" not in caught.value.detail


def test_options_of_the_driver() -> None:
    """All of the address is left to the driver, but what libpq does not know."""
    address = "postgresql:///livria?host=/run/postgresql&sslmode=require"

    given = connect_options(f"{address}&statement_cache_size=0")

    assert given["dsn"] == "postgresql:///livria?host=%2Frun%2Fpostgresql&sslmode=require"
    assert given["statement_cache_size"] == 0
    assert (
        connect_options("postgresql://db.example/livria")["dsn"] == "postgresql://db.example/livria"
    )
