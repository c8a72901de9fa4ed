"""A rubric's cues made ready to be heard: phrases in one book, patterns compiled, names resolved.

Comes in: a rubric. Goes out: a `Plan`, built once per rubric digest and shared by all conversations. Patterns are
hostile input: what is too long, unfolds too far or does not compile leaves its cue unanswerable and nothing else.
This module knows no conversation.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

import regex

from service.cue_rules import (
    AllOf,
    AnswerValue,
    AnyOf,
    AtLeast,
    Cue,
    CueJudge,
    NoneOf,
    Ordered,
    Pattern,
    Phrase,
    Ref,
    Supplied,
)
from service.phrasebook import PhraseBook
from service.rubric import Rubric
from service.supplied import Spot

LONGEST_PATTERN = 2000
TURN_BREAK = "\n\x01\n"
"""Stands between turns where several are read as one text; the line ends at its ends are what `^` and `$` match at."""


@dataclass(frozen=True)
class PhraseLeaf:
    """A phrase cue with the numbers of its phrases in the plan's book."""

    number: int
    cue: Phrase
    ids: tuple[int, ...]


@dataclass(frozen=True)
class PatternLeaf:
    """A pattern cue with its patterns compiled."""

    number: int
    cue: Pattern
    patterns: tuple[CompiledPattern, ...] | None  # None: one of them does not compile


@dataclass(frozen=True)
class SuppliedLeaf:
    """A cue for a value, with its labels' numbers in the book and the question that asks for it."""

    number: int
    cue: Supplied
    markers: tuple[int, ...]
    asked_by: Node | None

    def takes(self, kind: str, spot: Spot) -> bool:
        """Whether the value is of this leaf's kind and size."""
        if kind != self.cue.supplied:
            return False
        if self.cue.digits is None or not spot.digits:
            return True
        return self.cue.digits[0] <= len(spot.digits) <= self.cue.digits[1]


@dataclass(frozen=True)
class Several:
    """Cues joined by any, all, none or at_least."""

    kind: Literal["any", "all", "none", "at_least"]
    parts: tuple[Node, ...]
    least: int = 1


@dataclass(frozen=True)
class InOrder:
    """A cue that counts only before or after others."""

    cue: Node
    before: Node | None
    after: Node | None
    within: int | None
    anchors_shown: bool = True


Leaf = PhraseLeaf | PatternLeaf | SuppliedLeaf
Node = Leaf | Several | InOrder


@dataclass
class Plan:
    """One rubric's cues, compiled. Shared by all conversations; never changes once built."""

    rubric: Rubric
    book: PhraseBook = field(init=False)
    slots: list[SuppliedLeaf] = field(default_factory=list)
    judges: dict[str, Judge] = field(default_factory=dict)
    _named: dict[str, Node] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        judged = {item.id: item.cues for item in self.rubric.items if item.cues is not None}
        cues = [*self.rubric.cues.values(), *(cue for judge in judged.values() for cue in _cues_of(judge))]
        self.book = PhraseBook(phrase for cue in cues for phrase in _phrases(cue))
        for item_id, judge in judged.items():
            self.judges[item_id] = Judge(
                applicable=None if judge.applicable is None else self._compile(judge.applicable),
                rules=tuple((self._compile(rule.when), rule.answer) for rule in judge.rules),
                otherwise=judge.otherwise,
                reasons=judge.reasons,
            )

    def _compile(self, cue: Cue) -> Node:
        match cue:
            case Ref(ref=name):
                if name not in self._named:
                    self._named[name] = self._compile(self.rubric.cues[name])
                return self._named[name]
            case AnyOf(any=parts):
                return Several("any", tuple(map(self._compile, parts)))
            case AllOf(all=parts):
                return Several("all", tuple(map(self._compile, parts)))
            case NoneOf(none=parts):
                return Several("none", tuple(map(self._compile, parts)))
            case AtLeast(of=parts, at_least=least):
                return Several("at_least", tuple(map(self._compile, parts)), least)
            case Ordered(cue=inner, before=before, after=after, within_turns=within, anchors=anchors):
                return InOrder(
                    self._compile(inner),
                    None if before is None else self._compile(before),
                    None if after is None else self._compile(after),
                    within,
                    anchors == "shown",
                )
            case Phrase(phrase=phrases):
                return PhraseLeaf(self._next(), cue, tuple(self.book.id_of(phrase) for phrase in phrases))
            case Pattern(pattern=patterns):
                return PatternLeaf(self._next(), cue, _compile_patterns(patterns))
            case Supplied(asked_by=asked_by, said_with=markers):
                leaf = SuppliedLeaf(
                    self._next(),
                    cue,
                    tuple(self.book.id_of(marker) for marker in markers),
                    None if asked_by is None else self._compile(asked_by),
                )
                self.slots.append(leaf)
                return leaf

    def _next(self) -> int:
        self._count += 1
        return self._count


@dataclass(frozen=True)
class Judge:
    """How one item is judged, ready to be heard."""

    applicable: Node | None
    rules: tuple[tuple[Node, AnswerValue], ...]
    otherwise: AnswerValue
    reasons: dict[str, str]


def _cues_of(judge: CueJudge) -> Iterable[Cue]:
    if judge.applicable is not None:
        yield judge.applicable
    for rule in judge.rules:
        yield rule.when


def _phrases(cue: Cue | None) -> Iterable[str]:
    match cue:
        case Phrase(phrase=phrases):
            yield from phrases
        case Supplied(said_with=markers, asked_by=asked_by):
            yield from markers
            yield from _phrases(asked_by)
        case AnyOf(any=parts) | AllOf(all=parts) | NoneOf(none=parts) | AtLeast(of=parts):
            for part in parts:
                yield from _phrases(part)
        case Ordered(cue=inner, before=before, after=after):
            yield from _phrases(inner)
            yield from _phrases(before)
            yield from _phrases(after)


# A small pattern can unfold into gigabytes when its counted repeats multiply: "((a{999}){999}){999}".
_REPEAT = regex.compile(r"\{\s*(\d*)\s*(?:,\s*(\d*)\s*)?\}")
_MOST_REPEATS = 20_000
# Patterns read flattened text, so their own letters are flattened too.
_ONE_LETTER = str.maketrans({"’": "'", "ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه"})


# Where it matters to a pattern whether a turn ends or a neighbour follows, it reads turn by turn. `^` and `$` outside
# negative lookarounds do not matter: over several turns they match at every line, which is more and never less.
_LOOKS_BEYOND_THE_TURN = regex.compile(
    r"\\[AZzGNX]|\(\?<?[!=](?:\(|\\[WSDs]|\.|\[)|\(\?<?![^)]*[$^]|\(\?\(|\(\*|\(\?[A-Za-z01-]*[bep][A-Za-z01-]*[:)]"
)


@dataclass(frozen=True)
class CompiledPattern:
    """A pattern as one turn reads it, and as all turns joined may be read to find out which turns to look at.

    `over_turns` matches at least wherever `in_turn` does; None where that cannot be promised.
    """

    in_turn: Any
    over_turns: Any | None


def _compile_patterns(patterns: tuple[str, ...]) -> tuple[CompiledPattern, ...] | None:
    compiled: list[CompiledPattern] = []
    for pattern in patterns:
        unfolded = 1
        for low, high in _REPEAT.findall(pattern):
            unfolded *= max(1, int((high or low or "1")[:9]))
        if len(pattern) > LONGEST_PATTERN or unfolded > _MOST_REPEATS:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compiled.append(_compile_pattern(pattern.translate(_ONE_LETTER)))
        except (regex.error, RecursionError, OverflowError, MemoryError, ValueError, IndexError):
            return None
    return tuple(compiled)


def _compile_pattern(pattern: str) -> CompiledPattern:
    flags = regex.IGNORECASE | regex.UNICODE
    joinable = _LOOKS_BEYOND_THE_TURN.search(pattern) is None
    return CompiledPattern(
        regex.compile(pattern, flags), regex.compile(pattern, flags | regex.MULTILINE) if joinable else None
    )


_PLANS: OrderedDict[str, Plan] = OrderedDict()
_PLANS_LOCK = Lock()
_MOST_PLANS = 64


def plan_of(rubric: Rubric) -> Plan:
    """The rubric's plan, built when its digest is first seen; the latest are kept."""
    with _PLANS_LOCK:
        if (known := _PLANS.get(rubric.digest)) is not None:
            _PLANS.move_to_end(rubric.digest)
            return known
    plan = Plan(rubric)
    with _PLANS_LOCK:
        _PLANS[rubric.digest] = plan
        while len(_PLANS) > _MOST_PLANS:
            _PLANS.popitem(last=False)
    return plan


def rests_on_absence(node: Node) -> bool:
    """Whether a `none` takes part in the cue: then its proof includes the turns that were searched."""
    match node:
        case Several(kind=kind, parts=parts):
            return kind == "none" or any(map(rests_on_absence, parts))
        case InOrder(cue=inner):
            return rests_on_absence(inner)
        case _:
            return False


def phrase_count(node: Node) -> int:
    """How many phrases, patterns and values a cue looks for."""
    match node:
        case Several(parts=parts):
            return sum(map(phrase_count, parts))
        case InOrder(cue=inner):
            return phrase_count(inner)
        case PhraseLeaf(ids=ids):
            return len(ids)
        case PatternLeaf(patterns=patterns):
            return len(patterns or ())
        case _:
            return 1
