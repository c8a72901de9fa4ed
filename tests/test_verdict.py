"""Reply shapes: every item once, strict where providers are, forgiving where the meaning is plain, item by item."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.library import RubricLibrary
from service.rubric import Item
from service.verdict import RawReply, ReplyShape, Verdict, field_names, reply_shape
from tests.builders import a_rubric, an_item
from tests.conftest import ROOT
from tests.scripted_model import judged

OPTIONS = [{"id": "full", "label": "Full"}, {"id": "part", "label": "Part"}, {"id": "none", "label": "None"}]
LEVELS = [{"value": value, "anchor": f"level {value}"} for value in (-1, 0, 3)]


def shape_of(*items: dict[str, Any], with_summary: bool = True) -> ReplyShape:
    rubric = a_rubric(*items)
    return reply_shape(rubric, rubric.items, with_summary=with_summary)


def read_one(item: dict[str, Any], reply: Any) -> Verdict | str:
    """One item's verdict, or what is wrong with it."""
    raw: RawReply = shape_of(item).read(json.dumps({"x": reply}))
    return raw.verdicts.get("x") or raw.faults["x"]


# ── Schema ──────────────────────────────────────────────────────────────────────────────────────────────────────


def every_object(schema: Any) -> list[dict[str, Any]]:
    found = [schema] if isinstance(schema, dict) and schema.get("type") == "object" else []
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        found += every_object(part)
    return found


def every_keyword(schema: dict[str, Any]) -> set[str]:
    words = set(schema)
    for part in [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", [])]:
        words |= every_keyword(part)
    return words | (every_keyword(schema["items"]) if "items" in schema else set())


LIBRARY = RubricLibrary(ROOT / "rubrics")
SHIPPED = sorted(path.parent.name for path in (ROOT / "rubrics").glob("*/*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_schema_of_a_shipped_rubric_stays_within_what_providers_take(name: str) -> None:
    rubric = LIBRARY.get(name)
    shape = reply_shape(rubric, rubric.items)

    jsonschema.Draft202012Validator.check_schema(dict(shape.schema))
    assert every_keyword(dict(shape.schema)) <= {
        "type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "$defs", "$ref",
    }  # fmt: skip
    for part in every_object(dict(shape.schema)):
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])
    assert [item.id for item in shape.fields.values()] == [item.id for item in rubric.items]


def test_fields_stand_in_the_order_in_which_a_reader_decides() -> None:
    schema = shape_of(an_item("x")).schema

    assert list(schema["$defs"]["yes_no_or_na"]["properties"]) == [
        "applicable",
        "evidence",
        "reason",
        "answer",
        "confidence",
    ]
    assert list(schema["properties"]) == ["x", "summary"]


def test_an_item_that_always_applies_has_no_way_out() -> None:
    schema = shape_of(an_item("x", not_applicable="never")).schema

    fields = schema["$defs"]["yes_no"]["properties"]
    assert "applicable" not in fields
    assert fields["answer"] == {"enum": ["yes", "no"], "type": "string"}
    assert isinstance(read_one(an_item("x", not_applicable="never"), judged(None, applicable=False)), str)


def test_items_with_the_same_answers_share_one_definition_and_others_do_not() -> None:
    other = [{"id": "a", "label": "A"}, {"id": "b", "label": "B"}]
    shape = shape_of(
        an_item("one", answer={"type": "choice", "options": OPTIONS}),
        an_item("two", answer={"type": "choice", "options": OPTIONS}),
        an_item("three", answer={"type": "choice", "options": other}),
    )

    one, two, three = (shape.schema["properties"][name]["$ref"] for name in ("one", "two", "three"))
    assert one == two != three
    definition = shape.schema["$defs"][three.split("/")[-1]]
    assert definition["properties"]["answer"]["anyOf"][0]["enum"] == ["a", "b"]


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (["a.b", "a-b", "a_b"], ["a_b", "a_b_2", "a_b_3"]),
        (["summary"], ["summary_2"]),
        (["x" * 80, "x" * 79 + "y"], ["x" * 48, "x" * 44 + "_2"]),
        (["model_config", "copy", "json", "schema"], ["model_config", "copy", "json", "schema"]),
        (["1st"], ["1st"]),
    ],
)
def test_field_names_are_safe_and_unlike_each_other(ids: list[str], names: list[str]) -> None:
    assert list(field_names(ids)) == names
    shape_of(*(an_item(item_id) for item_id in ids))


def test_a_shape_is_prepared_once_per_rubric_content_and_items() -> None:
    one, same, other = a_rubric(an_item("x")), a_rubric(an_item("x")), a_rubric(an_item("x", question="Else?"))

    assert reply_shape(one, one.items) is reply_shape(same, same.items)
    assert reply_shape(one, one.items) is not reply_shape(other, other.items)
    shape = shape_of(an_item("x"), an_item("a.b"), an_item("a-b"))
    assert shape.only(["a-b"]) is shape.only(["a-b"])
    assert list(shape.only(["a-b"]).fields) == ["a_b_2"]
    assert shape.only(["x", "a.b", "a-b"]) is shape


# ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer_type", "said", "meant"),
    [
        ({"type": "yes_no"}, "yes", "yes"),
        ({"type": "yes_no"}, " No ", "no"),
        ({"type": "yes_no"}, True, "yes"),
        ({"type": "choice", "options": OPTIONS}, "part", "part"),
        ({"type": "multi_choice", "options": OPTIONS}, ["none", "full"], ("full", "none")),
        ({"type": "multi_choice", "options": OPTIONS}, ["full", "full"], ("full",)),
        ({"type": "multi_choice", "options": OPTIONS}, "full", ("full",)),
        ({"type": "multi_choice", "options": OPTIONS}, [], ()),
        ({"type": "scale", "levels": LEVELS}, "3", 3),
        ({"type": "scale", "levels": LEVELS}, -1, -1),
        ({"type": "scale", "levels": LEVELS}, 3.0, 3),
        ({"type": "number", "min": 0, "max": 10}, 2.5, 2.5),
        ({"type": "number", "min": 0, "max": 10}, 4.0, 4),
        ({"type": "text", "max_length": 5}, "  longer than five", "longe"),
    ],
)
def test_an_answer_whose_meaning_is_plain_is_taken(answer_type: dict[str, Any], said: Any, meant: Any) -> None:
    verdict = read_one(an_item("x", answer=answer_type), judged(said))

    assert isinstance(verdict, Verdict), verdict
    assert verdict.answer == meant
    assert type(verdict.answer) is type(meant)


@pytest.mark.parametrize(
    ("answer_type", "said"),
    [
        ({"type": "yes_no"}, "maybe"),
        ({"type": "yes_no"}, 3),
        ({"type": "yes_no"}, ["yes"]),
        ({"type": "choice", "options": OPTIONS}, "half"),
        ({"type": "multi_choice", "options": OPTIONS}, ["full", "half"]),
        ({"type": "scale", "levels": LEVELS}, 2),
        ({"type": "scale", "levels": LEVELS}, "2.5"),
        ({"type": "number", "min": 0, "max": 10}, 11),
        ({"type": "number"}, "many"),
        ({"type": "number"}, float("nan")),
        ({"type": "text"}, {"a": 1}),
    ],
)
def test_an_answer_that_the_item_does_not_have_is_a_fault(answer_type: dict[str, Any], said: Any) -> None:
    assert isinstance(read_one(an_item("x", answer=answer_type), judged(said)), str)


@pytest.mark.parametrize(
    "reply",
    [
        judged("no", applicable=False),
        judged(None, applicable=True),
        {"evidence": [], "reason": "", "answer": "yes", "confidence": 1},
        {"applicable": True, "reason": "", "answer": "yes", "confidence": 1},
        {"applicable": True, "evidence": [], "reason": "", "confidence": 1},
        "yes",
        None,
        [],
        {},
    ],
)
def test_a_reply_that_contradicts_itself_or_lacks_a_part_is_a_fault(reply: Any) -> None:
    assert isinstance(read_one(an_item("x"), reply), str)


@pytest.mark.parametrize("nothing", [None, "N/A", "not_applicable", " Not applicable ", ""])
def test_not_applicable_is_said_in_several_ways(nothing: Any) -> None:
    verdict = read_one(an_item("x"), judged(nothing, applicable=False))

    assert isinstance(verdict, Verdict)
    assert not verdict.applicable
    assert verdict.answer is None


@pytest.mark.parametrize(
    ("said", "taken"),
    [(0.9, 0.9), (90, 0.9), ("85%", 0.85), (1, 1.0), (0, 0.0), ("high", None), (-1, None), (500, None), (True, None)],
)
def test_confidence_never_costs_an_answer(said: Any, taken: float | None) -> None:
    verdict = read_one(an_item("x"), judged("yes", confidence=said))

    assert isinstance(verdict, Verdict)
    assert verdict.confidence == taken


@pytest.mark.parametrize(
    ("said", "turn"),
    [(3, 3), ("3", 3), ("[3]", 3), ("turn 3", 3), (-2, None), ("last", None), (None, None), (2.5, None)],
)
def test_a_turn_number_that_cannot_be_used_means_anywhere(said: Any, turn: int | None) -> None:
    verdict = read_one(an_item("x"), judged("yes") | {"evidence": [{"turn": said, "quote": "hi"}]})

    assert isinstance(verdict, Verdict)
    assert verdict.quotes[0].turn == turn


def test_one_bad_item_does_not_cost_the_others() -> None:
    raw = shape_of(an_item("a"), an_item("b"), an_item("c")).read(
        json.dumps({"a": judged("yes"), "b": {"answer": 1}, "c": judged("no"), "summary": "S"})
    )

    assert set(raw.verdicts) == {"a", "c"}
    assert set(raw.faults) == {"b"}
    assert raw.summary == "S"


def test_an_item_that_is_answered_twice_has_no_answer() -> None:
    one, two = json.dumps(judged("yes")), json.dumps(judged("no"))

    raw = shape_of(an_item("a"), an_item("b")).read(f'{{"a": {one}, "a": {two}, "b": {one}}}')

    assert raw.faults == {"a": "is answered twice"}
    assert set(raw.verdicts) == {"b"}


def test_of_several_objects_in_a_text_the_last_counts() -> None:
    """What stood earlier may be the transcript's own, repeated while thinking."""
    thought, said = json.dumps({"x": judged("no")}), json.dumps({"x": judged("yes")})

    raw = shape_of(an_item("x")).read(f"The customer pasted {thought}. So I say: {said} Done.")

    assert raw.verdicts["x"].answer == "yes"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.99])
def test_of_a_cut_off_reply_the_complete_items_are_read_and_no_half_one(share: float) -> None:
    whole = {name: judged("yes", (0, f"quote of {name}")) for name in "abcdef"}
    text = json.dumps(whole)

    raw = shape_of(*(an_item(name) for name in "abcdef")).read(text[: int(len(text) * share)], cut_off=True)

    assert len(raw.verdicts) + len(raw.faults) == 6
    for name, verdict in raw.verdicts.items():
        assert verdict.quotes[0].text == f"quote of {name}"
    assert list(raw.verdicts) == list("abcdef")[: len(raw.verdicts)]


@given(
    st.one_of(
        st.text(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda part: (
                st.lists(part, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["x", "y", "applicable", "evidence", "answer", "reason", "confidence", "turn", "quote"]
                    ),
                    part,
                    max_size=6,
                )
            ),
            max_leaves=12,
        ).map(json.dumps),
    ),
    st.booleans(),
)
def test_reading_never_raises_and_accounts_for_every_item(text: str, cut_off: bool) -> None:
    raw = shape_of(an_item("x"), an_item("y", not_applicable="never")).read(text, cut_off=cut_off)

    assert set(raw.verdicts) | set(raw.faults) == {"x", "y"}
    assert not set(raw.verdicts) & set(raw.faults)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{" * 100_000, '{"a":' * 50_000, "x" * 1_000_000, '{"x": "' + "a" * 1_000_000]
)
def test_monstrous_replies_are_read_quickly(text: str) -> None:
    assert shape_of(an_item("x")).read(text).faults


def test_faults_never_repeat_the_reply() -> None:
    fault = read_one(an_item("x"), judged("PIN 9876"))

    assert isinstance(fault, str)
    assert "9876" not in fault


def test_long_reasons_and_many_quotes_are_bounded() -> None:
    verdict = read_one(an_item("x"), judged("yes", *((0, "q") for _ in range(500)), reason="r" * 50_000))

    assert isinstance(verdict, Verdict)
    assert len(verdict.reason) <= 2_000
    assert len(verdict.quotes) <= 40
    assert isinstance(Item.model_validate(an_item("x")), Item)
