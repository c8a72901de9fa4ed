"""Points, percentages, auto-fails and ranges: by hand, by property, and against brute force."""

from __future__ import annotations

import doctest
import itertools
from fractions import Fraction
from typing import Any, ClassVar

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import service.ranges
import service.scoring
from service.conditions import Facts, apply_conditions
from service.cue_rules import AnswerValue
from service.prospects import Outlook
from service.ranges import Outcome, ratio_range
from service.rubric import Item, Rubric, sample_answers
from service.scorecard import Answered, AutoFail, Breakdown, CriticalErrors, ItemResult, NotApplicable, Unscored
from service.scoring import score
from tests.builders import a_rubric, an_item

VOICE = Facts(channel="voice")
NA = "not_applicable"


def results(**answers: AnswerValue | None) -> dict[str, ItemResult]:
    """Item id → result: an answer, `NA`, or None for unscored."""
    return {name: a_result(name, answer) for name, answer in answers.items()}


def a_result(item: str, answer: AnswerValue | None) -> ItemResult:
    if answer is None:
        return Unscored(item=item, unscored_reason="needs_person", reason="", method="human")
    if answer == NA:
        return NotApplicable(item=item, reason="", decided_by="judge", method="llm")
    return Answered(item=item, answer=answer, reason="", method="llm")


def scored(rubric: Rubric, **answers: AnswerValue | None) -> Breakdown:
    return score(rubric, results(**answers), VOICE)


def a_scale(*points: float) -> dict[str, Any]:
    return {
        "type": "scale",
        "levels": [{"value": n + 1, "anchor": f"level {n + 1}", "points": p} for n, p in enumerate(points)],
    }


def yes_no(yes: float = 1, no: float = 0) -> dict[str, Any]:
    return {"type": "yes_no", "yes_points": yes, "no_points": no}


def critical(auto_fail: str = "form", family: str = "compliance", **more: Any) -> dict[str, Any]:
    return {"family": family, "auto_fail": auto_fail} | more


def a_section(name: str, *items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"id": name, "title": name, "items": list(items)} | changes


POINTS = {"method": "points"}
OVER_SECTIONS = {"method": "weighted_percentage", "over": "sections"}


def test_a_total_below_zero_either_way_is_known_to_be_zero():
    rubric = a_rubric(
        an_item("lost", answer=yes_no(3, -5)), an_item("open", answer=yes_no(2, 0)), scoring=POINTS, pass_mark=50
    )

    total = scored(rubric, lost="no", open=None).score

    assert (total.percent, total.low, total.high, total.passed) == (0.0, 0.0, 0.0, False)


# ── Worked examples ─────────────────────────────────────────────────────────────────────────────────────────────


class TestWeightedPercentage:
    form = a_rubric(
        an_item("greeting", weight=10),
        an_item("discovery", weight=30, answer=a_scale(0, 1, 2, 3, 4)),
        an_item("closing", weight=20),
        an_item("tone", weight=10),
    )

    def test_not_applicable_items_leave_both_sides(self):
        """(10 · 1/1 + 30 · 2/4 + 10 · 0) / (10 + 30 + 10) = 25 / 50; the closing's 20 are on neither side."""
        total = scored(self.form, greeting="yes", discovery=3, closing=NA, tone="no").score

        assert (total.percent, total.low, total.high) == (50.0, 50.0, 50.0)

    def test_an_unscored_item_opens_a_range(self):
        """Discovery open: at worst level 1, (10 + 0) / 50 = 20 %; at best level 5, (10 + 30) / 50 = 80 %."""
        total = scored(self.form, greeting="yes", discovery=None, closing=NA, tone="no").score

        assert (total.percent, total.low, total.high) == (None, 20.0, 80.0)

    def test_an_unscored_item_may_turn_out_not_applicable(self):
        """Greeting yes, tone no, the others open. Worst: both answered and lost, 10 / 70 = 14.29 %. Best: both
        perfect, 60 / 70 = 85.71 %. Leaving one out lies between, as (10 + 30) / 50 = 80 % does."""
        total = scored(self.form, greeting="yes", tone="no").score

        assert (total.low, total.high) == (14.29, 85.71)

    def test_an_open_item_that_may_leave_everything_empty_keeps_the_percentage_unknown(self):
        """The only item that counts always earns all its points, but it may also turn out not to apply."""
        sure = an_item("a", answer=yes_no(1, 1))

        assert scored(a_rubric(sure)).score.percent is None
        assert scored(a_rubric(sure | {"not_applicable": "never"})).score.percent == 100.0

    def test_thirds_are_rounded_once_and_half_up(self):
        """2 of 3 is 66.666… → 66.67; 1 of 800 is 0.125 → 0.13, which binary rounding would make 0.12."""
        thirds = a_rubric(an_item("a"), an_item("b"), an_item("c"))
        small = a_rubric(an_item("a", weight=1), an_item("b", weight=799))

        assert scored(thirds, a="yes", b="yes", c="no").score.percent == 66.67
        assert scored(small, a="yes", b="no").score.percent == 0.13

    def test_tenths_add_up_as_written(self):
        """0.1 + 0.2 of 0.3 is 100 %, not 100.00000000000001."""
        options = [{"id": "x", "label": "x", "points": 0.1}, {"id": "y", "label": "y", "points": 0.2}]
        form = a_rubric(an_item("a", answer={"type": "multi_choice", "options": options}))
        breakdown = scored(form, a=("x", "y"))

        assert breakdown.score.percent == 100.0
        assert (breakdown.items[0].points, breakdown.items[0].max_points) == (0.3, 0.3)

    def test_points_below_zero_count_as_zero(self):
        form = a_rubric(an_item("a", answer=yes_no(2, -2)), an_item("b"))

        assert scored(form, a="no", b="yes").score.percent == 50.0

    def test_excluded_bonus_and_worthless_items_are_on_neither_side(self):
        form = a_rubric(
            an_item("counts"),
            an_item("excluded", excluded_from_score=True),
            an_item("extra", bonus=True),
            an_item("worthless", answer=yes_no(0, -1)),
            an_item("note", answer={"type": "text"}),
            an_item("weightless", weight=0),
        )
        total = scored(form, counts="yes", excluded="no", extra="no", worthless="no", note="…", weightless="no").score

        assert total.percent == 100.0
        assert scored(form, counts="yes").score.percent == 100.0  # nothing that counts is open

    def test_nothing_applicable_has_no_percentage(self):
        total = scored(self.form, greeting=NA, discovery=NA, closing=NA, tone=NA).score

        assert (total.percent, total.low, total.high, total.passed) == (None, None, None, None)

    def test_an_item_without_a_result_counts_as_unscored(self):
        assert scored(self.form, greeting="yes") == scored(
            self.form, greeting="yes", discovery=None, closing=None, tone=None
        )

    def test_an_answer_that_the_item_does_not_have_is_refused(self):
        with pytest.raises(ValueError, match="greeting: 'perhaps' is not an answer"):
            scored(self.form, greeting="perhaps")


class TestSections:
    form = a_rubric(
        scoring=OVER_SECTIONS,
        sections=[
            a_section(
                "talk", an_item("greeting", weight=10), an_item("discovery", weight=30, answer=a_scale(0, 1, 2, 3, 4))
            ),
            a_section("manner", an_item("tone", weight=10), weight=3),
        ],
    )

    def test_the_total_is_the_mean_of_the_sections_by_their_weights(self):
        """Talk (10 + 15) / 40 = 62.5 % weighs 1, manner 0 % weighs 3: 62.5 / 4 = 15.625 → 15.63."""
        breakdown = scored(self.form, greeting="yes", discovery=3, tone="no")

        assert [section.percent for section in breakdown.sections] == [62.5, 0.0]
        assert breakdown.score.percent == 15.63

    def test_a_section_in_which_nothing_applies_leaves(self):
        breakdown = scored(self.form, greeting="yes", discovery=3, tone=NA)

        assert breakdown.sections[1].percent is None
        assert breakdown.score.percent == 62.5

    def test_sections_have_ranges_of_their_own(self):
        """Discovery open in talk: 10/40 = 25 % to 100 %; in the total (1·25 + 3·100)/4 = 81.25 to 100."""
        breakdown = scored(self.form, greeting="yes", tone="yes", discovery=None)
        talk = breakdown.sections[0]

        assert (talk.percent, talk.low, talk.high) == (None, 25.0, 100.0)
        assert (breakdown.score.low, breakdown.score.high) == (81.25, 100.0)

    def test_a_conditional_section_leaves_as_a_whole(self):
        form = a_rubric(
            sections=[
                a_section("all", an_item("a")),
                a_section("mail-only", an_item("b"), an_item("c"), when={"channel": ["email"]}),
            ]
        )
        breakdown = scored(form, a="yes", b="no")

        assert breakdown.score.percent == 100.0
        assert breakdown.sections[1].percent is None


class TestPoints:
    form = a_rubric(
        an_item("resolved", answer=yes_no(10, 0)),
        an_item("rude", answer=yes_no(-4, 0)),
        an_item("upsell", answer=yes_no(2, -1), bonus=True),
        scoring=POINTS,
    )

    def test_negative_points_take_and_bonus_adds(self):
        """10 - 4 + 2 = 8 of 10 that could be earned; neither the bonus nor the penalty is in the 10."""
        breakdown = scored(self.form, resolved="yes", rude="yes", upsell="yes")

        assert (breakdown.score.points, breakdown.score.max_points, breakdown.score.percent) == (8, 10, 80.0)
        assert [(i.points, i.max_points) for i in breakdown.items] == [(10, 10), (-4, 0), (2, 0)]

    def test_a_bonus_never_takes(self):
        assert scored(self.form, resolved="yes", rude="no", upsell="no").score.percent == 100.0

    def test_the_cap_holds_a_bonus(self):
        """12 of 10 is 120 %: held at 100, at 110, or not at all."""
        answers = {"resolved": "yes", "rude": "no", "upsell": "yes"}
        capped = [
            a_rubric(*[i.model_dump(by_alias=True) for i in self.form.items], scoring=POINTS | {"cap": cap})
            for cap in (100, 110, None)
        ]

        assert [scored(form, **answers).score.percent for form in capped] == [100.0, 110.0, 120.0]

    def test_a_total_below_zero_is_zero(self):
        total = scored(self.form, resolved="no", rude="yes", upsell="no").score

        assert (total.points, total.percent) == (-4, 0.0)

    def test_weights_multiply_points(self):
        form = a_rubric(an_item("a", answer=yes_no(5, 0), weight=2), an_item("b", answer=yes_no(5, 0)), scoring=POINTS)
        breakdown = scored(form, a="yes", b="no")

        assert (breakdown.score.points, breakdown.score.max_points) == (10, 15)
        assert breakdown.items[0].points == 10

    def test_what_only_adds_has_no_percentage_alone(self):
        assert scored(self.form, resolved=NA, rude="no", upsell="yes").score.percent is None

    def test_the_range_knows_bonus_and_penalty(self):
        """Resolved yes; penalty and bonus open: (10-4)/10 = 60 % to (10+2)/10, held at 100 %."""
        total = scored(self.form, resolved="yes").score

        assert (total.percent, total.low, total.high, total.points) == (None, 60.0, 100.0, None)

    def test_a_range_keeps_off_forms_in_which_nothing_can_be_earned(self):
        """All open: were `resolved` left out there would be no percentage at all, so it is held in: 0 to 100."""
        total = scored(self.form).score

        assert (total.low, total.high) == (0.0, 100.0)


class TestAutoFail:
    answers: ClassVar = {"disclosure": "no", "consent": "yes", "greeting": "yes", "closing": "yes"}

    def form(
        self, scope: str = "form", auto_fail: str = "zero", disclosure: dict[str, Any] | None = None, **how: Any
    ) -> Rubric:
        legal = [an_item("disclosure", critical=critical(scope, **how), **(disclosure or {})), an_item("consent")]
        return a_rubric(
            sections=[a_section("legal", *legal), a_section("rest", an_item("greeting"), an_item("closing"))],
            auto_fail=auto_fail,
            pass_mark=60,
        )

    def test_a_failed_form_has_zero(self):
        total = scored(self.form(), **self.answers).score

        assert (total.percent, total.passed) == (0.0, False)
        assert total.auto_failed == (AutoFail(item="disclosure", family="compliance", scope="form", policy="zero"),)

    def test_a_flagged_form_keeps_its_score_and_is_not_passed(self):
        """3 of 4 is 75 %, above the pass mark of 60, and failed all the same."""
        total = scored(self.form(auto_fail="flag"), **self.answers).score

        assert (total.percent, total.passed, total.auto_failed[0].policy) == (75.0, False, "flag")

    def test_an_item_can_overrule_the_policy(self):
        strict = scored(self.form(auto_fail="flag", policy="zero"), **self.answers).score
        lenient = scored(self.form(auto_fail="zero", policy="flag"), **self.answers).score

        assert (strict.percent, lenient.percent) == (0.0, 75.0)

    def test_a_failed_section_earns_nothing_and_still_counts(self):
        """Legal 0 of 2 in spite of the consent, rest 2 of 2: 50 %."""
        breakdown = scored(self.form("section"), **self.answers)

        assert breakdown.score.percent == 50.0
        assert [(s.percent, s.zeroed_by) for s in breakdown.sections] == [(0.0, ("disclosure",)), (100.0, ())]

    def test_a_flagged_section_keeps_its_score(self):
        breakdown = scored(self.form("section", auto_fail="flag"), **self.answers)

        assert breakdown.score.percent == 75.0
        assert breakdown.score.passed is True
        assert breakdown.sections[0].zeroed_by == ()
        assert breakdown.score.auto_failed[0].scope == "section"

    def test_a_failed_section_keeps_what_negative_points_took(self):
        """Legal: 5 earned are lost, the 3 taken stay; rest earns 10 of its 10: (-3 + 10) / (5 + 5 + 10) = 35 %."""
        form = a_rubric(
            sections=[
                a_section(
                    "legal",
                    an_item("disclosure", answer=yes_no(5), critical=critical("section")),
                    an_item("consent", answer=yes_no(5)),
                    an_item("threat", answer=yes_no(-3, 0)),
                ),
                a_section("rest", an_item("greeting", answer=yes_no(10))),
            ],
            scoring=POINTS,
        )
        total = scored(form, disclosure="no", consent="yes", threat="yes", greeting="yes").score

        assert (total.points, total.max_points, total.percent) == (7, 20, 35.0)

    def test_an_error_that_reaches_nothing_is_still_counted(self):
        breakdown = scored(self.form("none"), **self.answers)

        assert breakdown.score.auto_failed == ()
        assert breakdown.items[0].failed
        assert breakdown.critical_errors == (CriticalErrors(family="compliance", judged=1, errors=1, unscored=0),)

    def test_an_excluded_item_can_fail_the_form(self):
        total = scored(self.form(disclosure={"excluded_from_score": True}), **self.answers).score

        assert total.percent == 0.0

    def test_an_error_on_an_item_that_does_not_apply_is_none(self):
        breakdown = scored(self.form(), **self.answers | {"disclosure": NA})

        assert breakdown.score.percent == 100.0
        assert breakdown.critical_errors == (CriticalErrors(family="compliance", judged=0, errors=0, unscored=0),)

    def test_an_open_critical_item_keeps_zero_possible(self):
        """Open: it may fail the form, 0 %; or hold, 4 of 4; so nothing is passed yet although 3 of 3 are right."""
        total = scored(self.form(), **self.answers | {"disclosure": None}).score

        assert (total.percent, total.low, total.high, total.passed) == (None, 0.0, 100.0, None)
        assert total.could_auto_fail == ("disclosure",)

    def test_an_open_flagged_item_keeps_the_verdict_open(self):
        """All totals from 75 % up are above the mark, yet an error would fail the form."""
        total = scored(self.form(auto_fail="flag"), **self.answers | {"disclosure": None}).score

        assert (total.low, total.high, total.passed) == (75.0, 100.0, None)

    def test_a_failed_form_stays_at_zero_whatever_is_open(self):
        total = scored(self.form(), disclosure="no").score

        assert (total.percent, total.low, total.high, total.passed) == (0.0, 0.0, 0.0, False)

    def test_families_are_counted_apart(self):
        form = a_rubric(
            an_item("rights", critical=critical(family="compliance")),
            an_item("data", critical=critical(family="compliance")),
            an_item("refund", critical=critical("none", family="business")),
            an_item("solved", critical=critical("none", family="customer")),
            an_item("tone"),
        )
        errors = scored(form, rights="yes", data="no", refund=None, solved=NA, tone="no").critical_errors

        assert errors == (
            CriticalErrors(family="customer", judged=0, errors=0, unscored=0),
            CriticalErrors(family="business", judged=0, errors=0, unscored=1),
            CriticalErrors(family="compliance", judged=2, errors=1, unscored=0),
        )


class TestConditions:
    form = a_rubric(
        an_item("complaint", answer=yes_no(1, 1), weight=1, not_applicable="never"),
        an_item("apology", weight=8, when={"item": "complaint", "answers": ["yes"]}, not_applicable="never"),
        an_item("greeting", weight=1, not_applicable="never"),
    )

    def test_an_item_that_the_form_does_not_ask_leaves_both_sides(self):
        """No complaint: 1 + 0 of 1 + 1 is 50 %, whatever somebody answered about the apology."""
        assert scored(self.form, complaint="no", apology="yes", greeting="no").score.percent == 50.0

    def test_the_range_follows_the_gating_answer(self):
        """Complaint open, greeting yes: without it (1 + 1) / 2 = 100 %; with it and no apology (1 + 1) / 10 = 20 %."""
        total = scored(self.form, greeting="yes").score

        assert (total.low, total.high) == (20.0, 100.0)

    def test_items_shown_for_opposite_answers_are_never_lost_together(self):
        """Either `plan` or `refund` is asked. Were both independent, the worst would be 1 / 21; it is 1 / 11 = 9.09 %."""
        form = a_rubric(
            an_item("wants-refund", answer=yes_no(1, 1), not_applicable="never"),
            an_item("refund", weight=10, when={"item": "wants-refund", "answers": ["yes"]}),
            an_item("plan", weight=10, when={"item": "wants-refund", "answers": ["no"]}),
        )

        assert scored(form).score.low == 9.09

    def test_a_critical_item_that_cannot_be_asked_together_with_its_error_is_no_danger(self):
        """`angry` open; `threat` would be asked only if both yes and no held."""
        form = a_rubric(
            an_item("angry"),
            an_item(
                "threat",
                critical=critical(),
                when={"all": [{"item": "angry", "answers": ["yes"]}, {"item": "angry", "answers": ["no"]}]},
            ),
        )

        assert scored(form).score.could_auto_fail == ()

    def test_a_gating_item_may_turn_out_not_applicable(self):
        """`follow-up` is asked where there was no offer to judge: 1 of 1 + 9 = 10 % is then the worst."""
        form = a_rubric(
            an_item("offer"),
            an_item(
                "follow-up", weight=9, when={"item": "offer", "answers": ["not_applicable"]}, not_applicable="never"
            ),
            an_item("greeting"),
        )

        assert scored(form, greeting="yes").score.low == 10.0

    def test_an_error_between_the_best_and_the_worst_answer_is_not_overlooked(self):
        """`partly` fails the form although `no` earns less; all three answers open the same next item."""
        points = {"fully": 2, "partly": 1, "none": 0}
        options = [{"id": name, "label": name, "points": worth} for name, worth in points.items()]
        form = a_rubric(
            an_item("told", answer={"type": "choice", "options": options}, critical=critical(fails_on=["partly"])),
            an_item("next", when={"item": "told", "answers": list(points)}),
            an_item("sure", weight=9, not_applicable="never"),
        )
        total = scored(form, sure="yes").score

        assert (total.low, total.could_auto_fail) == (0.0, ("told",))

    def test_too_many_combinations_give_a_wider_range_and_never_a_narrower_one(self):
        pairs = [
            item
            for n in range(8)
            for item in (
                an_item(f"gate-{n}", answer=yes_no(1, 1), not_applicable="never"),
                an_item(f"yes-{n}", weight=10, not_applicable="never", when={"item": f"gate-{n}", "answers": ["yes"]}),
                an_item(f"no-{n}", weight=10, not_applicable="never", when={"item": f"gate-{n}", "answers": ["no"]}),
            )
        ]
        form = a_rubric(*pairs)  # one section, so 2 ** 8 worlds: few enough
        outlook = Outlook(form, apply_conditions(form, {}, VOICE), VOICE)
        exact, wide = (outlook.strands(lambda item: True, most=most)[0].worlds for most in (1_000, 100))

        assert (len(exact), len(wide)) == (256, 1)
        assert scored(form).score.low == 9.09
        assert all(set(world[name]) <= set(wide[0][name]) for world in exact for name in world)


class TestPassMarkAndBands:
    form = a_rubric(
        *[an_item(name, not_applicable="never") for name in "abcd"],
        pass_mark=75,
        bands=[
            {"id": "strong", "title": "Strong", "from_percent": 75},
            {"id": "weak", "title": "Weak", "from_percent": 25},
        ],
    )

    @pytest.mark.parametrize(
        ("answers", "passed", "band"),
        [
            ("yyyn", True, "strong"),
            ("yynn", False, "weak"),
            ("nnnn", False, None),
            ("yyy?", True, "strong"),
            ("yy??", None, None),
            ("yn?n", False, "weak"),
        ],
    )
    def test_both_are_known_as_soon_as_the_range_is_on_one_side(
        self, answers: str, passed: bool | None, band: str | None
    ):
        names = {"y": "yes", "n": "no", "?": None}
        total = scored(self.form, **{name: names[mark] for name, mark in zip("abcd", answers, strict=True)}).score

        assert (total.passed, total.band) == (passed, band)

    def test_the_mark_is_met_by_the_total_that_is_shown(self):
        """2 of 3 is shown as 66.67, so a mark of 66.67 is met."""
        form = a_rubric(an_item("a"), an_item("b"), an_item("c"), pass_mark=66.67)

        assert scored(form, a="yes", b="yes", c="no").score.passed is True


# ── Properties ──────────────────────────────────────────────────────────────────────────────────────────────────

some_points = st.sampled_from([0, 1, 2, 3, 0.1, 0.5, -1, -2.5])
some_answer = st.one_of(
    st.builds(yes_no, some_points, some_points),
    st.lists(some_points, min_size=2, max_size=3).map(lambda points: a_scale(*points)),
    st.lists(some_points, min_size=2, max_size=3).map(
        lambda points: {
            "type": "multi_choice",
            "options": [{"id": f"o{n}", "label": "o", "points": p} for n, p in enumerate(points)],
        }
    ),
    st.tuples(some_points, some_points).map(
        lambda p: {
            "type": "number",
            "min": 0,
            "max": 10,
            "bands": [{"max": 3, "points": p[0]}, {"min": 5, "points": p[1]}],
        }
    ),
)


@st.composite
def a_condition(draw: st.DrawFn, earlier: list[dict[str, Any]]) -> dict[str, Any]:
    """A condition on an earlier item, perhaps negated or joined with another."""
    other = draw(st.sampled_from(earlier))
    answers = sample_answers(Item.model_validate(other))
    assert answers
    listed = [NA, *answers] if other["not_applicable"] == "allowed" else list(answers)
    simple = {"item": other["id"], "answers": draw(st.lists(st.sampled_from(listed), min_size=1, max_size=2))}
    shape = draw(st.sampled_from(["plain", "not", "all", "any"]))
    if shape == "plain":
        return simple
    if shape == "not":
        return {"not": simple}
    return {shape: [simple, draw(a_condition(earlier))]}


@st.composite
def a_form(draw: st.DrawFn, most_items: int = 4, *, conditions: bool = True) -> Rubric:
    items: list[dict[str, Any]] = []
    for n in range(draw(st.integers(1, most_items))):
        item = an_item(
            f"i{n}",
            answer=draw(some_answer),
            weight=draw(st.sampled_from([0, 1, 1, 2, 0.5, 3])),
            bonus=draw(st.booleans()) and draw(st.booleans()),
            not_applicable=draw(st.sampled_from(["allowed", "never"])),
            excluded_from_score=draw(st.sampled_from([False, False, False, True])),
        )
        if draw(st.booleans()):
            item["critical"] = critical(
                draw(st.sampled_from(["form", "section", "none"])),
                family=draw(st.sampled_from(["customer", "business", "compliance"])),
                policy=draw(st.sampled_from([None, "zero", "flag"])),
            )
        if conditions and items and draw(st.booleans()):
            item["when"] = draw(a_condition(items))
        items.append(item)
    cut = draw(st.integers(1, len(items)))
    parts = [items[:cut], items[cut:]] if items[cut:] else [items]
    return a_rubric(
        sections=[
            a_section(f"s{n}", *part, weight=draw(st.sampled_from([0, 1, 2, 0.5]))) for n, part in enumerate(parts)
        ],
        scoring=draw(
            st.sampled_from(
                [
                    {"method": "weighted_percentage"},
                    OVER_SECTIONS,
                    POINTS,
                    POINTS | {"cap": 120},
                    POINTS | {"cap": None},
                ]
            )
        ),
        auto_fail=draw(st.sampled_from(["zero", "flag"])),
        pass_mark=draw(st.sampled_from([None, 0, 50, 80])),
        bands=draw(
            st.sampled_from(
                [[], [{"id": "low", "title": "L", "from_percent": 0}, {"id": "high", "title": "H", "from_percent": 60}]]
            )
        ),
    )


def ways(item: Item) -> list[AnswerValue]:
    """Every answer worth telling apart, and N/A where it is allowed."""
    answers = list(sample_answers(item) or ())
    return [*answers, NA] if item.not_applicable == "allowed" else answers


@st.composite
def a_filled_form(draw: st.DrawFn, *, open_items: bool = True, **form: Any) -> tuple[Rubric, dict[str, ItemResult]]:
    rubric = draw(a_form(**form))
    results = {}
    for item in rubric.items:
        if open_items and draw(st.booleans()):
            continue
        results[item.id] = a_result(item.id, draw(st.sampled_from(ways(item))))
    return rubric, results


def completions(rubric: Rubric, known: dict[str, ItemResult]) -> list[Breakdown]:
    """The breakdowns of every way to complete the form, counted out one by one."""
    settled = apply_conditions(rubric, known, VOICE)
    still_open = [item for item in rubric.items if not isinstance(settled.get(item.id), (Answered, NotApplicable))]
    assume(len(list(itertools.islice(itertools.product(*map(ways, still_open)), 301))) <= 300)
    fixed = {item.id: settled[item.id] for item in rubric.items if item not in still_open}
    return [
        score(rubric, fixed | {i.id: a_result(i.id, a) for i, a in zip(still_open, answers, strict=True)}, VOICE)
        for answers in itertools.product(*map(ways, still_open))
    ]


def agreed(values: list[Any]) -> Any:
    """What all completions say, else None."""
    return values[0] if all(value == values[0] for value in values) else None


@given(a_filled_form())
@settings(max_examples=120, deadline=None)
def test_ranges_are_exactly_what_brute_force_finds(filled: tuple[Rubric, dict[str, ItemResult]]):
    """Sound and tight, conditions and auto-fails included: every field that is known early is known rightly."""
    rubric, known = filled
    ends = completions(rubric, known)
    found = score(rubric, known, VOICE)
    totals = [end.score.percent for end in ends]
    defined = [total for total in totals if total is not None]

    assert found.score.low == min(defined, default=None)
    assert found.score.high == max(defined, default=None)
    assert found.score.percent is None or totals == [found.score.percent] * len(totals)
    assert found.score.passed == agreed([end.score.passed for end in ends])
    assert found.score.band == agreed([end.score.band for end in ends])
    for number, section in enumerate(found.sections):
        percents = [end.sections[number].percent for end in ends]
        assert section.low == min((p for p in percents if p is not None), default=None)
        assert section.high == max((p for p in percents if p is not None), default=None)
    failing = {fail.item for end in ends for fail in end.score.auto_failed if fail.scope == "form"}
    surely = {fail.item for fail in found.score.auto_failed}
    assert set(found.score.could_auto_fail) == failing - surely


@given(a_filled_form())
@settings(max_examples=80, deadline=None)
def test_a_bound_for_too_many_combinations_never_excludes_what_may_come(filled: tuple[Rubric, dict[str, ItemResult]]):
    rubric, known = filled
    exact, wide = score(rubric, known, VOICE), score(rubric, known, VOICE, most_worlds=0)

    for narrow, broad in [(exact.score, wide.score), *zip(exact.sections, wide.sections, strict=True)]:
        if narrow.low is not None and narrow.high is not None:
            assert broad.low is not None
            assert broad.high is not None
            assert broad.low <= narrow.low <= narrow.high <= broad.high
        assert broad.percent is None or broad.percent == narrow.percent
    assert wide.score.passed in (None, exact.score.passed)
    assert wide.score.band in (None, exact.score.band)
    assert set(exact.score.could_auto_fail) <= set(wide.score.could_auto_fail)


@given(a_filled_form(open_items=False))
@settings(max_examples=80, deadline=None)
def test_a_complete_form_adds_up_as_the_docstring_says(filled: tuple[Rubric, dict[str, ItemResult]]):
    """The same rules written down a second time, as plainly as possible."""
    rubric, known = filled
    breakdown = score(rubric, known, VOICE)

    assert breakdown.score.percent == plain_total(rubric, apply_conditions(rubric, known, VOICE))
    assert breakdown.score.low == breakdown.score.high == breakdown.score.percent


def plain_total(rubric: Rubric, settled: dict[str, ItemResult]) -> float | None:
    by_points = rubric.scoring.method == "points"
    earned, possible = {}, {}
    for section in rubric.sections:
        rows = []
        zeroed = False
        for item in section.items:
            result = settled[item.id]
            if not isinstance(result, Answered):
                continue
            if item.critical and item.fails(result.answer) and (item.critical.policy or rubric.auto_fail) == "zero":
                if item.critical.auto_fail == "form":
                    return 0.0
                zeroed |= item.critical.auto_fail == "section"
            most, got = (Fraction(str(p)) for p in (item.points_range[1], item.points_for(result.answer)))
            weight = Fraction(str(item.weight))
            if item.excluded_from_score or weight == 0:
                continue
            if by_points:
                rows.append((weight * max(got, 0), 0) if item.bonus else (weight * got, weight * max(most, 0)))
            elif most > 0 and not item.bonus:
                rows.append((weight * max(got, 0) / most, weight))
        earned[section.id] = sum(min(n, 0) if zeroed else n for n, _ in rows)
        possible[section.id] = sum(d for _, d in rows)
    if not by_points and rubric.scoring.over == "sections":
        weights = {s.id: Fraction(str(s.weight)) for s in rubric.sections if possible[s.id]}
        top, bottom = sum(w * earned[s] / possible[s] for s, w in weights.items()), sum(weights.values())
    else:
        top, bottom = sum(earned.values()), sum(possible.values())
    if not bottom:
        return None
    percent = max(Fraction(top) / bottom * 100, Fraction(0))
    cap = rubric.scoring.cap if by_points else 100
    return float(int((percent if cap is None else min(percent, cap)) * 100 + Fraction(1, 2))) / 100


@given(a_filled_form())
@settings(max_examples=80, deadline=None)
def test_totals_stay_within_their_bounds(filled: tuple[Rubric, dict[str, ItemResult]]):
    rubric, known = filled
    total = score(rubric, known, VOICE).score
    cap = rubric.scoring.cap if rubric.scoring.method == "points" else 100

    if total.low is None or total.high is None:
        assert total.percent is None
    else:
        assert 0 <= total.low <= total.high
        assert cap is None or total.high <= cap
        assert total.percent is None or total.low == total.percent == total.high


@given(a_filled_form(open_items=False, conditions=False), st.data())
@settings(max_examples=80, deadline=None)
def test_a_better_answer_never_lowers_the_total(filled: tuple[Rubric, dict[str, ItemResult]], data: st.DataObject):
    """Better: more points, and no error where there was none."""
    rubric, known = filled
    item = data.draw(st.sampled_from(rubric.items))
    answers = [a for a in ways(item) if a != NA]
    worse, better = data.draw(st.sampled_from(answers)), data.draw(st.sampled_from(answers))
    assume(item.points_for(worse) <= item.points_for(better) and item.fails(worse) >= item.fails(better))
    low, high = (score(rubric, known | {item.id: a_result(item.id, a)}, VOICE).score.percent for a in (worse, better))

    # A total can only vanish where a zeroed form comes to life and nothing in it counts.
    assert low is None or high is None or low <= high
    assert not (low is None and high is not None)


@given(a_filled_form(open_items=False, conditions=False), st.data())
@settings(max_examples=60, deadline=None)
def test_an_item_that_does_not_apply_might_as_well_not_exist(
    filled: tuple[Rubric, dict[str, ItemResult]], data: st.DataObject
):
    rubric, known = filled
    item = data.draw(st.sampled_from(rubric.items))
    plain = rubric.model_dump(by_alias=True)
    plain["sections"] = [s | {"items": [i for i in s["items"] if i["id"] != item.id]} for s in plain["sections"]]
    plain["sections"] = [s for s in plain["sections"] if s["items"]]
    assume(plain["sections"])
    without = Rubric.model_validate(plain)

    assert score(rubric, known | {item.id: a_result(item.id, NA)}, VOICE).score == score(without, known, VOICE).score


@given(a_filled_form(conditions=False), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_sections_and_items_changes_nothing(filled: tuple[Rubric, dict[str, ItemResult]], chance: Any):
    rubric, known = filled
    plain = rubric.model_dump(by_alias=True)
    plain["sections"] = [s | {"items": chance.sample(s["items"], len(s["items"]))} for s in plain["sections"]]
    plain["sections"] = chance.sample(plain["sections"], len(plain["sections"]))
    here, there = score(rubric, known, VOICE), score(Rubric.model_validate(plain), known, VOICE)

    assert {section.section: section.model_dump(exclude={"zeroed_by"}) for section in here.sections} == {
        section.section: section.model_dump(exclude={"zeroed_by"}) for section in there.sections
    }
    assert here.score.model_dump(exclude={"auto_failed", "could_auto_fail"}) == there.score.model_dump(
        exclude={"auto_failed", "could_auto_fail"}
    )
    assert set(here.score.auto_failed) == set(there.score.auto_failed)
    assert set(here.score.could_auto_fail) == set(there.score.could_auto_fail)
    assert here.critical_errors == there.critical_errors


@given(a_filled_form())
@settings(max_examples=60, deadline=None)
def test_scoring_twice_or_after_applying_conditions_is_the_same(filled: tuple[Rubric, dict[str, ItemResult]]):
    rubric, known = filled
    once = score(rubric, known, VOICE)

    assert score(rubric, known, VOICE) == once
    assert score(rubric, apply_conditions(rubric, known, VOICE), VOICE) == once


# ── Ranges of ratios ────────────────────────────────────────────────────────────────────────────────────────────


@given(
    st.lists(
        st.lists(
            st.lists(
                st.tuples(st.integers(-3, 5), st.sampled_from([0, 0, 1, 2, 5]), st.booleans()), min_size=1, max_size=3
            ),
            min_size=1,
            max_size=2,
        ),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=60, deadline=None)
def test_the_range_of_a_ratio_is_that_of_all_its_combinations(groups: list[list[list[tuple[int, int, bool]]]]):
    ratios, empty = [], False
    for picks in itertools.product(*(itertools.product(*group) for group in groups)):
        top = sum(min(0, n) if any(z for _, _, z in group) else n for group in picks for n, _, _ in group)
        bottom = sum(d for group in picks for _, d, _ in group)
        empty |= bottom == 0
        ratios += [Fraction(top, bottom)] if bottom else []
    strands = tuple(
        ((tuple(tuple(Outcome(Fraction(n), Fraction(d), z) for n, d, z in part) for part in group),),)
        for group in groups
    )
    found = ratio_range(strands)

    assert (found.low, found.high) == (min(ratios, default=None), max(ratios, default=None))
    assert found.may_be_empty == empty


@pytest.mark.parametrize("module", [service.scoring, service.ranges])
def test_examples_in_docstrings_hold(module: Any):
    outcome = doctest.testmod(module)

    assert outcome.attempted > 0
    assert outcome.failed == 0
