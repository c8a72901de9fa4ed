"""The stores under test: memory, SQLite and a real PostgreSQL, all held to the same contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service.store import MemoryStore, SqlStore, Store
from tests.databases import postgres_address, postgres_server  # noqa: F401 - fixtures
from tests.drafts import NOON


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'assay.db'}"
    return request.getfixturevalue("postgres_address")


@pytest.fixture
async def sql_store(address: str, clock: Clock) -> AsyncIterator[SqlStore]:
    store = SqlStore(address, clock=clock)
    await store.open()
    yield store
    await store.close()


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    """Each store in turn, open and empty."""
    made: Store
    match request.param:
        case "memory":
            made = MemoryStore(clock=clock)
        case "sqlite":
            made = SqlStore(f"sqlite:///{tmp_path / 'assay.db'}", clock=clock)
        case _:
            made = SqlStore(request.getfixturevalue("postgres_address"), clock=clock)
    await made.open()
    yield made
    await made.close()
