"""Whatever is sent, the answer is a draft or a problem that the caller can mend; never a defect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from service.app import create_app
from service.settings import Settings
from service.store import MemoryStore
from tests.api.conftest import desk

WORDS = [
    "",
    "id",
    "turns",
    "speaker",
    "text",
    "data",
    "format",
    "roles",
    "agent",
    "customer",
    "webvtt",
    "auto",
    "desk",
    "desk@1",
    "metadata",
]
TEXT = st.sampled_from(WORDS) | st.text(max_size=8)
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
ANYTHING = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
TURN = st.fixed_dictionaries(
    {}, optional={"speaker": TEXT, "participant": TEXT, "text": TEXT, "start": LEAF, "end": LEAF, "quoted": ANYTHING}
)
CONVERSATION = st.fixed_dictionaries(
    {}, optional={"id": LEAF, "channel": LEAF, "turns": st.lists(TURN | LEAF, max_size=4), "participants": ANYTHING, "metadata": ANYTHING,
                  "data": ANYTHING, "format": TEXT, "roles": ANYTHING, "encoding": TEXT, "started_at": LEAF, "evaluated_agent": LEAF}
)  # fmt: skip
RUBRIC = st.builds(
    lambda changes, at: {
        **desk(),
        "sections": [{"id": "s", "title": "S", "items": [{**desk()["sections"][0]["items"][0], **changes}]}],
        **at,
    },
    st.fixed_dictionaries(
        {},
        optional={
            "cues": ANYTHING,
            "when": ANYTHING,
            "answer": ANYTHING,
            "evidence": ANYTHING,
            "critical": ANYTHING,
            "metric": ANYTHING,
            "weight": LEAF,
            "method": TEXT,
        },
    ),
    st.fixed_dictionaries({}, optional={"bands": ANYTHING, "scoring": ANYTHING, "pass_mark": LEAF, "cues": ANYTHING}),
)
REQUEST = st.fixed_dictionaries(
    {
        "conversation": CONVERSATION | ANYTHING | st.just({"turns": [{"speaker": "agent", "text": "Hello"}]}),
        "rubric": st.just("desk") | RUBRIC | ANYTHING,
    },
    optional={"engine": st.sampled_from(["auto", "cues", "llm"]) | LEAF, "language": LEAF, "require_complete": LEAF},
)
HEADERS = {"content-type": "application/json"}
UNHURRIED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    shelf: Path = tmp_path_factory.mktemp("rubrics")
    (shelf / "desk").mkdir()
    (shelf / "desk" / "1.yaml").write_text(json.dumps(desk()))
    app = create_app(Settings(_env_file=None, rubrics_path=shelf), store=MemoryStore())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@UNHURRIED
@given(sent=REQUEST | ANYTHING)
def test_any_evaluation_request_is_answered_or_refused(client: Any, sent: Any):
    answer = client.post("/v1/evaluations", content=json.dumps(sent).encode(), headers=HEADERS)

    assert answer.status_code in (201, 400, 404, 413, 422, 503), (answer.text, sent)
    if answer.status_code == 201:
        draft = answer.json()
        assert client.get(f"/v1/evaluations/{draft['id']}").content == answer.content


@UNHURRIED
@given(sent=RUBRIC | ANYTHING)
def test_any_rubric_is_linted_and_published_or_refused(client: Any, sent: Any):
    body = json.dumps(sent).encode()
    linted, published = (
        client.post(path, content=body, headers=HEADERS) for path in ("/v1/rubrics/lint", "/v1/rubrics")
    )

    assert linted.status_code == 200, (linted.text, sent)
    assert published.status_code in (200, 201, 409, 422), (published.text, sent)
    if not linted.json()["publishable"]:
        assert published.status_code == 422


@UNHURRIED
@given(sent=st.binary(max_size=200))
def test_any_bytes_are_refused_politely(client: Any, sent: bytes):
    for path, media_type in (("/v1/evaluations", "application/json"), ("/v1/rubrics", "application/yaml")):
        assert 400 <= client.post(path, content=sent, headers={"content-type": media_type}).status_code < 500


@UNHURRIED
@given(
    query=st.dictionaries(
        st.sampled_from(
            ["from", "to", "limit", "cursor", "rubric", "conversation", "channel", "min_percent", "passed", "language"]
        ),
        TEXT,
        max_size=4,
    )
)
def test_any_query_is_answered_or_refused(client: Any, query: dict[str, str]):
    whole = {name: value.encode("utf-8", "replace") for name, value in query.items()}

    assert client.get("/v1/evaluations", params=whole).status_code in (200, 400)
