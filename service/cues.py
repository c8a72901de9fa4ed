"""The offline engine: what can be heard without a model, with the passages that prove it.

Comes in: a conversation, a rubric and those of its items that cues shall judge. Goes out: an `ItemResult` for each.
Deterministic: the same words give the same answer. What the cues of an item do not settle stays unscored; nothing is
guessed. This module knows nothing of models, scores or storage.
"""

from __future__ import annotations

import time
import warnings
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, islice
from threading import Lock
from typing import Any, Literal, NamedTuple

import regex

from service.conversation import Conversation
from service.cue_rules import (
    NOT_APPLICABLE,
    UNSCORED,
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
    Scope,
    Supplied,
)
from service.grounding import Evidence, MatchKind
from service.hearing import QUOTED, Heard, Hit, PhraseBook, listed
from service.rubric import Item, MultiChoice, Rubric
from service.scorecard import Answered, Confidence, ItemResult, NotApplicable, Searched, Unscored
from service.supplied import (
    Spot,
    dates,
    emails,
    names,
    numbers,
    phones,
    redactions,
    short_answers,
    value_after,
    value_before,
)

PATTERN_SECONDS = 0.25
"""How long one pattern may read one conversation."""
ALL_PATTERNS_SECONDS = 1.0
"""How long all patterns of a rubric may read one conversation; later ones are then not evaluated."""
LONGEST_PATTERN = 2000
MOST_EVIDENCE = 6
MOST_NEAREST = 3
OPEN_QUESTION_TURNS = 3
"""A question stays open for this many replies: an answer may come after a detour."""

Side = Literal["evaluated_agent", "contact"]


class Place(NamedTuple):
    """A point between characters of the conversation; places compare in reading order."""

    turn: int
    at: int


_START, _END = Place(-1, -1), Place(1 << 60, 0)


class Passage(NamedTuple):
    """Characters [start, end) of a turn that a cue took as proof, and how well they fit, 0 to 1."""

    turn: int
    start: int
    end: int
    fit: float
    match: MatchKind = "exact"

    @property
    def place(self) -> Place:
        return Place(self.turn, self.start)


class Window(NamedTuple):
    """Passages count between `low` and `high`, both excluded."""

    low: Place = _START
    high: Place = _END

    def holds(self, passage: Passage) -> bool:
        """Whether the passage begins inside."""
        return self.low < passage.place < self.high

    def turns(self, turns: Sequence[int]) -> Sequence[int]:
        """Those of the ascending turns that reach into the window."""
        return [turn for turn in turns if self.low.turn <= turn <= self.high.turn]


_EVERYWHERE = Window()


class Finding(NamedTuple):
    """Whether a cue holds, on which passages. `holds` None: it could not be evaluated."""

    holds: bool | None
    passages: tuple[Passage, ...] = ()


class Absence(NamedTuple):
    """Where a cue was looked for, and what came close."""

    turns: set[int]
    nearest: dict[Passage, None]


# ── Plans ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _PhraseLeaf:
    number: int
    cue: Phrase
    ids: tuple[int, ...]


@dataclass(frozen=True)
class _PatternLeaf:
    number: int
    cue: Pattern
    patterns: tuple[_CompiledPattern, ...] | None  # None: one of them does not compile


@dataclass(frozen=True)
class _SuppliedLeaf:
    number: int
    cue: Supplied
    markers: tuple[int, ...]
    asked_by: _Node | None

    def takes(self, kind: str, spot: Spot) -> bool:
        """Whether the value is of this leaf's kind and size."""
        if kind != self.cue.supplied:
            return False
        if self.cue.digits is None or not spot.digits:
            return True
        return self.cue.digits[0] <= len(spot.digits) <= self.cue.digits[1]


@dataclass(frozen=True)
class _Several:
    kind: Literal["any", "all", "none", "at_least"]
    parts: tuple[_Node, ...]
    least: int = 1


@dataclass(frozen=True)
class _InOrder:
    cue: _Node
    before: _Node | None
    after: _Node | None
    within: int | None


_Leaf = _PhraseLeaf | _PatternLeaf | _SuppliedLeaf
_Node = _Leaf | _Several | _InOrder


@dataclass
class _Plan:
    """One rubric's cues, compiled. Shared by all conversations; never changes once built."""

    rubric: Rubric
    book: PhraseBook = field(init=False)
    slots: list[_SuppliedLeaf] = field(default_factory=list)
    judges: dict[str, _Judge] = field(default_factory=dict)
    _named: dict[str, _Node] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        judged = {item.id: item.cues for item in self.rubric.items if item.cues is not None}
        cues = [*self.rubric.cues.values(), *(cue for judge in judged.values() for cue in _cues_of(judge))]
        self.book = PhraseBook(phrase for cue in cues for phrase in _phrases(cue))
        for item_id, judge in judged.items():
            self.judges[item_id] = _Judge(
                applicable=None if judge.applicable is None else self._compile(judge.applicable),
                rules=tuple((self._compile(rule.when), rule.answer) for rule in judge.rules),
                otherwise=judge.otherwise,
                reasons=judge.reasons,
            )

    def _compile(self, cue: Cue) -> _Node:
        match cue:
            case Ref(ref=name):
                if name not in self._named:
                    self._named[name] = self._compile(self.rubric.cues[name])
                return self._named[name]
            case AnyOf(any=parts):
                return _Several("any", tuple(map(self._compile, parts)))
            case AllOf(all=parts):
                return _Several("all", tuple(map(self._compile, parts)))
            case NoneOf(none=parts):
                return _Several("none", tuple(map(self._compile, parts)))
            case AtLeast(of=parts, at_least=least):
                return _Several("at_least", tuple(map(self._compile, parts)), least)
            case Ordered(cue=inner, before=before, after=after, within_turns=within):
                return _InOrder(
                    self._compile(inner),
                    None if before is None else self._compile(before),
                    None if after is None else self._compile(after),
                    within,
                )
            case Phrase(phrase=phrases):
                return _PhraseLeaf(self._next(), cue, tuple(self.book.id_of(phrase) for phrase in phrases))
            case Pattern(pattern=patterns):
                return _PatternLeaf(self._next(), cue, _compile_patterns(patterns))
            case Supplied(asked_by=asked_by, said_with=markers):
                leaf = _SuppliedLeaf(
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
class _Judge:
    applicable: _Node | None
    rules: tuple[tuple[_Node, AnswerValue], ...]
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


# Whether a turn's end or its neighbour follows makes a difference to anchors and to what looks around for anything.
_LOOKS_BEYOND_THE_TURN = regex.compile(r"\^|\$|\\[AZzGNX]|\(\?<?[!=](?:\(|\\[WSDs]|\.|\[)|\(\?\(|\(\*|\(\?[A-Za-z01-]*[bep][A-Za-z01-]*[:)]")
_TURN_BREAK = "\n\x01\n"
_MOST_MATCHES = 1000


@dataclass(frozen=True)
class _CompiledPattern:
    """`reads_joined_turns`: a pattern that matches in one turn also matches in all turns joined."""

    compiled: Any
    reads_joined_turns: bool


def _left_until(deadline: float) -> float:
    """Seconds left. Raises TimeoutError when there are none, as the patterns themselves do."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _compile_patterns(patterns: tuple[str, ...]) -> tuple[_CompiledPattern, ...] | None:
    compiled: list[_CompiledPattern] = []
    for pattern in patterns:
        unfolded = 1
        for low, high in _REPEAT.findall(pattern):
            unfolded *= max(1, int((high or low or "1")[:9]))
        if len(pattern) > LONGEST_PATTERN or unfolded > _MOST_REPEATS:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ready = regex.compile(pattern.translate(_ONE_LETTER), regex.IGNORECASE | regex.UNICODE)
            compiled.append(_CompiledPattern(ready, _LOOKS_BEYOND_THE_TURN.search(pattern) is None))
        except (regex.error, RecursionError, OverflowError, MemoryError, ValueError, IndexError):
            return None
    return tuple(compiled)


_PLANS: OrderedDict[str, _Plan] = OrderedDict()
_PLANS_LOCK = Lock()
_MOST_PLANS = 64


def _plan_of(rubric: Rubric) -> _Plan:
    with _PLANS_LOCK:
        if (known := _PLANS.get(rubric.digest)) is not None:
            _PLANS.move_to_end(rubric.digest)
            return known
    plan = _Plan(rubric)
    with _PLANS_LOCK:
        _PLANS[rubric.digest] = plan
        while len(_PLANS) > _MOST_PLANS:
            _PLANS.popitem(last=False)
    return plan


# ── Reading one conversation ────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _LeafFinding:
    """Everything that one leaf found, wherever it stands; windows are cut out of it later."""

    passages: list[Passage]
    misses: list[Passage]
    turns: Sequence[int]
    broken: bool = False


class _JoinedTurns(NamedTuple):
    """Several turns as one text; turn n of them begins at starts[n]."""

    text: str
    starts: list[int]


class _Marker(NamedTuple):
    slot: int
    first: int
    last: int


class _Reading:
    """One conversation under one plan. Lives for one judgement; every leaf is evaluated at most once per side."""

    def __init__(self, plan: _Plan, conversation: Conversation) -> None:
        self.plan = plan
        self.conversation = conversation
        self.heard = Heard(conversation, plan.book)
        self._leaves: dict[tuple[int, Side], _LeafFinding] = {}
        self._turns: dict[tuple[str, Side], list[int]] = {}
        self._findings: dict[tuple[int, Window, Side], Finding] = {}
        self._supplying = _Supplying(self)
        self._joined_texts: dict[tuple[Any, ...], _JoinedTurns] = {}
        self._pattern_seconds_left = ALL_PATTERNS_SECONDS

    # Speakers and turns

    def turns_of(self, speaker: str, side: Side) -> list[int]:
        """The turns in which this speaker talks, ascending."""
        key = (speaker, side)
        if key not in self._turns:
            self._turns[key] = [turn for turn in range(len(self.heard.said)) if self._speaks(turn, speaker, side)]
        return self._turns[key]

    def _speaks(self, turn: int, speaker: str, side: Side) -> bool:
        if speaker == "any":
            return True
        role = self.heard.roles[turn]
        if speaker != "agent":
            return role == speaker
        if side == "evaluated_agent":
            return self.heard.speakers[turn] in self.conversation.agents
        return role == self._agent_role

    @cached_property
    def _agent_role(self) -> str:
        """What counts as an agent of the contact: people, or bots where no person served."""
        return "agent" if "agent" in self.conversation.roles.values() else "bot"

    def scope(self, cue: Scope, side: Side) -> Sequence[int]:
        """The turns that a leaf may look into."""
        turns: Sequence[int] = self.turns_of(cue.speaker, side)
        if cue.first_turns is not None and cue.last_turns is not None:
            ends = {*turns[: cue.first_turns], *turns[-cue.last_turns :]}
            return [turn for turn in turns if turn in ends]
        if cue.first_turns is not None:
            return turns[: cue.first_turns]
        if cue.last_turns is not None:
            return turns[-cue.last_turns :]
        return turns

    # Leaves

    def leaf(self, node: _Leaf, side: Side) -> _LeafFinding:
        """What the leaf finds anywhere in its scope."""
        key = (node.number, side)
        if key not in self._leaves:
            match node:
                case _PhraseLeaf():
                    found = self._phrase(node, side)
                case _PatternLeaf():
                    found = self._pattern(node, side)
                case _SuppliedLeaf():
                    found = self._supplying.find(node, side)
            found.passages.sort()
            found.misses.sort()
            self._leaves[key] = found
        return self._leaves[key]

    def _phrase(self, node: _PhraseLeaf, side: Side) -> _LeafFinding:
        heard, cue = self.heard, node.cue
        turns = self.scope(cue, side)
        found = _LeafFinding([], [], turns)
        allowed = None
        for phrase in node.ids:
            for hit in heard.hits.get(phrase, ()):
                if hit.typos and not cue.typos:
                    continue
                if allowed is None:
                    allowed = set(turns)
                said = heard.said[hit.turn]
                start, end = said[hit.first].start, said[hit.last].end
                match = _match_kind(heard.texts[hit.turn][start:end], heard.book.text_of(phrase), hit.typos)
                passage = Passage(hit.turn, start, end, 0.75 if hit.typos else 0.9, match)
                counts = hit.turn in allowed
                if counts and cue.negated != "accept" and not heard.book.holds_negation(phrase):
                    counts = (heard.negator_of(hit) is not None) == (cue.negated == "only")
                if counts and cue.hypothetical == "reject":
                    counts = not heard.is_supposed(hit)
                (found.passages if counts else found.misses).append(passage)
        return found

    def _pattern(self, node: _PatternLeaf, side: Side) -> _LeafFinding:
        cue = node.cue
        turns = self.scope(cue, side)
        found = _LeafFinding([], [], turns)
        if node.patterns is None:
            found.broken = True
            return found
        for pattern in node.patterns:
            started = time.monotonic()
            deadline = started + min(PATTERN_SECONDS, self._pattern_seconds_left)
            try:
                for turn in self._turns_to_search(pattern, cue, turns, deadline):
                    self._search(pattern.compiled, turn, deadline, cue, found)
            except (TimeoutError, MemoryError, RecursionError):
                found.broken = True
            self._pattern_seconds_left -= time.monotonic() - started
        return found

    def _turns_to_search(
        self, pattern: _CompiledPattern, cue: Pattern, turns: Sequence[int], deadline: float
    ) -> Iterable[int]:
        """The turns that may match: found in one look over all of them, where that look can be trusted."""
        if not pattern.reads_joined_turns or len(turns) < 3:
            return turns
        joined = self._joined(cue, turns)
        some: dict[int, None] = {}
        for match in pattern.compiled.finditer(joined.text, timeout=_left_until(deadline)):
            place = bisect_right(joined.starts, match.start()) - 1
            if match.end() > joined.starts[place + 1]:
                return turns  # it crossed into the next turn and may hide what stands there
            some[turns[place]] = None
        return some

    def _joined(self, cue: Scope, turns: Sequence[int]) -> _JoinedTurns:
        key = (cue.speaker, cue.first_turns, cue.last_turns, tuple(turns[:1]), len(turns))
        if key not in self._joined_texts:
            texts = [self.heard.flat_text(turn) + _TURN_BREAK for turn in turns]
            self._joined_texts[key] = _JoinedTurns("".join(texts), list(accumulate(map(len, texts), initial=0)))
        return self._joined_texts[key]

    def _search(self, pattern: Any, turn: int, deadline: float, cue: Pattern, found: _LeafFinding) -> None:
        """Add the pattern's matches in a turn. Raises TimeoutError when time runs out."""
        text = self.heard.flat_text(turn)
        for match in pattern.finditer(text, timeout=_left_until(deadline)):
            start, end = match.span()
            if start == end or QUOTED in match[0]:
                continue
            counts = True
            if cue.negated != "accept":
                counts = (self.heard.negator_of_span(turn, start, end) is not None) == (cue.negated == "only")
            if counts and cue.hypothetical == "reject":
                first, last = self.heard.words_of(turn, start, end)
                counts = first > last or not self.heard.is_supposed(Hit(turn, first, last, 0))
            (found.passages if counts else found.misses).append(Passage(turn, start, end, 0.85))
            if len(found.passages) + len(found.misses) > _MOST_MATCHES:
                break

    # Cues

    def find(self, node: _Node, window: Window, side: Side) -> Finding:
        """Whether the cue holds, counting only passages inside the window."""
        match node:
            case _Several():
                return self._several(node, window, side)
            case _InOrder():
                inner = self._narrowed(node, window, side)
                if inner is None:
                    return Finding(None)
                found = self.find(node.cue, inner, side)
                anchors = self._anchors_in(node, side) if found.holds else ()
                return Finding(found.holds, found.passages + anchors)
            case _:
                leaf = self.leaf(node, side)
                passages = (
                    tuple(p for p in leaf.passages if window.holds(p))
                    if window is not _EVERYWHERE
                    else tuple(leaf.passages)
                )
                if passages:
                    return Finding(True, passages)
                return Finding(None if leaf.broken else False)

    def _several(self, node: _Several, window: Window, side: Side) -> Finding:
        if node.kind in ("any", "none"):
            unknown = False
            held: list[Passage] = []
            any_held = False
            for part in node.parts:
                found = self.find(part, window, side)
                unknown = unknown or found.holds is None
                if found.holds:
                    any_held = True
                    held.extend(found.passages)
            if node.kind == "none":
                return Finding(False, tuple(sorted(held))) if any_held else Finding(None if unknown else True)
            return Finding(True, tuple(sorted(held))) if any_held else Finding(None if unknown else False)
        findings = [self.find(part, window, side) for part in node.parts]
        needed = len(findings) if node.kind == "all" else node.least
        holding = [found for found in findings if found.holds]
        passages = tuple(_taken_in_turn([found.passages for found in holding]))
        if len(holding) >= needed:
            return Finding(True, passages)
        possible = len(holding) + sum(found.holds is None for found in findings)
        return Finding(None if possible >= needed else False, passages)

    def _narrowed(self, node: _InOrder, window: Window, side: Side) -> Window | None:
        """The window that an ordered cue leaves; None when an anchor could not be evaluated."""
        low, high = window
        if node.after is not None:
            anchor = self.moment(node.after, side)
            if anchor is None:
                if self.find(node.after, _EVERYWHERE, side).holds is None:
                    return None
                return Window(_END, _END)
            low = max(low, anchor)
            if node.within is not None:
                high = min(high, Place(anchor.turn + node.within + 1, -1))
        if node.before is not None:
            anchor = self.moment(node.before, side)
            if anchor is None:
                if self.find(node.before, _EVERYWHERE, side).holds is None:
                    return None
            else:
                high = min(high, anchor)
                if node.within is not None:
                    low = max(low, Place(anchor.turn - node.within, -1))
        return Window(low, high)

    def _anchors_in(self, node: _InOrder, side: Side) -> tuple[Passage, ...]:
        """The anchors' first passages: the reader sees what came before or after what."""
        found: list[Passage] = []
        for anchor in (node.before, node.after):
            if anchor is not None:
                found.extend(self.find(anchor, _EVERYWHERE, side).passages[:1])
        return tuple(found)

    def moment(self, node: _Node, side: Side) -> Place | None:
        """When the cue first held: its first passage, and for `all` the last of its parts' first passages."""
        match node:
            case _Several(kind="none"):
                return None
            case _Several(kind="any", parts=parts):
                moments = [m for part in parts if (m := self.moment(part, side)) is not None]
                return min(moments, default=None)
            case _Several(kind=kind, parts=parts, least=least):
                moments = sorted(m for part in parts if (m := self.moment(part, side)) is not None)
                needed = len(parts) if kind == "all" else least
                return moments[needed - 1] if len(moments) >= needed else None
            case _InOrder():
                found = self.find(node, _EVERYWHERE, side)
                inner = self._narrowed(node, _EVERYWHERE, side)
                if not found.holds or inner is None:
                    return None
                return min((p.place for p in self.find(node.cue, inner, side).passages), default=None)
            case _:
                passages = self.leaf(node, side).passages
                return passages[0].place if passages else None

    # Absence

    def absence(self, nodes: Iterable[_Node], side: Side) -> Absence:
        """Where the cues could have stood, and what came closest."""
        absence = Absence(set(), {})
        for node in nodes:
            self._miss(node, _EVERYWHERE, side, absence)
        return absence

    def _miss(self, node: _Node, window: Window, side: Side, absence: Absence) -> None:
        match node:
            case _Several(kind=kind, parts=parts):
                if kind in ("all", "at_least"):
                    missing = [part for part in parts if not self.find(part, window, side).holds]
                    parts = tuple(missing or filter(_rests_on_absence, parts))
                for part in parts:
                    self._miss(part, window, side, absence)
            case _InOrder(cue=inner, after=after):
                narrowed = self._narrowed(node, window, side)
                if narrowed is None or narrowed.low == _END:
                    self._miss(after if after is not None else inner, _EVERYWHERE, side, absence)
                else:
                    self._miss(inner, narrowed, side, absence)
            case _:
                leaf = self.leaf(node, side)
                absence.nearest.update(dict.fromkeys(leaf.misses))
                if window is _EVERYWHERE:
                    absence.turns.update(leaf.turns)
                else:
                    absence.turns.update(window.turns(leaf.turns))
                    absence.nearest.update(dict.fromkeys(p for p in leaf.passages if not window.holds(p)))

    def evidence(self, passage: Passage) -> Evidence:
        """The passage as evidence: `turns[turn].text[start:end] == quote`."""
        turn = self.conversation.turns[passage.turn]
        return Evidence(
            turn=passage.turn,
            participant=turn.participant,
            start=passage.start,
            end=passage.end,
            quote=turn.text[passage.start : passage.end],
            match=passage.match,
            start_seconds=turn.start,
            end_seconds=turn.end,
        )


def _match_kind(quote: str, phrase: str, typos: int) -> MatchKind:
    if typos:
        return "fuzzy"
    return "exact" if quote == phrase or quote.lower() == phrase.lower() else "normalized"


def _taken_in_turn(lists: list[tuple[Passage, ...]]) -> Iterable[Passage]:
    """The first of each list, then the second of each: every part of an `all` is seen before any is seen twice."""
    for rank in range(max(map(len, lists), default=0)):
        for passages in lists:
            if rank < len(passages):
                yield passages[rank]


# ── Values that somebody supplied ───────────────────────────────────────────────────────────────────────────────

_WEAK_LINKS = listed("number no code is the my as a for and or of it was might be could should would will think "
                        "i maybe probably either that are says said here s has been being account security")  # fmt: skip
_LINKS = listed("is was are were be it being es era است 是 为 as for")
_HARD_STOP = regex.compile(r"[.;!?\n。！？；؟](?!\d)")
_OWNING = regex.compile(r"\b(?:had|have|got|should be)\s*$", regex.IGNORECASE)
_AWAY = frozenset({"", "in", "from", "into", "out", "on"})
_GOES_ON = listed(
    "it that try here this so is was either maybe can you could i think or should might be probably believe the number seems to"
)


class _Supplying:
    """Decides which value answers what: by its own label, by the question before it, or not at all."""

    def __init__(self, reading: _Reading) -> None:
        self._reading = reading
        self._heard = reading.heard
        self._questions: dict[tuple[int, Side], list[Place]] = {}
        self._spots: dict[tuple[int, str], list[Spot]] = {}
        self._blocks: dict[int, tuple[tuple[int, ...], ...]] = {}
        self._markers_by_turn: dict[int, list[_Marker]] | None = None

    def find(self, node: _SuppliedLeaf, side: Side) -> _LeafFinding:
        """Every value of the leaf's kind that was given for what the leaf asks."""
        turns = self._reading.scope(node.cue, side)
        found = _LeafFinding([], [], turns)
        for turn in turns:
            match node.cue.supplied:
                case "name":
                    self._names(node, turn, side, found)
                case "word":
                    self._words(node, turn, side, found)
                case kind:
                    self._values(node, kind, turn, side, found)
        return found

    # Questions

    def _asked(self, node: _SuppliedLeaf, side: Side) -> list[Place]:
        """Where the question for this value was put, in order."""
        if node.asked_by is None:
            return []
        key = (node.number, side)
        if key not in self._questions:
            finding = self._reading.find(node.asked_by, _EVERYWHERE, side)
            places = sorted(p.place for p in finding.passages) if finding.holds else []
            self._questions[key] = places
        return self._questions[key]

    def _others_before(self, turn: int) -> tuple[tuple[int, ...], ...]:
        """The blocks of other people's turns before this one, nearest first, at most as many as a question lives."""
        if turn not in self._blocks:
            speakers = self._heard.speakers
            me = speakers[turn]
            blocks: list[tuple[int, ...]] = []
            at = turn - 1
            while at >= 0 and len(blocks) <= OPEN_QUESTION_TURNS:
                while at >= 0 and speakers[at] == me:
                    at -= 1
                block = []
                while at >= 0 and speakers[at] != me:
                    block.append(at)
                    at -= 1
                if block:
                    blocks.append(tuple(block))
            self._blocks[turn] = tuple(blocks)
        return self._blocks[turn]

    def _age(self, node: _SuppliedLeaf, turn: int, side: Side) -> int | None:
        """How many blocks ago the value was last asked for; 0 directly before; None: not, or too long ago."""
        asked = {place.turn for place in self._asked(node, side)}
        if not asked:
            return None
        for age, block in enumerate(self._others_before(turn)):
            if not asked.isdisjoint(block):
                return age
        return None

    def _rivals(self, node: _SuppliedLeaf) -> list[_SuppliedLeaf]:
        """Leaves that ask for another value than this one."""
        mine = (node.cue.supplied, node.cue.digits, node.markers)
        return [
            slot
            for slot in self._reading.plan.slots
            if (slot.cue.supplied, slot.cue.digits, slot.markers) != mine
            and slot.cue.speaker == node.cue.speaker
            and slot.asked_by != node.asked_by
        ]

    # Markers

    def _markers(self, turn: int) -> list[_Marker]:
        if self._markers_by_turn is None:
            self._markers_by_turn = {}
            for number, slot in enumerate(self._reading.plan.slots):
                for phrase in slot.markers:
                    for hit in self._heard.hits.get(phrase, ()):
                        self._markers_by_turn.setdefault(hit.turn, []).append(_Marker(number, hit.first, hit.last))
        return self._markers_by_turn.get(turn, [])

    def _link(self, turn: int, marker: _Marker, first: int, last: int, spot: Spot) -> tuple[int, int] | None:
        """How well a marker fits a value at words [first, last]: (strength, distance), lower is better; None: not."""
        said, text = self._heard.said[turn], self._heard.texts[turn]
        if marker.last < first:
            gap = text[said[marker.last].end : spot.start]
            between = [word.key for word in said[marker.last + 1 : first]]
            if len(between) > 9 or "" in between:
                return None
            stops = [match.end() for match in _HARD_STOP.finditer(gap)]
            if stops:
                at = said[marker.last].end + stops[-1]
                opening = [word.key for word in said[marker.last + 1 : first] if word.start >= at]
                opening = [key for key in opening if not key[:1].isdigit()]
                goes_on = not between or (len(opening) <= 7 and _GOES_ON.issuperset(opening))
                return (2, len(between)) if goes_on else None
            if any(key[:1].isdigit() for key in between):
                return 2, len(between)  # another value stands nearer to the label
            linked = bool(_LINKS.intersection(between)) or all(key in _WEAK_LINKS for key in between)
            return (0 if linked else 2), len(between)
        if marker.first > last:
            between = [word.key for word in said[last + 1 : marker.first]]
            if (
                len(between) > 5
                or _AWAY.intersection(between)
                or _HARD_STOP.search(text[spot.end : said[marker.first].start])
            ):
                return None
            return (1 if not between or _LINKS.intersection(between) else 3), len(between)
        return None

    # Numbers, dates, addresses

    def _candidates(self, kind: str, turn: int) -> list[Spot]:
        key = (turn, kind)
        if key not in self._spots:
            text = self._heard.own_text(turn)
            finders = {"number": numbers, "date": dates, "email": emails, "phone": phones}
            found = finders[kind](text) if kind in finders else []
            if "[" in text or "*" in text or "<" in text or "#" in text or "{" in text:
                found = found + redactions(text, kind)
            self._spots[key] = found
        return self._spots[key]

    def _values(self, node: _SuppliedLeaf, kind: str, turn: int, side: Side, found: _LeafFinding) -> None:
        taken: list[Spot] = []
        for spot in self._candidates(kind, turn):
            if not node.takes(kind, spot) or any(t.start <= spot.start and spot.end <= t.end for t in taken):
                continue
            fit = self._fit(node, kind, turn, side, spot)
            passage = Passage(turn, spot.start, spot.end, fit or 0.5)
            if fit is None:
                found.misses.append(passage)
            else:
                taken.append(spot)
                found.passages.append(passage)

    def _fit(self, node: _SuppliedLeaf, kind: str, turn: int, side: Side, spot: Spot) -> float | None:
        """How surely the value was given for this leaf; None when it was not."""
        said = self._heard.said[turn]
        first, last = self._heard.words_of(turn, spot.start, spot.end)
        if first and "not" in (said[first - 1].key, said[first - 2].key if first > 1 else ""):
            return None
        best: tuple[int, int] | None = None
        mine: tuple[int, int] | None = None
        for marker in self._markers(turn):
            slot = self._reading.plan.slots[marker.slot]
            if not slot.takes(kind, spot):
                continue
            link = self._link(turn, marker, first, last, spot)
            if link is None:
                continue
            best = link if best is None else min(best, link)
            if slot.markers == node.markers:
                mine = link if mine is None else min(mine, link)
        if mine is not None and mine == best:
            return 0.95 if mine[0] < 2 else 0.8
        if best is not None:
            return None
        return self._fit_by_question(node, kind, turn, side, spot)

    def _fit_by_question(self, node: _SuppliedLeaf, kind: str, turn: int, side: Side, spot: Spot) -> float | None:
        if node.asked_by is None and not node.markers:
            return 0.8 if spot.lead else None
        age = self._age(node, turn, side)
        rival_ages = [
            rival_age
            for rival in self._rivals(node)
            if (rival_age := self._age(rival, turn, side)) is not None and rival.takes(kind, spot)
        ]
        if age is not None:
            if any(rival_age < age for rival_age in rival_ages):
                return None
            if age == 0:
                return 0.9
            return 0.75 if spot.lead and self._answers_late(turn, spot) else None
        if kind == "date" and spot.lead and any(self._age(s, turn, side) == 0 for s in self._rivals(node)):
            return 0.6
        # "Jane Doe, 95381901": a long number among the answers, and nothing else it could be.
        if kind != "number" or len(spot.digits) < 6 or rival_ages:
            return None
        fits_others = any(slot.takes(kind, spot) for slot in self._rivals(node))
        return 0.6 if not fits_others and self._identifies(turn, side) else None

    def _answers_late(self, turn: int, spot: Spot) -> bool:
        """Whether a value that comes after a detour reads as an answer: few words around it, none of them a label."""
        text = self._heard.own_text(turn)
        before = _HARD_STOP.split(text[: spot.start])[-1]
        after = _HARD_STOP.split(text[spot.end :])[0]
        if "?" in text[spot.end : spot.end + len(after) + 1] or _OWNING.search(before):
            return False
        few = len(before.split()) + len(after.split()) <= 9
        first, last = self._heard.words_of(turn, spot.start, spot.end)
        links = (self._link(turn, marker, first, last, spot) for marker in self._markers(turn))
        return few and not any(link is not None and link[0] < 2 for link in links)

    def _identifies(self, turn: int, side: Side) -> bool:
        """Whether the speaker is giving identifiers in this turn: asked for one, naming one, or with a bare name."""
        if self._markers(turn) or any(self._age(slot, turn, side) == 0 for slot in self._reading.plan.slots):
            return True
        said, text = self._heard.said[turn], self._heard.own_text(turn)
        return any(spot.lead for spot in names(said, text, asked=True, least=2))

    # Names and words

    def _marked_words(self, turn: int, node: _SuppliedLeaf | None = None) -> list[Spot]:
        """Word values that a marker claims, of one leaf or of all."""
        said, text = self._heard.said[turn], self._heard.own_text(turn)
        spots = []
        for marker in self._markers(turn):
            slot = self._reading.plan.slots[marker.slot]
            if slot.cue.supplied != "word" or (node is not None and slot.markers != node.markers):
                continue
            spot = value_before(said, text, marker.first) or value_after(said, text, marker.last)
            if spot is not None:
                spots.append(spot)
        return spots

    def _names(self, node: _SuppliedLeaf, turn: int, side: Side, found: _LeafFinding) -> None:
        age = self._age(node, turn, side)
        said, text = self._heard.said[turn], self._heard.own_text(turn)
        least = node.cue.words[0] if node.cue.words else 1
        most = node.cue.words[1] if node.cue.words else 9
        claimed = self._marked_words(turn)
        # "Sarah Brown, 153531981, forgot my PIN": a bare name beside other identifiers is given as one.
        beside = bool(self._markers(turn)) or any(len(n.digits) >= 6 for n in self._candidates("number", turn))
        asked = age is not None or (beside and least > 1)
        for spot in names(said, text, asked=asked, replying=age == 0, least=least):
            if _overlaps(spot, claimed):
                continue
            first, last = self._heard.words_of(turn, spot.start, spot.end)
            good = last - first + 1 <= most and (
                spot.lead >= 2 or age == 0 or (spot.lead == 1 and (age == 1 or beside))
            )
            fit = 0.95 if spot.lead >= 2 else 0.9 if age == 0 else 0.7
            (found.passages if good else found.misses).append(Passage(turn, spot.start, spot.end, fit))
        for spot in redactions(text, "name"):
            if age == 0 or spot.lead:
                found.passages.append(Passage(turn, spot.start, spot.end, 0.6))

    def _words(self, node: _SuppliedLeaf, turn: int, side: Side, found: _LeafFinding) -> None:
        marked = self._marked_words(turn, node)
        for spot in marked:
            found.passages.append(Passage(turn, spot.start, spot.end, 0.95))
        if marked:
            return
        age = self._age(node, turn, side)
        if age is None or age > 1 or (age == 1 and any(self._age(r, turn, side) == 0 for r in self._rivals(node))):
            return
        said, text = self._heard.said[turn], self._heard.own_text(turn)
        claimed = self._marked_words(turn)
        for rival in self._rivals(node):
            if rival.cue.supplied == "name" and self._age(rival, turn, side) == 0:
                claimed += names(said, text, asked=True, least=rival.cue.words[0] if rival.cue.words else 1)
        answers = [
            spot
            for spot in short_answers(said, text)
            if not _overlaps(spot, claimed) and (age == 0 or (len(said) <= 5 and not text[spot.start].islower()))
        ]
        answers += [spot for spot in redactions(text, "word") if age == 0]
        rank, together = self._rank_among_asked(node, turn, side)
        if len(answers) == 1 < together:
            answers = self._split(turn, answers[0], together)
        if together == 1:
            answers.sort(key=lambda spot: (text[spot.start].islower(), -spot.lead, spot.start))
        if len(answers) == 1 < together:
            rank = 0 if rank == together - 1 else together  # one answer is to the last question
        good = answers[rank : rank + 1]
        for spot in answers:
            fit = 0.85 if age == 0 else 0.65
            (found.passages if spot in good else found.misses).append(Passage(turn, spot.start, spot.end, fit))

    def _split(self, turn: int, answer: Spot, together: int) -> list[Spot]:
        """ "Sanchez Nemo" in reply to two questions at once is two answers."""
        first, last = self._heard.words_of(turn, answer.start, answer.end)
        if last - first + 1 != together:
            return [answer]
        return [Spot(word.start, word.end, lead=0) for word in self._heard.said[turn][first : last + 1]]

    def _rank_among_asked(self, node: _SuppliedLeaf, turn: int, side: Side) -> tuple[int, int]:
        """Which of several words asked for at once this one is, by the order of asking, and how many they are."""
        blocks = self._others_before(turn)
        block = set(blocks[0]) if blocks else set()

        def last_asked(slot: _SuppliedLeaf) -> Place | None:
            return max((p for p in self._asked(slot, side) if p.turn in block), default=None)

        mine = last_asked(node)
        others = {
            (place, slot.number)
            for slot in self._rivals(node)
            if slot.cue.supplied == "word"
            and (place := last_asked(slot)) is not None
            and not self._marked_words(turn, slot)
        }
        if mine is None or not others:
            return 0, 1
        return bisect_left(sorted(others), (mine, node.number)), len(others) + 1


def _overlaps(spot: Spot, others: Iterable[Spot]) -> bool:
    return any(spot.start < other.end and other.start < spot.end for other in others)


# ── Judging ─────────────────────────────────────────────────────────────────────────────────────────────────────


def judge_by_cues(conversation: Conversation, rubric: Rubric, items: Iterable[Item]) -> dict[str, ItemResult]:
    """Every given item is answered, not applicable or unscored, as its cues say.

    N/A is decided first. An answer that needs quotes and has none stays unscored ("evidence_missing"); an item
    without cues, or whose cues do not settle it, stays unscored ("needs_model_or_person"); a rule that holds and
    names `unscored` as its answer says that the cues point both ways ("undecided").
    """
    plan = _plan_of(rubric)
    reading = _Reading(plan, conversation)
    return {item.id: _ItemJudgement(reading, item, plan.judges.get(item.id)).result() for item in items}


class _ItemJudgement:
    """One item on its way to a result."""

    def __init__(self, reading: _Reading, item: Item, judge: _Judge | None) -> None:
        self._reading = reading
        self._item = item
        self._judge = judge
        self._side: Side = item.focus
        self._words = _WORDING.get(reading.plan.rubric.language.split("-")[0].lower(), _WORDING["en"])

    def result(self) -> ItemResult:
        judge = self._judge
        if judge is None:
            return self._unscored("needs_model_or_person", self._words["no_cues"])
        if judge.applicable is not None and self._item.not_applicable == "allowed":
            found = self._reading.find(judge.applicable, _EVERYWHERE, self._side)
            if found.holds is None:
                return self._unscored("needs_model_or_person", self._words["too_slow"])
            if not found.holds:
                return self._not_applicable((), [judge.applicable], found.passages)
        if isinstance(self._item.answer, MultiChoice):
            return self._several_options(judge)
        for node, answer in judge.rules:
            found = self._reading.find(node, _EVERYWHERE, self._side)
            if found.holds is None:
                return self._unscored("needs_model_or_person", self._words["too_slow"])
            if found.holds:
                return self._given(answer, found.passages, [node] if _rests_on_absence(node) else [])
        return self._given(judge.otherwise, (), [node for node, _ in judge.rules])

    def _several_options(self, judge: _Judge) -> ItemResult:
        options: dict[str, None] = {}
        passages: list[Passage] = []
        for node, answer in judge.rules:
            found = self._reading.find(node, _EVERYWHERE, self._side)
            if found.holds is None:
                return self._unscored("needs_model_or_person", self._words["too_slow"])
            if not found.holds:
                continue
            if answer in (NOT_APPLICABLE, UNSCORED):
                return self._given(answer, found.passages, [])
            options.update(dict.fromkeys(answer if isinstance(answer, tuple) else (str(answer),)))
            passages.extend(found.passages[:2])
        if not options:
            otherwise = judge.otherwise
            if isinstance(otherwise, str) and otherwise not in (NOT_APPLICABLE, UNSCORED):
                otherwise = (otherwise,)
            return self._given(otherwise, (), [node for node, _ in judge.rules])
        form = [option.id for option in self._item.answer.options] if isinstance(self._item.answer, MultiChoice) else []
        return self._given(tuple(sorted(options, key=form.index)), tuple(passages), [])

    # Results

    def _given(self, answer: AnswerValue, passages: tuple[Passage, ...], absent: list[_Node]) -> ItemResult:
        if answer == UNSCORED:
            if passages:
                return self._unscored("undecided", self._words["undecided"], passages=passages)
            return self._unscored("needs_model_or_person", self._words["unsettled"], absent=absent)
        if answer == NOT_APPLICABLE:
            return self._not_applicable(passages, absent, ())
        shown = self._evidence(passages)
        searched = self._searched(absent)
        needed = self._item.quotes_needed(answer)
        if sum(self._counts(passage) for passage in passages) < needed:
            return Unscored(
                item=self._item.id,
                unscored_reason="evidence_missing",
                reason=self._words["no_quote"],
                proposed=answer,
                evidence=shown,
                searched=searched,
                method="cues",
            )
        return Answered(
            item=self._item.id,
            answer=answer,
            reason=self._reason(answer, shown, searched, absent),
            evidence=shown,
            searched=searched,
            confidence=self._confidence(passages, searched),
            method="cues",
        )

    def _not_applicable(
        self, passages: tuple[Passage, ...], absent: list[_Node], near: tuple[Passage, ...]
    ) -> NotApplicable:
        shown = self._evidence(passages)
        searched = self._searched(absent)
        override = self._judge.reasons.get(NOT_APPLICABLE) if self._judge else None
        return NotApplicable(
            item=self._item.id,
            reason=override
            or (
                self._item.applicable_when
                and self._words["not_when"].format(when=self._item.applicable_when.rstrip(".。"))
            )
            or self._words["not_applicable"],
            decided_by="judge",
            evidence=shown or self._evidence(near),
            searched=searched,
            confidence=self._confidence(passages, searched),
            method="cues",
        )

    def _unscored(
        self,
        why: Literal["needs_model_or_person", "undecided"],
        reason: str,
        *,
        passages: tuple[Passage, ...] = (),
        absent: list[_Node] | None = None,
    ) -> Unscored:
        override = self._judge.reasons.get(UNSCORED) if self._judge else None
        return Unscored(
            item=self._item.id,
            unscored_reason=why,
            reason=override or reason,
            evidence=self._evidence(passages),
            searched=self._searched(absent or []),
            method="cues",
        )

    def _counts(self, passage: Passage) -> bool:
        """Whether the passage stands where the item's evidence rule wants its quotes from."""
        speaker = self._item.evidence.speaker
        return speaker == "any" or passage.turn in self._reading.turns_of(speaker, self._side)

    def _evidence(self, passages: Iterable[Passage]) -> tuple[Evidence, ...]:
        chosen: list[Passage] = []
        for passage in passages:
            if any(passage.turn == c.turn and passage.start < c.end and c.start < passage.end for c in chosen):
                continue
            chosen.append(passage)
            if len(chosen) == MOST_EVIDENCE:
                break
        return tuple(self._reading.evidence(passage) for passage in sorted(chosen))

    def _searched(self, absent: list[_Node]) -> Searched | None:
        if not absent:
            return None
        absence = self._reading.absence(absent, self._side)
        nearest = [self._reading.evidence(passage) for passage in islice(absence.nearest, MOST_NEAREST)]
        return Searched(turns=tuple(sorted(absence.turns)), nearest=tuple(nearest))

    def _confidence(self, passages: tuple[Passage, ...], searched: Searched | None) -> Confidence:
        if passages:
            raw = min(passage.fit for passage in passages[:MOST_EVIDENCE])
        else:
            raw = 0.7 if searched is None or not searched.nearest else 0.55
        return Confidence(raw=raw, source="cue_match")

    def _reason(
        self, answer: AnswerValue, shown: tuple[Evidence, ...], searched: Searched | None, absent: list[_Node]
    ) -> str:
        key = ", ".join(answer) if isinstance(answer, tuple) else str(answer)
        if self._judge is not None and (override := self._judge.reasons.get(key)):
            return override
        if shown:
            return " ".join(
                self._words["found"].format(
                    quote=_shortened(one.quote),
                    turn=one.turn,
                    speaker=self._words.get(self._reading.conversation.role_of(one.turn), ""),
                )
                for one in shown[:2]
            )
        count = sum(map(_phrase_count, absent))
        turns = len(searched.turns) if searched else 0
        return self._words["none"].format(count=count, turns=turns)


def _rests_on_absence(node: _Node) -> bool:
    """Whether a `none` takes part in the cue: then its proof includes the turns that were searched."""
    match node:
        case _Several(kind=kind, parts=parts):
            return kind == "none" or any(map(_rests_on_absence, parts))
        case _InOrder(cue=inner):
            return _rests_on_absence(inner)
        case _:
            return False


def _phrase_count(node: _Node) -> int:
    match node:
        case _Several(parts=parts):
            return sum(map(_phrase_count, parts))
        case _InOrder(cue=inner):
            return _phrase_count(inner)
        case _PhraseLeaf(ids=ids):
            return len(ids)
        case _PatternLeaf(patterns=patterns):
            return len(patterns or ())
        case _:
            return 1


def _shortened(quote: str) -> str:
    quote = " ".join(quote.split())
    return quote if len(quote) <= 80 else quote[:77] + "…"


_WORDING: dict[str, dict[str, str]] = {
    "en": {
        "found": "Found “{quote}” in turn {turn} ({speaker}).",
        "none": "None of {count} cues was said in the {turns} turns that were searched.",
        "no_cues": "This item has no cues; a model or a person must judge it.",
        "unsettled": "The cues settle nothing here; a model or a person must judge it.",
        "undecided": "The cues point both ways; a person must decide.",
        "too_slow": "A pattern of this item could not be evaluated within its limits.",
        "no_quote": "The cues suggest an answer, but the passages that the item demands were not found.",
        "not_applicable": "What this item asks about did not come up.",
        "not_when": "It was not found that this applies: {when}.",
        "agent": "agent", "customer": "customer", "bot": "bot", "system": "system",
    },
    "es": {
        "found": "Se encontró «{quote}» en el turno {turn} ({speaker}).",
        "none": "Ninguna de {count} señales se dijo en los {turns} turnos revisados.",
        "no_cues": "Este criterio no tiene señales; debe juzgarlo un modelo o una persona.",
        "unsettled": "Las señales no deciden aquí; debe juzgarlo un modelo o una persona.",
        "undecided": "Las señales apuntan en ambos sentidos; debe decidir una persona.",
        "too_slow": "Un patrón de este criterio no pudo evaluarse dentro de sus límites.",
        "no_quote": "Las señales sugieren una respuesta, pero faltan las citas que exige el criterio.",
        "not_applicable": "Lo que pregunta este criterio no se presentó.",
        "not_when": "No se encontró que esto se aplique: {when}.",
        "agent": "agente", "customer": "cliente", "bot": "bot", "system": "sistema",
    },
    "fa": {
        "found": "«{quote}» در نوبت {turn} ({speaker}) یافت شد.",
        "none": "هیچ‌یک از {count} نشانه در {turns} نوبت بررسی‌شده گفته نشد.",
        "no_cues": "این مورد نشانه‌ای ندارد؛ مدل یا انسان باید آن را بسنجد.",
        "unsettled": "نشانه‌ها در اینجا چیزی را روشن نمی‌کنند؛ مدل یا انسان باید آن را بسنجد.",
        "undecided": "نشانه‌ها به هر دو سو اشاره دارند؛ انسان باید تصمیم بگیرد.",
        "too_slow": "یکی از الگوهای این مورد در مهلت مقرر ارزیابی نشد.",
        "no_quote": "نشانه‌ها پاسخی را پیشنهاد می‌کنند، اما نقل‌قول لازم یافت نشد.",
        "not_applicable": "آنچه این مورد می‌پرسد پیش نیامد.",
        "not_when": "یافت نشد که این مورد صدق کند: {when}.",
        "agent": "کارشناس", "customer": "مشتری", "bot": "ربات", "system": "سامانه",
    },
    "zh": {
        "found": "在第 {turn} 轮（{speaker}）找到“{quote}”。",
        "none": "在检查过的 {turns} 轮中，{count} 个线索均未出现。",
        "no_cues": "该项没有线索，需由模型或人工判断。",
        "unsettled": "线索无法判定该项，需由模型或人工判断。",
        "undecided": "线索相互矛盾，需由人工判断。",
        "too_slow": "该项的一个模式未能在限定时间内完成。",
        "no_quote": "线索提示了一个答案，但未找到该项要求的原话。",
        "not_applicable": "该项所问的情况没有出现。",
        "not_when": "未发现适用情形：{when}。",
        "agent": "客服", "customer": "客户", "bot": "机器人", "system": "系统",
    },
}  # fmt: skip
"""Reasons in the rubric's language, for those in which rubrics are shipped; others read English."""
