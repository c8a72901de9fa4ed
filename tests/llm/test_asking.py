"""A form filled through the wire: modes, re-asks, salvage, and what is sent."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from service.llm.customs import Customs
from service.llm.model import ConnectedModel
from service.scorecard import Answered, NotApplicable, Unscored
from tests.builders import a_conversation, a_rubric, an_item
from tests.llm.conftest import drafter_with, the_call, the_form
from tests.stub_endpoint import (
    StubEndpoint,
    cut_after,
    fails,
    fields_of,
    no_choices,
    page,
    refuses,
    says,
    says_instead,
    sensible_answers,
    wraps,
)

Connect = Callable[..., ConnectedModel]
MODES = ("tools", "json_schema", "md_json")


@pytest.mark.parametrize("mode", [*MODES, "auto"])
async def test_one_call_fills_the_whole_form(stub_endpoint: StubEndpoint, connect: Connect, mode: str) -> None:
    draft = await drafter_with(connect(mode=mode)).draft(the_call(), the_form())

    assert len(stub_endpoint.requests) == 1
    assert [item.state for item in draft.items] == ["answered"] * 4
    for item in draft.items:
        for one in item.evidence:
            assert the_call().turns[one.turn].text[one.start : one.end] == one.quote
    assert draft.summary


@pytest.mark.parametrize("mode", MODES)
async def test_the_prefix_is_the_same_for_every_conversation_and_the_transcript_stands_last(
    stub_endpoint: StubEndpoint, connect: Connect, mode: str
) -> None:
    drafter = drafter_with(connect(mode=mode))
    await drafter.draft(the_call(), the_form())
    await drafter.draft(a_conversation(), the_form())

    first, second = stub_endpoint.requests
    assert first["messages"][0] == second["messages"][0]
    assert first.get("tools") == second.get("tools")
    assert first.get("response_format") == second.get("response_format")
    assert "<transcript>" in first["messages"][-1]["content"]
    assert "Monday" not in first["messages"][0]["content"]


@pytest.mark.parametrize("mode", MODES)
async def test_an_invented_quote_is_asked_again_with_the_nearest_true_passage(
    stub_endpoint: StubEndpoint, connect: Connect, mode: str
) -> None:
    invented = {"answer": "yes", "evidence": [{"turn": 3, "quote": "The refund will arrive on Tuesday"}]}
    stub_endpoint.acts = [says_instead(refund_date=invented)]

    draft = await drafter_with(connect(mode=mode)).draft(the_call(), the_form())

    assert len(stub_endpoint.requests) == 2
    again = stub_endpoint.requests[1]["messages"][-1]["content"]
    assert "`refund_date`" in again
    assert "It will arrive on Monday" in again
    assert isinstance(draft.items[1], Answered)
    assert [call.outcome for call in draft.provenance.calls] == ["reasked", "ok"]


@pytest.mark.parametrize("mode", ["tools", "json_schema"])
async def test_the_reask_asks_for_the_open_items_alone(
    stub_endpoint: StubEndpoint, connect: Connect, mode: str
) -> None:
    stub_endpoint.acts = [says_instead(refund_date=None, ownership=None)]

    await drafter_with(connect(mode=mode)).draft(the_call(), the_form())

    assert list(fields_of(stub_endpoint.requests[1])) == ["refund_date", "ownership"]


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_that_stood_is_not_changed_by_the_reask(
    stub_endpoint: StubEndpoint, connect: Connect, mode: str
) -> None:
    everything = None

    def whole_form_again(exchange) -> None:
        reply = dict(everything)
        reply["greeting"] = reply["greeting"] | {"answer": "no", "evidence": []}
        exchange.complete(reply)

    def first(exchange) -> None:
        nonlocal everything
        everything = sensible_answers(exchange.request)
        exchange.complete({key: value for key, value in everything.items() if key != "ownership"})

    stub_endpoint.acts = [first, whole_form_again]

    draft = await drafter_with(connect(mode=mode)).draft(the_call(), the_form())

    assert draft.items[0].answer == "yes"
    assert isinstance(draft.items[3], Answered)


@pytest.mark.parametrize("mode", MODES)
async def test_an_item_that_stays_unproven_is_unscored_and_the_others_keep_their_answers(
    stub_endpoint: StubEndpoint, connect: Connect, mode: str
) -> None:
    lie = says_instead(
        refund_date={
            "applicable": True,
            "answer": "yes",
            "evidence": [{"turn": 3, "quote": "It arrived yesterday by courier"}],
        }
    )
    stub_endpoint.acts = [lie, lie]

    draft = await drafter_with(connect(mode=mode)).draft(the_call(), the_form())

    assert len(stub_endpoint.requests) == 2
    open_item = draft.items[1]
    assert isinstance(open_item, Unscored)
    assert open_item.unscored_reason == "evidence_not_found"
    assert open_item.proposed == "yes"
    assert open_item.unlocated[0].quote == "It arrived yesterday by courier"
    assert [item.state for item in draft.items] == ["answered", "unscored", "answered", "answered"]
    assert draft.breakdown.score.percent is None


async def test_a_flipped_negation_is_no_evidence(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    flipped = says_instead(
        fee_waived={"answer": "yes", "evidence": [{"turn": 2, "quote": "I am able to waive the fee"}]}
    )
    stub_endpoint.acts = [flipped, flipped]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert draft.items[2].unscored_reason == "evidence_not_found"
    assert draft.items[2].unlocated[0].miss == "negation_differs"


async def test_a_quote_of_the_wrong_speaker_proves_nothing(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    of_customer = says_instead(
        refund_date={"answer": "yes", "evidence": [{"turn": 1, "quote": "My refund of 15 dollars is late."}]}
    )
    stub_endpoint.acts = [of_customer, of_customer]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert draft.items[1].unscored_reason == "evidence_not_found"
    assert draft.items[1].unlocated[0].miss == "wrong_speaker"
    assert "Only words of the agent" in stub_endpoint.requests[1]["messages"][-1]["content"]


async def test_words_of_an_agent_who_is_not_evaluated_prove_nothing_about_the_one_who_is(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    of_other = says_instead(greeting={"answer": "yes", "evidence": [{"turn": 0, "quote": "Thank you for calling"}]})
    stub_endpoint.acts = [of_other, of_other]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert draft.items[0].unscored_reason == "evidence_not_found"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "bad",
    [
        says({"items": []}),
        says("no JSON here"),
        says(""),
        says("null"),
        says("[1, 2"),
        page,
        no_choices,
        cut_after(0.6),
        says_instead(greeting={"answer": "maybe"}, refund_date={"applicable": "perhaps"}, ownership={"answer": 7}),
        lambda exchange: exchange.send(200, b"{not json"),
    ],
    ids=[
        "wrong shape",
        "prose",
        "empty",
        "null",
        "broken",
        "html",
        "no choices",
        "cut off",
        "wrong literals",
        "bad body",
    ],
)
async def test_one_bad_reply_costs_one_more_request_and_no_item(
    stub_endpoint: StubEndpoint, connect: Connect, mode: str, bad
) -> None:
    stub_endpoint.acts = [bad]

    draft = await drafter_with(connect(mode=mode)).draft(the_call(), the_form())

    assert [item.state for item in draft.items] == ["answered"] * 4
    assert len(stub_endpoint.requests) == 2


@pytest.mark.parametrize("mode", MODES)
async def test_a_model_that_never_answers_in_shape_leaves_every_item_unscored(
    stub_endpoint: StubEndpoint, connect: Connect, mode: str
) -> None:
    stub_endpoint.acts = [says("I would rather talk about it.")] * 9

    draft = await drafter_with(connect(mode=mode)).draft(the_call(), the_form())

    assert {item.unscored_reason for item in draft.items} == {"reply_invalid"}
    assert len(stub_endpoint.requests) == 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "around",
    [
        ("```json\n", "\n```"),
        ("<think>{maybe} so…</think>\n", ""),
        ('{"form": ', "}"),
        ("[", "]"),
        ("Here it is: ", " Bye."),
    ],
)
async def test_a_form_in_a_wrapping_is_read_at_once(
    stub_endpoint: StubEndpoint, connect: Connect, mode: str, around: tuple[str, str]
) -> None:
    stub_endpoint.acts = [wraps(*around)]

    draft = await drafter_with(connect(mode=mode)).draft(the_call(), the_form())

    assert [item.state for item in draft.items] == ["answered"] * 4
    assert len(stub_endpoint.requests) == 1


async def test_a_form_written_as_text_instead_of_the_tool_call_is_read(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    def as_text(exchange) -> None:
        exchange.complete(json.dumps(sensible_answers(exchange.request)), tool_calls=None)

    stub_endpoint.acts = [as_text]

    draft = await drafter_with(connect(mode="tools")).draft(the_call(), the_form())

    assert [item.state for item in draft.items] == ["answered"] * 4
    assert len(stub_endpoint.requests) == 1


async def test_a_form_sent_in_parts_is_read(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    def in_parts(exchange) -> None:
        text = json.dumps(sensible_answers(exchange.request))
        exchange.complete(None, content=[{"type": "text", "text": text[:50]}, {"type": "text", "text": text[50:]}])

    stub_endpoint.acts = [in_parts]

    draft = await drafter_with(connect(mode="json_schema")).draft(the_call(), the_form())

    assert [item.state for item in draft.items] == ["answered"] * 4
    assert len(stub_endpoint.requests) == 1


@pytest.mark.parametrize("arguments", [dict, str])
async def test_tool_arguments_may_be_an_object_instead_of_a_text(
    stub_endpoint: StubEndpoint, connect: Connect, arguments: type
) -> None:
    def as_object(exchange) -> None:
        reply = sensible_answers(exchange.request)
        said = reply if arguments is dict else json.dumps(reply)
        call = {"id": "c", "type": "function", "function": {"name": "scorecard", "arguments": said}}
        exchange.complete(None, tool_calls=[call])

    stub_endpoint.acts = [as_object]

    draft = await drafter_with(connect(mode="tools")).draft(the_call(), the_form())

    assert [item.state for item in draft.items] == ["answered"] * 4


@pytest.mark.parametrize("mode", MODES)
async def test_a_refusal_is_final_and_says_so(stub_endpoint: StubEndpoint, connect: Connect, mode: str) -> None:
    stub_endpoint.acts = [refuses]

    draft = await drafter_with(connect(mode=mode)).draft(the_call(), the_form())

    assert {item.unscored_reason for item in draft.items} == {"model_refused"}
    assert len(stub_endpoint.requests) == 1


@pytest.mark.parametrize("mode", MODES)
async def test_a_reply_that_is_cut_off_keeps_its_complete_items_and_is_continued_with_the_rest(
    stub_endpoint: StubEndpoint, connect: Connect, mode: str
) -> None:
    stub_endpoint.acts = [cut_after(0.6)]

    draft = await drafter_with(connect(mode=mode)).draft(the_call(), the_form())

    assert [item.state for item in draft.items] == ["answered"] * 4
    if mode != "md_json":
        assert "greeting" not in fields_of(stub_endpoint.requests[1])
    assert [call.outcome for call in draft.provenance.calls] == ["ReplyCutOff", "ok"]


async def test_a_reply_that_never_gets_past_the_limit_leaves_the_rest_unscored_as_cut_off(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    stub_endpoint.acts = [cut_after(0.6), cut_after(0.01), cut_after(0.01)]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert draft.items[0].state == "answered"
    assert draft.items[-1].unscored_reason == "reply_cut_off"
    assert len(stub_endpoint.requests) == 2


async def test_a_failure_during_the_reask_leaves_what_stood(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    stub_endpoint.acts = [says_instead(ownership=None), fails(400)]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert [item.state for item in draft.items] == ["answered", "answered", "answered", "unscored"]
    assert draft.items[3].unscored_reason == "reply_invalid"
    assert [call.outcome for call in draft.provenance.calls] == ["reasked", "BadRequestError"]


async def test_a_transport_error_during_the_reask_repeats_the_reask_alone(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    stub_endpoint.acts = [says_instead(ownership=None), fails(503, retry_after="0")]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert [item.state for item in draft.items] == ["answered"] * 4
    assert [call.outcome for call in draft.provenance.calls] == ["reasked", "InternalServerError", "ok"]
    assert [next(iter(fields_of(request))) for request in stub_endpoint.requests] == [
        "greeting",
        "ownership",
        "ownership",
    ]


async def test_not_applicable_is_taken_as_such(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    stub_endpoint.acts = [says_instead(fee_waived={"applicable": False, "answer": None, "evidence": []})]

    draft = await drafter_with(connect()).draft(the_call(), the_form())

    assert isinstance(draft.items[2], NotApplicable)
    assert draft.items[2].decided_by == "judge"
    assert draft.items[2].searched.turns == (0, 1, 2, 3, 4)


async def test_a_form_beyond_the_output_budget_is_asked_in_parts_at_the_same_time(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    stub_endpoint.latency = 0.2
    rubric = a_rubric(*(an_item(f"item_{number}", question="Did the agent say hello?") for number in range(12)))

    draft = await drafter_with(connect(max_output_tokens=1200)).draft(the_call(), rubric)

    assert [item.state for item in draft.items] == ["answered"] * 12
    assert len(stub_endpoint.requests) == 3
    assert stub_endpoint.most_in_flight == 3
    assert sorted(
        name for request in stub_endpoint.requests for name in fields_of(request) if name != "summary"
    ) == sorted(item.id for item in rubric.items)
    assert {call.purpose for call in draft.provenance.calls} == {"section:main/1", "section:main/2", "section:main/3"}
    assert sum("summary" in fields_of(request) for request in stub_endpoint.requests) == 1


async def test_a_part_that_fails_costs_its_own_items_only(stub_endpoint: StubEndpoint, connect: Connect) -> None:
    rubric = a_rubric(*(an_item(f"item_{number}", question="Did the agent say hello?") for number in range(12)))
    stub_endpoint.acts = [refuses]

    draft = await drafter_with(connect(max_output_tokens=1200)).draft(the_call(), rubric)

    states = [item.state for item in draft.items]
    assert states.count("unscored") == 4
    assert states.count("answered") == 8


async def test_provenance_names_model_prompt_parameters_tokens_and_cost(
    stub_endpoint: StubEndpoint, connect: Connect
) -> None:
    prices = {"stub": {"input": 2.0, "output": 8.0, "cached_input": 1.0}}

    draft = await drafter_with(connect(prices=prices, seed=7)).draft(the_call(), the_form())

    made, (call,) = draft.provenance, draft.provenance.calls
    assert (made.model, made.model_reported) == ("stub", "stub-model-2026")
    assert made.endpoint.startswith("127.0.0.1:")
    assert made.prompt == "score@1"
    assert made.prompt_digest.startswith("sha256:")
    assert made.rendered_digest.startswith("sha256:")
    assert made.parameters["seed"] == 7
    assert call.reasoning_tokens == 7
    assert call.request_id == "req-stub"
    plain, cached = call.input_tokens - call.cached_tokens, call.cached_tokens
    assert call.cost == pytest.approx((plain * 2 + cached * 1 + call.output_tokens * 8) / 1e6)
    assert "secret-key" not in draft.model_dump_json()


@pytest.mark.parametrize("mode", MODES)
async def test_what_was_learned_of_an_endpoint_serves_the_next_call(
    stub_endpoint: StubEndpoint, connect: Connect, mode: str
) -> None:
    customs = Customs(mode=mode)

    await drafter_with(connect(customs)).draft(the_call(), the_form())

    assert ("tools" in stub_endpoint.requests[0]) == (mode == "tools")
    assert ("response_format" in stub_endpoint.requests[0]) == (mode == "json_schema")
