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
from service.library import read_data
from service.settings import Settings
from service.store import MemoryStore
from tests.api.conftest import desk
from tests.conftest import ROOT

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
SPOKEN = {
    "id": "c-1", "channel": "chat", "language": "en", "started_at": "2026-05-04T09:30:00Z",
    "participants": [{"id": "a1", "role": "agent"}, {"id": "c1", "role": "customer"}],
    "turns": [{"participant": "a1", "text": "Hello, I refunded 15 dollars.", "start": 0, "end": 2}, {"participant": "c1", "text": "no, 50"}],
    "metadata": {"duration": 30}, "evaluated_agent": "a1",
}  # fmt: skip
EXPORT = {
    "format": "webvtt",
    "data": "WEBVTT\n\n00:01.000 --> 00:03.000\n<v Mara>Hello.\n",
    "roles": {"Mara": "agent"},
    "encoding": "utf-8",
}
FORMS = [desk("2")] + [
    read_data((ROOT / "rubrics" / name / "1.yaml").read_bytes()) for name in ("collections", "support-chat")
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in `value`, itself included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [place for key, one in inner for place in places(one, (*path, key))]


@st.composite
def nearly(draw: st.DrawFn, whole: Any) -> Any:
    """`whole` with up to two of its places replaced by anything, removed, doubled, or given another key."""
    changed = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.sampled_from(places(changed)))
        if not place:
            return draw(ANYTHING)
        holder = changed
        for key in place[:-1]:
            holder = holder[key]
        match draw(st.sampled_from(["replace", "remove", "double", "add"])):
            case "replace":
                holder[place[-1]] = draw(ANYTHING)
            case "remove":
                del holder[place[-1]]
            case "double" if isinstance(holder, list):
                holder.append(json.loads(json.dumps(holder[place[-1]])))
            case _ if isinstance(holder, dict):
                holder[draw(TEXT)] = draw(ANYTHING)
            case _:
                holder.append(draw(ANYTHING))
    return changed


RUBRIC = st.one_of([nearly(form) for form in FORMS])
REQUEST = st.one_of(
    nearly({"conversation": SPOKEN, "rubric": "desk", "engine": "auto", "language": "en", "require_complete": False}),
    nearly({"conversation": EXPORT, "rubric": "desk@1", "engine": "cues"}),
    st.builds(lambda rubric: {"conversation": SPOKEN, "rubric": rubric}, RUBRIC),
)
HEADERS = {"content-type": "application/json"}
UNHURRIED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
