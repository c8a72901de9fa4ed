"""Every error has its place in the one table, and nothing of our insides or of a transcript leaves through it."""

from __future__ import annotations

import inspect
import json
import logging
import re

import pytest

from service import errors
from service.api.problems import KINDS, UNEXPECTED, every_kind, kind_of
from service.complaints import sentence
from service.drafting import Readiness
from service.errors import AssayError, StoreUnavailable
from service.store import MemoryStore
from tests.api.conftest import HELLO, Serving, problem_of
from tests.scripted_model import ScriptedModel

SECRET = "my card number is 4111 and my name is Quillfeather"
SPOKEN = {"turns": [{"speaker": "agent", "text": "Hello"}, {"speaker": "customer", "text": SECRET}]}
ASK = {"conversation": SPOKEN, "rubric": "desk@1"}
OURS = {errors.SettingsRejected, errors.PromptNotFound}


def every_error() -> list[type[AssayError]]:
    return [
        cls
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, AssayError) and cls is not AssayError
    ]


@pytest.mark.parametrize("error", every_error())
def test_every_error_of_ours_has_its_kind(error):
    kind = kind_of(error("something happened"))

    assert (kind is UNEXPECTED) == (error in OURS)
    assert 400 <= kind.status < 600


def test_names_and_their_meanings_are_told_once():
    for name, kind in every_kind().items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
        assert kind.meaning.endswith(".")
        assert kind.title[0].isupper()
    assert len({id(kind) for kind in KINDS.values()}) <= len(every_kind())


async def test_the_type_of_a_problem_explains_itself(client):
    listed = (await client.get("/problems")).json()["problems"]

    for one in listed:
        assert (await client.get(one["type"])).json() == one
    problem_of(await client.get("/problems/nothing"), 404, "not-found")


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(client):
    problem_of(await client.get("/v2/evaluations"), 404, "not-found")
    refused = await client.delete("/v1/evaluations")

    problem_of(refused, 405, "method-not-allowed")
    assert "POST" in refused.headers["allow"]


class Broken(MemoryStore):
    """A store that fails in a way nobody thought of, with words of the transcript in its message."""

    async def keep(self, draft, conversation, rubric, **_):
        raise RuntimeError(f"could not keep {conversation.turns[1].text}")


class Gone(MemoryStore):
    """A store whose database went away."""

    claim = keep = evaluations = evaluation = all_published = ping = lambda self, *_, **__: self._gone()

    async def _gone(self):
        raise StoreUnavailable("the database at h does not answer.", fix="Check the server.")


async def test_a_defect_shows_an_id_and_no_insides(serving: Serving, caplog):
    caplog.set_level(logging.INFO)
    async with serving(store=Broken()) as client:
        answer = await client.post("/v1/evaluations", json=ASK, headers={"X-Request-Id": "r-77"})

    document = problem_of(answer, 500, "unexpected")
    assert document["request_id"] == "r-77"
    assert "RuntimeError" not in answer.text
    assert SECRET not in answer.text
    (line,) = [json.loads(r.message) for r in caplog.records if '"event": "unexpected"' in r.message]
    assert line["request_id"] == "r-77"
    assert line["error"][0]["type"] == "builtins.RuntimeError"
    assert any("test_problems.py" in place for place in line["error"][0]["at"])
    assert "Quillfeather" not in caplog.text


async def test_where_the_database_is_stands_in_the_log_and_not_in_the_answer(serving: Serving, caplog):
    caplog.set_level(logging.INFO)
    async with serving(store=Gone()) as client:
        answer = await client.get("/v1/evaluations")

    assert "at h" not in answer.text
    assert "the database at h does not answer. Check the server." in caplog.text


async def test_a_store_that_is_gone_is_said_everywhere_but_to_the_health_check(serving: Serving):
    async with serving(store=Gone()) as client:
        for answer in (
            await client.post("/v1/evaluations", json=ASK),
            await client.post("/v1/evaluations", json=ASK, headers={"Idempotency-Key": "k"}),
            await client.get("/v1/evaluations"),
            await client.get("/v1/evaluations/x"),
            await client.get("/v1/rubrics"),
            await client.get("/readyz"),
        ):
            problem_of(answer, 503, "store-unavailable")
            assert int(answer.headers["retry-after"]) > 0
        assert (await client.get("/healthz")).json()["status"] == "ok"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], [(None, "Must be a JSON object.")]),
        (ASK | {"rubric": 5}, [("rubric", "Must be text or an object.")]),
        (ASK | {"engine": "magic"}, [("engine", "Must be one of auto, cues or llm.")]),
        (ASK | {"require_complete": "maybe"}, [("require_complete", "Must be true or false.")]),
        (ASK | {"colour": 1}, [("colour", "There is no field of this name.")]),
        (ASK | {"language": "!"}, [("language", "Is not written as it must be.")]),
        (ASK | {"conversation": {"data": 5}}, [("conversation.data", "Must be text.")]),
        (
            ASK | {"conversation": {"data": "x", "roles": {"Tom": "boss"}}},
            [("conversation.roles.Tom", "Must be one of agent, customer, bot or system.")],
        ),
    ],
)
async def test_what_is_wrong_with_a_body_is_told_once_in_plain_words_with_a_fix(client, body, told):
    errors = (await client.post("/v1/evaluations", json=body)).json()["errors"]

    assert [(error.get("field"), error["message"]) for error in errors] == told
    assert all(error["fix"].endswith(".") for error in errors)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("limit=0", "Must be at least 1."),
        ("limit=201", "Must be at most 200."),
        ("limit=x", "Must be a whole number."),
        ("engine=magic", "Is not one of the known values."),
        ("complete=maybe", "Must be true or false."),
        ("min_percent=-1", "Must be at least 0."),
        ("max_percent=x", "Must be a number."),
    ],
)
async def test_what_is_wrong_with_a_parameter_is_told_in_plain_words_with_a_fix(client, query, told):
    document = problem_of(await client.get(f"/v1/evaluations?{query}"), 400, "invalid-parameter")

    (error,) = document["errors"]
    assert (error["field"], error["message"]) == (query.split("=")[0], told)
    assert error["fix"].startswith("Send ")
    assert document["detail"].startswith(error["field"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the field is missing.", "The field is missing."),
        ("my-full@1 is published already.", "my-full@1 is published already."),
        ("items.hold-thanked.when: no such item", "items.hold-thanked.when: no such item"),
        ("turns[3] is empty", "turns[3] is empty"),
        ("greeting: no such answer", "greeting: no such answer"),
        ("صدا", "صدا"),
        ("", ""),
    ],
)
def test_an_id_or_a_path_keeps_its_letters_at_the_start_of_a_sentence(text, said):
    assert sentence(text) == said


async def test_load_balancers_may_ask_with_head(serving: Serving):
    async with serving() as client:
        for path in ("/healthz", "/readyz"):
            answer = await client.head(path)
            assert (answer.status_code, answer.content) == (200, b"")
    async with serving(store=Gone()) as client:
        assert (await client.head("/healthz")).status_code == 200
        assert (await client.head("/readyz")).status_code == 503


# ── Logs ────────────────────────────────────────────────────────────────────────────────────────────────────────

REQUESTS = [
    ("good", "POST", "/v1/evaluations", {"json": ASK}),
    ("good with a key", "POST", "/v1/evaluations", {"json": ASK, "headers": {"Idempotency-Key": "Quillfeather"}}),
    ("bad field", "POST", "/v1/evaluations", {"json": ASK | {"engine": SECRET}}),
    (
        "bad turns",
        "POST",
        "/v1/evaluations",
        {"json": ASK | {"conversation": {"turns": [{"speaker": SECRET, "text": SECRET}, 5]}}},
    ),
    (
        "bad json",
        "POST",
        "/v1/evaluations",
        {"content": json.dumps(ASK)[:-1].encode(), "headers": {"content-type": "application/json"}},
    ),
    ("unknown rubric", "POST", "/v1/evaluations", {"json": ASK | {"rubric": SECRET}}),
    ("unreadable export", "POST", "/v1/evaluations", {"json": ASK | {"conversation": {"data": SECRET}}}),
    ("bad rubric", "POST", "/v1/rubrics", {"json": {"id": SECRET}}),
    ("in the path", "GET", f"/v1/evaluations/{SECRET}", {}),
    ("in the query", "GET", "/v1/evaluations", {"params": {"conversation": SECRET, "cursor": SECRET}}),
    ("in an unknown path", "GET", f"/{SECRET}", {}),
    ("in the id", "GET", "/healthz", {"headers": {"X-Request-Id": SECRET}}),
]


@pytest.mark.parametrize(
    ("method", "path", "more"), [case[1:] for case in REQUESTS], ids=[case[0] for case in REQUESTS]
)
async def test_no_word_of_a_transcript_reaches_the_logs(serving: Serving, caplog, capfd, method, path, more):
    caplog.set_level(logging.DEBUG)
    async with serving() as client:
        answer = await client.request(method, path, **more)

    written = caplog.text + "".join(capfd.readouterr())
    lines = [json.loads(record.message) for record in caplog.records if record.name == "assay"]
    assert "Quillfeather" not in written.replace(f'HTTP Request: {method} {answer.request.url} "', "")
    assert [line["event"] for line in lines] == ["request"]
    assert lines[0]["status"] == answer.status_code
    assert lines[0]["request_id"] == answer.headers["x-request-id"]
    assert lines[0]["route"] in ("-", "/healthz", "/v1/rubrics", "/v1/evaluations", "/v1/evaluations/{evaluation_id}")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("r-1", True), ("a.b:c_D-9", True), ("x" * 101, False), ("a b", False), ("", False), ("é", False)],
)
async def test_a_request_id_is_carried_through_when_it_is_safe_to_log(client, sent, kept):
    answer = await client.get("/healthz", headers={"X-Request-Id": sent.encode()})

    assert (answer.headers["x-request-id"] == sent) is kept
    assert answer.headers.get_list("x-request-id") == [answer.headers["x-request-id"]]
    assert answer.headers["x-request-id"]


# ── The service itself ──────────────────────────────────────────────────────────────────────────────────────────


async def test_without_a_model_the_cue_engine_is_ready_and_says_so(client):
    cues, llm = (await client.get("/v1/models")).json()["data"]

    assert (cues["engine"], cues["ready"]) == ("cues", True)
    assert (llm["engine"], llm["configured"], llm["ready"]) == ("llm", False, False)
    assert "ASSAY_LLM_MODEL" in llm["reason"]


class Counting(ScriptedModel):
    asked = 0

    async def ready(self) -> Readiness:
        self.asked += 1
        return Readiness(ready=False, detail="The endpoint answers 401: check ASSAY_LLM_API_KEY.")


async def test_a_model_s_readiness_is_told_with_its_reason_and_not_asked_for_every_time(serving: Serving):
    model = Counting({})
    async with serving(model=model) as client:
        for _ in range(3):
            _, llm = (await client.get("/v1/models")).json()["data"]

    assert (llm["configured"], llm["ready"], llm["model"], llm["endpoint"]) == (True, False, "scripted", "nowhere")
    assert "401" in llm["reason"]
    assert model.asked == 1


async def test_the_service_is_ready_when_its_store_is(client):
    assert (await client.get("/readyz")).json()["status"] == "ready"
    assert (await client.post("/v1/evaluations", json={"conversation": HELLO, "rubric": "desk@1"})).status_code == 201
