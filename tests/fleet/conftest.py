"""Fleets, each for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet.fleet import Fleet, open_fleet
from tests.parts import PostgresCluster


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresCluster) -> Iterator[Fleet]:
    """Two processes on PostgreSQL and Redis."""
    folder = tmp_path_factory.mktemp("fleet")
    with open_fleet(folder, processes=2, postgres=postgres) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def fleet_on_a_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two processes on SQLite and Redis."""
    with open_fleet(tmp_path_factory.mktemp("fleet"), processes=2) as fleet:
        yield fleet
