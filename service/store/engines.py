"""What is particular to SQLite and to PostgreSQL: pools, pragmas, and how a transaction begins."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_BUSY_SECONDS = 30
_WAL_ATTEMPTS = 200


def connect_engine(url: URL, *, pool_size: int) -> AsyncEngine:
    """An engine that connects on first use."""
    if url.get_backend_name() == "postgresql":
        # A connection that the server closed while it was idle is noticed before it is used.
        return create_async_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True)
    engine = create_async_engine(url, pool_size=pool_size, max_overflow=0, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


async def enter_wal(engine: AsyncEngine) -> None:
    """A SQLite file is in WAL mode, for good: readers never wait for the writer.

    SQLite does not queue for this switch as it does for writes, so processes that start at once try again.
    """
    if engine.dialect.name != "sqlite":
        return
    for attempt in range(_WAL_ATTEMPTS):
        try:
            async with engine.connect() as connection:
                raw = await connection.get_raw_connection()
                cursor = await raw.driver_connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[union-attr]
                await cursor.close()
                return
        except Exception as failure:
            if "locked" not in str(failure) or attempt == _WAL_ATTEMPTS - 1:
                raise OperationalError("PRAGMA journal_mode=WAL", None, failure) from failure
            await asyncio.sleep(0.05)


def _set_pragmas(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: `_begin` says how each begins.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    """A writer takes the write lock at once: a reader that turns writer midway would fail instead of waiting."""
    writes = connection.get_execution_options().get("assay_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
