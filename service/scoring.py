"""Answers + rubric → points, sections, total or range, auto-fails: pure arithmetic.

Comes in: a rubric, the results so far, and the facts that conditions look at. Goes out: a `Breakdown`. The same
inputs give the same total, in whatever order sections and items stand; a review screen calls it again with changed
results. Arithmetic is on fractions made from the decimals as written, rounded half-up once, at the very end, to two
decimals. This module refuses to know who answered, why, and on which evidence.

**Weighted percentage.** An item earns `points / most points` of its weight; points below zero count as zero. Not
applicable items leave both sides, and so do items that are excluded from the score, marked as bonus, or whose
answers earn nothing at best.

    greeting   weight 10   yes (1 of 1)        10 of 10
    discovery  weight 30   level 3 (2 of 4)    15 of 30
    closing    weight 20   not applicable       0 of  0
    tone       weight 10   no (0 of 1)          0 of 10
                                               25 of 50   → 50 %

Over sections, each section has its own percentage by its items' weights, and the total is their mean by the sections'
weights; a section in which nothing applies leaves as well. With greeting and discovery in one section of weight 1
(25 of 40 = 62.5 %) and tone in one of weight 3 (0 %): (1 · 62.5 + 3 · 0) / 4 = 15.625, which is published as 15.63.

**Points.** Points times the item's weight are added up. What can be earned is the sum of the most that each
applicable item gives, bonus items aside; the percentage is held within 0 and the cap. Bonus items only ever add, so
what they could lose is ignored; negative points only ever take.

    resolved   10 of 10
    rude       -4 of  0   (answers worth 0 and -4)
    upsell     +2 of  0   (bonus)
                8 of 10   → 80 %

**Auto-fail.** A critical item whose answer is its error fails the form, its section or nothing further. Under the
policy `zero`, a failed form has 0 %, and in a failed section nothing is earned (what negative points took stays taken);
under `flag` the arithmetic goes on. Either way a failed form is not passed.

**Ranges.** An unscored item may still be answered in every way that its type allows, or turn out not applicable
where that is allowed; a critical one may fail, and one that conditions name decides who else is asked. `low` and
`high` are the least and the most over all of this. They are exact as long as, among sections that hang together, the
unscored answers that conditions name combine in at most `most_worlds` ways that differ, which six undecided yes/no
questions do not exceed. Beyond that every item whose condition is undetermined is taken as asked or not asked
independently, which can only widen the range. Critical multiple choices of more than eight options, and conditions
that name answers of such, are bounded in the same safe way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from math import floor
from typing import NamedTuple, get_args

from service.conditions import Facts, apply_conditions
from service.prospects import MOST_WORLDS, Outlook, Prospect, Strand, World
from service.ranges import Group, Outcome, Range, ratio_range
from service.ranges import Strand as Alternatives
from service.rubric import Family, Item, Points, Rubric, Section, WeightedPercentage
from service.scorecard import (
    Answered,
    AutoFail,
    Breakdown,
    CriticalErrors,
    ItemResult,
    ItemScore,
    NotApplicable,
    Score,
    SectionScore,
)


def score(
    rubric: Rubric, results: Mapping[str, ItemResult], facts: Facts, *, most_worlds: int = MOST_WORLDS
) -> Breakdown:
    """All arithmetic of one form: items, sections, total or range, auto-fails and critical errors.

    Conditions are applied first. An item without a result counts as unscored. `percent` is known when everything
    that is still possible comes to the same total: also when an auto-fail has made the total zero for good. It is
    None when nothing that counts applies. Pass mark and bands look at the rounded total, the one that is shown.
    Raises ValueError for an answer that its item does not allow.
    """
    settled = apply_conditions(rubric, results, facts)
    outlook = Outlook(rubric, settled, facts)
    strands = outlook.strands(lambda item: _counts(rubric, item) or _reach(item) != "none", most_worlds)
    return Breakdown(
        items=tuple(_item_score(rubric, item, settled.get(item.id)) for item in rubric.items),
        sections=tuple(_section_score(rubric, section, settled, strands) for section in rubric.sections),
        score=_score(rubric, settled, strands),
        critical_errors=tuple(_critical_errors(rubric, settled)),
    )


# ── What one item is worth ──────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=1024)
def exact(number: float) -> Fraction:
    """The number as its decimals are written: 0.1 is one tenth.

    >>> exact(0.1) + exact(0.2) == exact(0.3)
    True
    """
    return Fraction(repr(number))


def rounded(number: Fraction) -> float:
    """Half-up to two decimals.

    >>> rounded(Fraction(15625, 1000)), rounded(Fraction(200, 3)), rounded(Fraction(5, 1000))
    (15.63, 66.67, 0.01)
    """
    return floor(number * 100 + Fraction(1, 2)) / 100


class Worth(NamedTuple):
    """What an answer adds to both sums, weight included."""

    earned: Fraction
    possible: Fraction


_NOTHING = Worth(Fraction(0), Fraction(0))


def _counts(rubric: Rubric, item: Item) -> bool:
    """Whether the item can move the total at all."""
    if item.excluded_from_score or item.weight == 0:
        return False
    low, high = item.points_range
    if isinstance(rubric.scoring, WeightedPercentage):
        return high > 0 and not item.bonus
    return high > 0 if item.bonus else (low, high) != (0, 0)


def _worth(rubric: Rubric, item: Item, points: float) -> Worth:
    """What these points come to, by the rubric's way of scoring."""
    if not _counts(rubric, item):
        return _NOTHING
    weight, got, most = exact(item.weight), exact(points), exact(item.points_range[1])
    if isinstance(rubric.scoring, WeightedPercentage):
        return Worth(weight * max(got, Fraction(0)) / most, weight)
    if item.bonus:
        return Worth(weight * max(got, Fraction(0)), Fraction(0))
    return Worth(weight * got, weight * max(most, Fraction(0)))


def _item_score(rubric: Rubric, item: Item, result: ItemResult | None) -> ItemScore:
    """Points as the answer options state them; under points scoring times the weight, so that they add up."""
    weight = exact(item.weight) if isinstance(rubric.scoring, Points) else Fraction(1)
    most = Fraction(0)
    if _counts(rubric, item) and not item.bonus and not isinstance(result, NotApplicable):
        most = weight * max(exact(item.points_range[1]), Fraction(0))
    if not isinstance(result, Answered):
        return ItemScore(item=item.id, points=None, max_points=float(most))
    points = weight * exact(item.points_for(result.answer))
    return ItemScore(item=item.id, points=float(points), max_points=float(most), failed=item.fails(result.answer))


# ── Auto-fail ───────────────────────────────────────────────────────────────────────────────────────────────────


def _reach(item: Item) -> str:
    """How far an error of this item reaches: `form`, `section` or `none`."""
    return item.critical.auto_fail if item.critical else "none"


def _zeroes(rubric: Rubric, item: Item, scope: str) -> bool:
    """Whether an error of this item takes all that its form, or its section, earns."""
    return item.critical is not None and _reach(item) == scope and _policy(rubric, item) == "zero"


def _policy(rubric: Rubric, item: Item) -> str:
    return (item.critical.policy if item.critical else None) or rubric.auto_fail


def _auto_fails(rubric: Rubric, settled: Mapping[str, ItemResult]) -> Iterator[AutoFail]:
    """Critical items that failed and reach further than themselves, in form order."""
    for item in rubric.items:
        if item.critical and item.critical.auto_fail != "none" and _has_failed(item, settled.get(item.id)):
            yield AutoFail(
                item=item.id,
                family=item.critical.family,
                scope=item.critical.auto_fail,
                policy=item.critical.policy or rubric.auto_fail,
            )


def _has_failed(item: Item, result: ItemResult | None) -> bool:
    return isinstance(result, Answered) and item.fails(result.answer)


def _critical_errors(rubric: Rubric, settled: Mapping[str, ItemResult]) -> Iterator[CriticalErrors]:
    """Per COPC family that the rubric uses: critical items judged, failed, and unscored; N/A is none of them."""
    for family in get_args(Family):
        members = [item for item in rubric.items if item.critical and item.critical.family == family]
        results = [(item, settled.get(item.id)) for item in members]
        if members:
            yield CriticalErrors(
                family=family,
                judged=sum(isinstance(result, Answered) for _, result in results),
                errors=sum(_has_failed(item, result) for item, result in results),
                unscored=sum(not isinstance(result, (Answered, NotApplicable)) for _, result in results),
            )


# ── Totals ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _group(rubric: Rubric, section: Section, world: World, *, sound: bool) -> Group | None:
    """A section's items with their outcomes; `sound` leaves out what zeroes the form, None when that leaves nothing."""
    group = []
    for item in section.items:
        zeroes_form = sound and _zeroes(rubric, item, "form")
        allowed = [prospect for prospect in world[item.id] if not (zeroes_form and prospect.fails)]
        if not allowed:
            return None
        # Different answers often come to the same; each outcome is looked at once.
        group.append(tuple(dict.fromkeys(_outcome(rubric, item, prospect) for prospect in allowed)))
    return tuple(group)


def _outcome(rubric: Rubric, item: Item, prospect: Prospect) -> Outcome:
    if prospect.points is None:
        return Outcome(*_NOTHING)
    return Outcome(*_worth(rubric, item, prospect.points), prospect.fails and _zeroes(rubric, item, "section"))


def _section_score(
    rubric: Rubric, section: Section, settled: Mapping[str, ItemResult], strands: Iterable[Strand]
) -> SectionScore:
    """The section by itself: an auto-fail of the form does not show here, one of the section does."""
    worlds = next(strand.worlds for strand in strands if section in strand.sections)
    groups = dict.fromkeys(_group(rubric, section, world, sound=False) for world in worlds)
    total = ratio_range((tuple((group,) for group in groups if group is not None),))
    low, high = _shown(rubric, total.low), _shown(rubric, total.high)
    return SectionScore(
        section=section.id,
        percent=low if _is_certain(rubric, total) else None,
        low=low,
        high=high,
        zeroed_by=tuple(
            item.id
            for item in section.items
            if _zeroes(rubric, item, "section") and _has_failed(item, settled.get(item.id))
        ),
    )


def _score(rubric: Rubric, settled: Mapping[str, ItemResult], strands: tuple[Strand, ...]) -> Score:
    total = _form_range(rubric, strands)
    low, high = _shown(rubric, total.low), _shown(rubric, total.high)
    could_fail = _could_fail_form(rubric, settled, strands)
    fails = tuple(_auto_fails(rubric, settled))
    points = _points_so_far(rubric, strands)
    return Score(
        percent=low if _is_certain(rubric, total) else None,
        low=low,
        high=high,
        points=float(points.earned) if points else None,
        max_points=float(points.possible) if points else None,
        passed=_passed(
            rubric, total, failed=any(_must_fail_form(strand) for strand in strands), could_fail=bool(could_fail)
        ),
        band=_band(rubric, total),
        auto_failed=fails,
        could_auto_fail=could_fail,
    )


def _form_range(rubric: Rubric, strands: tuple[Strand, ...]) -> Range:
    """The range of the whole form: of all that may come without a form failure, and 0 where one may come."""
    sound = tuple(_sound_alternatives(rubric, strand) for strand in strands)
    if not all(sound):
        return _ZERO  # some item fails the form however it is answered
    if isinstance(rubric.scoring, WeightedPercentage) and rubric.scoring.over == "sections":
        sound = tuple(_as_parts_of_a_mean(strand, own) for strand, own in zip(strands, sound, strict=True))
    zeroing = [item for item in rubric.items if _zeroes(rubric, item, "form")]
    if any(_may_fail(strand, item) for strand in strands for item in zeroing):
        return _joined((ratio_range(sound), _ZERO))
    return ratio_range(sound)


_ZERO = Range(Fraction(0), Fraction(0), may_be_empty=False)


def _sound_alternatives(rubric: Rubric, strand: Strand) -> Alternatives:
    """The strand's worlds as far as they can go without failing the form; worlds that come to the same, once."""
    known: dict[tuple[Group, ...], None] = {}
    for world in strand.worlds:
        groups = tuple(_group(rubric, section, world, sound=True) for section in strand.sections)
        if None not in groups:
            known[tuple(group for group in groups if group is not None)] = None
    return tuple(known)


def _as_parts_of_a_mean(strand: Strand, alternatives: Alternatives) -> Alternatives:
    """Each section as one part of a weighted mean: its own least and most are all of it that matters there."""

    def part(section: Section, group: Group) -> Group:
        own = ratio_range((((group,),),))
        weight = exact(section.weight)
        ends = tuple(Outcome(weight * end, weight) for end in (own.low, own.high) if end is not None)
        return ((*ends, Outcome(*_NOTHING)) if own.may_be_empty else ends,)

    return tuple(
        tuple(part(section, group) for section, group in zip(strand.sections, groups, strict=True))
        for groups in alternatives
    )


def _joined(ranges: Iterable[Range]) -> Range:
    """The range that spans all of these."""
    every = tuple(ranges)
    known = [(one.low, one.high) for one in every if one.low is not None and one.high is not None]
    return Range(
        low=min((low for low, _ in known), default=None),
        high=max((high for _, high in known), default=None),
        may_be_empty=any(one.may_be_empty for one in every),
    )


def _is_certain(rubric: Rubric, total: Range) -> bool:
    """Whether everything still possible comes to one total: also where it is below 0, or above the cap, either way."""
    if total.low is None or total.high is None or total.may_be_empty:
        return False
    return _held(rubric, total.low) == _held(rubric, total.high)


def _shown(rubric: Rubric, ratio: Fraction | None) -> float | None:
    """The ratio in percent, held within what the rubric allows, rounded."""
    return None if ratio is None else rounded(_held(rubric, ratio))


def _held(rubric: Rubric, ratio: Fraction) -> Fraction:
    """The ratio in percent between 0 and the cap."""
    cap = rubric.scoring.cap if isinstance(rubric.scoring, Points) else 100
    percent = max(ratio * 100, Fraction(0))
    return percent if cap is None else min(percent, exact(cap))


def _may_fail(strand: Strand, item: Item) -> bool:
    return any(prospect.fails for world in strand.worlds for prospect in world.get(item.id, ()))


def _must_fail_form(strand: Strand) -> bool:
    """Whether the form has failed, or will however the open items are answered."""
    critical = [item for section in strand.sections for item in section.items if _reach(item) == "form"]
    return all(any(all(prospect.fails for prospect in world[item.id]) for item in critical) for world in strand.worlds)


def _could_fail_form(rubric: Rubric, settled: Mapping[str, ItemResult], strands: tuple[Strand, ...]) -> tuple[str, ...]:
    """Unscored items of which some answer would fail the form."""
    reaching = [item for item in rubric.items if _reach(item) == "form"]
    still_open = [item for item in reaching if not isinstance(settled.get(item.id), (Answered, NotApplicable))]
    return tuple(item.id for item in still_open if any(_may_fail(strand, item) for strand in strands))


def _points_so_far(rubric: Rubric, strands: tuple[Strand, ...]) -> Worth | None:
    """Points earned and what could be earned, under points scoring, once every item that counts is settled."""
    if not isinstance(rubric.scoring, Points) or any(len(strand.worlds) > 1 for strand in strands):
        return None
    earned = possible = Fraction(0)
    for strand in strands:
        for section in strand.sections:
            outcomes = [one for part in _group(rubric, section, strand.worlds[0], sound=False) or () for one in part]
            if len(outcomes) > len(section.items):
                return None
            zeroed = any(outcome.zeroes for outcome in outcomes)
            earned += sum(min(one.earned, Fraction(0)) if zeroed else one.earned for one in outcomes)
            possible += sum(one.possible for one in outcomes)
    zeroing = [item for item in rubric.items if _zeroes(rubric, item, "form")]
    form_zeroed = any(_may_fail(strand, item) for strand in strands for item in zeroing)
    return Worth(Fraction(0) if form_zeroed else earned, possible)


def _passed(rubric: Rubric, total: Range, *, failed: bool, could_fail: bool) -> bool | None:
    """False for a failed form; else by the pass mark, None while the range straddles it or nothing applies."""
    if failed:
        return False
    low, high = _shown(rubric, total.low), _shown(rubric, total.high)
    if rubric.pass_mark is None or low is None or high is None:
        return None
    if low >= rubric.pass_mark and not could_fail and not total.may_be_empty:
        return True
    return False if high < rubric.pass_mark and not total.may_be_empty else None


def _band(rubric: Rubric, total: Range) -> str | None:
    """The band that holds every total still possible; None when it is not yet clear, or below the first band."""
    low, high = _shown(rubric, total.low), _shown(rubric, total.high)
    if low is None or high is None or total.may_be_empty:
        return None
    least, most = _band_of(rubric, low), _band_of(rubric, high)
    return least if least == most else None


def _band_of(rubric: Rubric, percent: float) -> str | None:
    reached = [band for band in rubric.bands if band.from_percent <= percent]
    return max(reached, key=lambda band: band.from_percent).id if reached else None
