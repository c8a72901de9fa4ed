"""Every exception that the vendors export ends as one of ours, and carries no content with it."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable

import httpx2
import instructor
import instructor.core.exceptions
import instructor.v2.core.errors
import instructor.v2.core.exceptions
import openai
import pytest

from service.errors import ModelError, ModelMisconfigured, ModelRefused, ModelUnavailable, ReplyRejected
from service.llm.failures import KINDS, failure_from, kind_of
from service.llm.model import ConnectedModel
from tests.builders import a_conversation
from tests.llm.conftest import drafter_with, the_call, the_form
from tests.stub_endpoint import StubEndpoint, fails, page, says, says_instead

Connect = Callable[..., ConnectedModel]
MODULES = (openai, instructor, instructor.core.exceptions, instructor.v2.core.errors, instructor.v2.core.exceptions)


def exported_exceptions() -> list[type[BaseException]]:
    found = {
        member
        for module in MODULES
        for name, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Exception)
        and not name.startswith("_")
        and member.__module__.split(".")[0] in ("openai", "instructor")
    }
    return sorted(found, key=lambda one: one.__qualname__)


def test_the_walk_finds_the_vendors_exceptions() -> None:
    names = {one.__name__ for one in exported_exceptions()}

    assert {"RateLimitError", "APITimeoutError", "InstructorRetryException", "IncompleteOutputException"} <= names


@pytest.mark.parametrize("exported", exported_exceptions(), ids=lambda one: one.__name__)
def test_every_exported_exception_is_mapped_by_its_own_name(exported: type[BaseException]) -> None:
    assert exported in KINDS, f"{exported.__name__} is new: decide what it means for a draft"
    assert issubclass(kind_of(exported), ModelError)


def an_error(status: int, body: object = None) -> openai.APIStatusError:
    request = httpx2.Request("POST", "http://x/v1")
    return openai.APIStatusError("secret words", response=httpx2.Response(status, request=request), body=body)


def wrapped(cause: BaseException) -> BaseException:
    outer = instructor.core.exceptions.InstructorRetryException("secret words", n_attempts=1, total_usage=None)
    outer.__cause__ = cause
    return outer


def test_only_the_cause_tells_a_limit_from_an_exhausted_reask() -> None:
    limit = openai.RateLimitError(
        "x", response=httpx2.Response(429, request=httpx2.Request("POST", "http://x")), body=None
    )

    assert isinstance(failure_from(wrapped(limit)), ModelUnavailable)
    assert isinstance(failure_from(wrapped(ValueError("x"))), ReplyRejected)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, ModelMisconfigured), (401, ModelMisconfigured), (408, ModelUnavailable), (503, ModelUnavailable)],
)
def test_a_status_decides_between_mending_the_settings_and_waiting(status: int, kind: type[ModelError]) -> None:
    assert isinstance(failure_from(an_error(status)), kind)


def test_a_content_filter_is_a_refusal_and_not_a_setting_to_mend() -> None:
    assert isinstance(failure_from(an_error(400, {"code": "content_filter"})), ModelRefused)


def test_messages_carry_codes_and_never_the_endpoints_prose() -> None:
    body = {"code": "model_not_found", "param": "the customer said: my PIN is 1234", "message": "secret words"}

    said = str(failure_from(an_error(404, body)))

    assert "model_not_found" in said
    assert "1234" not in said
    assert "secret" not in said


@pytest.mark.parametrize("act", [says("PIN 9876 and nonsense"), page, fails(400, {"error": {"message": "PIN 9876"}})])
async def test_no_prompt_no_reply_and_no_error_text_reaches_a_log_or_a_draft(
    stub_endpoint: StubEndpoint, connect: Connect, caplog: pytest.LogCaptureFixture, act
) -> None:
    caplog.set_level(logging.DEBUG)
    stub_endpoint.acts = [act] * 6
    conversation = a_conversation("agent: Hello", "customer: My PIN is 9876.")

    draft = await drafter_with(connect()).draft(conversation, the_form())

    assert "9876" not in draft.model_dump_json()
    for record in caplog.records:
        assert "9876" not in record.getMessage(), record.name
        assert "secret-key" not in record.getMessage()


async def test_a_complaint_with_quotes_in_it_is_not_logged_either(
    stub_endpoint: StubEndpoint, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lie = says_instead(greeting={"answer": "yes", "evidence": [{"turn": 0, "quote": "an invention of ours"}]})
    stub_endpoint.acts = [lie, lie]

    await drafter_with(connect()).draft(the_call(), the_form())

    assert not [
        record for record in caplog.records if "invention" in record.getMessage() or "Monday" in record.getMessage()
    ]


async def test_a_defect_of_ours_is_logged_by_kind_and_place_alone(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    model = connect()

    class Broken:
        purpose, messages = "form", ()

        @property
        def shape(self):
            raise KeyError("PIN 9876")

    reply = await model.ask(Broken())  # type: ignore[arg-type]

    assert isinstance(reply.failure, ReplyRejected)
    assert "unexpected KeyError" in caplog.text
    assert "9876" not in caplog.text


async def test_no_secret_of_the_settings_reaches_a_log_or_a_draft(
    stub_endpoint: StubEndpoint, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    logging.getLogger("httpx2").setLevel(logging.NOTSET)
    address = stub_endpoint.base_url.replace("//", "//user:hunter2@")
    body = {"api_key": "hunter2", "routing": [{"access_token": "hunter2"}], "min_tokens": 7}

    draft = await drafter_with(connect(base_url=address, extra_body=body)).draft(the_call(), the_form())

    assert stub_endpoint.requests[0]["api_key"] == "hunter2"
    assert "hunter2" not in caplog.text + draft.model_dump_json()
    assert draft.provenance.parameters["extra_body"]["min_tokens"] == 7
