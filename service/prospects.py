"""What may still become of a form whose items are not all settled.

Comes in: a rubric, its settled results, and the facts that conditions look at. Goes out: strands of sections that
hang together, because a condition in one names an undecided answer in another; and for each strand its worlds, each
of which lists for every item the ways in which it may turn out. Within one world items are independent of each
other, and strands always are. This module refuses to know weights and totals; `service.scoring` adds up.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from service.conditions import Facts, every, holds, is_among
from service.cue_rules import AnswerValue
from service.rubric import Item, Rubric, Section, WhenItem, conditions_on_items, sample_answers
from service.scorecard import Answered, ItemResult, NotApplicable

MOST_WORLDS = 1_000
"""How many combinations of undecided gating answers a strand may have before a bound is used instead."""


class Prospect(NamedTuple):
    """One way in which an item may turn out: its points, None when it does not apply, and whether it is the error."""

    points: float | None
    fails: bool


LEFT_OUT = Prospect(None, fails=False)
Prospects = tuple[Prospect, ...]
World = Mapping[str, Prospects]
"""Item → the ways in which it may turn out, under one assumption about every answer that conditions hang on."""

Results = Mapping[str, ItemResult]
Mentions = tuple[tuple[AnswerValue, ...], ...]
Way = TypeVar("Way", bound=tuple[Any, ...])


class Strand(NamedTuple):
    """Sections that hang together, and the worlds that they may turn out to be."""

    sections: tuple[Section, ...]
    worlds: tuple[World, ...]


class Outlook:
    """The ways in which one form may turn out. Lives as long as one computation."""

    def __init__(self, rubric: Rubric, settled: Results, facts: Facts) -> None:
        self.rubric = rubric
        self.settled = settled
        self.facts = facts
        self._conditions = {item.id: (part.when, item.when) for part in rubric.sections for item in part.items}
        self._answered: dict[str, Prospects] = {}

    def strands(self, matters: Callable[[Item], bool], most: int = MOST_WORLDS) -> tuple[Strand, ...]:
        """Every section in one strand, with every world that differs in an item that `matters`.

        Where a strand's worlds would be more than `most`, it has one that is wider than all of them together: each
        item whose condition is undetermined may be asked or not, independently of the others.
        """
        gating = self._gating(matters)
        return tuple(
            Strand(sections, self._worlds(sections, self._assumptions(sections, gating, most) or [{}]))
            for sections in self._tied_sections(gating)
        )

    def _tied_sections(self, gating: Mapping[str, Mentions]) -> list[tuple[Section, ...]]:
        """Sections that hang together through undecided answers, each set in form order."""
        home = {item.id: section.id for section in self.rubric.sections for item in section.items}
        strand = {section.id: section.id for section in self.rubric.sections}
        for item in self.rubric.items:
            for mention in self._open_mentions(item):
                if mention.item in gating:
                    old, new = strand[home[item.id]], strand[home[mention.item]]
                    strand = {section: new if name == old else name for section, name in strand.items()}
        tied: dict[str, list[Section]] = {}
        for section in self.rubric.sections:
            tied.setdefault(strand[section.id], []).append(section)
        return [tuple(sections) for sections in tied.values()]

    def _worlds(self, sections: tuple[Section, ...], assumptions: Iterable[Results]) -> tuple[World, ...]:
        known = (ChainMap(dict(assumed), dict(self.settled)) for assumed in assumptions)
        items = tuple(item for section in sections for item in section.items)
        return tuple({item.id: self._prospects(item, results) for item in items} for results in known)

    def _prospects(self, item: Item, known: Results) -> Prospects:
        match known.get(item.id):
            case Answered(answer=answer):
                return (Prospect(item.points_for(answer), item.fails(answer)),)
            case NotApplicable():
                return (LEFT_OUT,)
        asked = self._asked(item, known)
        if asked is False:
            return (LEFT_OUT,)
        if item.id not in self._answered:
            self._answered[item.id] = _ways_to_answer(item)
        ways = self._answered[item.id]
        return (*ways, LEFT_OUT) if asked is None or item.not_applicable == "allowed" else ways

    def _asked(self, item: Item, known: Results) -> bool | None:
        return every(holds(condition, known, self.facts) for condition in self._conditions[item.id])

    def _gating(self, matters: Callable[[Item], bool]) -> dict[str, Mentions]:
        """Undecided items, in form order, on whose answer an item that matters hangs → the answers asked for."""
        named: dict[str, list[tuple[AnswerValue, ...]]] = {}
        for item in reversed(self.rubric.items):  # conditions look back, so whoever needs an item stands after it
            if (
                self._is_open(item.id)
                and (item.id in named or matters(item))
                and self._asked(item, self.settled) is None
            ):
                for mention in self._open_mentions(item):
                    named.setdefault(mention.item, []).append(mention.answers)
        return {item.id: tuple(named[item.id]) for item in self.rubric.items if item.id in named}

    def _is_open(self, item_id: str) -> bool:
        return not isinstance(self.settled.get(item_id), (Answered, NotApplicable))

    def _open_mentions(self, item: Item) -> Iterator[WhenItem]:
        for condition in self._conditions[item.id]:
            yield from (mention for mention in conditions_on_items(condition) if self._is_open(mention.item))

    def _assumptions(
        self, sections: tuple[Section, ...], gating: Mapping[str, Mentions], most: int
    ) -> list[Results] | None:
        """Every combination of gating answers that conditions can tell apart; None when they are more than `most`."""
        grown: list[Results] = [{}]
        for item in (item for section in sections for item in section.items if item.id in gating):
            answers = _telling_answers(item, gating[item.id])
            if answers is None:
                return None
            ways = tuple(_answered(item, answer) for answer in answers)
            grown = [{**one, item.id: way} for one in grown for way in self._ways(item, one, ways)]
            if len(grown) > most:
                return None
        return grown

    def _ways(self, item: Item, assumed: Results, ways: tuple[ItemResult, ...]) -> tuple[ItemResult, ...]:
        asked = self._asked(item, ChainMap(dict(assumed), dict(self.settled)))
        if asked is False:
            return (_left_out(item),)
        return (*ways, _left_out(item)) if item.not_applicable == "allowed" else ways


def _ways_to_answer(item: Item) -> Prospects:
    """Every way to answer; of equal failing only the least and the most points, for totals rise with points.

    A multi_choice too large to list gets all four corners, of which some may be out of reach: a bound that is safe.
    """
    answers = sample_answers(item)
    if answers is None:
        errors = (False, True) if item.critical else (False,)
        return tuple(Prospect(points, fails) for points in sorted(set(item.points_range)) for fails in errors)
    prospects = (Prospect(item.points_for(answer), item.fails(answer)) for answer in answers)
    return tuple(one for ends in _outermost((p.fails, p) for p in prospects) for one in ends)


def _telling_answers(item: Item, mentions: Mentions) -> tuple[AnswerValue, ...] | None:
    """Answers among which every difference shows that a condition, a failure or the total can make."""
    answers = sample_answers(item, *(answer for mention in mentions for answer in mention))
    if answers is None:
        return None

    def effect(answer: AnswerValue) -> tuple[bool, ...]:
        return (item.fails(answer), *(is_among(answer, mention) for mention in mentions))

    ends = _outermost((effect(answer), (item.points_for(answer), index)) for index, answer in enumerate(answers))
    return tuple(answers[index] for pair in ends for _, index in pair)


def _outermost(ways: Iterable[tuple[Hashable, Way]]) -> list[tuple[Way, ...]]:
    """Of each kind of way, the least and the greatest, once when they are the same."""
    kinds: dict[Hashable, list[Way]] = {}
    for kind, way in ways:
        kinds.setdefault(kind, []).append(way)
    return [tuple(dict.fromkeys((min(kept), max(kept)))) for kept in kinds.values()]


def _answered(item: Item, answer: AnswerValue) -> Answered:
    return Answered(item=item.id, answer=answer, reason="assumed", method=item.method)


def _left_out(item: Item) -> NotApplicable:
    return NotApplicable(item=item.id, reason="assumed", decided_by="judge", method=item.method)
