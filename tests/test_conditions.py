"""Three-valued conditions, and what they make of a form's results."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from service.condition_words import asked_only
from service.conditions import Facts, apply_conditions, facts_of, holds, metadata_value
from service.cue_rules import AnswerValue
from service.rubric import Condition
from service.scorecard import Answered, ItemResult, NotApplicable, Unscored
from tests.builders import a_conversation, a_rubric, an_item

CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
CHAT = Facts(channel="chat", metadata={})


def known(**answers: AnswerValue | None) -> dict[str, ItemResult]:
    return {name: result(name, answer) for name, answer in answers.items()}


def result(item: str, answer: AnswerValue | None) -> ItemResult:
    if answer is None:
        return Unscored(item=item, unscored_reason="model_unavailable", reason="", method="llm")
    if answer == "not_applicable":
        return NotApplicable(item=item, reason="judged", decided_by="judge", method="llm")
    return Answered(item=item, answer=answer, reason="said so", method="llm")


def truth(condition: dict[str, Any] | None, results: dict[str, ItemResult] | None = None, **facts: Any) -> bool | None:
    parsed = CONDITION.validate_python(condition) if condition else None
    return holds(parsed, results or {}, Facts(**{"channel": "chat"} | facts))


def is_(answer: bool | None) -> dict[str, Any]:
    """A condition of this truth value, beside a form on which `maybe` is unscored."""
    return {True: {"channel": ["chat"]}, False: {"channel": ["voice"]}, None: {"item": "maybe", "answers": ["yes"]}}[
        answer
    ]


def test_no_condition_holds():
    assert truth(None) is True


@pytest.mark.parametrize(
    ("one", "other", "both", "either"),
    [
        (True, True, True, True),
        (True, False, False, True),
        (True, None, None, True),
        (False, False, False, False),
        (False, None, False, None),
        (None, None, None, None),
    ],
)
def test_the_logic_is_kleenes(one: bool | None, other: bool | None, both: bool | None, either: bool | None):
    """Undetermined only where the missing answer would matter, in either order."""
    for first, second in ((one, other), (other, one)):
        assert truth({"all": [is_(first), is_(second)]}, known(maybe=None)) is both
        assert truth({"any": [is_(first), is_(second)]}, known(maybe=None)) is either


@pytest.mark.parametrize(("inner", "outer"), [(True, False), (False, True), (None, None)])
def test_not_turns_round_what_is_known(inner: bool | None, outer: bool | None):
    assert truth({"not": is_(inner)}) is outer


@pytest.mark.parametrize(
    ("answer", "answers", "expected"),
    [
        ("yes", ["yes"], True),
        ("no", ["yes"], False),
        (3, [1, 3], True),
        (("a", "b"), ["b", "c"], True),
        (("a",), ["b"], False),
        ((), ["a"], False),
        (("b", "a"), [("a", "b")], True),
        (("a", "b", "c"), [("a", "b")], False),
        ((), [()], True),
        (("a",), [()], False),
        ("not_applicable", ["not_applicable"], True),
        ("not_applicable", ["yes", "no"], False),
        (None, ["yes"], None),
        (None, ["not_applicable"], None),
    ],
)
def test_a_condition_on_an_item_looks_at_its_result(
    answer: AnswerValue | None, answers: list[Any], expected: bool | None
):
    assert truth({"item": "other", "answers": answers}, known(other=answer)) is expected


def test_an_item_without_a_result_leaves_the_condition_undetermined():
    assert truth({"item": "other", "answers": ["yes"]}) is None


def test_the_channel_is_known():
    assert truth({"channel": ["voice", "chat"]}) is True
    assert truth({"channel": ["email"]}) is False


METADATA = {
    "queue": "billing",
    "minutes": 12,
    "vip": True,
    "tags": ["new", "loud"],
    "opened": "2026-03-01",
    "customer": {"tier": "gold", "since.year": 2019},
    "a.b": 1,
    "nothing": None,
}


@pytest.mark.parametrize(
    ("key", "op", "value", "expected"),
    [
        ("queue", "eq", "billing", True),
        ("queue", "ne", "sales", True),
        ("queue", "in", ["billing", "sales"], True),
        ("queue", "not_in", ["billing"], False),
        ("queue", "in", "billing", True),
        ("minutes", "gt", 11.5, True),
        ("minutes", "ge", 12, True),
        ("minutes", "lt", 12, False),
        ("minutes", "le", 12, True),
        ("opened", "ge", "2026-01-31", True),
        ("customer.tier", "eq", "gold", True),
        ("customer.since.year", "eq", 2019, True),
        ("a.b", "eq", 1, True),
        ("tags", "in", ["loud", "rude"], True),
        ("tags", "not_in", ["rude"], True),
        ("tags", "eq", ["new", "loud"], True),
        ("queue", "exists", None, True),
        ("queue", "absent", None, False),
    ],
)
def test_metadata_compares_as_asked(key: str, op: str, value: Any, expected: bool):
    assert truth({"metadata": key, "op": op, "value": value}, metadata=METADATA) is expected


@pytest.mark.parametrize("op", ["eq", "ne", "in", "not_in", "lt", "le", "gt", "ge", "exists"])
@pytest.mark.parametrize("key", ["missing", "customer.missing", "queue.inner", "nothing", ""])
def test_a_missing_value_satisfies_absent_and_nothing_else(key: str, op: str):
    key = key or "."

    assert truth({"metadata": key, "op": op, "value": "x"}, metadata=METADATA) is False
    assert truth({"metadata": key, "op": "absent"}, metadata=METADATA) is True


@pytest.mark.parametrize(
    ("key", "op", "value", "expected"),
    [
        ("minutes", "eq", "12", False),
        ("minutes", "ne", "12", True),
        ("minutes", "lt", "99", False),
        ("queue", "gt", 1, False),
        ("vip", "eq", 1, False),
        ("vip", "gt", 0, False),
        ("customer", "lt", {"tier": "z"}, False),
        ("tags", "ge", 1, False),
        ("minutes", "in", ["12", None, {}], False),
        ("queue", "lt", None, False),
    ],
)
def test_values_of_different_kinds_are_unequal_and_have_no_order(key: str, op: str, value: Any, expected: bool):
    assert truth({"metadata": key, "op": op, "value": value}, metadata=METADATA) is expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=5,
)


@given(
    json_values, json_values, st.sampled_from(["eq", "ne", "in", "not_in", "lt", "le", "gt", "ge", "exists", "absent"])
)
def test_no_pair_of_values_raises(actual: Any, value: Any, op: str):
    assert truth({"metadata": "key", "op": op, "value": value}, metadata={"key": actual}) in (True, False)


def test_a_key_spelled_out_wins_over_descending():
    assert metadata_value({"a.b": "flat", "a": {"b": "deep"}}, "a.b") == "flat"


def test_facts_are_the_channel_and_the_metadata():
    facts = facts_of(a_conversation(channel="email", metadata={"queue": "billing"}))

    assert facts == Facts(channel="email", metadata={"queue": "billing"})


# ── Results ─────────────────────────────────────────────────────────────────────────────────────────────────────

CHAIN = a_rubric(
    an_item("complaint"),
    an_item("apology", when={"item": "complaint", "answers": ["yes"]}),
    an_item("sincere", when={"item": "apology", "answers": ["yes"]}, not_applicable="never"),
    an_item("closing"),
)


def test_an_answer_whose_condition_fails_does_not_apply():
    settled = apply_conditions(CHAIN, known(complaint="no", apology="yes"), CHAT)

    assert isinstance(settled["apology"], NotApplicable)
    assert settled["apology"].decided_by == "condition"


def test_what_hangs_on_a_hidden_item_is_hidden_as_well():
    """`sincere` was answered, and even forbids N/A: the form's own conditions come before that."""
    settled = apply_conditions(CHAIN, known(complaint="no", apology="yes", sincere="yes"), CHAT)

    assert isinstance(settled["sincere"], NotApplicable)


def test_an_undetermined_answer_is_kept_as_a_proposal():
    settled = apply_conditions(CHAIN, known(complaint=None, apology="yes"), CHAT)

    assert isinstance(settled["apology"], Unscored)
    assert (settled["apology"].unscored_reason, settled["apology"].proposed) == ("condition_undetermined", "yes")
    assert isinstance(settled["sincere"], Unscored)


def test_not_applicable_by_the_judge_is_right_whichever_way_the_condition_goes():
    settled = apply_conditions(CHAIN, known(complaint=None, apology="not_applicable"), CHAT)

    assert settled["apology"] == result("apology", "not_applicable")


def test_an_item_that_is_unscored_for_its_own_reason_keeps_it():
    settled = apply_conditions(CHAIN, known(complaint=None, apology=None), CHAT)

    assert settled["apology"] == result("apology", None)


def test_items_nobody_answered_stay_without_a_result_where_they_are_asked():
    assert apply_conditions(CHAIN, known(complaint="yes"), CHAT).keys() == {"complaint", "sincere"}


def test_an_item_that_comes_back_is_unscored_until_somebody_judges_it():
    """A reviewer turns the complaint from no to yes: the apology was never judged."""
    before = apply_conditions(CHAIN, known(complaint="no"), CHAT)
    after = apply_conditions(CHAIN, before | known(complaint="yes"), CHAT)

    assert isinstance(after["apology"], Unscored)
    assert after["apology"].unscored_reason == "needs_model_or_person"


def test_a_proposal_survives_until_its_condition_is_known():
    before = apply_conditions(CHAIN, known(complaint=None, apology="yes"), CHAT)
    after = apply_conditions(CHAIN, before | known(complaint="yes"), CHAT)

    assert isinstance(after["apology"], Unscored)
    assert (after["apology"].unscored_reason, after["apology"].proposed) == ("needs_model_or_person", "yes")


def test_a_section_is_hidden_with_all_its_items():
    form = a_rubric(
        sections=[
            {
                "id": "voice",
                "title": "Voice",
                "when": {"channel": ["voice"]},
                "items": [an_item("hold"), an_item("tone")],
            },
            {"id": "all", "title": "All", "items": [an_item("greeting")]},
        ]
    )
    settled = apply_conditions(form, known(hold="yes", greeting="yes"), CHAT)

    assert {name: one.state for name, one in settled.items()} == {
        "hold": "not_applicable",
        "tone": "not_applicable",
        "greeting": "answered",
    }


def test_results_come_in_form_order_and_strangers_are_left_out():
    settled = apply_conditions(CHAIN, known(closing="yes", stranger="yes", complaint="no"), CHAT)

    assert list(settled) == ["complaint", "apology", "sincere", "closing"]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.sampled_from(["yes", "no", "not_applicable", None])
            for name in ("complaint", "apology", "sincere", "closing")
        },
    )
)
def test_applying_twice_changes_nothing_more(answers: dict[str, AnswerValue | None]):
    once = apply_conditions(CHAIN, known(**answers), CHAT)

    assert apply_conditions(CHAIN, once, CHAT) == once


# ── In words ────────────────────────────────────────────────────────────────────────────────────────────────────

HOLD = {"item": "hold", "answers": ["yes"]}
OUTCOME = {"item": "outcome", "answers": ["later", "not_applicable"]}
HELD = {"metadata": "hold_count", "op": "ge", "value": 1}
VOICE = {"channel": ["voice"]}


def told(condition: dict[str, Any], **changes: Any) -> str:
    """The reason of an item that is asked under this condition."""
    answer = {"type": "choice", "options": [{"id": "done", "label": "Done"}, {"id": "later", "label": "Call back"}]}
    items = [
        an_item("hold", question="Did the agent put the customer on hold?"),
        an_item("outcome", question="How did it end?", answer=answer),
        an_item("thanks", question="Did the agent thank for waiting?"),
    ]
    rubric = a_rubric(*items, **changes)
    return asked_only(CONDITION.validate_python(condition), rubric)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (HELD, "when metadata hold_count is at least 1"),
        ({"metadata": "queue", "value": "vip"}, "when metadata queue is vip"),
        ({"metadata": "queue", "op": "ne", "value": "vip"}, "when metadata queue is other than vip"),
        ({"metadata": "queue", "op": "in", "value": ["a", "b"]}, "when metadata queue is one of a, b"),
        ({"metadata": "queue", "op": "not_in", "value": ["a", "b"]}, "when metadata queue is none of a, b"),
        ({"metadata": "wait", "op": "lt", "value": 2.5}, "when metadata wait is less than 2.5"),
        ({"metadata": "bot", "value": True}, "when metadata bot is true"),
        ({"metadata": "csat", "op": "exists"}, "when metadata csat is given"),
        ({"metadata": "csat", "op": "absent"}, "when metadata csat is not given"),
        ({"not": {"metadata": "csat", "op": "absent"}}, "when metadata csat is given"),
        (VOICE, "by voice"),
        ({"channel": ["chat", "social"]}, "by chat or social media"),
        ({"not": VOICE}, "by another channel than voice"),
        (HOLD, "when “Did the agent put the customer on hold?” is answered yes"),
        ({"not": HOLD}, "when “Did the agent put the customer on hold?” is not answered yes"),
        (OUTCOME, "when “How did it end?” is answered Call back or not applicable"),
        ({"all": [VOICE, HELD]}, "by voice and when metadata hold_count is at least 1"),
        ({"any": [VOICE, HELD]}, "by voice or when metadata hold_count is at least 1"),
        ({"not": {"any": [VOICE, HELD]}}, "by another channel than voice and when metadata hold_count is not at least 1"),
        ({"all": [VOICE, {"any": [HELD, {"channel": ["chat"]}]}]}, "by voice and (when metadata hold_count is at least 1 or by chat)"),
    ],
)  # fmt: skip
def test_a_condition_is_told_in_words(condition: dict[str, Any], words: str):
    assert told(condition) == f"Asked only {words}."


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es-MX", "Solo se pregunta por voz y cuando el metadato hold_count es al menos 1."),
        ("fa", "فقط وقتی پرسیده می‌شود که کانال تماس صوتی باشد و مقدار hold_count حداقل 1 باشد."),
        ("zh", "仅在以下情况提问：渠道为语音，且元数据 hold_count 不小于 1。"),
        ("de", "Asked only by voice and when metadata hold_count is at least 1."),
    ],
)
def test_a_condition_is_told_in_the_language_of_the_form(language: str, said: str):
    assert told({"all": [VOICE, HELD]}, language=language) == said


@given(st.recursive(
    st.sampled_from([HELD, VOICE, HOLD, OUTCOME]),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts})
    | st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts})
    | inner.map(lambda part: {"not": part}),
    max_leaves=12,
))  # fmt: skip
def test_denying_a_condition_twice_says_the_same(condition: dict[str, Any]):
    assert told({"not": {"not": condition}}) == told(condition)
    assert len(told(condition)) <= 420


def test_the_reason_of_an_item_that_is_left_out_names_the_condition_that_fails():
    items = an_item("hold"), an_item("thanks", when={"all": [{"channel": ["chat"]}, HELD]})
    settled = apply_conditions(a_rubric(*items), known(hold="yes"), CHAT)

    assert settled["thanks"].reason == "Asked only by chat and when metadata hold_count is at least 1."
