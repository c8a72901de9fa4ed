"""What is wrong, or unwise, with a rubric, told to whoever writes it.

Comes in: a `Rubric`, or plain data that wants to become one. Goes out: findings, each with the place, a stable code, a
sentence for a QA lead and a fix. An error makes scores wrong or an item useless; a warning makes them hard to
defend. This module changes nothing and knows no conversation.
"""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import islice, product
from typing import Any, Literal, NamedTuple

import regex
from pydantic import BaseModel, ValidationError

from service.conditions import Facts, holds
from service.cue_rules import (
    NOT_APPLICABLE,
    UNSCORED,
    AllOf,
    AnswerValue,
    AnyOf,
    AtLeast,
    Cue,
    NoneOf,
    Ordered,
    Pattern,
    Phrase,
    Ref,
    Supplied,
)
from service.phrasing import (
    joining_word,
    language_of,
    main_script,
    manner_word,
    outside_word,
    proviso_word,
    scripts_of,
    voice_only_word,
)
from service.rubric import (
    Choice,
    Condition,
    FreeText,
    Item,
    Metric,
    MetricBand,
    MultiChoice,
    Number,
    NumberBand,
    Points,
    Rubric,
    Scale,
    Section,
    WeightedPercentage,
    WhenAll,
    WhenAny,
    WhenChannel,
    WhenItem,
    WhenMetadata,
    WhenNot,
    YesNo,
    conditions_on_items,
    cue_references,
    number_probes,
    sample_answers,
)
from service.scorecard import Answered, ItemResult, NotApplicable
from service.scoring import score
from service.value import Value

Severity = Literal["error", "warning"]


class Finding(Value):
    """One thing to mend. `path` reads like `sections[0].items[2].answer.levels[1].anchor`; empty for the whole form."""

    severity: Severity
    path: str
    code: str
    message: str
    fix: str


CODES: Mapping[str, Severity] = {
    # The document is no rubric yet.
    "field-missing": "error",
    "field-unknown": "error",
    "value-invalid": "error",
    "rubric-inconsistent": "error",
    # What the form adds up to.
    "nothing-counts": "error",
    "section-weights-all-zero": "error",
    "section-without-weight": "warning",
    "section-weight-unused": "warning",
    "weight-dominates": "warning",
    "critical-zero-weight": "warning",
    "bonus-needs-points": "error",
    "negative-points-ignored": "warning",
    "answers-earn-nothing": "warning",
    "answers-earn-the-same": "warning",
    "pass-mark-out-of-reach": "error",
    "bands-without-zero": "warning",
    "bands-share-a-start": "error",
    "band-ids-repeated": "error",
    # What can never happen.
    "condition-never-holds": "error",
    "condition-always-holds": "warning",
    "condition-without-value": "error",
    "condition-needs-list": "warning",
    "answer-unreachable": "warning",
    "number-range-empty": "error",
    "band-shadowed": "warning",
    "points-limits-crossed": "error",
    "scale-points-not-rising": "warning",
    "critical-never-fails": "error",
    "critical-always-fails": "error",
    "critical-fails-best-answer": "warning",
    "compliance-not-critical": "warning",
    # How the question is put.
    "question-double-barrelled": "warning",
    "question-repeated": "warning",
    "manner-without-anchors": "warning",
    "anchor-too-thin": "warning",
    "not-in-transcript": "warning",
    "applicability-missing": "warning",
    "proviso-without-na": "warning",
    "guidance-missing": "warning",
    "exemplars-missing": "warning",
    "language-mismatch": "warning",
    "language-tag-invalid": "error",
    "id-not-kebab-case": "warning",
    # How it is judged.
    "evidence-contradicts": "warning",
    "evidence-idle": "warning",
    "evidence-cannot-be-met": "error",
    "metric-unknown": "error",
    "metric-without-bands": "error",
    "metric-bands-ignored": "warning",
    "channel-unfit": "warning",
    "block-unused": "warning",
    "pattern-invalid": "error",
    "pattern-backtracks": "warning",
    "pattern-matches-nothing": "warning",
    "cue-unused": "warning",
    "cue-rule-shadowed": "warning",
}
"""Every code with its severity. Codes are stable: tools may switch single ones off."""


def lint(rubric: Rubric) -> tuple[Finding, ...]:
    """Everything to mend in a valid rubric, in the order of the form within each check."""
    return tuple(finding for check in _CHECKS for finding in check(rubric))


def lint_document(data: Any) -> tuple[Finding, ...]:
    """As `lint`, for plain data; what keeps the data from being a rubric at all is told the same way, and alone."""
    try:
        return lint(Rubric.model_validate(data))
    except ValidationError as error:
        errors = error.errors(include_url=False)
        return tuple(_invalid(data, one) for one in errors if not _only_follows(one, errors))
    except RecursionError:
        return (_found("value-invalid", "", "The form is nested too deeply.", "Flatten its conditions and cues."),)


def _found(code: str, path: str, message: str, fix: str) -> Finding:
    return Finding(severity=CODES[code], path=path, code=code, message=message, fix=fix)


# ── Places ──────────────────────────────────────────────────────────────────────────────────────────────────────


class _Place(NamedTuple):
    """One item, where it stands."""

    path: str
    item: Item
    section: Section


def _places(rubric: Rubric) -> Iterator[_Place]:
    for number, section in enumerate(rubric.sections):
        for index, item in enumerate(section.items):
            yield _Place(f"sections[{number}].items[{index}]", item, section)


def _sections(rubric: Rubric) -> Iterator[tuple[str, Section]]:
    return ((f"sections[{number}]", section) for number, section in enumerate(rubric.sections))


def _conditions(rubric: Rubric) -> Iterator[tuple[str, Condition]]:
    """Every condition of a section or an item."""
    for path, section in _sections(rubric):
        if section.when is not None:
            yield f"{path}.when", section.when
    for place in _places(rubric):
        if place.item.when is not None:
            yield f"{place.path}.when", place.item.when


def _simple_conditions(path: str, condition: Condition) -> Iterator[tuple[str, Condition]]:
    """The conditions that compare something, however deep, with their places."""
    match condition:
        case WhenAll(all=parts):
            for index, part in enumerate(parts):
                yield from _simple_conditions(f"{path}.all[{index}]", part)
        case WhenAny(any=parts):
            for index, part in enumerate(parts):
                yield from _simple_conditions(f"{path}.any[{index}]", part)
        case WhenNot(not_=part):
            yield from _simple_conditions(f"{path}.not", part)
        case _:
            yield path, condition


# ── Weights, points, marks ──────────────────────────────────────────────────────────────────────────────────────


def _earns(item: Item) -> bool:
    """Whether the item is part of what can be earned."""
    if item.excluded_from_score or item.weight == 0 or item.bonus:
        return False
    return item.points_range[1] > 0


def _check_something_counts(rubric: Rubric) -> Iterator[Finding]:
    if not any(_earns(item) for item in rubric.items):
        yield _found(
            "nothing-counts",
            "sections",
            "No item can earn anything: all are without weight, without points, bonus or excluded from the score.",
            "Give at least one item a weight above 0 and an answer worth more than 0 points.",
        )


def _check_section_weights(rubric: Rubric) -> Iterator[Finding]:
    if not (isinstance(rubric.scoring, WeightedPercentage) and rubric.scoring.over == "sections"):
        for path, section in _sections(rubric):
            if section.weight != 1:
                yield _found(
                    "section-weight-unused",
                    f"{path}.weight",
                    f"Section {section.id!r} weighs {section.weight:g}, but this form does not score by section.",
                    "Set scoring.over to sections, or leave the section's weight out.",
                )
        return
    if all(section.weight == 0 for section in rubric.sections):
        yield _found("section-weights-all-zero", "sections", "Every section weighs 0.", "Give one a weight above 0.")
    for path, section in _sections(rubric):
        if section.weight > 0 and not any(_earns(item) for item in section.items):
            yield _found(
                "section-without-weight",
                path,
                f"Section {section.id!r} has a weight, but no item in it can earn anything, so it never counts.",
                "Give an item in it weight and points, or set the section's weight to 0.",
            )


def _check_dominance(rubric: Rubric) -> Iterator[Finding]:
    """One item of four or more that is worth more than half of the form."""
    shares = [(place, _share(rubric, place)) for place in _places(rubric) if _earns(place.item)]
    whole = sum(share for _, share in shares)
    for place, share in shares:
        if len(shares) >= 4 and whole and share / whole > Fraction(1, 2):
            yield _found(
                "weight-dominates",
                f"{place.path}.weight",
                f"Item {place.item.id!r} alone is worth {float(share / whole):.0%} of the form.",
                "Lower its weight, or make it critical if everything hangs on it.",
            )


def _share(rubric: Rubric, place: _Place) -> Fraction:
    weight = Fraction(repr(place.item.weight))
    if isinstance(rubric.scoring, Points):
        return weight * Fraction(repr(place.item.points_range[1]))
    if rubric.scoring.over == "items":
        return weight
    own = sum(Fraction(repr(item.weight)) for item in place.section.items if _earns(item))
    return Fraction(repr(place.section.weight)) * weight / own


def _check_points(rubric: Rubric) -> Iterator[Finding]:
    weighted = isinstance(rubric.scoring, WeightedPercentage)
    for path, item, _ in _places(rubric):
        low = item.points_range[0]
        if item.bonus and weighted:
            yield _found(
                "bonus-needs-points",
                f"{path}.bonus",
                f"Item {item.id!r} is a bonus, which counts for nothing in a weighted percentage.",
                "Score the form by points, or make it an ordinary item.",
            )
        if low < 0 and weighted and not item.excluded_from_score:
            yield _found(
                "negative-points-ignored",
                f"{path}.answer",
                f"Item {item.id!r} has answers worth less than 0; in a weighted percentage they count as 0.",
                "Score the form by points, or give these answers 0 points.",
            )
        yield from _check_what_answers_earn(path, item, weighted=weighted)
        if item.critical and item.weight == 0 and item.critical.auto_fail == "none" and not item.excluded_from_score:
            yield _found(
                "critical-zero-weight",
                f"{path}.weight",
                f"Item {item.id!r} is critical, but it has no weight and fails nothing: an error costs no points.",
                "Give it a weight or an auto-fail, or mark it as excluded from the score to say that this is meant.",
            )


def _check_what_answers_earn(path: str, item: Item, *, weighted: bool) -> Iterator[Finding]:
    low, high = item.points_range
    if item.excluded_from_score or item.bonus or isinstance(item.answer, FreeText):
        return
    if high <= 0 and (weighted or low == 0):
        yield _found(
            "answers-earn-nothing",
            f"{path}.answer",
            f"No answer of item {item.id!r} earns a point, so it cannot move the score.",
            "Give its best answer points, or mark the item as excluded from the score.",
        )
    elif low == high:
        yield _found(
            "answers-earn-the-same",
            f"{path}.answer",
            f"Every answer of item {item.id!r} earns {high:g} points, so the answer makes no difference.",
            "Give the answers different points, or mark the item as excluded from the score.",
        )


def _check_pass_mark(rubric: Rubric) -> Iterator[Finding]:
    """By the arithmetic itself: the highest total of an empty form, on any of its channels."""
    if rubric.pass_mark is None:
        return
    highs = [score(rubric, {}, Facts(channel=channel)).score.high for channel in rubric.channels]
    best = max((high for high in highs if high is not None), default=None)
    if best is not None and best < rubric.pass_mark:
        yield _found(
            "pass-mark-out-of-reach",
            "pass_mark",
            f"The pass mark is {rubric.pass_mark:g} %, but no conversation can get more than {best:g} %.",
            "Lower the pass mark, or look at items whose best answer is also their critical error.",
        )


def _check_bands(rubric: Rubric) -> Iterator[Finding]:
    starts = [band.from_percent for band in rubric.bands]
    if starts and min(starts) > 0:
        yield _found(
            "bands-without-zero",
            "bands",
            f"The lowest band starts at {min(starts):g} %; totals below it have no band.",
            "Let the lowest band start at 0.",
        )
    for index, band in enumerate(rubric.bands):
        if band.from_percent in starts[:index]:
            yield _found(
                "bands-share-a-start",
                f"bands[{index}].from_percent",
                f"Two bands start at {band.from_percent:g} %.",
                "Let each band start where the one below it ends.",
            )
        if band.id in [earlier.id for earlier in rubric.bands[:index]]:
            yield _found("band-ids-repeated", f"bands[{index}].id", f"Two bands are called {band.id!r}.", "Rename one.")


# ── What can never happen ───────────────────────────────────────────────────────────────────────────────────────

_MOST_CASES = 4_000
"""Combinations of answers, channels and metadata that are tried for one condition before it is left alone."""


def _check_condition_values(rubric: Rubric) -> Iterator[Finding]:
    for place, condition in _conditions(rubric):
        for path, simple in _simple_conditions(place, condition):
            if not isinstance(simple, WhenMetadata) or simple.op in ("exists", "absent"):
                continue
            if simple.value is None:
                yield _found(
                    "condition-without-value",
                    path,
                    f"The condition compares {simple.metadata!r} with nothing and can never hold.",
                    "Add the value, or ask whether the key exists or is absent.",
                )
            elif simple.op in ("in", "not_in") and not isinstance(simple.value, (list, tuple)):
                yield _found(
                    "condition-needs-list",
                    f"{path}.value",
                    f"The comparison {simple.op!r} needs a list, but a single value is given.",
                    "Write the value as a list.",
                )


def _check_reachable_conditions(rubric: Rubric) -> Iterator[Finding]:
    """A condition that no combination of answers, channels and metadata can make true, or none can make false."""
    for path, condition in _conditions(rubric):
        truths = _possible_truths(rubric, condition)
        if truths == {False}:
            yield _found(
                "condition-never-holds",
                path,
                "The condition can never hold, so what stands under it is never asked.",
                "Look for answers that exclude each other, and for channels that the form does not serve.",
            )
        elif truths == {True}:
            yield _found(
                "condition-always-holds",
                path,
                "The condition always holds, so it decides nothing.",
                "Remove it, or name the answers that should make a difference.",
            )


def _possible_truths(rubric: Rubric, condition: Condition) -> set[bool | None]:
    """Which truth values the condition can take; empty when there are too many cases to try."""
    items = _items_behind(rubric, condition)
    ways = [_ways(item, _mentions(rubric, item.id)) for item in items]
    samples = _metadata_samples([condition, *(c for item in items for c in _own_conditions(rubric, item))])
    if any(not way for way in ways):
        return set()
    cases = product(rubric.channels, product(*samples.values()), product(*ways))
    tried = list(islice(cases, _MOST_CASES + 1))
    if len(tried) > _MOST_CASES:
        return set()
    truths = set()
    for channel, values, answers in tried:
        known = {key: value for key, value in zip(samples, values, strict=True) if value is not None}
        facts = Facts(channel=channel, metadata=known)
        results: dict[str, ItemResult] = {}
        for item, answer in zip(items, answers, strict=True):
            asked = all(holds(own, results, facts) for own in _own_conditions(rubric, item))
            results[item.id] = answer if asked else _not_asked(item)
        truths.add(holds(condition, results, facts))
        if len(truths) == 2:
            break
    return truths


def _items_behind(rubric: Rubric, condition: Condition) -> list[Item]:
    """The items that the condition hangs on, and those on which they hang, in form order."""
    wanted: set[str] = set()
    waiting = [mention.item for mention in conditions_on_items(condition)]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            for own in _own_conditions(rubric, rubric.item(name)):
                waiting.extend(mention.item for mention in conditions_on_items(own))
    return [item for item in rubric.items if item.id in wanted]


def _own_conditions(rubric: Rubric, item: Item) -> list[Condition]:
    home = next(section for section in rubric.sections if any(one.id == item.id for one in section.items))
    return [condition for condition in (home.when, item.when) if condition is not None]


def _mentions(rubric: Rubric, item_id: str) -> list[AnswerValue]:
    return [
        answer
        for _, condition in _conditions(rubric)
        for mention in conditions_on_items(condition)
        if mention.item == item_id
        for answer in mention.answers
    ]


def _ways(item: Item, named: list[AnswerValue]) -> list[ItemResult]:
    """Every result that the item may get; none when they cannot be listed."""
    answers = sample_answers(item, *named)
    if answers is None:
        return []
    results: list[ItemResult] = [
        Answered(item=item.id, answer=answer, reason="assumed", method=item.method) for answer in answers
    ]
    return [*results, _not_asked(item)] if item.not_applicable == "allowed" else results


def _not_asked(item: Item) -> NotApplicable:
    return NotApplicable(item=item.id, reason="assumed", decided_by="condition", method=item.method)


def _metadata_samples(conditions: Iterable[Condition]) -> dict[str, list[Any]]:
    """Key → values on every side of what the conditions compare it with, a missing one included."""
    samples: dict[str, list[Any]] = {}
    for condition in conditions:
        for _, simple in _simple_conditions("", condition):
            if isinstance(simple, WhenMetadata):
                values = simple.value if isinstance(simple.value, (list, tuple)) else [simple.value]
                samples.setdefault(simple.metadata, [None, "\N{BULLET}"]).extend(
                    near for value in values for near in _near(value)
                )
    return {key: _distinct(values) for key, values in samples.items()}


def _near(value: Any) -> list[Any]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [value - 1, value, value + 1]
    if isinstance(value, str):
        return [value, value + "\N{BULLET}"] + ([value[:-1]] if value else [])
    return [value]


def _distinct(values: list[Any]) -> list[Any]:
    return [value for index, value in enumerate(values) if not any(_same(value, one) for one in values[:index])]


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _check_reachable_answers(rubric: Rubric) -> Iterator[Finding]:
    """Answers that an item judged without a model can never get."""
    for path, item, _ in _places(rubric):
        given = _answers_given(item)
        if given is None or not isinstance(item.answer, (YesNo, Choice, MultiChoice, Scale)):
            continue
        for answer in _all_answers(item):
            if answer not in given:
                yield _found(
                    "answer-unreachable",
                    f"{path}.{'metric' if item.method == 'metric' else 'cues'}",
                    f"Item {item.id!r} can never be answered {answer!r}: no rule or band gives this answer.",
                    "Add a rule for it, or remove the answer.",
                )


def _all_answers(item: Item) -> tuple[AnswerValue, ...]:
    match item.answer:
        case YesNo():
            return ("yes", "no")
        case Choice(options=options) | MultiChoice(options=options):
            return tuple(option.id for option in options)
        case Scale(levels=levels):
            return tuple(level.value for level in levels)
        case _:
            return ()


def _answers_given(item: Item) -> set[AnswerValue] | None:
    """What the cue rules or the metric's bands can answer; None when a model or a person answers."""
    if item.method == "metric" and item.metric and item.metric.bands:
        return {band.answer for band in item.metric.bands}
    if item.method == "cues" and item.cues:
        named = [*(rule.answer for rule in item.cues.rules), item.cues.otherwise]
        return {one for answer in named for one in (answer if isinstance(answer, tuple) else (answer,))}
    return None


def _check_numbers(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in _places(rubric):
        answer = item.answer
        if isinstance(answer, Number):
            if not number_probes(answer):
                yield _found(
                    "number-range-empty",
                    f"{path}.answer",
                    f"Item {item.id!r} allows no number: its least is above its most.",
                    "Swap min and max.",
                )
            else:
                yield from _check_shadows(f"{path}.answer.bands", answer.bands, number_probes(answer))
        if item.metric and item.metric.bands:
            probes = number_probes(_as_number(item.metric))
            yield from _check_shadows(f"{path}.metric.bands", item.metric.bands, probes)
        if isinstance(answer, MultiChoice) and None not in (answer.min_points, answer.max_points):
            low, high = answer.min_points or 0, answer.max_points or 0
            if low > high:
                yield _found(
                    "points-limits-crossed",
                    f"{path}.answer",
                    f"Item {item.id!r} limits its points to at least {low:g} and at most {high:g}.",
                    "Swap min_points and max_points.",
                )


def _as_number(metric: Metric) -> Number:
    return Number(bands=tuple(NumberBand(min=band.min, max=band.max, points=0) for band in metric.bands))


def _check_shadows(
    path: str, bands: tuple[NumberBand, ...] | tuple[MetricBand, ...], probes: tuple[float, ...]
) -> Iterator[Finding]:
    ends = [(band.min, band.max) for band in bands]
    reached = {next((index for index, end in enumerate(ends) if _fits(*end, probe)), None) for probe in probes}
    for index in range(len(bands)):
        if index not in reached:
            yield _found(
                "band-shadowed",
                f"{path}[{index}]",
                "No number falls into this band: earlier bands, or the allowed range, leave nothing for it.",
                "Order the bands, or mend their ends; the first band that fits counts.",
            )


def _fits(low: float | None, high: float | None, value: float) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _check_scales(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in _places(rubric):
        if isinstance(item.answer, Scale):
            points = [item.points_for(level.value) for level in item.answer.levels]
            if points not in (sorted(points), sorted(points, reverse=True)):
                yield _found(
                    "scale-points-not-rising",
                    f"{path}.answer.levels",
                    f"The points of item {item.id!r} go up and down along its scale ({_listed(points)}).",
                    "Let points rise, or fall, from level to level.",
                )


def _listed(points: list[float]) -> str:
    return ", ".join(f"{one:g}" for one in points)


def _check_critical(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in _places(rubric):
        answers = sample_answers(item) or ()
        if item.critical is None or not answers:
            continue
        failing = [answer for answer in answers if item.fails(answer)]
        best = [answer for answer in answers if item.points_for(answer) == item.points_range[1]]
        if not failing:
            yield _found(
                "critical-never-fails",
                f"{path}.critical",
                f"Item {item.id!r} is critical, but none of its answers is the error.",
                "Name the answers in fails_on, or give them fewer points than the best answer.",
            )
        elif len(failing) == len(answers):
            yield _found(
                "critical-always-fails",
                f"{path}.critical.fails_on",
                f"Every answer of item {item.id!r} is the critical error.",
                "Leave the right answer out of fails_on.",
            )
        elif all(answer in failing for answer in best) and item.points_range[0] != item.points_range[1]:
            yield _found(
                "critical-fails-best-answer",
                f"{path}.critical.fails_on",
                f"The answer of item {item.id!r} that earns the most is also its critical error.",
                "Check whether points and fails_on mean the same answer.",
            )


_COMPLIANCE_TAGS = {"compliance", "legal", "regulatory", "regulation", "disclosure"}


def _check_compliance_tags(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in _places(rubric):
        if item.critical is None and _COMPLIANCE_TAGS.intersection(tag.lower() for tag in item.tags):
            yield _found(
                "compliance-not-critical",
                f"{path}.critical",
                f"Item {item.id!r} is tagged as compliance, but an error in it is not critical.",
                "Add critical with family compliance, with auto_fail none if it should only be counted.",
            )


# ── How the question is put ─────────────────────────────────────────────────────────────────────────────────────


def _check_questions(rubric: Rubric) -> Iterator[Finding]:
    language = language_of(rubric.language)
    for path, item, _ in _places(rubric):
        if joined := joining_word(item.question, language):
            yield _found(
                "question-double-barrelled",
                f"{path}.question",
                f"The question asks two things at once ({joined!r}); one answer cannot say which of them was missed.",
                "Make two items of it, or one item with an option for each case.",
            )
        if item.method not in ("human", "metric") and (outside := outside_word(item.question, language)):
            yield _found(
                "not-in-transcript",
                f"{path}.question",
                f"A transcript does not show this ({outside!r}).",
                "Set method to human, take it from metadata with a metric, or ask for what is said.",
            )
        yield from _check_manner(path, item, language)


def _check_manner(path: str, item: Item, language: str) -> Iterator[Finding]:
    manner = manner_word(item.question, language)
    anchored = isinstance(item.answer, (Choice, MultiChoice)) and all(o.anchor for o in item.answer.options)
    if manner and item.method != "human" and not item.guidance and not anchored and not isinstance(item.answer, Scale):
        yield _found(
            "manner-without-anchors",
            f"{path}.guidance",
            f"{manner!r} means something else to every evaluator, and nothing here says which behaviour shows it.",
            "Say in guidance, or in an anchor for every option, what a listener would hear.",
        )
    if isinstance(item.answer, Scale):
        for index, level in enumerate(item.answer.levels):
            if main_script(level.anchor) in (None, "latin") and len(level.anchor.split()) < 3:
                yield _found(
                    "anchor-too-thin",
                    f"{path}.answer.levels[{index}].anchor",
                    f"{level.anchor!r} names level {level.value}, but does not say which behaviour earns it.",
                    "Describe what the agent says or does at this level.",
                )


def _check_repetition(rubric: Rubric) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path, item, _ in _places(rubric):
        words = re.sub(r"\W+", " ", item.question.casefold()).strip()
        if words in seen:
            yield _found(
                "question-repeated",
                f"{path}.question",
                f"Item {item.id!r} asks the same as item {seen[words]!r}.",
                "Remove one, or say in the question where they differ.",
            )
        seen.setdefault(words, item.id)


def _check_applicability(rubric: Rubric) -> Iterator[Finding]:
    language = language_of(rubric.language)
    for path, item, section in _places(rubric):
        proviso = proviso_word(item.question, language)
        if item.not_applicable == "never" and item.when is None and section.when is None and proviso:
            yield _found(
                "proviso-without-na",
                f"{path}.not_applicable",
                f"The question does not always apply ({proviso!r}), but N/A is not allowed, so it will be scored No.",
                "Allow not_applicable and say in applicable_when when the question arises.",
            )
        stated = item.applicable_when or item.when or section.when or (item.cues and item.cues.applicable)
        if item.not_applicable == "allowed" and not stated and item.method in ("llm", "cues"):
            yield _found(
                "applicability-missing",
                f"{path}.applicable_when",
                f"Item {item.id!r} may be not applicable, but nothing says when; every judge will decide differently.",
                "Say in applicable_when when the question arises, or set not_applicable to never.",
            )


def _check_guidance(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in _places(rubric):
        if item.method != "llm":
            continue
        if not item.guidance:
            yield _found(
                "guidance-missing",
                f"{path}.guidance",
                f"Item {item.id!r} is answered by a model that is not told what good looks like.",
                "Write one or two sentences on what earns which answer.",
            )
        if isinstance(item.answer, Scale) and not item.exemplars:
            yield _found(
                "exemplars-missing",
                f"{path}.exemplars",
                f"Item {item.id!r} asks for a level, but shows no example of one.",
                "Add a quote for at least the lowest and the highest level.",
            )


def _check_language(rubric: Rubric) -> Iterator[Finding]:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", rubric.language):
        yield _found(
            "language-tag-invalid", "language", f"{rubric.language!r} is no language tag.", "Write en, es-MX, fa or zh."
        )
        return
    expected = scripts_of(language_of(rubric.language))
    for path, item, _ in _places(rubric):
        script = main_script(item.question)
        if expected and script is not None and script not in expected:
            yield _found(
                "language-mismatch",
                f"{path}.question",
                f"The form's language is {rubric.language}, but this question is written in {script} letters.",
                "Translate the question, or correct the form's language.",
            )


def _check_ids(rubric: Rubric) -> Iterator[Finding]:
    named = [("id", rubric.id)]
    named += [(f"{path}.id", section.id) for path, section in _sections(rubric)]
    for path, item, _ in _places(rubric):
        named.append((f"{path}.id", item.id))
        if isinstance(item.answer, (Choice, MultiChoice)):
            named += [(f"{path}.answer.options[{n}].id", option.id) for n, option in enumerate(item.answer.options)]
    odd = [(path, name) for path, name in named if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)]
    if odd:
        # One finding for the whole form: ids of another system are odd all alike, and nobody changes them.
        more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
        yield _found(
            "id-not-kebab-case",
            odd[0][0],
            f"The id {odd[0][1]!r}{more}: not lower-case words joined by hyphens.",
            "Choose one style before the form is first published; afterwards ids stay for ever.",
        )


# ── How it is judged ────────────────────────────────────────────────────────────────────────────────────────────


def _check_evidence(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in _places(rubric):
        rule = item.evidence
        for answer in set(rule.quotes_for or ()) & set(rule.absence or ()):
            yield _found(
                "evidence-contradicts",
                f"{path}.evidence",
                f"The answer {answer!r} of item {item.id!r} needs quotes and may rest on absence; absence wins.",
                "Name the answer in one of the two lists.",
            )
        if rule.min_quotes == 0 and rule.quotes_for:
            yield _found(
                "evidence-idle",
                f"{path}.evidence.quotes_for",
                f"Item {item.id!r} names answers that need quotes, but asks for none (min_quotes is 0).",
                "Set min_quotes to 1, or remove quotes_for.",
            )
        if item.cues and item.method in ("llm", "cues"):
            yield from _check_cue_evidence(rubric, path, item)


def _check_cue_evidence(rubric: Rubric, path: str, item: Item) -> Iterator[Finding]:
    """Answers that the cue engine could give only without the quotes that the item demands of them."""
    judge = item.cues
    if judge is None:
        return
    otherwise = judge.otherwise
    if otherwise not in (UNSCORED, NOT_APPLICABLE) and _quotes_needed(item, otherwise):
        yield _found(
            "evidence-cannot-be-met",
            f"{path}.cues.otherwise",
            f"Item {item.id!r} answers {otherwise!r} when nothing was found, but demands quotes for this answer.",
            "Name the answer in evidence.absence, or let otherwise be unscored.",
        )
    for index, rule in enumerate(judge.rules):
        if rule.answer in (UNSCORED, NOT_APPLICABLE) or not _quotes_needed(item, rule.answer):
            continue
        speakers = set(_speakers(rubric, rule.when, frozenset()))
        allowed = {item.evidence.speaker, "any"} if item.evidence.speaker != "any" else speakers
        if item.evidence.speaker == "agent":
            allowed |= {"bot"}
        if not speakers or not speakers & allowed:
            why = "finds no passage, only an absence" if not speakers else f"finds words of the {min(speakers)} only"
            yield _found(
                "evidence-cannot-be-met",
                f"{path}.cues.rules[{index}]",
                f"The rule {why}; {rule.answer!r} demands quotes (speaker: {item.evidence.speaker}).",
                "Name the answer in evidence.absence, correct the speaker, or add a cue that finds a passage.",
            )


def _quotes_needed(item: Item, answer: AnswerValue) -> int:
    if isinstance(item.answer, MultiChoice) and isinstance(answer, str):
        answer = (answer,)
    return item.quotes_needed(answer) if item.allows(answer) else 0


def _speakers(rubric: Rubric, cue: Cue, seen: frozenset[str]) -> Iterator[str]:
    """Whose words the passages that prove this cue can be."""
    match cue:
        case Phrase(speaker=speaker) | Pattern(speaker=speaker) | Supplied(speaker=speaker):
            yield speaker
        case AnyOf(any=parts) | AllOf(all=parts) | AtLeast(of=parts):
            for part in parts:
                yield from _speakers(rubric, part, seen)
        case Ordered(cue=inner):
            yield from _speakers(rubric, inner, seen)
        case Ref(ref=name) if name not in seen:
            yield from _speakers(rubric, rubric.cues[name], seen | {name})
        case NoneOf() | Ref():
            return


_TIMINGS: Mapping[str, frozenset[str]] = {
    "duration": frozenset({"voice", "chat", "email", "social"}),
    "turns": frozenset({"voice", "chat", "email", "social"}),
    "first_agent_response": frozenset({"voice", "chat", "email", "social"}),
    "longest_agent_silence": frozenset({"voice", "chat"}),
    "longest_pause": frozenset({"voice"}),
    "agent_talk_share": frozenset({"voice", "chat"}),
}


def _check_metrics(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in _places(rubric):
        if item.metric is None:
            continue
        of = item.metric.of
        if of not in _TIMINGS and not re.fullmatch(r"metadata:.+", of):
            close = difflib.get_close_matches(of, _TIMINGS, n=1)
            yield _found(
                "metric-unknown",
                f"{path}.metric.of",
                f"{of!r} is nothing that can be measured.",
                f"Use {close[0]}." if close else f"Use metadata:KEY or one of: {', '.join(_TIMINGS)}.",
            )
        if isinstance(item.answer, Number) and item.metric.bands:
            yield _found(
                "metric-bands-ignored",
                f"{path}.metric.bands",
                f"Item {item.id!r} takes the number itself; the metric's bands are not looked at.",
                "Put the bands under answer.bands, with points.",
            )
        if not isinstance(item.answer, Number) and not item.metric.bands:
            yield _found(
                "metric-without-bands",
                f"{path}.metric",
                f"Nothing says which measurement gives which answer of item {item.id!r}.",
                "Add metric.bands, or make it a number item.",
            )


def _check_channels(rubric: Rubric) -> Iterator[Finding]:
    """Items that ask a channel for what it does not have."""
    language = language_of(rubric.language)
    for place in _places(rubric):
        path, item = place.path, place.item
        served = [channel for channel in rubric.channels if _may_be_asked(place, channel)]
        fit = _TIMINGS.get(item.metric.of) if item.metric and item.method == "metric" else None
        unfit = [channel for channel in served if fit is not None and channel not in fit]
        if unfit:
            yield _found(
                "channel-unfit",
                f"{path}.metric.of",
                f"{item.metric.of if item.metric else ''!r} means nothing in {' and '.join(unfit)}.",
                "Ask the item under a condition on the channel, or narrow the form's channels.",
            )
        word = voice_only_word(item.question, language)
        if word and item.method != "human" and served and "voice" not in served:
            yield _found(
                "channel-unfit",
                f"{path}.question",
                f"The question is about something that only a call has ({word!r}).",
                "Remove the item, or let the form serve voice.",
            )


def _may_be_asked(place: _Place, channel: str) -> bool:
    facts = Facts.model_validate({"channel": channel})
    conditions = (place.section.when, place.item.when)
    # Conditions on answers and metadata stay open here; only the channel is looked at.
    return all(_holds_for_channel(condition, facts) is not False for condition in conditions)


def _holds_for_channel(condition: Condition | None, facts: Facts) -> bool | None:
    if condition is None or any(isinstance(one, WhenMetadata) for _, one in _simple_conditions("", condition)):
        return None
    return holds(condition, {}, facts)


def _check_unused_blocks(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in _places(rubric):
        if item.metric and item.method != "metric":
            yield _found(
                "block-unused",
                f"{path}.metric",
                f"Item {item.id!r} has a metric, but its method is {item.method}.",
                "Set method to metric, or remove the block.",
            )
        if item.cues and item.method in ("metric", "human"):
            yield _found(
                "block-unused",
                f"{path}.cues",
                f"Item {item.id!r} has cues, but its method is {item.method}.",
                "Set method to cues or llm, or remove the block.",
            )


# ── Cues ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cues(rubric: Rubric) -> Iterator[tuple[str, Cue]]:
    """Every cue that stands by itself: the form's own and those in items."""
    for name, cue in rubric.cues.items():
        yield f"cues.{name}", cue
    for path, item, _ in _places(rubric):
        if item.cues:
            if item.cues.applicable is not None:
                yield f"{path}.cues.applicable", item.cues.applicable
            for index, rule in enumerate(item.cues.rules):
                yield f"{path}.cues.rules[{index}].when", rule.when


def _cue_parts(path: str, cue: Any) -> Iterator[tuple[str, BaseModel]]:
    """The cue and every cue within it, with their places."""
    if not isinstance(cue, Value):
        return
    yield path, cue
    for name in type(cue).model_fields:
        value = getattr(cue, name)
        if isinstance(value, tuple):
            for index, part in enumerate(value):
                yield from _cue_parts(f"{path}.{name}[{index}]", part)
        else:
            yield from _cue_parts(f"{path}.{name}", value)


def _check_patterns(rubric: Rubric) -> Iterator[Finding]:
    for place, cue in _cues(rubric):
        for path, part in _cue_parts(place, cue):
            if isinstance(part, Pattern):
                for index, pattern in enumerate(part.pattern):
                    yield from _check_pattern(f"{path}.pattern[{index}]", pattern)


def _check_pattern(path: str, pattern: str) -> Iterator[Finding]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = regex.compile(pattern, regex.IGNORECASE)
    except (regex.error, ValueError, RecursionError) as error:
        yield _found("pattern-invalid", path, f"The pattern is not valid: {error}.", "Correct the regular expression.")
        return
    if _backtracks(pattern):
        yield _found(
            "pattern-backtracks",
            path,
            "The pattern repeats something that itself repeats; on long turns it can run into its time limit.",
            "Remove the outer or the inner repetition, as (a+)+ can be written a+.",
        )
    elif compiled.match(""):
        yield _found(
            "pattern-matches-nothing",
            path,
            "The pattern also matches an empty text, so it is found everywhere.",
            "Make at least one part of it required.",
        )


_ATOMS = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:P?<\w+>|[a-z-]*:|<?[=!]|>))?|\)|(?:[*+?]|\{\d*,?\d*\})[?+]?|\||.",
    re.DOTALL,
)
_PROBES = (*map(chr, range(32, 127)), "\n", "\t", "é", "ß", "س", "ك", "漢", "字", "。")


class _Group(NamedTuple):
    """A group of a pattern: its alternatives, each a row of atoms or groups with the repetition that follows them."""

    alternatives: list[list[tuple[str | _Group, str]]]


def _backtracks(pattern: str) -> bool:
    r"""Whether an endlessly repeated group can match one text in ever more ways, as (a+)+ or (a|aa)* can.

    A repetition within it is harmless where a required character that it cannot match follows it, or opens the
    group: (\w+,)+ and (?: \w+)+ have one way each.
    """
    return any(_repeats(node, how) and _many_ways(node) for node, how in _groups(_parsed(pattern)))


def _parsed(pattern: str) -> _Group:
    open_groups = [_Group([[]])]
    for atom in _ATOMS.findall(pattern):
        row = open_groups[-1].alternatives[-1]
        if atom.startswith("("):
            open_groups.append(_Group([[]]))
        elif atom == ")" and len(open_groups) > 1:
            closed = open_groups.pop()
            open_groups[-1].alternatives[-1].append((closed, ""))
        elif atom == "|":
            open_groups[-1].alternatives.append([])
        elif atom[0] in "*+?{" and row and not row[-1][1]:
            row[-1] = (row[-1][0], atom)
        else:
            row.append((atom, ""))
    return open_groups[0]


def _groups(group: _Group) -> Iterator[tuple[_Group, str]]:
    for row in group.alternatives:
        for node, how in row:
            if isinstance(node, _Group):
                yield node, how
                yield from _groups(node)


def _repeats(node: str | _Group, how: str) -> bool:
    """Whether this repetition is endless and may give back what it took."""
    endless = how.startswith(("*", "+")) or re.match(r"\{\d*,\}", how) is not None
    return endless and not (len(how) > 1 and how.endswith("+")) and node != ""


def _many_ways(group: _Group) -> bool:
    rows = group.alternatives
    starts = ["".join(node if isinstance(node, str) else "(" for node, _ in row) for row in rows]
    if any(_also_sum(starts, a, b) for n, a in enumerate(starts) for m, b in enumerate(starts) if n != m):
        return True
    for row in rows:
        for index, (node, how) in enumerate(row):
            if isinstance(node, _Group) and not _repeats(node, how) and _many_ways(node):
                return True
            if _repeats(node, how):
                following = row[index + 1 : index + 2] or (row[:1] if len(rows) == 1 and index else [])
                if not following or not _bars(following[0], node):
                    return True
    return False


def _also_sum(starts: list[str], whole: str, part: str) -> bool:
    """Whether one alternative is another one and then something that begins like an alternative again."""
    if not part or not whole.startswith(part):
        return False
    rest = whole.removeprefix(part)
    return not rest or any(start and rest.startswith(start) for start in starts)


def _bars(following: tuple[str | _Group, str], repeated: str | _Group) -> bool:
    """Whether what follows is required and can be nothing that the repeated atom matches."""
    node, how = following
    if isinstance(repeated, _Group) or how.startswith(("*", "?", "{0", "{,")):
        return False
    if isinstance(node, _Group):
        return all(row and _bars(row[0], repeated) for row in node.alternatives)
    starts = [character for character in (*_PROBES, node) if _matches(node, character)]
    return bool(starts) and not any(_matches(repeated, character) for character in starts)


def _matches(atom: str, character: str) -> bool:
    return regex.fullmatch(atom, character, regex.IGNORECASE) is not None


def _check_cue_use(rubric: Rubric) -> Iterator[Finding]:
    used = {name for _, cue in _cues(rubric) for name in cue_references(cue)}
    for name in rubric.cues:
        if name not in used:
            yield _found(
                "cue-unused", f"cues.{name}", f"No item uses the cue {name!r}.", "Use it by ref, or remove it."
            )
    for path, item, _ in _places(rubric):
        rules = item.cues.rules if item.cues else ()
        several = isinstance(item.answer, MultiChoice)
        for index, rule in enumerate(rules):
            if any(earlier.when == rule.when and (not several or earlier == rule) for earlier in rules[:index]):
                yield _found(
                    "cue-rule-shadowed",
                    f"{path}.cues.rules[{index}]",
                    "An earlier rule has the same cue, so this one is never reached.",
                    "Remove one of the two, or make their cues differ.",
                )


_CHECKS: tuple[Callable[[Rubric], Iterable[Finding]], ...] = (
    _check_something_counts,
    _check_section_weights,
    _check_dominance,
    _check_points,
    _check_pass_mark,
    _check_bands,
    _check_condition_values,
    _check_reachable_conditions,
    _check_reachable_answers,
    _check_numbers,
    _check_scales,
    _check_critical,
    _check_compliance_tags,
    _check_questions,
    _check_repetition,
    _check_applicability,
    _check_guidance,
    _check_language,
    _check_ids,
    _check_evidence,
    _check_metrics,
    _check_channels,
    _check_unused_blocks,
    _check_patterns,
    _check_cue_use,
)


# ── Documents that are no rubric yet ────────────────────────────────────────────────────────────────────────────


def _only_follows(error: Any, errors: list[Any]) -> bool:
    """Whether a list is called too short only because its entries were found wrong themselves."""
    place = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in errors
    )


def _invalid(data: Any, error: Any) -> Finding:
    """One error of the model of rubrics, at a place that the author can find."""
    kind, place, reason = error["type"], error["loc"], error["msg"]
    path = _readable(data, place, missing=kind == "missing")
    match kind:
        case "missing":
            name = place[-1] if place else "it"
            return _found("field-missing", path, f"{name!r} is required here.", f"Add {name}.")
        case "extra_forbidden":
            close = difflib.get_close_matches(str(place[-1]), _field_names(), n=1)
            hint = f"Did you mean {close[0]}?" if close else "Remove it."
            return _found("field-unknown", path, f"There is no field {place[-1]!r} here.", hint)
        case "value_error":
            inner, reason = _place_in_message(data, reason.removeprefix("Value error, "))
            whole = path or inner
            return _found("rubric-inconsistent", whole, f"{reason[:1].upper()}{reason[1:]}.", "Mend this first.")
        case _:
            return _found("value-invalid", path, f"{reason}.", "Write a value of the kind that belongs here.")


def _readable(data: Any, place: tuple[str | int, ...], *, missing: bool) -> str:
    """The place without the names of shapes that the validator adds on its way.

    A part of the place that is no key of the data there is such a name. One that happens to be a key too is tried
    both ways; the way that leads farthest is right.
    """
    ways: dict[str, tuple[Any, int]] = {"": (data, 0)}
    for index, part in enumerate(place):
        last = index == len(place) - 1
        grown: dict[str, tuple[Any, int]] = {}
        for path, (here, steps) in ways.items():
            if isinstance(part, int) and isinstance(here, (list, tuple)) and part < len(here):
                grown[f"{path}[{part}]"] = (here[part], steps + 1)
                continue
            longer = f"{path}.{part}" if path else str(part)
            if isinstance(here, dict) and (part in here or (last and missing)):
                # The last part is the field itself, so a way that ends with it wins over any other.
                grown[longer] = (here.get(part), steps + (100 if last else 1))
            grown.setdefault(path, (here, steps))
        ways = dict(sorted(grown.items(), key=lambda way: -way[1][1])[:50])
    return max(ways, key=lambda path: ways[path][1])


def _place_in_message(data: Any, reason: str) -> tuple[str, str]:
    """The path and the rest of a message that begins with a place by ids, as `items.greeting.when: …`."""
    found = re.match(r"(items|sections)\.(.+?): (.*)", reason, re.DOTALL)
    sections = data.get("sections") if isinstance(data, dict) else None
    if found is None or not isinstance(sections, list):
        return "", reason
    kind, place, rest = found.groups()
    for number, section in enumerate(sections):
        entries = [(f"sections[{number}]", section)]
        if kind == "items":
            inner = section.get("items", ()) if isinstance(section, dict) else ()
            entries = [(f"sections[{number}].items[{index}]", item) for index, item in enumerate(inner)]
        for path, entry in entries:
            name = entry.get("id") if isinstance(entry, dict) else None
            if isinstance(name, str) and place.startswith(f"{name}."):
                return f"{path}.{place.removeprefix(f'{name}.')}", rest
    return "", reason


def _field_names() -> list[str]:
    """Every field name of a rubric and its parts."""
    shapes = (Rubric, Section, Item, Scale, Choice, MultiChoice, Number, WhenItem, WhenMetadata, WhenChannel, Metric)
    names = {name for shape in shapes for name in shape.model_fields}
    names |= {"fails_on", "auto_fail", "family", "policy", "quotes_for", "absence", "min_quotes"}
    names |= {"rules", "otherwise", "applicable", "phrase", "pattern", "speaker", "value", "anchor", "label", "points"}
    return sorted(names)
