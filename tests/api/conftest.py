"""An application with a small shelf of rubrics, a store in memory and, where a test wants one, a scripted model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from service.api.evaluating import Patience
from service.app import create_app
from service.settings import Settings
from service.store import MemoryStore, Store
from tests.databases import postgres_address, postgres_server  # noqa: F401 - fixtures

HELLO = {
    "turns": [
        {"speaker": "agent", "text": "Hello, this is Mara."},
        {"speaker": "customer", "text": "My bill is wrong."},
    ]
}


def desk(version: str = "1", **changes: Any) -> dict[str, Any]:
    """A form with an item for cues, and, in version 2, one for a model and one for a person."""
    items: list[dict[str, Any]] = [
        {
            "id": "greeting", "question": "Did the agent greet the customer?", "method": "cues", "applicable_when": "Always.",
            "cues": {"rules": [{"when": {"phrase": ["hello"], "speaker": "agent"}, "answer": "yes"}], "otherwise": "no"},
        }
    ]  # fmt: skip
    if version == "2":
        items.append(
            {"id": "empathy", "question": "Did the agent show empathy?", "method": "llm", "applicable_when": "Always."}
        )
        items.append({"id": "tone", "question": "Was the voice warm?", "method": "human", "applicable_when": "Always."})
    section = {"id": "main", "title": "Main", "items": items}
    return {"id": "desk", "version": version, "title": "Desk", "pass_mark": 50, "sections": [section]} | changes


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder of shipped rubrics: desk@1 and desk@2."""
    for version in ("1", "2"):
        file = tmp_path / "rubrics" / "desk" / f"{version}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(desk(version)))
    return tmp_path / "rubrics"


Serving = Callable[..., AbstractAsyncContextManager[AsyncTestClient[Any]]]


@pytest.fixture
def serving(shelf: Path) -> Serving:
    """Starts an application of the test's own making."""

    @asynccontextmanager
    async def serve(
        *, model: Any = None, store: Store | None = None, patience: Patience | None = None, **settings: Any
    ) -> AsyncIterator[Any]:
        chosen = Settings(_env_file=None, **({"rubrics_path": shelf} | settings))
        app = create_app(chosen, model=model, store=store or MemoryStore(), patience=patience)
        async with AsyncTestClient(app=app, raise_server_exceptions=False) as client:
            yield client

    return serve


@pytest.fixture
async def client(serving: Serving) -> AsyncIterator[AsyncTestClient[Any]]:
    async with serving() as client:
        yield client


def problem_of(answer: Any, status: int, name: str) -> dict[str, Any]:
    """The answer's problem document, which has this status and kind and the form that RFC 9457 asks for."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == f"/problems/{name}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["instance"].startswith("/")
    assert document["request_id"] == answer.headers["x-request-id"]
    assert isinstance(document["errors"], list)
    return document
