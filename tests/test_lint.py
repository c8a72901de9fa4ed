"""Every code of the linter: a form that has it, and one that does not."""

from __future__ import annotations

import doctest
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import service.lint.phrasing
from service.lint import CODES, Finding, lint, lint_document
from service.lint.phrasing import joining_word, main_script, manner_word, outside_word, proviso_word
from service.rubric import Rubric

GUIDED = {"guidance": "Name and company in the first turn.", "not_applicable": "never"}


def item(item_id: str = "greeting", **changes: Any) -> dict[str, Any]:
    """An item without a finding."""
    return {"id": item_id, "question": f"Did the agent give the {item_id} line?"} | GUIDED | changes


def form(*items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A form without a finding, when its items have none."""
    section = {"id": "main", "title": "Main", "items": list(items) or [item()]}
    return {"id": "test-form", "version": "1", "title": "Test form", "sections": [section]} | changes


def section(name: str, *items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"id": name, "title": name, "items": list(items)} | changes


def levels(*points: float | None, anchor: str = "says what was asked for") -> dict[str, Any]:
    return {
        "type": "scale",
        "levels": [{"value": n, "anchor": f"{anchor} {n}", "points": p} for n, p in enumerate(points)],
    }


def options(**points: float) -> list[dict[str, Any]]:
    return [{"id": name, "label": name, "points": worth} for name, worth in points.items()]


def choice(**points: float) -> dict[str, Any]:
    return {"type": "choice", "options": options(**points)}


def critical(**changes: Any) -> dict[str, Any]:
    return {"family": "compliance"} | changes


def by_cues(*rules: tuple[dict[str, Any], Any], **changes: Any) -> dict[str, Any]:
    return {"method": "cues", "cues": {"rules": [{"when": cue, "answer": answer} for cue, answer in rules]} | changes}


def pattern(text: str) -> dict[str, Any]:
    return form(item(**by_cues(({"pattern": [text]}, "yes"), otherwise="no")))


HELLO = {"phrase": ["hello"], "speaker": "agent"}
POINTS = {"method": "points"}
OVER_SECTIONS = {"method": "weighted_percentage", "over": "sections"}
EXEMPLARS = [{"quote": "I would be glad to.", "answer": 1}]


def under(condition: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return form(
        item("first", not_applicable="allowed", applicable_when="Always."), item("second", when=condition), **changes
    )


# code → (a document that has it, the same without it, and where it is found)
CASES: dict[str, tuple[Any, Any, str]] = {
    "unreadable": ("id: greeting\nversion: [", form(), "line 3, column 1"),
    "field-missing": (form({"id": "greeting"}), form(), "sections[0].items[0].question"),
    "field-unknown": (form(item(guidence="…")), form(), "sections[0].items[0].guidence"),
    "value-invalid": (form(item(weight="heavy")), form(item(weight=2)), "sections[0].items[0].weight"),
    "rubric-inconsistent": (
        form(item(), item("second", when={"item": "third", "answers": ["yes"]})),
        form(item(), item("second", when={"item": "greeting", "answers": ["yes"]})),
        "sections[0].items[1].when",
    ),
    "nothing-counts": (form(item(weight=0)), form(), "sections"),
    "section-weights-all-zero": (
        form(scoring=OVER_SECTIONS, sections=[section("a", item(), weight=0)]),
        form(scoring=OVER_SECTIONS, sections=[section("a", item())]),
        "sections",
    ),
    "section-without-weight": (
        form(scoring=OVER_SECTIONS, sections=[section("a", item()), section("b", item("bye", weight=0))]),
        form(scoring=OVER_SECTIONS, sections=[section("a", item()), section("b", item("bye", weight=0), weight=0)]),
        "sections[1]",
    ),
    "section-weight-unused": (
        form(sections=[section("a", item(), weight=30)]),
        form(sections=[section("a", item(), weight=30)], scoring=OVER_SECTIONS),
        "sections[0].weight",
    ),
    "weight-dominates": (
        form(item("a", weight=4), item("b"), item("c"), item("d")),
        form(item("a", weight=3), item("b"), item("c"), item("d")),
        "sections[0].items[0].weight",
    ),
    "critical-zero-weight": (
        form(item(), item("rights", weight=0, critical=critical(auto_fail="none"))),
        form(item(), item("rights", weight=0, critical=critical(auto_fail="form"))),
        "sections[0].items[1].weight",
    ),
    "bonus-needs-points": (
        form(item(), item("extra", bonus=True)),
        form(item(), item("extra", bonus=True), scoring=POINTS),
        "sections[0].items[1].bonus",
    ),
    "negative-points-ignored": (
        form(item(answer=choice(good=1, bad=-1))),
        form(item(answer=choice(good=1, bad=-1)), scoring=POINTS),
        "sections[0].items[0].answer",
    ),
    "answers-earn-nothing": (
        form(item(), item("kind", answer=choice(a=0, b=0))),
        form(item(), item("kind", answer=choice(a=0, b=0), excluded_from_score=True)),
        "sections[0].items[1].answer",
    ),
    "answers-earn-the-same": (
        form(item(), item("kind", answer=choice(a=2, b=2))),
        form(item(), item("kind", answer=choice(a=2, b=1))),
        "sections[0].items[1].answer",
    ),
    "pass-mark-out-of-reach": (
        form(item(critical=critical(fails_on=["yes"])), pass_mark=80),
        form(item(critical=critical(fails_on=["no"])), pass_mark=80),
        "pass_mark",
    ),
    "bands-without-zero": (
        form(bands=[{"id": "good", "title": "Good", "from_percent": 80}]),
        form(
            bands=[
                {"id": "good", "title": "Good", "from_percent": 80},
                {"id": "rest", "title": "Rest", "from_percent": 0},
            ]
        ),
        "bands",
    ),
    "bands-share-a-start": (
        form(bands=[{"id": "a", "title": "A", "from_percent": 0}, {"id": "b", "title": "B", "from_percent": 0}]),
        form(bands=[{"id": "a", "title": "A", "from_percent": 0}, {"id": "b", "title": "B", "from_percent": 1}]),
        "bands[1].from_percent",
    ),
    "band-ids-repeated": (
        form(bands=[{"id": "a", "title": "A", "from_percent": 0}, {"id": "a", "title": "B", "from_percent": 9}]),
        form(bands=[{"id": "a", "title": "A", "from_percent": 0}, {"id": "b", "title": "B", "from_percent": 9}]),
        "bands[1].id",
    ),
    "condition-never-holds": (
        under({"all": [{"item": "first", "answers": ["yes"]}, {"item": "first", "answers": ["no"]}]}),
        under({"any": [{"item": "first", "answers": ["yes"]}, {"item": "first", "answers": ["no"]}]}),
        "sections[0].items[1].when",
    ),
    "condition-always-holds": (
        under({"item": "first", "answers": ["yes", "no", "not_applicable"]}),
        under({"item": "first", "answers": ["yes", "no"]}),
        "sections[0].items[1].when",
    ),
    "condition-without-value": (
        under({"metadata": "queue"}),
        under({"metadata": "queue", "op": "exists"}),
        "sections[0].items[1].when",
    ),
    "condition-needs-list": (
        under({"not": {"metadata": "queue", "op": "in", "value": "sales"}}),
        under({"not": {"metadata": "queue", "op": "in", "value": ["sales"]}}),
        "sections[0].items[1].when.not.value",
    ),
    "answer-unreachable": (
        form(
            item(
                answer=choice(full=2, part=1, none=0),
                evidence={"absence": ["none"]},
                **by_cues((HELLO, "full"), otherwise="none"),
            )
        ),
        form(
            item(
                answer=choice(full=2, none=0),
                evidence={"absence": ["none"]},
                **by_cues((HELLO, "full"), otherwise="none"),
            )
        ),
        "sections[0].items[0].cues",
    ),
    "number-range-empty": (
        form(item(), item("n", answer={"type": "number", "min": 5, "max": 1})),
        form(item(), item("n", answer={"type": "number", "min": 1, "max": 5}, excluded_from_score=True)),
        "sections[0].items[1].answer",
    ),
    "band-shadowed": (
        form(item(answer={"type": "number", "bands": [{"max": 10, "points": 1}, {"min": 2, "max": 5, "points": 0}]})),
        form(item(answer={"type": "number", "bands": [{"min": 2, "max": 5, "points": 0}, {"max": 10, "points": 1}]})),
        "sections[0].items[0].answer.bands[1]",
    ),
    "points-limits-crossed": (
        form(item(answer={"type": "multi_choice", "options": options(a=1, b=2), "min_points": 3, "max_points": 1})),
        form(item(answer={"type": "multi_choice", "options": options(a=1, b=2), "min_points": 0, "max_points": 2})),
        "sections[0].items[0].answer",
    ),
    "scale-points-not-rising": (
        form(item(answer=levels(0, 2, 1), exemplars=EXEMPLARS)),
        form(item(answer=levels(2, 1, 0), exemplars=EXEMPLARS)),
        "sections[0].items[0].answer.levels",
    ),
    "critical-never-fails": (
        form(item(answer=choice(a=1, b=1), critical=critical())),
        form(item(answer=choice(a=1, b=0), critical=critical())),
        "sections[0].items[0].critical",
    ),
    "critical-always-fails": (
        form(item(critical=critical(fails_on=["yes", "no"]))),
        form(item(critical=critical(fails_on=["no"]))),
        "sections[0].items[0].critical.fails_on",
    ),
    "critical-fails-best-answer": (
        form(item(critical=critical(fails_on=["yes"]))),
        form(item(critical=critical(fails_on=["no"]))),
        "sections[0].items[0].critical.fails_on",
    ),
    "compliance-not-critical": (
        form(item(tags=["Compliance"])),
        form(item(tags=["Compliance"], critical=critical())),
        "sections[0].items[0].critical",
    ),
    "question-double-barrelled": (
        form(item(question="Did the agent greet the customer and verify the account?")),
        form(item(question="Did the agent state the terms and conditions?")),
        "sections[0].items[0].question",
    ),
    "question-repeated": (
        form(item("a", question="Was it solved?"), item("b", question="was it  solved")),
        form(item("a", question="Was it solved?"), item("b", question="Was it solved in time?")),
        "sections[0].items[1].question",
    ),
    "manner-without-anchors": (
        form(item(question="Was the agent polite?", guidance=None)),
        form(item(question="Was the agent polite?")),
        "sections[0].items[0].guidance",
    ),
    "anchor-too-thin": (
        form(
            item(
                answer={
                    "type": "scale",
                    "levels": [{"value": 1, "anchor": "Poor"}, {"value": 2, "anchor": "Solves what was asked for."}],
                },
                exemplars=EXEMPLARS,
            )
        ),
        form(item(answer=levels(0, 1), exemplars=EXEMPLARS)),
        "sections[0].items[0].answer.levels[0].anchor",
    ),
    "not-in-transcript": (
        form(item(question="Was the case documented in the CRM?")),
        form(item(question="Was the case documented in the CRM?", method="human")),
        "sections[0].items[0].question",
    ),
    "applicability-missing": (
        form(item(not_applicable="allowed")),
        form(item(not_applicable="allowed", applicable_when="The customer asked for a refund.")),
        "sections[0].items[0].applicable_when",
    ),
    "proviso-without-na": (
        form(item(question="If the customer was upset, did the agent apologise?")),
        form(
            item(
                question="If the customer was upset, did the agent apologise?",
                not_applicable="allowed",
                applicable_when="Upset.",
            )
        ),
        "sections[0].items[0].not_applicable",
    ),
    "guidance-missing": (form(item(guidance=None)), form(item()), "sections[0].items[0].guidance"),
    "exemplars-missing": (
        form(item(answer=levels(0, 1))),
        form(item(answer=levels(0, 1), exemplars=EXEMPLARS)),
        "sections[0].items[0].exemplars",
    ),
    "language-mismatch": (
        form(language="fa"),
        form(item(question="آیا کارشناس سلام کرد؟"), language="fa"),
        "sections[0].items[0].question",
    ),
    "language-tag-invalid": (form(language="English!"), form(language="en-GB"), "language"),
    "id-not-kebab-case": (
        form(item("first_one"), item("Second".lower())),
        form(item("first-one")),
        "sections[0].items[0].id",
    ),
    "evidence-contradicts": (
        form(item(evidence={"quotes_for": ["yes", "no"], "absence": ["no"]})),
        form(item(evidence={"quotes_for": ["yes"], "absence": ["no"]})),
        "sections[0].items[0].evidence",
    ),
    "evidence-idle": (
        form(item(evidence={"quotes_for": ["yes"], "min_quotes": 0})),
        form(item(evidence={"quotes_for": ["yes"]})),
        "sections[0].items[0].evidence.quotes_for",
    ),
    "evidence-cannot-be-met": (
        form(item(**by_cues(({"none": [HELLO]}, "yes"), (HELLO, "no")))),
        form(item(**by_cues((HELLO, "yes"), ({"none": [HELLO]}, "no")))),
        "sections[0].items[0].cues.rules[0]",
    ),
    "metric-unknown": (
        form(
            item(
                "time", method="metric", metric={"of": "durations"}, answer={"type": "number"}, excluded_from_score=True
            ),
            item(),
        ),
        form(
            item(
                "time",
                method="metric",
                metric={"of": "metadata:csat"},
                answer={"type": "number"},
                excluded_from_score=True,
            ),
            item(),
        ),
        "sections[0].items[0].metric.of",
    ),
    "metric-without-bands": (
        form(item(method="metric", metric={"of": "turns"})),
        form(item(method="metric", metric={"of": "turns", "bands": [{"max": 9, "answer": "yes"}, {"answer": "no"}]})),
        "sections[0].items[0].metric",
    ),
    "metric-bands-ignored": (
        form(
            item(),
            item(
                "time",
                method="metric",
                metric={"of": "turns", "bands": [{"answer": 1}]},
                answer={"type": "number"},
                excluded_from_score=True,
            ),
        ),
        form(
            item(),
            item("time", method="metric", metric={"of": "turns"}, answer={"type": "number"}, excluded_from_score=True),
        ),
        "sections[0].items[1].metric.bands",
    ),
    "channel-unfit": (
        form(
            item(
                method="metric",
                metric={"of": "longest_pause", "bands": [{"max": 9, "answer": "yes"}, {"answer": "no"}]},
            )
        ),
        form(
            item(
                method="metric",
                metric={"of": "longest_pause", "bands": [{"max": 9, "answer": "yes"}, {"answer": "no"}]},
                when={"channel": ["voice"]},
            )
        ),
        "sections[0].items[0].metric.of",
    ),
    "block-unused": (
        form(item(metric={"of": "turns", "bands": [{"answer": "yes"}]})),
        form(item()),
        "sections[0].items[0].metric",
    ),
    "open-without-model": (
        form(item()),
        form(item(), item("b", **by_cues((HELLO, "yes"), otherwise="no"))),
        "sections",
    ),
    "pattern-invalid": (pattern("hello ("), pattern(r"hello \("), "sections[0].items[0].cues.rules[0].when.pattern[0]"),
    "pattern-backtracks": (
        pattern(r"(\w+)+!"),
        pattern(r"(\w+,)+!"),
        "sections[0].items[0].cues.rules[0].when.pattern[0]",
    ),
    "pattern-matches-nothing": (
        pattern("(?:hello)?"),
        pattern("hello"),
        "sections[0].items[0].cues.rules[0].when.pattern[0]",
    ),
    "cue-unused": (
        form(cues={"hello": HELLO}),
        form(item(**by_cues(({"ref": "hello"}, "yes"), otherwise="no")), cues={"hello": HELLO}),
        "cues.hello",
    ),
    "cue-rule-shadowed": (
        form(item(**by_cues((HELLO, "yes"), (HELLO, "no"), otherwise="no"))),
        form(item(**by_cues((HELLO, "yes"), ({"phrase": ["hi"]}, "no"), otherwise="no"))),
        "sections[0].items[0].cues.rules[1]",
    ),
}


def test_every_code_has_a_case():
    assert CASES.keys() == CODES.keys()


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_found_where_it_belongs_and_only_there(code: str):
    broken, sound, path = CASES[code]
    found = [finding for finding in lint_document(broken) if finding.code == code]

    assert [(finding.path, finding.severity) for finding in found] == [(path, CODES[code])]
    assert code not in {finding.code for finding in lint_document(sound)}


@pytest.mark.parametrize("code", CODES)
def test_a_finding_is_a_sentence_with_a_remedy(code: str):
    found = next(finding for finding in lint_document(CASES[code][0]) if finding.code == code)

    assert found.message.endswith((".", "?"))
    assert found.fix.endswith((".", "?"))
    assert found.message[0].isupper() or found.message[0] in "'\""


def test_a_sound_form_has_no_finding():
    assert lint_document(form(item("a"), item("b", **by_cues((HELLO, "yes"), otherwise="no")))) == ()


# ── Documents that are no rubric ────────────────────────────────────────────────────────────────────────────────


def paths(data: Any) -> set[tuple[str, str]]:
    return {(finding.code, finding.path) for finding in lint_document(data)}


def test_paths_leave_out_the_names_of_shapes():
    broken = form(item(answer={"type": "scale", "levels": [{"value": 1, "anchor": ""}, {"value": 2}]}))

    assert paths(broken) == {
        ("value-invalid", "sections[0].items[0].answer.levels[0].anchor"),
        ("field-missing", "sections[0].items[0].answer.levels[1].anchor"),
    }


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        ({"item": "first"}, "answers"),
        ({"item": "first", "answers": []}, "answers"),
        ({"not": {"item": "first"}}, "not.answers"),
        ({"all": [{"channel": ["voice"]}, {"any": [{"channel": ["fax"]}]}]}, "all[1].any[0].channel[0]"),
        ({"metadata": "queue", "op": "like"}, "op"),
    ],
)
def test_paths_into_conditions_are_those_of_the_file(condition: dict[str, Any], path: str):
    assert {place for _, place in paths(form(item("first"), item("second", when=condition)))} == {
        f"sections[0].items[1].when.{path}"
    }


def test_a_shape_that_nobody_knows_is_told_at_its_place():
    found = lint_document(form(item("first", when={"weather": "fine"})))

    assert [finding.path for finding in found] == ["sections[0].items[0].when"]
    assert "a condition is one of" in found[0].message.lower()


def test_a_misspelt_field_gets_the_right_name():
    assert lint_document(form(item(guidence="…")))[0].fix == "Did you mean guidance?"


def test_a_cue_that_nobody_knows_is_found_where_it_is_named():
    lost = item(cues={"applicable": {"ref": "sale"}, "rules": [], "otherwise": "no"})

    (found,) = lint_document(form(item("first"), lost))

    assert (found.code, found.path) == ("rubric-inconsistent", "sections[0].items[1].cues.applicable")


def test_an_answer_that_the_item_does_not_have_is_found_in_its_rule():
    rules = [{"when": {"phrase": ["yes"]}, "answer": one} for one in ("yes", "maybe")]

    (found,) = lint_document(form(item(cues={"rules": rules})))

    assert found.path == "sections[0].items[0].cues.rules[1].answer"
    assert found.message.startswith("'maybe' ")


@pytest.mark.parametrize(
    ("changes", "path", "said", "fix"),
    [
        ({"version": 1}, "version", "Must be text.", 'Put the version in quotes: version: "1".'),
        ({"version": None}, "version", "Must be text.", "Write text, in quotes where it looks like something else."),
        ({"sections": []}, "sections", "Needs at least 1 entry.", "Add sections: a list"),
        ({"sections": {}}, "sections", "Must be a list.", "Write a list: [a, b]"),
        ({"title": ""}, "title", "Needs at least 1 character.", "Write something here, or remove the field."),
        ({"pass_mark": 101}, "pass_mark", "Must be at most 100.", "Write a smaller number."),
        ({"auto_fail": "stop"}, "auto_fail", "Must be zero or flag.", "Choose one of these."),
        ({"channels": ["fax"]}, "channels[0]", "Must be one of voice, chat, email or social.", "Choose one of these."),
        ({"id": "A b"}, "id", "Must be 1 to 80 small letters", "Write it like greet-the-customer."),
    ],
)
def test_a_value_of_the_wrong_kind_is_explained_without_jargon(changes: dict[str, Any], path: str, said: str, fix: str):
    (found,) = lint_document(form(**changes))

    assert found.path == path
    assert found.message.startswith(said)
    assert found.fix.startswith(fix)


def test_text_and_data_are_linted_alike():
    broken = form(item(weight="heavy"))

    assert lint_document(json.dumps(broken)) == lint_document(json.dumps(broken).encode()) == lint_document(broken)


def test_an_inconsistent_scale_is_found_at_its_answer():
    twice = {"type": "scale", "levels": [{"value": 1, "anchor": "does it"}, {"value": 1, "anchor": "does it"}]}

    assert paths(form(item(answer=twice))) == {("rubric-inconsistent", "sections[0].items[0].answer")}


def test_repeated_ids_are_told_for_the_whole_form():
    assert paths(form(item("a"), item("a"))) == {("rubric-inconsistent", "")}


@pytest.mark.parametrize("data", [None, 7, "text", [], {}, {"sections": 5}, {"sections": [[]]}])
def test_what_is_no_form_at_all_is_told(data: Any):
    found = lint_document(data)

    assert found
    assert all(finding.severity == "error" for finding in found)


def test_nesting_without_end_is_told():
    condition: dict[str, Any] = {"channel": ["voice"]}
    for _ in range(3_000):
        condition = {"not": condition}

    assert lint_document(form(item(when=condition)))[0].severity == "error"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "sections",
                    "items",
                    "when",
                    "not",
                    "all",
                    "item",
                    "answer",
                    "type",
                    "cues",
                    "rules",
                    "title",
                    "question",
                    "version",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(json_values, st.sampled_from(["when", "answer", "critical", "cues", "evidence", "metric", "weight"]))
@settings(max_examples=150, deadline=None)
def test_nonsense_gives_findings_and_never_crashes(value: Any, field: str):
    assert all(isinstance(finding, Finding) for finding in lint_document(value))
    assert all(
        finding.path == "" or finding.path[0].isalpha() for finding in lint_document(form(item(**{field: value})))
    )


# ── Conditions, patterns, words ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ({"channel": ["email"]}, "condition-never-holds"),
        ({"channel": ["voice", "chat"]}, "condition-always-holds"),
        ({"channel": ["voice"]}, None),
        (
            {"all": [{"metadata": "n", "op": "lt", "value": 3}, {"metadata": "n", "op": "gt", "value": 5}]},
            "condition-never-holds",
        ),
        ({"all": [{"metadata": "n", "op": "gt", "value": 3}, {"metadata": "n", "op": "lt", "value": 5}]}, None),
        ({"all": [{"metadata": "q", "value": "a"}, {"metadata": "q", "value": "b"}]}, "condition-never-holds"),
        ({"any": [{"metadata": "q", "op": "exists"}, {"metadata": "q", "op": "absent"}]}, "condition-always-holds"),
        ({"metadata": "n", "op": "lt", "value": [1]}, "condition-never-holds"),
    ],
)
def test_conditions_are_tried_on_every_side_of_what_they_compare_with(condition: dict[str, Any], code: str | None):
    found = {
        finding.code
        for finding in lint_document(under(condition, channels=["voice", "chat"]))
        if finding.code.startswith("condition")
    }

    assert found == ({code} if code else set())


def test_a_condition_on_an_item_that_is_itself_hidden_is_followed():
    """`third` asks for an answer that `second` can only have on a channel that `third` excludes."""
    chain = form(
        item("first"),
        item("second", when={"channel": ["voice"]}),
        item("third", when={"all": [{"item": "second", "answers": ["yes"]}, {"channel": ["chat"]}]}),
    )

    assert ("condition-never-holds", "sections[0].items[2].when") in paths(chain)


@pytest.mark.parametrize(
    "text", ["(a+)+", "(?:a|aa)*c", r"(\w+\w)+", "(.*)*", "((a+))+", "(?:a{2,})+", r"(?P<x>\d+)*", r"(?:\s*\w+\s*)+"]
)
def test_patterns_with_many_ways_are_found(text: str):
    assert "pattern-backtracks" in {finding.code for finding in lint_document(pattern(text + "!"))}


@pytest.mark.parametrize(
    "text",
    [
        r"(\w+,)+",
        r"(?: \w+)+x",
        "(a+)++",
        "[(a+)+]",
        r"\(a+\)+",
        "(?:foo|bar)+",
        "a+b+",
        "(?:我|我们|一下)*密码",
        r"(?:\s+(?:one|two))*three",
    ],
)
def test_patterns_with_one_way_are_left_alone(text: str):
    assert "pattern-backtracks" not in {finding.code for finding in lint_document(pattern(text))}


@pytest.mark.parametrize(
    ("language", "question", "two"),
    [
        ("en", "Did the agent apologise or offer help?", True),
        ("en", "Did the agent greet **and** sound friendly?", True),
        ("en", "Did the agent *greet* and _thank_ the customer?", True),
        ("en", "Did the agent read field_one and field_two aloud?", False),
        ("en", "Did the customer give name and date of birth?", False),
        ("en", "Did the agent mention pros and cons?", False),
        ("es", "¿El agente saludó y verificó la identidad?", True),
        ("es", "¿El agente dio nombre y apellido?", False),
        ("de", "Hat die Agentin begrüßt und die Identität verifiziert?", True),
        ("de", "Hat die Agentin Name und Adresse genannt?", False),
        ("de", "Hat die Agentin den Kunden begrüßt und das Konto geprüft?", True),
        ("fa", "آیا کارشناس سلام کرد و نام پرسید؟", True),
        ("zh", "客服是否问候客户并核实身份？", True),
        ("zh", "客服是否合并订单？", False),
        ("xx", "a and verify b", False),
    ],
)
def test_two_questions_in_one_are_noticed(language: str, question: str, two: bool):
    assert (joining_word(question, language) is not None) is two


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "Did the agent show empathy?"),
        ("es", "¿Fue amable?"),
        ("de", "War der Ton freundlich?"),
        ("fr", "L'agent est-il poli ?"),
        ("fa", "آیا لحن محترمانه بود؟"),
        ("zh", "客服语气是否友好？"),
    ],
)
def test_manner_is_noticed_in_six_languages(language: str, question: str):
    assert manner_word(question, language)


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "Was the disposition code set?"),
        ("es", "¿Quedó en pantalla?"),
        ("de", "Wurde es im System erfasst?"),
        ("fr", "Noté dans le système ?"),
        ("fa", "آیا در سیستم ثبت شد؟"),
        ("zh", "是否录入？"),
    ],
)
def test_what_no_transcript_shows_is_noticed_in_six_languages(language: str, question: str):
    assert outside_word(question, language)


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "Did the agent apologise when the customer complained?"),
        ("es", "Si el cliente se quejó, ¿hubo disculpa?"),
        ("de", "Falls nötig, wurde weitergeleitet?"),
        ("fr", "Si le client insiste, …"),
        ("fa", "اگر مشتری ناراضی بود"),
        ("zh", "如果客户投诉"),
    ],
)
def test_provisos_are_noticed_in_six_languages(language: str, question: str):
    assert proviso_word(question, language)


def test_scripts_are_told_apart():
    assert [main_script(text) for text in ("سلام به شما", "你好，请问需要", "Здравствуйте", "123")] == [
        "arabic",
        "han",
        "cyrillic",
        None,
    ]


def test_examples_in_docstrings_hold():
    outcome = doctest.testmod(service.lint.phrasing)

    assert outcome.attempted > 5
    assert outcome.failed == 0


def test_linting_a_rubric_is_linting_its_document():
    document = form(item(guidance=None))

    assert lint(Rubric.model_validate(document)) == lint_document(document)
