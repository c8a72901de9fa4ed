"""Findings on what the form adds up to: weights, points, pass mark and bands."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from service.conditions import Facts
from service.lint.finding import Check, Finding, Place, earns, found, places, sections
from service.rubric import FreeText, Item, Points, Rubric, WeightedPercentage
from service.scoring import score


def _check_something_counts(rubric: Rubric) -> Iterator[Finding]:
    if not any(earns(item) for item in rubric.items):
        yield found(
            "nothing-counts",
            "sections",
            "No item can earn anything: all are without weight, without points, bonus or excluded from the score.",
            "Give at least one item a weight above 0 and an answer worth more than 0 points.",
        )


def _check_section_weights(rubric: Rubric) -> Iterator[Finding]:
    if not (isinstance(rubric.scoring, WeightedPercentage) and rubric.scoring.over == "sections"):
        for path, section in sections(rubric):
            if section.weight != 1:
                yield found(
                    "section-weight-unused",
                    f"{path}.weight",
                    f"Section {section.id!r} weighs {section.weight:g}, but this form does not score by section.",
                    "Set scoring.over to sections, or leave the section's weight out.",
                )
        return
    if all(section.weight == 0 for section in rubric.sections):
        yield found("section-weights-all-zero", "sections", "Every section weighs 0.", "Give one a weight above 0.")
    for path, section in sections(rubric):
        if section.weight > 0 and not any(earns(item) for item in section.items):
            yield found(
                "section-without-weight",
                path,
                f"Section {section.id!r} has a weight, but no item in it can earn anything, so it never counts.",
                "Give an item in it weight and points, or set the section's weight to 0.",
            )


def _check_dominance(rubric: Rubric) -> Iterator[Finding]:
    """One item of four or more that is worth more than half of the form."""
    shares = [(place, _share(rubric, place)) for place in places(rubric) if earns(place.item)]
    whole = sum(share for _, share in shares)
    for place, share in shares:
        if len(shares) >= 4 and whole and share / whole > Fraction(1, 2):
            yield found(
                "weight-dominates",
                f"{place.path}.weight",
                f"Item {place.item.id!r} alone is worth {float(share / whole):.0%} of the form.",
                "Lower its weight, or make it critical if everything hangs on it.",
            )


def _share(rubric: Rubric, place: Place) -> Fraction:
    weight = Fraction(repr(place.item.weight))
    if isinstance(rubric.scoring, Points):
        return weight * Fraction(repr(place.item.points_range[1]))
    if rubric.scoring.over == "items":
        return weight
    own = sum(Fraction(repr(item.weight)) for item in place.section.items if earns(item))
    return Fraction(repr(place.section.weight)) * weight / own


def _check_points(rubric: Rubric) -> Iterator[Finding]:
    weighted = isinstance(rubric.scoring, WeightedPercentage)
    for path, item, _ in places(rubric):
        low = item.points_range[0]
        if item.bonus and weighted:
            yield found(
                "bonus-needs-points",
                f"{path}.bonus",
                f"Item {item.id!r} is a bonus, which counts for nothing in a weighted percentage.",
                "Score the form by points, or make it an ordinary item.",
            )
        if low < 0 and weighted and not item.excluded_from_score:
            yield found(
                "negative-points-ignored",
                f"{path}.answer",
                f"Item {item.id!r} has answers worth less than 0; in a weighted percentage they count as 0.",
                "Score the form by points, or give these answers 0 points.",
            )
        yield from _check_what_answers_earn(path, item, weighted=weighted)
        if item.critical and item.weight == 0 and item.critical.auto_fail == "none" and not item.excluded_from_score:
            yield found(
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
        yield found(
            "answers-earn-nothing",
            f"{path}.answer",
            f"No answer of item {item.id!r} earns a point, so it cannot move the score.",
            "Give its best answer points, or mark the item as excluded from the score.",
        )
    elif low == high:
        yield found(
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
        yield found(
            "pass-mark-out-of-reach",
            "pass_mark",
            f"The pass mark is {rubric.pass_mark:g} %, but no conversation can get more than {best:g} %.",
            "Lower the pass mark, or look at items whose best answer is also their critical error.",
        )


def _check_bands(rubric: Rubric) -> Iterator[Finding]:
    starts = [band.from_percent for band in rubric.bands]
    if starts and min(starts) > 0:
        yield found(
            "bands-without-zero",
            "bands",
            f"The lowest band starts at {min(starts):g} %; totals below it have no band.",
            "Let the lowest band start at 0.",
        )
    for index, band in enumerate(rubric.bands):
        if band.from_percent in starts[:index]:
            yield found(
                "bands-share-a-start",
                f"bands[{index}].from_percent",
                f"Two bands start at {band.from_percent:g} %.",
                "Let each band start where the one below it ends.",
            )
        if band.id in [earlier.id for earlier in rubric.bands[:index]]:
            yield found("band-ids-repeated", f"bands[{index}].id", f"Two bands are called {band.id!r}.", "Rename one.")


CHECKS: tuple[Check, ...] = (
    _check_something_counts,
    _check_section_weights,
    _check_dominance,
    _check_points,
    _check_pass_mark,
    _check_bands,
)
