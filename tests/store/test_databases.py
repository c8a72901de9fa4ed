"""What only databases can get wrong: start-up, migrations, addresses, pragmas, outages."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from service.errors import SettingsRejected, StoreUnavailable
from service.store import EvaluationFilter, SqlStore
from service.store.addresses import driver_url, shown
from service.store.documents import column_text, text_of_column
from tests.builders import a_conversation, a_rubric
from tests.drafts import a_draft

STARTER = """
import asyncio, sys
from service.store import SqlStore
from tests.builders import a_conversation, a_rubric
from tests.drafts import a_draft
async def main():
    store = SqlStore(sys.argv[1])
    await store.open()
    await store.keep(a_draft(sys.argv[2]), a_conversation(), a_rubric())
    await store.close()
asyncio.run(main())
"""


async def test_several_processes_may_start_at_once(address):
    """A fresh database, six processes: each finds or makes the tables and keeps its draft."""
    starts = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", STARTER, address, f"d-{number}", stderr=asyncio.subprocess.PIPE
        )
        for number in range(6)
    ]
    ends = [(await process.communicate())[1].decode() for process in starts]

    assert [process.returncode for process in starts] == [0] * 6, ends
    store = SqlStore(address)
    assert len((await store.evaluations(EvaluationFilter())).items) == 6
    await store.close()


async def test_the_migrations_make_the_tables_that_the_code_expects(sql_store: SqlStore, address: str):
    engine = create_async_engine(driver_url(address))
    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), SQLModel.metadata)
        )
    await engine.dispose()

    assert differences == []


async def test_opening_again_changes_nothing(sql_store: SqlStore, address: str):
    await sql_store.keep(a_draft(), a_conversation(), a_rubric())

    second = SqlStore(address)
    await second.open()

    assert (await second.evaluation("d-1")).id == "d-1"
    await second.close()


async def test_a_database_of_a_newer_version_is_left_alone(sql_store: SqlStore, address: str):
    engine = create_async_engine(driver_url(address))
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()

    older = SqlStore(address)
    with pytest.raises(StoreUnavailable, match="newer version"):
        await older.open()
    await older.close()


async def test_sqlite_keeps_a_write_ahead_log_and_its_foreign_keys(tmp_path: Path):
    store = SqlStore(f"sqlite:///{tmp_path / 'assay.db'}")
    await store.open()
    async with store._read() as connection:
        pragmas = [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        ]
    await store.close()

    assert pragmas == ["wal", 1, 30000]


async def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path):
    store = SqlStore(f"sqlite:///{tmp_path / 'assay.db'}")
    await store.open()
    await store.keep(a_draft(), a_conversation(), a_rubric())
    other = sqlite3.connect(tmp_path / "assay.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    draft = await asyncio.wait_for(store.evaluation("d-1"), timeout=2)

    assert draft.id == "d-1"
    other.execute("ROLLBACK")
    other.close()
    await store.close()


async def test_a_write_that_is_broken_off_leaves_the_lock_free_for_the_next(sql_store: SqlStore):
    """A keyed request stops renewing its lease when its draft is ready, wherever the renewal stands just then."""
    conversation, rubric = a_conversation(), a_rubric()
    for number in range(40):
        broken_off = asyncio.create_task(sql_store.keep(a_draft(f"a-{number}"), conversation, rubric))
        await asyncio.sleep(number * 0.0003)
        broken_off.cancel()

        await asyncio.wait_for(sql_store.keep(a_draft(f"b-{number}"), conversation, rubric), timeout=5)


async def test_a_server_that_is_not_there_is_named_without_its_password():
    store = SqlStore("postgresql://assay:hunter2@127.0.0.1:9/assay")

    with pytest.raises(StoreUnavailable) as refused:
        await store.open()
    with pytest.raises(StoreUnavailable):
        await store.ping()

    assert "127.0.0.1:9" in str(refused.value)
    assert "hunter2" not in str(refused.value)
    await store.close()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path):
    (tmp_path / "assay.db").write_text("these are not the pages you are looking for " * 100)
    store = SqlStore(f"sqlite:///{tmp_path / 'assay.db'}")

    with pytest.raises(StoreUnavailable):
        await store.open()
    await store.close()


async def test_a_store_without_tables_is_not_ready(tmp_path: Path):
    store = SqlStore(f"sqlite:///{tmp_path / 'assay.db'}")

    with pytest.raises(StoreUnavailable):
        await store.ping()
    await store.close()


@pytest.mark.parametrize(
    ("address", "becomes"),
    [
        ("sqlite:///assay.db", "sqlite+aiosqlite:///assay.db"),
        ("sqlite+aiosqlite:////tmp/assay.db", "sqlite+aiosqlite:////tmp/assay.db"),
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:***@h/d"),
        ("postgresql://u:p@h:5433/d", "postgresql+asyncpg://u:***@h:5433/d"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
        (" postgresql://h/d?sslmode=require ", "postgresql+asyncpg://h/d?ssl=require"),
    ],
)
def test_addresses_are_taken_as_operators_write_them(address, becomes):
    assert shown(driver_url(address)) == becomes


@pytest.mark.parametrize(
    "address",
    ["", "assay.db", "mysql://h/d", "sqlite://", "sqlite:///:memory:", "sqlite:////no/such/folder/assay.db",
     "postgresql://h/d?channel_binding=require"],
)  # fmt: skip
def test_an_address_that_cannot_work_is_refused_by_the_setting_s_name(address):
    with pytest.raises(SettingsRejected) as refused:
        driver_url(address)

    assert refused.value.field == "ASSAY_DATABASE_URL"
    assert refused.value.fix


@pytest.mark.parametrize("hard", ["plain", "a\\b", "\x00", "\ud800x", "\\u0000", "\\\\u0000", "سلام 👍", ""])
def test_column_text_is_safe_and_turns_back(hard):
    stored = column_text(hard)

    assert text_of_column(stored) == hard
    assert "\x00" not in stored
    stored.encode()
