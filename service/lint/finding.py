"""What every check of the linter shares: findings, their codes, and the ways through a rubric.

Comes in: a rubric. Goes out: its parts, each with the path that a finding names. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from service.cue_rules import Cue
from service.rubric import Condition, Item, Rubric, Section, WhenAll, WhenAny, WhenNot
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
    "unreadable": "error",
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
    "open-without-model": "warning",
    "pattern-invalid": "error",
    "pattern-backtracks": "warning",
    "pattern-matches-nothing": "warning",
    "cue-unused": "warning",
    "cue-rule-shadowed": "warning",
}
"""Every code with its severity. Codes are stable: tools may switch single ones off."""

Check = Callable[[Rubric], "Iterator[Finding]"]


def found(code: str, path: str, message: str, fix: str) -> Finding:
    """A finding with the severity of its code."""
    return Finding(severity=CODES[code], path=path, code=code, message=message, fix=fix)


# ── Places ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Place(NamedTuple):
    """One item, where it stands."""

    path: str
    item: Item
    section: Section


def places(rubric: Rubric) -> Iterator[Place]:
    """Every item in form order."""
    for number, section in enumerate(rubric.sections):
        for index, item in enumerate(section.items):
            yield Place(f"sections[{number}].items[{index}]", item, section)


def sections(rubric: Rubric) -> Iterator[tuple[str, Section]]:
    """Every section with its path."""
    return ((f"sections[{number}]", section) for number, section in enumerate(rubric.sections))


def conditions(rubric: Rubric) -> Iterator[tuple[str, Condition]]:
    """Every condition of a section or an item."""
    for path, section in sections(rubric):
        if section.when is not None:
            yield f"{path}.when", section.when
    for place in places(rubric):
        if place.item.when is not None:
            yield f"{place.path}.when", place.item.when


def simple_conditions(path: str, condition: Condition) -> Iterator[tuple[str, Condition]]:
    """The conditions that compare something, however deep, with their places."""
    match condition:
        case WhenAll(all=parts):
            for index, part in enumerate(parts):
                yield from simple_conditions(f"{path}.all[{index}]", part)
        case WhenAny(any=parts):
            for index, part in enumerate(parts):
                yield from simple_conditions(f"{path}.any[{index}]", part)
        case WhenNot(not_=part):
            yield from simple_conditions(f"{path}.not", part)
        case _:
            yield path, condition


def cues_of(rubric: Rubric) -> Iterator[tuple[str, Cue]]:
    """Every cue that stands by itself: the form's own and those in items."""
    for name, cue in rubric.cues.items():
        yield f"cues.{name}", cue
    for path, item, _ in places(rubric):
        if item.cues:
            if item.cues.applicable is not None:
                yield f"{path}.cues.applicable", item.cues.applicable
            for index, rule in enumerate(item.cues.rules):
                yield f"{path}.cues.rules[{index}].when", rule.when


def cue_parts(path: str, cue: Any) -> Iterator[tuple[str, BaseModel]]:
    """The cue and every cue within it, with their places."""
    if not isinstance(cue, Value):
        return
    yield path, cue
    for name in type(cue).model_fields:
        value = getattr(cue, name)
        if isinstance(value, tuple):
            for index, part in enumerate(value):
                yield from cue_parts(f"{path}.{name}[{index}]", part)
        else:
            yield from cue_parts(f"{path}.{name}", value)


def earns(item: Item) -> bool:
    """Whether the item is part of what can be earned."""
    if item.excluded_from_score or item.weight == 0 or item.bonus:
        return False
    return item.points_range[1] > 0
