"""Findings on what can never happen: conditions, answers, bands and errors that nothing leads to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, product
from typing import Any

from service.conditions import Facts, holds
from service.cue_rules import AnswerValue
from service.lint.finding import Check, Finding, conditions, found, places, simple_conditions
from service.rubric import (
    Choice,
    Condition,
    Item,
    Metric,
    MetricBand,
    MultiChoice,
    Number,
    NumberBand,
    Rubric,
    Scale,
    WhenMetadata,
    YesNo,
    conditions_on_items,
    number_probes,
    sample_answers,
)
from service.scorecard import Answered, ItemResult, NotApplicable

_MOST_CASES = 4_000
"""Combinations of answers, channels and metadata that are tried for one condition before it is left alone."""


def _check_condition_values(rubric: Rubric) -> Iterator[Finding]:
    for place, condition in conditions(rubric):
        for path, simple in simple_conditions(place, condition):
            if not isinstance(simple, WhenMetadata) or simple.op in ("exists", "absent"):
                continue
            if simple.value is None:
                yield found(
                    "condition-without-value",
                    path,
                    f"The condition compares {simple.metadata!r} with nothing and can never hold.",
                    "Add the value, or ask whether the key exists or is absent.",
                )
            elif simple.op in ("in", "not_in") and not isinstance(simple.value, (list, tuple)):
                yield found(
                    "condition-needs-list",
                    f"{path}.value",
                    f"The comparison {simple.op!r} needs a list, but a single value is given.",
                    "Write the value as a list.",
                )


def _check_reachable_conditions(rubric: Rubric) -> Iterator[Finding]:
    """A condition that no combination of answers, channels and metadata can make true, or none can make false."""
    for path, condition in conditions(rubric):
        truths = _possible_truths(rubric, condition)
        if truths == {False}:
            yield found(
                "condition-never-holds",
                path,
                "The condition can never hold, so what stands under it is never asked.",
                "Look for answers that exclude each other, and for channels that the form does not serve.",
            )
        elif truths == {True}:
            yield found(
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
        for _, condition in conditions(rubric)
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
        for _, simple in simple_conditions("", condition):
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
    for path, item, _ in places(rubric):
        given = _answers_given(item)
        if given is None or not isinstance(item.answer, (YesNo, Choice, MultiChoice, Scale)):
            continue
        for answer in _all_answers(item):
            if answer not in given:
                yield found(
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
    for path, item, _ in places(rubric):
        answer = item.answer
        if isinstance(answer, Number):
            if not number_probes(answer):
                yield found(
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
                yield found(
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
            yield found(
                "band-shadowed",
                f"{path}[{index}]",
                "No number falls into this band: earlier bands, or the allowed range, leave nothing for it.",
                "Order the bands, or mend their ends; the first band that fits counts.",
            )


def _fits(low: float | None, high: float | None, value: float) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _check_scales(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in places(rubric):
        if isinstance(item.answer, Scale):
            points = [item.points_for(level.value) for level in item.answer.levels]
            if points not in (sorted(points), sorted(points, reverse=True)):
                yield found(
                    "scale-points-not-rising",
                    f"{path}.answer.levels",
                    f"The points of item {item.id!r} go up and down along its scale ({_listed(points)}).",
                    "Let points rise, or fall, from level to level.",
                )


def _listed(points: list[float]) -> str:
    return ", ".join(f"{one:g}" for one in points)


def _check_critical(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in places(rubric):
        answers = sample_answers(item) or ()
        if item.critical is None or not answers:
            continue
        failing = [answer for answer in answers if item.fails(answer)]
        best = [answer for answer in answers if item.points_for(answer) == item.points_range[1]]
        if not failing:
            yield found(
                "critical-never-fails",
                f"{path}.critical",
                f"Item {item.id!r} is critical, but none of its answers is the error.",
                "Name the answers in fails_on, or give them fewer points than the best answer.",
            )
        elif len(failing) == len(answers):
            yield found(
                "critical-always-fails",
                f"{path}.critical.fails_on",
                f"Every answer of item {item.id!r} is the critical error.",
                "Leave the right answer out of fails_on.",
            )
        elif all(answer in failing for answer in best) and item.points_range[0] != item.points_range[1]:
            yield found(
                "critical-fails-best-answer",
                f"{path}.critical.fails_on",
                f"The answer of item {item.id!r} that earns the most is also its critical error.",
                "Check whether points and fails_on mean the same answer.",
            )


_COMPLIANCE_TAGS = {"compliance", "legal", "regulatory", "regulation", "disclosure"}


def _check_compliance_tags(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in places(rubric):
        if item.critical is None and _COMPLIANCE_TAGS.intersection(tag.lower() for tag in item.tags):
            yield found(
                "compliance-not-critical",
                f"{path}.critical",
                f"Item {item.id!r} is tagged as compliance, but an error in it is not critical.",
                "Add critical with family compliance, with auto_fail none if it should only be counted.",
            )


CHECKS: tuple[Check, ...] = (
    _check_condition_values,
    _check_reachable_conditions,
    _check_reachable_answers,
    _check_numbers,
    _check_scales,
    _check_critical,
    _check_compliance_tags,
)
