"""A database URL as operators write it → the URL and options of an asynchronous driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from service.errors import SettingsRejected

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
# What asyncpg or SQLAlchemy understand in the query of the URL; libpq's other words would fail late and obscurely.
_POSTGRES_OPTIONS = frozenset(
    {"ssl", "host", "port", "timeout", "command_timeout", "statement_cache_size", "prepared_statement_cache_size"}
)


def driver_url(address: str) -> URL:
    """The URL for the asynchronous driver. Raises SettingsRejected for a database that is not supported."""
    try:
        url = make_url(address.strip())
    except ArgumentError as broken:
        raise _rejected("is not a database URL.") from broken
    if url.drivername not in _DRIVERS:
        raise _rejected(f"names the database {url.drivername!r}, which is not supported.")
    url = url.set(drivername=_DRIVERS[url.drivername])
    return _postgres(url) if url.get_backend_name() == "postgresql" else _sqlite(url)


def shown(url: URL) -> str:
    """The address without its password, for messages."""
    return url.render_as_string(hide_password=True)


def _sqlite(url: URL) -> URL:
    if not url.database or url.database == ":memory:" or "mode=memory" in url.database:
        raise _rejected("names a SQLite database in memory, which every connection would see as its own.")
    folder = Path(url.database).parent
    if not url.database.startswith("file:") and not folder.is_dir():
        raise _rejected(f"names a file in the folder {folder}, which does not exist.", fix="Create the folder first.")
    return url


def _postgres(url: URL) -> URL:
    query: dict[str, Any] = dict(url.query)
    if (mode := query.pop("sslmode", None)) is not None:
        query["ssl"] = mode
    if unknown := sorted(set(query) - _POSTGRES_OPTIONS):
        raise _rejected(
            f"has the option {unknown[0]!r}, which this driver does not know.",
            fix=f"Known: sslmode, {', '.join(sorted(_POSTGRES_OPTIONS))}.",
        )
    return url.set(query=query)


def _rejected(what: str, fix: str | None = None) -> SettingsRejected:
    return SettingsRejected(
        f"the address {what}",
        field="ASSAY_DATABASE_URL",
        fix=fix or "Write sqlite:///path/to/assay.db or postgresql://user:password@host:5432/database.",
    )
