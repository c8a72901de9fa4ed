"""Putting the application together touches nothing until it starts, and nothing stays open after it stops."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from service.app import create_app
from service.errors import SettingsRejected, StoreUnavailable
from service.settings import Settings
from service.store import MemoryStore
from tests.conftest import ROOT
from tests.scripted_model import ScriptedModel


def test_importing_reads_no_environment_and_opens_nothing():
    """Under Python's own audit: no connection, no environment, no file but modules and their metadata."""
    program = """
import sys, os
opened = []
def watch(event, args):
    if event == "socket.connect" or event == "sqlite3.connect":
        opened.append((event, args))
    if event == "open" and isinstance(args[0], str) and args[0].endswith((".yaml", ".db", ".env")):
        opened.append((event, args[0]))
os.environ["ASSAY_DATABASE_URL"] = "no database at all"
os.environ["ASSAY_LIMITS__TURNS"] = "not a number"
sys.addaudithook(watch)
import service.app
print(opened)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_an_application_that_has_not_started_has_no_database(tmp_path: Path):
    create_app(Settings(_env_file=None, database_url=f"sqlite:///{tmp_path / 'assay.db'}"))

    assert list(tmp_path.iterdir()) == []


def test_a_database_that_cannot_work_is_refused_when_the_parts_are_put_together():
    with pytest.raises(SettingsRejected):
        create_app(Settings(_env_file=None, database_url="mysql://h/d"))


class Watched(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []

    async def open(self) -> None:
        self.events.append("store opened")

    async def close(self) -> None:
        self.events.append("store closed")


class WatchedModel(ScriptedModel):
    def __init__(self, events: list[str]) -> None:
        super().__init__({})
        self.events = events

    async def close(self) -> None:
        self.events.append("model closed")


async def test_starting_opens_and_stopping_closes_the_store_and_the_model(shelf: Path):
    store = Watched()
    app = create_app(Settings(_env_file=None, rubrics_path=shelf), model=WatchedModel(store.events), store=store)
    async with AsyncTestClient(app=app) as client:
        await client.get("/healthz")
        store.events.append("served")

    assert store.events == ["store opened", "served", "model closed", "store closed"]


async def test_a_start_that_fails_closes_what_was_opened(shelf: Path):
    class Absent(Watched):
        async def open(self) -> None:
            raise StoreUnavailable("the database at h does not answer.")

    store = Absent()
    app: Any = create_app(Settings(_env_file=None, rubrics_path=shelf), model=WatchedModel(store.events), store=store)
    with pytest.RaisesGroup(StoreUnavailable, allow_unwrapped=True):
        async with app.lifespan():
            pass

    assert store.events == ["model closed", "store closed"]
