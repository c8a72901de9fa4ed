"""What an endpoint takes is found by trying, and tried once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from service.errors import SettingsRejected
from service.llm import connect_model
from service.llm.customs import Customs
from service.llm.model import ConnectedModel
from service.settings import LLMSettings
from tests.llm.conftest import drafter_with, the_call, the_form
from tests.stub_endpoint import Exchange, StubEndpoint, fails, refuses_when, says, says_instead, sensible_answers

Connect = Callable[..., ConnectedModel]


def modes_tried(stub: StubEndpoint) -> list[str]:
    kinds = []
    for request in stub.requests:
        kinds.append("tools" if "tools" in request else "json_schema" if "response_format" in request else "md_json")
    return kinds


async def draft_twice(model: ConnectedModel) -> None:
    for _ in range(2):
        draft = await drafter_with(model).draft(the_call(), the_form())

        assert [item.state for item in draft.items] == ["answered"] * 4


async def test_a_server_that_takes_a_schema_gets_it_strict(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    await draft_twice(connect())

    shape = stub_endpoint.requests[0]["response_format"]["json_schema"]
    assert shape["strict"] is True
    assert shape["schema"]["additionalProperties"] is False
    assert modes_tried(stub_endpoint) == ["json_schema", "json_schema"]


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_server_without_schemas_gets_tools(stub_endpoint: StubEndpoint, connect: Connect, status: int) -> None:
    stub_endpoint.refuses = refuses_when("response_format", lambda request: "response_format" in request, status)

    await draft_twice(connect())

    assert modes_tried(stub_endpoint) == ["json_schema", "tools", "tools"]
    assert stub_endpoint.requests[1]["tools"][0]["function"]["strict"] is True


async def test_a_server_with_neither_schemas_nor_tools_gets_plain_json(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    def refuse(exchange: Exchange) -> bool:
        for name in ("response_format", "tools"):
            if name in exchange.request:
                fails(400, {"error": {"message": f"{name} is not supported by this model"}})(exchange)
                return True
        return False

    stub_endpoint.refuses = refuse

    await draft_twice(connect())

    assert modes_tried(stub_endpoint) == ["json_schema", "tools", "md_json", "md_json"]


@pytest.mark.parametrize(
    "words",
    [
        "'type' must be one of 'text' or 'json_object'",
        "tools param requires --jinja flag; json_object is not supported",
    ],
)
async def test_a_server_that_says_it_in_its_own_words_is_understood(
    stub_endpoint: StubEndpoint, connect: Connect, words: str
) -> None:
    stub_endpoint.acts = [fails(400, {"error": {"code": 400, "message": words, "type": "invalid_request_error"}})]

    await draft_twice(connect())

    assert modes_tried(stub_endpoint) == ["json_schema", "tools", "tools"]


async def test_a_server_that_calls_its_lack_of_tools_an_internal_error_is_understood(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    def refuse(exchange: Exchange) -> bool:
        if "response_format" in exchange.request:
            fails(400, {"error": {"message": "response_format is unknown"}})(exchange)
        elif "tools" in exchange.request:
            fails(500, {"error": {"message": "tools param requires --jinja flag"}}, retry_after="0")(exchange)
        return "response_format" in exchange.request or "tools" in exchange.request

    stub_endpoint.refuses = refuse

    await draft_twice(connect(max_attempts=2))

    assert modes_tried(stub_endpoint) == ["json_schema", "tools", "tools", "md_json", "md_json"]


async def test_a_server_that_ignores_the_schema_is_asked_with_tools(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    stub_endpoint.acts = [says("Sure! The agent did well.")]

    await draft_twice(connect())

    assert modes_tried(stub_endpoint) == ["json_schema", "tools", "tools"]


async def test_an_unreadable_reask_says_nothing_about_a_mode_that_just_worked(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    stub_endpoint.acts = [says_instead(ownership=None), says("Sure!")]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert [item.state for item in draft.items] == ["answered", "answered", "answered", "unscored"]
    assert modes_tried(stub_endpoint) == ["json_schema", "json_schema"]
    assert draft.provenance.parameters["mode"] == "json_schema"


async def test_one_unreadable_reply_proves_nothing_against_a_mode_that_worked(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    model = connect()
    await drafter_with(model).draft(the_call(), the_form())
    stub_endpoint.acts = [says("Sure! The agent did well.")]

    await drafter_with(model).draft(the_call(), the_form())

    assert modes_tried(stub_endpoint) == ["json_schema"] * 3


async def test_an_endpoint_that_talks_nonsense_in_every_mode_is_not_remembered_for_it(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    customs = Customs()
    stub_endpoint.acts = [says("nonsense")] * 4

    draft = await drafter_with(connect(customs)).draft(the_call(), the_form())

    assert {item.unscored_reason for item in draft.items} == {"reply_invalid"}
    assert modes_tried(stub_endpoint) == ["json_schema", "tools", "md_json", "md_json"]
    assert customs == Customs()


async def test_a_configured_mode_is_never_left(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    stub_endpoint.refuses = refuses_when("tools", lambda request: "tools" in request)

    draft = await drafter_with(connect(mode="tools")).draft(the_call(), the_form())

    assert modes_tried(stub_endpoint) == ["tools"]
    assert {item.unscored_reason for item in draft.items} == {"model_misconfigured"}


@pytest.mark.parametrize(
    ("parameter", "settings"), [("temperature", {}), ("seed", {"seed": 3}), ("max_tokens", {}), ("strict", {})]
)
async def test_a_parameter_that_the_model_refuses_is_left_out_from_then_on(
    stub_endpoint: StubEndpoint, connect: Connect, parameter: str, settings: dict[str, Any]
) -> None:
    def has(request: dict[str, Any]) -> bool:
        return parameter in request or (parameter == "strict" and "strict" in request["response_format"]["json_schema"])

    stub_endpoint.refuses = refuses_when(parameter, has)

    await draft_twice(connect(**settings))

    assert [has(request) for request in stub_endpoint.requests] == [True, False, False]
    assert modes_tried(stub_endpoint) == ["json_schema"] * 3


async def test_a_refused_parameter_that_the_operator_demands_is_not_sent_for_ever(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    stub_endpoint.refuses = refuses_when("temperature", lambda request: "temperature" in request)

    draft = await drafter_with(connect(extra_body={"temperature": 0.5})).draft(the_call(), the_form())

    assert len(stub_endpoint.requests) == 1
    assert {item.unscored_reason for item in draft.items} == {"model_misconfigured"}


async def test_a_server_that_knows_no_tool_choice_gets_none(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    stub_endpoint.refuses = refuses_when("tool_choice", lambda request: "tool_choice" in request)

    await draft_twice(connect(mode="tools"))

    assert ["tool_choice" in request for request in stub_endpoint.requests] == [True, False, False]


async def test_calls_that_meet_an_unknown_endpoint_together_all_learn_and_none_fails(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    def refuse(exchange: Exchange) -> bool:
        for name in ("response_format", "temperature", "max_tokens"):
            if name in exchange.request:
                fails(400, {"error": {"message": f"{name} is not supported"}})(exchange)
                return True
        return False

    stub_endpoint.refuses = refuse
    drafter = drafter_with(connect())

    drafts = await asyncio.gather(*(drafter.draft(the_call(), the_form()) for _ in range(8)))

    assert {item.state for draft in drafts for item in draft.items} == {"answered"}


async def test_the_budget_goes_by_its_newer_name_where_the_older_is_refused(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    stub_endpoint.refuses = refuses_when("max_tokens", lambda request: "max_tokens" in request)

    await draft_twice(connect())

    assert stub_endpoint.requests[-1]["max_completion_tokens"] == 8000


async def test_provenance_does_not_claim_a_parameter_that_was_left_out(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    stub_endpoint.refuses = refuses_when("temperature", lambda request: "temperature" in request)

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert "temperature" not in draft.provenance.parameters


async def test_a_refusal_that_repeats_the_whole_request_is_not_taken_for_a_complaint_about_it(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    """FastAPI servers send the request back as `input`: every parameter's name stands in it."""

    def echo(exchange: Exchange) -> bool:
        if "temperature" not in exchange.request:
            return False
        detail = [{"loc": ["body", "temperature"], "msg": "not permitted", "input": exchange.request}]
        exchange.send(422, {"detail": detail})
        return True

    stub_endpoint.refuses = echo

    await draft_twice(connect(seed=3))

    assert stub_endpoint.requests[-1]["seed"] == 3
    assert stub_endpoint.requests[-1]["max_tokens"] == 8000
    assert modes_tried(stub_endpoint) == ["json_schema"] * 3


async def test_a_prompt_that_is_too_long_is_said_to_be_and_nothing_is_left_out_for_it(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    message = (
        "This model's maximum context length is 8192 tokens; reduce the messages, the tools or the response_format."
    )
    stub_endpoint.acts = [fails(400, {"error": {"message": message, "code": "context_length_exceeded"}})]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert len(stub_endpoint.requests) == 1
    assert "longer than the model's context window" in draft.items[0].reason


async def test_a_budget_that_does_not_fit_beside_the_prompt_is_left_out_for_this_call(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    message = "This model's maximum context length is 8192 tokens, and you requested 9000 (1000 in the messages, 8000 in the completion)."
    stub_endpoint.acts = [fails(400, {"error": {"message": message}})]

    await draft_twice(connect())

    assert ["max_tokens" in request for request in stub_endpoint.requests] == [True, False, True]


async def test_extra_body_is_sent_as_given(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    await drafter_with(connect(extra_body={"top_k": 1})).draft(the_call(), the_form())

    assert stub_endpoint.requests[0]["top_k"] == 1


async def test_tools_and_text_modes_reask_in_their_own_manner(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    for mode, role in (("tools", "tool"), ("json_schema", "user"), ("md_json", "user")):
        stub_endpoint.requests.clear()
        stub_endpoint.acts = [says_instead(ownership=None)]

        await drafter_with(connect(mode=mode)).draft(the_call(), the_form())

        assert stub_endpoint.requests[1]["messages"][-1]["role"] == role


def test_no_model_configured_connects_nothing() -> None:
    assert connect_model(LLMSettings()) is None


def test_a_model_without_endpoint_and_key_is_a_mistake_that_is_named() -> None:
    with pytest.raises(SettingsRejected, match="ASSAY_LLM_MODEL"):
        connect_model(LLMSettings(model="m"))


async def test_openai_itself_is_asked_with_the_newer_budget_name() -> None:
    model = connect_model(LLMSettings(model="m", api_key="k"))

    assert model is not None
    assert model.identity.endpoint == "api.openai.com"
    await model.close()


async def test_what_is_learned_is_remembered_by_the_process(stub_endpoint: StubEndpoint) -> None:
    stub_endpoint.refuses = refuses_when("response_format", lambda request: "response_format" in request)
    for _ in range(2):
        model = connect_model(LLMSettings(model="stub", base_url=stub_endpoint.base_url))
        assert model is not None
        await drafter_with(model).draft(the_call(), the_form())
        await model.close()

    assert modes_tried(stub_endpoint) == ["json_schema", "tools", "tools"]


def test_the_stub_answers_what_it_is_asked() -> None:
    assert sensible_answers({"messages": [{"role": "user", "content": "hi"}]}) == {}


@pytest.mark.parametrize(
    "address",
    ["localhost:8000/v1", "/v1", "ftp://host/v1", "http://user:hunter2@host:port/v1", "http://host/v1?key=hunter2"],
)
def test_an_address_that_cannot_be_an_endpoint_is_refused_at_the_start_and_not_repeated(address: str) -> None:
    with pytest.raises(SettingsRejected, match="ASSAY_LLM_BASE_URL") as refused:
        connect_model(LLMSettings(model="stub", base_url=address))

    assert "hunter2" not in str(refused.value)
