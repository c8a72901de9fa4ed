"""One conversation listened to under one plan: which cues hold, on which passages, and where they could have stood.

Comes in: a plan and a conversation. Goes out: findings, moments, absences, evidence. Every leaf is evaluated at most
once; order and windows are cut out of what it found. Patterns share a budget of time, because a rubric's patterns are
anybody's. This module knows no items and no answers.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

from service.attribution import Attribution
from service.conversation import Conversation
from service.cue_plans import (
    TURN_BREAK,
    CompiledPattern,
    InOrder,
    Leaf,
    Node,
    PatternLeaf,
    PhraseLeaf,
    Plan,
    Several,
    SuppliedLeaf,
    rests_on_absence,
)
from service.cue_rules import Pattern, Scope
from service.grounding import Evidence, MatchKind
from service.hearing import QUOTED, Heard
from service.passages import END, EVERYWHERE, Absence, Finding, LeafFinding, Passage, Place, Side, Window
from service.phrasebook import Hit

PATTERN_SECONDS = 0.25
"""How long one pattern may read one conversation."""
ALL_PATTERNS_SECONDS = 1.0
"""How long all patterns of a rubric may read one conversation; later ones are then not evaluated."""
_MOST_MATCHES = 1000


def _left_until(deadline: float) -> float:
    """Seconds left. Raises TimeoutError when there are none, as the patterns themselves do."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _JoinedTurns(NamedTuple):
    """Several turns as one text; turn n of them begins at starts[n]."""

    text: str
    starts: list[int]


class Listening:
    """One conversation under one plan. Lives for one judgement; every leaf is evaluated at most once per side."""

    def __init__(self, plan: Plan, conversation: Conversation) -> None:
        self.plan = plan
        self.conversation = conversation
        self.heard = Heard(conversation, plan.book)
        self._leaves: dict[tuple[int, Side], LeafFinding] = {}
        self._turns: dict[tuple[str, Side], list[int]] = {}
        self._findings: dict[tuple[int, Window, Side], Finding] = {}
        self._attribution = Attribution(self)
        self._joined_texts: dict[tuple[int, ...], _JoinedTurns] = {}
        self._pattern_seconds_left = ALL_PATTERNS_SECONDS

    # Speakers and turns

    def turns_of(self, speaker: str, side: Side) -> list[int]:
        """The turns in which this speaker talks, ascending."""
        key = (speaker, side)
        if key not in self._turns:
            self._turns[key] = [turn for turn in range(len(self.heard.said)) if self._speaks(turn, speaker, side)]
        return self._turns[key]

    def _speaks(self, turn: int, speaker: str, side: Side) -> bool:
        role = self.heard.roles[turn]
        if speaker == "any":
            judged = side == "contact" or self.heard.speakers[turn] in self.conversation.agents
            return judged or role != "agent"  # a colleague's words say nothing about the agent under evaluation
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

    def leaf(self, node: Leaf, side: Side) -> LeafFinding:
        """What the leaf finds anywhere in its scope."""
        key = (node.number, side)
        if key not in self._leaves:
            match node:
                case PhraseLeaf():
                    found = self._phrase(node, side)
                case PatternLeaf():
                    found = self._pattern(node, side)
                case SuppliedLeaf():
                    found = self._attribution.find(node, side)
            found.passages.sort()
            found.misses.sort()
            self._leaves[key] = found
        return self._leaves[key]

    def _phrase(self, node: PhraseLeaf, side: Side) -> LeafFinding:
        heard, cue = self.heard, node.cue
        turns = self.scope(cue, side)
        found = LeafFinding([], [], turns)
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

    def _pattern(self, node: PatternLeaf, side: Side) -> LeafFinding:
        cue = node.cue
        turns = self.scope(cue, side)
        found = LeafFinding([], [], turns)
        if node.patterns is None:
            found.broken = True
            return found
        for pattern in node.patterns:
            started = time.monotonic()
            deadline = started + min(PATTERN_SECONDS, self._pattern_seconds_left)
            try:
                for turn in self._turns_to_search(pattern, turns, deadline):
                    self._search(pattern.in_turn, turn, deadline, cue, found)
            except (TimeoutError, MemoryError, RecursionError):
                found.broken = True
            self._pattern_seconds_left -= time.monotonic() - started
        return found

    def _turns_to_search(self, pattern: CompiledPattern, turns: Sequence[int], deadline: float) -> Iterable[int]:
        """The turns that may match: found in one look over all of them, where that look can be trusted."""
        if pattern.over_turns is None or len(turns) < 3:
            return turns
        joined = self._joined(turns)
        some: dict[int, None] = {}
        for match in pattern.over_turns.finditer(joined.text, timeout=_left_until(deadline)):
            place = bisect_right(joined.starts, match.start()) - 1
            if match.end() > joined.starts[place + 1]:
                return turns  # it crossed into the next turn and may hide what stands there
            some[turns[place]] = None
        return some

    def _joined(self, turns: Sequence[int]) -> _JoinedTurns:
        key = tuple(turns)  # not the cue's scope: whose turns that means depends on the side
        if key not in self._joined_texts:
            texts = [self.heard.flat_text(turn) + TURN_BREAK for turn in turns]
            self._joined_texts[key] = _JoinedTurns("".join(texts), list(accumulate(map(len, texts), initial=0)))
        return self._joined_texts[key]

    def _search(self, pattern: Any, turn: int, deadline: float, cue: Pattern, found: LeafFinding) -> None:
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

    def find(self, node: Node, window: Window, side: Side) -> Finding:
        """Whether the cue holds, counting only passages inside the window."""
        match node:
            case Several():
                return self._several(node, window, side)
            case InOrder():
                inner = self._narrowed(node, window, side)
                if inner is None:
                    return Finding(None)
                found = self.find(node.cue, inner, side)
                anchors = self._anchors_in(node, side) if found.holds and node.anchors_shown else ()
                return Finding(found.holds, found.passages + anchors)
            case _:
                leaf = self.leaf(node, side)
                passages = (
                    tuple(p for p in leaf.passages if window.holds(p))
                    if window is not EVERYWHERE
                    else tuple(leaf.passages)
                )
                if passages:
                    return Finding(holds=True, passages=passages)
                return Finding(None if leaf.broken else False)

    def _several(self, node: Several, window: Window, side: Side) -> Finding:
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
                return Finding(not any_held if any_held or not unknown else None, tuple(sorted(held)))
            return Finding(any_held if any_held or not unknown else None, tuple(sorted(held)))
        findings = [self.find(part, window, side) for part in node.parts]
        needed = len(findings) if node.kind == "all" else node.least
        holding = [found for found in findings if found.holds]
        passages = tuple(passage for found in holding for passage in found.passages[:1])
        if len(holding) >= needed:
            return Finding(holds=True, passages=passages)
        possible = len(holding) + sum(found.holds is None for found in findings)
        return Finding(None if possible >= needed else False, passages)

    def _narrowed(self, node: InOrder, window: Window, side: Side) -> Window | None:
        """The window that an ordered cue leaves; None when an anchor could not be evaluated."""
        low, high = window
        if node.after is not None:
            anchor = self.moment(node.after, side)
            if anchor is None:
                if self.find(node.after, EVERYWHERE, side).holds is None:
                    return None
                return Window(END, END)
            low = max(low, anchor)
            if node.within is not None:
                high = min(high, Place(anchor.turn + node.within + 1, -1))
        if node.before is not None:
            anchor = self.moment(node.before, side)
            if anchor is None:
                if self.find(node.before, EVERYWHERE, side).holds is None:
                    return None
            else:
                high = min(high, anchor)
                if node.within is not None:
                    low = max(low, Place(anchor.turn - node.within, -1))
        return Window(low, high)

    def _anchors_in(self, node: InOrder, side: Side) -> tuple[Passage, ...]:
        """The anchors' first passages: the reader sees what came before or after what."""
        found: list[Passage] = []
        for anchor in (node.before, node.after):
            if anchor is not None:
                found.extend(self.find(anchor, EVERYWHERE, side).passages[:1])
        return tuple(found)

    def moment(self, node: Node, side: Side) -> Place | None:
        """When the cue first held: its first passage, and for `all` the last of its parts' first passages."""
        match node:
            case Several(kind="none"):
                return None
            case Several(kind="any", parts=parts):
                moments = [m for part in parts if (m := self.moment(part, side)) is not None]
                return min(moments, default=None)
            case Several(kind=kind, parts=parts, least=least):
                moments = sorted(m for part in parts if (m := self.moment(part, side)) is not None)
                needed = len(parts) if kind == "all" else least
                return moments[needed - 1] if len(moments) >= needed else None
            case InOrder():
                found = self.find(node, EVERYWHERE, side)
                inner = self._narrowed(node, EVERYWHERE, side)
                if not found.holds or inner is None:
                    return None
                return min((p.place for p in self.find(node.cue, inner, side).passages), default=None)
            case _:
                passages = self.leaf(node, side).passages
                return passages[0].place if passages else None

    # Absence

    def absence(self, nodes: Iterable[Node], side: Side) -> Absence:
        """Where the cues could have stood, and what came closest."""
        absence = Absence(set(), {})
        for node in nodes:
            self._miss(node, EVERYWHERE, side, absence)
        return absence

    def _miss(self, node: Node, window: Window, side: Side, absence: Absence) -> None:
        match node:
            case Several(kind=kind, parts=parts):
                if kind in ("all", "at_least"):
                    missing = [part for part in parts if not self.find(part, window, side).holds]
                    parts = tuple(missing or filter(rests_on_absence, parts))
                for part in parts:
                    self._miss(part, window, side, absence)
            case InOrder(cue=inner, after=after):
                narrowed = self._narrowed(node, window, side)
                if narrowed is None or narrowed.low == END:
                    self._miss(after if after is not None else inner, EVERYWHERE, side, absence)
                else:
                    self._miss(inner, narrowed, side, absence)
            case _:
                leaf = self.leaf(node, side)
                absence.nearest.update(dict.fromkeys(leaf.misses))
                if window is EVERYWHERE:
                    absence.turns.update(leaf.turns)
                else:
                    absence.turns.update(window.turns(leaf.turns))
                    absence.nearest.update(dict.fromkeys(p for p in leaf.passages if not window.holds(p)))

    def hindrance(self, node: Node, side: Side) -> tuple[Passage, ...]:
        """What stands in the way of a cue that does not hold: the passages that a `none` in it forbids."""
        match node:
            case Several(kind="none"):
                return self.find(node, EVERYWHERE, side).passages
            case Several(kind="all" | "at_least", parts=parts):
                failing = (part for part in parts if not self.find(part, EVERYWHERE, side).holds)
                return tuple(passage for part in failing for passage in self.hindrance(part, side))
            case _:
                return ()

    def evidence(self, passage: Passage) -> Evidence:
        """The passage as evidence: `turns[turn].text[start:end] == quote`, and no word or number is cut."""
        turn = self.conversation.turns[passage.turn]
        start, end = self._whole_words(passage)
        return Evidence(
            turn=passage.turn,
            participant=turn.participant,
            start=start,
            end=end,
            quote=turn.text[start:end],
            match=passage.match,
            start_seconds=turn.start,
            end_seconds=turn.end,
        )

    def _whole_words(self, passage: Passage) -> tuple[int, int]:
        """From the first word that the passage touches to the last: a pattern may end at the first digit of `4724`."""
        start, end = passage.start, passage.end
        first, last = self.heard.words_of(passage.turn, start, end)
        if first > last:
            return start, end
        said = self.heard.said[passage.turn]
        text = self.conversation.turns[passage.turn].text[start:end]
        start, end = start + len(text) - len(text.lstrip()), end - (len(text) - len(text.rstrip()))
        return min(start, said[first].start), max(end, said[last].end)


def _match_kind(quote: str, phrase: str, typos: int) -> MatchKind:
    if typos:
        return "fuzzy"
    return "exact" if quote == phrase or quote.lower() == phrase.lower() else "normalized"
