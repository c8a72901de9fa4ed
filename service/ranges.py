"""The least and the most that a ratio of sums can still come to while some of its parts are open.

Comes in: groups of parts; each part lists the outcomes that it may still have. Groups whose outcomes hang together
form a strand, which lists the combinations that are possible. Goes out: the exact range of earned / possible over
everything that may come. Nothing is enumerated beyond what a strand lists, and nothing is rounded. This module knows
neither rubrics nor answers; `service.scoring` gives the numbers their meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import reduce
from math import lcm
from typing import NamedTuple


class Outcome(NamedTuple):
    """What one part may add to both sums. `zeroes`: its whole group then earns nothing."""

    earned: Fraction
    possible: Fraction
    zeroes: bool = False


Part = tuple[Outcome, ...]
Group = tuple[Part, ...]
Alternative = tuple[Group, ...]
Strand = tuple[Alternative, ...]


class Range(NamedTuple):
    """Least and most; both None when nothing is possible. `may_be_empty`: some combination has nothing possible."""

    low: Fraction | None
    high: Fraction | None
    may_be_empty: bool


def ratio_range(strands: tuple[Strand, ...]) -> Range:
    """The exact range of Σ earned / Σ possible: one alternative of every strand, one outcome of every part in it.

    Where a chosen outcome zeroes its group, positive earnings of that group count as zero, negative ones stay. Every
    part must have an outcome, every strand an alternative, and `possible` is never negative. Combinations in which
    nothing is possible have no ratio; they set `may_be_empty`.

    The method is Dinkelbach's (1967, *On nonlinear fractional programming*): the ratio N/D is greatest at the
    λ where the greatest N - λD is zero, and for a fixed λ every strand and every part is chosen by itself. In whole
    numbers each round is exact, and the rounds are few because λ moves through ratios of real combinations.

    One part worth 3 of 4, one that is open between 0 and 2 of 2; then the same with the second perhaps left out:

    >>> three, none_of_two, two = (Outcome(Fraction(n), Fraction(d)) for n, d in ((3, 4), (0, 2), (2, 2)))
    >>> ratio_range((((((three,), (none_of_two, two)),),),))
    Range(low=Fraction(1, 2), high=Fraction(5, 6), may_be_empty=False)
    >>> ratio_range((((((three,), (two, Outcome(Fraction(0), Fraction(0)))),),),))
    Range(low=Fraction(3, 4), high=Fraction(5, 6), may_be_empty=False)
    """
    groups = [group for strand in strands if len(strand) == 1 for group in strand[0]]
    if all(len(strand) == 1 for strand in strands) and all(len(part) == 1 for group in groups for part in group):
        return _settled(groups)
    whole = _in_whole_numbers(strands)
    empty = _best(whole, 0, -1, counting=False).possible == 0
    if _best(whole, 0, 1, counting=False).possible == 0:
        return Range(None, None, may_be_empty=True)
    return Range(_extreme(whole, -1), _extreme(whole, 1), may_be_empty=empty)


def _settled(groups: list[Group]) -> Range:
    """The one ratio that there is when nothing is open."""
    earned = possible = Fraction(0)
    for group in groups:
        zeroed = any(part[0].zeroes for part in group)
        earned += sum(min(part[0].earned, Fraction(0)) if zeroed else part[0].earned for part in group)
        possible += sum(part[0].possible for part in group)
    if possible == 0:
        return Range(None, None, may_be_empty=True)
    return Range(earned / possible, earned / possible, may_be_empty=False)


class _Scaled(NamedTuple):
    earned: int
    possible: int
    zeroes: bool


_Group = tuple[tuple[_Scaled, ...], ...]
_Strands = tuple[tuple[tuple[_Group, ...], ...], ...]


def _in_whole_numbers(strands: tuple[Strand, ...]) -> _Strands:
    """Both sums times one factor, so that the ratio stays and arithmetic is on integers."""
    outcomes = {
        outcome
        for strand in strands
        for alternative in strand
        for group in alternative
        for part in group
        for outcome in part
    }
    factor = lcm(*(number.denominator for one in outcomes for number in (one.earned, one.possible)))
    scaled = {one: _Scaled(int(one.earned * factor), int(one.possible * factor), one.zeroes) for one in outcomes}
    known: dict[int, _Group] = {}

    def group_scaled(group: Group) -> _Group:
        if id(group) not in known:
            known[id(group)] = tuple(tuple(scaled[one] for one in part) for part in group)
        return known[id(group)]

    return tuple(tuple(tuple(map(group_scaled, alternative)) for alternative in strand) for strand in strands)


def _extreme(strands: _Strands, sign: int) -> Fraction:
    """The greatest ratio (sign 1) or the least (sign -1)."""
    best = _best(strands, 0, 1, counting=True)
    while True:
        following = _best(strands, sign * best.possible, -sign * best.earned, counting=True)
        if following.value <= 0:
            return Fraction(best.earned, best.possible)
        best = following


class _Sums(NamedTuple):
    """What a combination is worth under the weights that were asked for, and its two sums."""

    value: int
    earned: int
    possible: int


_Kinds = dict[int, _Sums]
"""The best combination of each kind: bit 1 set when something is possible in it, bit 2 when something zeroes."""

_COUNTS, _ZEROES = 1, 2
_NONE: _Kinds = {0: _Sums(0, 0, 0)}


def _best(strands: _Strands, on_earned: int, on_possible: int, *, counting: bool) -> _Sums:
    """The combination that makes on_earned · N + on_possible · D greatest; `counting`: among those with D > 0."""
    seen: dict[int, _Kinds] = {}

    def of_group(group: _Group) -> _Kinds:
        if id(group) not in seen:
            seen[id(group)] = _group_kinds(group, on_earned, on_possible)
        return seen[id(group)]

    kinds = _together(_best_of(_together(map(of_group, alternative)) for alternative in strand) for strand in strands)
    return kinds[_COUNTS] if counting else max(kinds.values())


def _group_kinds(group: _Group, on_earned: int, on_possible: int) -> _Kinds:
    """A group without anything that zeroes, or with it: then without its positive earnings."""

    def sums(one: _Scaled, earned: int) -> _Sums:
        return _Sums(on_earned * earned + on_possible * one.possible, earned, one.possible)

    plain = _together(_best_of({_kind(one): sums(one, one.earned)} for one in part if not one.zeroes) for part in group)
    if not any(one.zeroes for part in group for one in part):
        return plain
    zeroed = _together(_best_of({_kind(one): sums(one, min(0, one.earned))} for one in part) for part in group)
    return _best_of((plain, {kind - _ZEROES: best for kind, best in zeroed.items() if kind & _ZEROES}))


def _kind(one: _Scaled) -> int:
    return (_COUNTS if one.possible else 0) | (_ZEROES if one.zeroes else 0)


def _best_of(choices: Iterable[_Kinds]) -> _Kinds:
    """Of several, one is chosen: the best of each kind."""
    best: _Kinds = {}
    for choice in choices:
        for kind, sums in choice.items():
            if kind not in best or sums > best[kind]:
                best[kind] = sums
    return best


def _together(parts: Iterable[_Kinds]) -> _Kinds:
    """Of several, all are taken: sums add up, and a kind is what any part is."""
    return reduce(_both, parts, _NONE)


def _both(one: _Kinds, other: _Kinds) -> _Kinds:
    both: _Kinds = {}
    for kind, (value, earned, possible) in one.items():
        for more, (plus, earned_too, possible_too) in other.items():
            sums = _Sums(value + plus, earned + earned_too, possible + possible_too)
            if (kind | more) not in both or sums > both[kind | more]:
                both[kind | more] = sums
    return both
