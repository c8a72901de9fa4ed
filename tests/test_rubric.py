"""The model of rubrics: what it refuses, what answers are worth, and the schema that is published of it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from service.cue_rules import AnswerValue
from service.library import read_data
from service.rubric import Item, Rubric, number_probes, rubric_document, rubric_json_schema, sample_answers
from service.value import canonical_json
from tests.builders import a_rubric, an_item

RUBRICS = Path(__file__).resolve().parent.parent / "rubrics"
SHIPPED = sorted(RUBRICS.glob("*/*.yaml"))


def item(**changes: Any) -> Item:
    return Item.model_validate(an_item(**changes))


def options(**points: float) -> list[dict[str, Any]]:
    return [{"id": name, "label": name, "points": worth} for name, worth in points.items()]


def choice(**points: float) -> dict[str, Any]:
    return {"type": "choice", "options": options(**points)}


def several(**points: float) -> dict[str, Any]:
    return {"type": "multi_choice", "options": options(**points)}


def scale(*levels: int, **more: Any) -> dict[str, Any]:
    return {"type": "scale", "levels": [{"value": level, "anchor": f"does {level}"} | more for level in levels]}


def number(*bands: tuple[float | None, float | None, float], **limits: float) -> dict[str, Any]:
    return {"type": "number", "bands": [{"min": low, "max": high, "points": p} for low, high, p in bands]} | limits


# ── What is refused ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answer": scale(2, 1)}, "levels must ascend"),
        ({"answer": scale(1, 1)}, "levels must ascend"),
        ({"answer": {"type": "choice", "options": options(a=1) * 2}}, "two options share an id"),
        ({"answer": choice(not_applicable=1, b=0)}, "reserved words"),
        ({"answer": several(unscored=1)}, "reserved words"),
        ({"answer": choice(a=1)}, "at least 2 items"),
        ({"method": "cues"}, "no cues block"),
        ({"method": "metric"}, "no metric block"),
        ({"critical": {"family": "customer", "fails_on": ["maybe"]}}, "critical.fails_on: 'maybe' is not an answer"),
        ({"evidence": {"absence": ["never"]}}, "evidence.absence: 'never' is not an answer"),
        ({"evidence": {"quotes_for": [3]}, "answer": scale(1, 2)}, "evidence.quotes_for: 3 is not an answer"),
        ({"exemplars": [{"quote": "Hi", "answer": "maybe"}]}, "exemplars.answer: 'maybe' is not an answer"),
        ({"cues": {"otherwise": "maybe"}}, "cues.otherwise: 'maybe' is not an answer"),
        ({"cues": {"otherwise": "not_applicable"}, "not_applicable": "never"}, "the item never allows it"),
        (
            {"metric": {"of": "turns", "bands": [{"answer": "unscored"}]}},
            "metric.bands.answer: 'unscored' is not an answer",
        ),
        ({"guidence": "…"}, "Extra inputs are not permitted"),
        ({"weight": -1}, "greater than or equal to 0"),
        ({"weight": float("nan")}, "finite number"),
        ({"id": "Greeting"}, "match pattern"),
        ({"when": {"metadata": "day", "op": "ge", "value": date(2026, 1, 1)}}, "quote dates"),
        ({"when": {"metadata": "n", "op": "ge", "value": float("nan")}}, "a value is text, a number"),
        ({"when": {"weather": "fine"}}, "a condition is one of: all, any, not, item, channel, metadata"),
    ],
)
def test_an_item_that_contradicts_itself_is_refused(changes: dict[str, Any], reason: str):
    with pytest.raises(ValidationError, match=reason):
        item(**changes)


@pytest.mark.parametrize(
    ("items", "changes", "reason"),
    [
        ([an_item("a"), an_item("a")], {}, "item ids must be unique; used twice: a"),
        ([an_item("a", when={"item": "b", "answers": ["yes"]})], {}, "items.a.when: no item has the id 'b'"),
        (
            [an_item("a", when={"item": "b", "answers": ["yes"]}), an_item("b")],
            {},
            "a condition may only name earlier items",
        ),
        ([an_item("a", when={"item": "a", "answers": ["yes"]})], {}, "a condition may only name earlier items"),
        (
            [an_item("a"), an_item("b", when={"item": "a", "answers": ["maybe"]})],
            {},
            "items.b.when.answers: 'maybe' is not an answer",
        ),
        (
            [an_item("a", not_applicable="never"), an_item("b", when={"item": "a", "answers": ["not_applicable"]})],
            {},
            "the item never allows it",
        ),
        ([an_item("a", cues={"applicable": {"ref": "x"}})], {}, "items.a.cues.applicable: ref 'x' is not among"),
        ([an_item("a")], {"cues": {"x": {"ref": "y"}, "y": {"any": [{"ref": "x"}]}}}, "in a circle: x, y"),
        ([an_item("a")], {"cues": {"x": {"ref": "x"}}}, "in a circle: x"),
        ([an_item("a")], {"version": "v1"}, "match pattern"),
        ([an_item("a")], {"sections": []}, "at least 1 item"),
    ],
)
def test_a_form_that_is_not_whole_is_refused(items: list[dict[str, Any]], changes: dict[str, Any], reason: str):
    with pytest.raises(ValidationError, match=reason):
        a_rubric(*items, **changes)


def test_a_section_may_only_look_back_past_itself():
    inner = {"id": "s", "title": "S", "when": {"item": "a", "answers": ["yes"]}, "items": [an_item("a")]}

    with pytest.raises(ValidationError, match=r"sections.s.when: 'a' comes later"):
        a_rubric(sections=[inner])


def test_a_condition_may_name_the_absence_of_an_item_that_the_form_may_leave_out():
    """`never` binds whoever judges; on chat the form itself leaves `hold` out."""
    form = a_rubric(
        an_item("hold", not_applicable="never", when={"channel": ["voice"]}),
        an_item("wait", when={"item": "hold", "answers": ["not_applicable"]}),
    )

    assert form.item("wait").when is not None


# ── What answers are worth ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "given", "points"),
    [
        ({"type": "yes_no", "yes_points": 2, "no_points": -1}, "no", -1),
        (choice(full=3, part=1.5), "part", 1.5),
        (several(a=0.1, b=0.2), ("a", "b"), 0.3),
        (several(a=1, b=2), (), 0),
        (several(a=1, b=2) | {"max_points": 2}, ("a", "b"), 2),
        (several(a=-1, b=-2) | {"min_points": -2}, ("a", "b"), -2),
        (scale(1, 2, 5), 5, 4),
        (scale(1, 2, points=7), 1, 7),
        (number((None, 10, 3), (5, None, 1)), 7, 3),
        (number((None, 10, 3), (5, None, 1)), 11, 1),
        (number((0, 1, 3)), 2, 0),
        ({"type": "number"}, 5, 0),
        ({"type": "text"}, "words", 0),
    ],
)
def test_points_of_an_answer(answer: dict[str, Any], given: AnswerValue, points: float):
    assert item(answer=answer).points_for(given) == points


@pytest.mark.parametrize(
    ("answer", "given"),
    [
        ({"type": "yes_no"}, "maybe"),
        (choice(a=1, b=0), ("a",)),
        (several(a=1), "a"),
        (several(a=1), ("a", "a")),
        (several(a=1), ("b",)),
        (scale(1, 2), 3),
        (scale(1, 2), "1"),
        (number(min=0, max=5), 6),
        (number(), "5"),
        ({"type": "text", "max_length": 3}, "four"),
        ({"type": "yes_no"}, "not_applicable"),
    ],
)
def test_what_is_no_answer_has_no_points(answer: dict[str, Any], given: AnswerValue):
    with pytest.raises(ValueError, match="is not an answer of this item"):
        item(answer=answer).points_for(given)


@pytest.mark.parametrize(
    ("answer", "low", "high"),
    [
        ({"type": "yes_no", "yes_points": -1, "no_points": 2}, -1, 2),
        (several(a=0.1, b=0.2, c=-1), -1, 0.3),
        (several(a=1, b=2) | {"max_points": 10, "min_points": -5}, 0, 3),
        (number((0, 10, 5), min=0, max=10), 5, 5),
        (number((0, 10, 5)), 0, 5),
        (number((0, 10, 5), (20, 30, 4), min=0, max=30), 0, 5),
        (number((0, 10, 5), (10, 20, 4), min=0, max=20), 4, 5),
        (number((0, 10, 5), (2, 3, 99), min=0, max=10), 5, 5),
        (number((0, 10, -5)), -5, 0),
        ({"type": "text"}, 0, 0),
    ],
)
def test_the_range_of_points_is_what_answers_can_earn(answer: dict[str, Any], low: float, high: float):
    """Gaps between bands earn nothing, shadowed bands give nothing, limits beyond the options change nothing."""
    assert item(answer=answer).points_range == (low, high)


@given(
    st.lists(
        st.tuples(st.none() | st.integers(-5, 5), st.none() | st.integers(-5, 5), st.integers(-3, 3)),
        min_size=1,
        max_size=3,
    ),
    st.none() | st.integers(-4, 0),
    st.none() | st.integers(0, 4),
    st.fractions(-8, 8, max_denominator=4),
)
def test_the_probes_of_a_number_meet_everything_that_any_number_can_earn(
    bands: list[Any], low: int | None, high: int | None, value: Any
):
    one = item(answer=number(*bands, **{k: v for k, v in {"min": low, "max": high}.items() if v is not None}))
    if one.allows(float(value)):
        assert one.points_for(float(value)) in {one.points_for(probe) for probe in number_probes(one.answer)}


def test_sample_answers_include_what_is_named_and_something_that_is_not():
    assert sample_answers(item(answer=scale(1, 3))) == (1, 3)
    assert len(sample_answers(item(answer=several(a=1, b=2))) or ()) == 4
    assert sample_answers(item(answer=several(**{f"o{n}": 1 for n in range(9)}))) is None
    texts = sample_answers(item(answer={"type": "text"}), "refund") or ()
    assert "refund" in texts
    assert len(texts) == 2


# ── Critical errors, evidence ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "fails_on", "failing", "right"),
    [
        ({"type": "yes_no"}, None, ["no"], ["yes"]),
        ({"type": "yes_no", "yes_points": 0, "no_points": 1}, None, ["yes"], ["no"]),
        (choice(full=2, part=1, none=0), None, ["part", "none"], ["full"]),
        (choice(full=2, part=1, none=0), ["none"], ["none"], ["full", "part"]),
        (scale(1, 2, 3), [1], [1], [2, 3]),
        (several(a=1, b=1, c=-1), ["c"], [("c",), ("a", "c")], [("a", "b"), ()]),
        (several(a=1, b=1), [[]], [()], [("a",)]),
        (several(a=1, b=1), None, [("a",), ()], [("a", "b")]),
        (number((0, 120, 10), (120, None, 0), min=0), None, [121], [0, 120]),
    ],
)
def test_the_answers_that_are_the_error(answer: dict[str, Any], fails_on: Any, failing: list[Any], right: list[Any]):
    one = item(answer=answer, critical={"family": "customer", "fails_on": fails_on})

    assert [given for given in failing + right if one.fails(given)] == failing
    assert not any(item(answer=answer).fails(given) for given in failing)


@pytest.mark.parametrize(
    ("answer", "rule", "needed"),
    [
        ({"type": "yes_no"}, {}, {"yes": 1, "no": 0}),
        ({"type": "yes_no"}, {"absence": []}, {"yes": 1, "no": 1}),
        ({"type": "yes_no"}, {"absence": ["yes"]}, {"yes": 0, "no": 1}),
        ({"type": "yes_no"}, {"min_quotes": 2, "quotes_for": ["yes"]}, {"yes": 2, "no": 0}),
        (choice(a=1, b=0), {}, {"a": 1, "b": 1}),
        (scale(1, 2), {"absence": [1]}, {1: 0, 2: 1}),
        (several(a=1, b=1, none=0), {}, {(): 0, ("a",): 1}),
        (several(a=1, b=1, none=0), {"absence": ["none"]}, {("none",): 0, ("a", "none"): 1, ("a",): 1}),
        (several(a=1, b=1, none=0), {"quotes_for": ["a"]}, {("a", "b"): 1, ("b",): 0}),
        ({"type": "text"}, {}, {"words": 0}),
        ({"type": "text"}, {"quotes_for": ["words"]}, {"words": 1, "others": 0}),
    ],
)
def test_quotes_that_an_answer_needs(answer: dict[str, Any], rule: dict[str, Any], needed: dict[Any, int]):
    one = item(answer=answer, evidence=rule)

    assert {given: one.quotes_needed(given) for given in needed} == needed


def test_only_items_that_can_move_the_total_are_scored():
    assert item().scored
    assert not item(excluded_from_score=True).scored
    assert not item(answer={"type": "text"}).scored
    assert not item(answer=choice(a=0, b=0)).scored


# ── Round trips ─────────────────────────────────────────────────────────────────────────────────────────────────

some_answers = st.sampled_from(
    [{"type": "yes_no"}, choice(a=1, b=0.5), several(a=1, b=-2), scale(1, 2, 3), number((0, 3, 1)), {"type": "text"}]
)
simple_conditions = st.one_of(
    st.lists(st.sampled_from(["voice", "chat", "email"]), min_size=1, max_size=2).map(
        lambda channels: {"channel": channels}
    ),
    st.builds(
        lambda op, value: {"metadata": "queue", "op": op, "value": value},
        st.sampled_from(["eq", "in", "absent"]),
        st.sampled_from([1, "x", ["y", 2.5], None]),
    ),
    st.just({"item": "i0", "answers": ["not_applicable"]}),
)
conditions = st.recursive(
    simple_conditions,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=4,
)


@st.composite
def forms(draw: st.DrawFn) -> dict[str, Any]:
    items = [an_item("i0")]
    for n in range(1, draw(st.integers(1, 4))):
        items.append(
            an_item(
                f"i{n}",
                answer=draw(some_answers),
                weight=draw(st.sampled_from([0, 1, 2.5])),
                when=draw(st.none() | conditions),
                tags=draw(st.lists(st.text(max_size=4), max_size=2)),
                critical=draw(st.sampled_from([None, {"family": "business", "auto_fail": "section"}])),
            )
        )
    return {
        "id": "test",
        "version": draw(st.sampled_from(["1", "2.1", "10.0.3"])),
        "title": draw(st.text(min_size=1, max_size=10)),
        "scoring": draw(
            st.sampled_from([{"method": "points", "cap": None}, {"method": "weighted_percentage", "over": "sections"}])
        ),
        "cues": {"hello": {"phrase": ["hello"], "speaker": "agent"}},
        "sections": [{"id": "main", "title": "Main", "items": items}],
    }


@given(forms())
@settings(max_examples=80, deadline=None)
def test_a_rubric_survives_json(document: dict[str, Any]):
    rubric = Rubric.model_validate(document)
    again = Rubric.model_validate_json(rubric.model_dump_json())

    assert again == rubric
    assert again.digest == rubric.digest
    assert Rubric.model_validate(rubric.model_dump()) == rubric


@given(forms())
@settings(max_examples=80, deadline=None)
def test_a_rubric_survives_its_shortest_document(document: dict[str, Any]):
    rubric = Rubric.model_validate(document)
    short = rubric_document(rubric)

    assert Rubric.model_validate(json.loads(json.dumps(short))) == rubric
    assert SCHEMA.is_valid(short)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_rubrics_survive_their_shortest_documents(path: Path):
    rubric = Rubric.model_validate(read_data(path.read_bytes()))
    short = rubric_document(rubric)

    assert Rubric.model_validate(short) == rubric
    assert len(canonical_json(short)) < len(rubric.model_dump_json())


def test_the_shortest_document_leaves_defaults_out():
    rubric = a_rubric(an_item("a", answer=scale(1, 2), when={"not": {"channel": ["voice"]}}))

    assert rubric_document(rubric) == {
        "id": "test",
        "version": "1",
        "title": "Test form",
        "sections": [
            {
                "id": "main",
                "title": "Main",
                "items": [
                    {
                        "id": "a",
                        "question": "Did the agent do a?",
                        "answer": {
                            "type": "scale",
                            "levels": [{"value": 1, "anchor": "does 1"}, {"value": 2, "anchor": "does 2"}],
                        },
                        "when": {"not": {"channel": ["voice"]}},
                    }
                ],
            }
        ],
    }


@given(forms())
@settings(max_examples=40, deadline=None)
def test_what_is_a_rubric_fits_the_schema(document: dict[str, Any]):
    SCHEMA.validate(document)
    SCHEMA.validate(Rubric.model_validate(document).model_dump(mode="json"))


# ── The published schema ────────────────────────────────────────────────────────────────────────────────────────

SCHEMA = Draft202012Validator(rubric_json_schema())


def test_the_committed_schema_is_up_to_date():
    """Run `assay rubric schema > rubrics/rubric.schema.json` when this fails."""
    committed = json.loads((RUBRICS / "rubric.schema.json").read_text(encoding="utf-8"))

    assert committed == rubric_json_schema(), "run: assay rubric schema > rubrics/rubric.schema.json"


def test_the_schema_is_one_and_says_what_it_is():
    schema = rubric_json_schema()

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"$id", "title", "description"} <= schema.keys()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_rubrics_fit_the_schema(path: Path):
    SCHEMA.validate(read_data(path.read_bytes()))


@pytest.mark.parametrize(
    "broken",
    [
        {"sections": []},
        {"version": "one"},
        {"surprise": 1},
        {"scoring": {"method": "sum"}},
        {"scoring": {"over": "items"}},
        {"sections": [{"id": "s", "title": "S", "items": [an_item(answer={"type": "stars"})]}]},
        {"sections": [{"id": "s", "title": "S", "items": [an_item(answer={"yes_points": 2})]}]},
        {"sections": [{"id": "s", "title": "S", "items": [an_item(when={"not_": {"channel": ["voice"]}})]}]},
        {"sections": [{"id": "s", "title": "S", "items": [an_item(when={"channel": []})]}]},
        {"sections": [{"id": "s", "title": "S", "items": [an_item(weight="1")]}]},
        {"cues": {"x": {"phrase": []}}},
    ],
)
def test_broken_rubrics_do_not_fit(broken: dict[str, Any]):
    whole = {"id": "test", "version": "1", "title": "T", "sections": [{"id": "s", "title": "S", "items": [an_item()]}]}

    assert SCHEMA.is_valid(whole)
    assert not SCHEMA.is_valid(whole | broken)
