"""The database has the tables that this version expects, however many processes start at once.

All migrations run in one transaction that holds a lock (PostgreSQL: an advisory lock; SQLite: the write lock), so
one process migrates and the others find the work done.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from service.errors import StoreUnavailable

_HISTORY = Path(__file__).resolve().parent / "migrations"
# Any number will do, as long as every process of this software takes the same one.
_LOCK = 7_236_512_904_411


async def migrate(engine: AsyncEngine) -> None:
    """The newest migration is applied. Raises StoreUnavailable when a newer version of the software was here."""
    writing = engine.execution_options(assay_writes=True)
    async with writing.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_HISTORY).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as unknown:
        raise StoreUnavailable(
            "the database was migrated by a newer version of this software.",
            fix="Start that version, or point ASSAY_DATABASE_URL at another database.",
        ) from unknown
