"""Answers computed from metadata and timing: the arithmetic by hand, and never a guess."""

from __future__ import annotations

from typing import Any

import pytest

from service.conversation import Conversation, Participant, QuotedSpan, Turn
from service.metrics import measure
from service.scorecard import Answered, ItemResult, NotApplicable, Unscored
from tests.builders import a_conversation, a_rubric, an_item

PEOPLE = (
    Participant(id="ana", role="agent"),
    Participant(id="ben", role="agent"),
    Participant(id="cus", role="customer"),
    Participant(id="ivr", role="system"),
)


def a_call(*turns: tuple[str, str, float | None, float | None], **changes: Any) -> Conversation:
    return Conversation(
        **{
            "id": "call",
            "channel": "voice",
            "participants": PEOPLE,
            "turns": tuple(Turn(participant=p, text=text, start=start, end=end) for p, text, start, end in turns),
        }
        | changes
    )


TURNS = (
    ("ivr", "welcome", 0.0, 2.0),
    ("cus", "hello?", 3.0, 4.0),
    ("ana", "hi, transferring", 9.0, 12.0),
    ("cus", "ok", 12.5, 13.0),
    ("ben", "hi", 43.0, 44.0),
    ("cus", "bye", 44.0, 45.0),
)
CALL = a_call(*TURNS)


def measured(conversation: Conversation, of: str, **item: Any) -> ItemResult:
    rubric = a_rubric(
        an_item(
            "m", method="metric", metric={"of": of} | item.pop("metric", {}), **{"answer": {"type": "number"}} | item
        )
    )
    return measure(conversation, rubric.items[0])


def number(conversation: Conversation, of: str, **item: Any) -> Any:
    result = measured(conversation, of, **item)
    assert isinstance(result, Answered), result
    return result.answer


def test_timings_are_counted_from_end_to_start() -> None:
    assert number(CALL, "duration") == 45
    assert number(CALL, "turns") == 6
    # first customer turn ends at 4, the first agent turn after it starts at 9
    assert number(CALL, "first_agent_response") == 5
    # waits: 4 → 9 and 13 → 43
    assert number(CALL, "longest_agent_silence") == 30
    assert number(CALL, "longest_pause") == 30


def test_only_the_evaluated_agents_waits_count_unless_the_whole_contact_is_asked() -> None:
    call = a_call(*TURNS, evaluated_agent="ana")

    assert number(call, "longest_agent_silence") == 5
    assert number(call, "longest_agent_silence", focus="contact") == 30


def test_a_notice_of_the_system_ends_no_wait_for_the_agent() -> None:
    notice = ("ivr", "Your place in the queue is kept.", 10.0, 10.0)
    call = a_call(("cus", "hello?", 0.0, 2.0), notice, ("ana", "Sorry, here I am.", 302.0, 304.0))

    assert number(call, "longest_agent_silence") == 300
    assert number(call, "first_agent_response") == 300


def test_talk_share_goes_by_time_and_leaves_the_system_out() -> None:
    # agents 3 + 1 of agents 4 and customer 1 + 0.5 + 1
    assert number(CALL, "agent_talk_share") == pytest.approx(4 / 6.5, abs=1e-4)


def test_talk_share_goes_by_characters_where_times_are_missing_and_ignores_quoted_text() -> None:
    conversation = Conversation(
        id="m",
        channel="email",
        participants=PEOPLE,
        turns=(
            Turn(participant="cus", text="12345"),
            Turn(participant="ana", text="12345> 12345", quoted=(QuotedSpan(start=5, end=12),)),
        ),
    )

    assert number(conversation, "agent_talk_share") == 0.5


def test_messages_without_an_end_end_where_they_start() -> None:
    chat = a_call(("cus", "hi", 0.0, None), ("ana", "hello", 20.0, None))

    assert number(chat, "first_agent_response") == 20


def test_overlapping_speech_is_no_negative_pause() -> None:
    assert number(a_call(("cus", "hi", 0.0, 5.0), ("ana", "hello", 4.0, 6.0)), "first_agent_response") == 0


@pytest.mark.parametrize("of", ["duration", "longest_pause", "first_agent_response", "longest_agent_silence"])
def test_missing_times_leave_the_item_unscored(of: str) -> None:
    result = measured(a_conversation("customer: hi", "agent: hello"), of)

    assert isinstance(result, Unscored)
    assert result.unscored_reason == "metadata_missing"


@pytest.mark.parametrize(
    "of", ["metadata:csat", "metadata:survey.score", "metadata:empty", "nonsense", "metadata:list.0"]
)
def test_missing_metadata_is_never_guessed(of: str) -> None:
    conversation = a_conversation(metadata={"empty": None, "survey": {}, "list": [1]})

    result = measured(conversation, of)

    assert isinstance(result, Unscored)
    assert result.unscored_reason == "metadata_missing"


def test_a_contact_without_the_speakers_has_no_response_time() -> None:
    for lines in (("agent: hi",), ("customer: hi",), ("agent: hi", "customer: hello")):
        assert isinstance(measured(a_conversation(*lines), "first_agent_response"), Unscored)


def test_dots_descend_and_a_key_with_a_dot_wins() -> None:
    conversation = a_conversation(metadata={"survey": {"score": 4}, "a.b": 1, "a": {"b": 2}})

    assert number(conversation, "metadata:survey.score") == 4
    assert number(conversation, "metadata:a.b") == 1


BANDS = {
    "bands": [
        {"max": 30, "answer": "yes"},
        {"min": 30, "max": 60, "answer": "no"},
        {"min": 600, "answer": "not_applicable"},
    ]
}


@pytest.mark.parametrize(("holds", "expected"), [(0, "yes"), (30, "yes"), (30.5, "no"), ("45", "no")])
def test_the_first_band_that_fits_answers(holds: object, expected: str) -> None:
    conversation = a_conversation(metadata={"hold": holds})

    assert number(conversation, "metadata:hold", answer={"type": "yes_no"}, metric=BANDS) == expected


def test_a_band_may_say_not_applicable_and_a_gap_is_undecided() -> None:
    def banded(value: object) -> ItemResult:
        return measured(
            a_conversation(metadata={"hold": value}), "metadata:hold", answer={"type": "yes_no"}, metric=BANDS
        )

    assert isinstance(banded(700), NotApplicable)
    for gap in (100, "soon", True, float("nan")):
        result = banded(gap)
        assert isinstance(result, Unscored)
        assert result.unscored_reason == "undecided"


@pytest.mark.parametrize(
    ("value", "answer", "expected"),
    [
        (True, {"type": "yes_no"}, "yes"),
        (False, {"type": "yes_no"}, "no"),
        ("no", {"type": "yes_no"}, "no"),
        (3, {"type": "scale", "levels": [{"value": n, "anchor": "x"} for n in (1, 2, 3)]}, 3),
        ("b", {"type": "choice", "options": [{"id": i, "label": i} for i in "ab"]}, "b"),
        (["b"], {"type": "multi_choice", "options": [{"id": i, "label": i} for i in "ab"]}, ("b",)),
        ("as told", {"type": "text"}, "as told"),
        ("7.50", {"type": "number"}, 7.5),
    ],
)
def test_metadata_that_is_an_answer_is_taken_as_it_is(value: object, answer: dict[str, Any], expected: object) -> None:
    assert number(a_conversation(metadata={"k": value}), "metadata:k", answer=answer) == expected


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("maybe", {"type": "yes_no"}),
        (9, {"type": "number", "max": 5}),
        (True, {"type": "number"}),
        ({"a": 1}, {"type": "yes_no"}),
    ],
)
def test_metadata_that_is_no_answer_of_the_item_is_undecided(value: object, answer: dict[str, Any]) -> None:
    result = measured(a_conversation(metadata={"k": value}), "metadata:k", answer=answer)

    assert isinstance(result, Unscored)
    assert result.unscored_reason == "undecided"


def test_the_reason_says_what_was_measured_and_where() -> None:
    result = measured(CALL, "longest_agent_silence")

    assert isinstance(result, Answered)
    assert result.reason == "The customer's longest wait for the agent was 30.0 seconds, before turn 4."
    assert (result.confidence.raw, result.confidence.source, result.method) == (1, "metric", "metric")
