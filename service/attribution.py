"""Which value answers what: by its own label, by the question before it, or not at all.

Comes in: a conversation that is being listened to and a cue for a value. Goes out: the values that were given for it,
and those that look like it and were given for something else. "I forgot my account number, but my PIN is 7402" fills
one slot and not the other. What a value looks like is `service.supplied`'s business.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import regex

from service.cue_plans import Node, Plan, SuppliedLeaf
from service.cue_rules import Scope
from service.given_names import names, short_answers, value_after, value_before
from service.hearing import Heard
from service.passages import EVERYWHERE, Finding, LeafFinding, Passage, Place, Side, Window
from service.spoken_words import Word, listed
from service.supplied import Spot, dates, emails, numbers, phones, redactions

LONGEST_TURN = 20_000
"""Characters of one turn that are read for values. Where a longer turn gives none, nobody knows."""
MOST_VALUES = 200
"""Values and labels of one turn that are weighed against each other."""
OPEN_QUESTION_TURNS = 3
"""A question stays open for this many replies: an answer may come after a detour."""

LONGEST_REPLY = 12
"""Turns over which the reply to one question may be spread."""
MOST_URGING_WORDS = 6
"""A turn of at most so many words, all of them of listening, leaves the question before it open."""


class Listens(Protocol):
    """What attribution needs of whoever listens to the conversation."""

    @property
    def plan(self) -> Plan:
        """The plan that is followed."""
        ...

    @property
    def heard(self) -> Heard:
        """The conversation's words."""
        ...

    def scope(self, cue: Scope, side: Side) -> Sequence[int]:
        """The turns that a leaf may look into."""
        ...

    def find(self, node: Node, window: Window, side: Side) -> Finding:
        """Whether a cue holds within a window."""
        ...


class _Marker(NamedTuple):
    slot: int
    first: int
    last: int


_WEAK_LINKS = listed(
    "number no code is the my as a for and or of it was might be could should would will think i maybe probably "
    "either that are says said here s has been being account security"
)
_LINKS = listed("is was are were be it being es era است 是 为 as for")
_URGING = listed(
    "ok okay k thanks thank you and go on ahead got it that great perfect good alright all right yes yeah yep sure "
    "please next noted continue i see understood fine cool lovely excellent the rest anything more what else carry "
    "take your time no problem worries wonderful super uh huh then so gracias vale bien si siga gut danke und ja "
    "weiter merci oui ensuite et خب خوب ممنون مرسی باشه بله بعد 好 的 嗯 谢 行 对 还 有 呢 然 后"
)
_HARD_STOP = regex.compile(r"[.;!?\n。！？；؟](?!\d)")
_OFFERING = regex.compile(
    r"\b(?:either|(?:might|may|could|must) be|try|remember(?:ed)?|i think|i believe|it was|it is|it's|its)\b",
    regex.IGNORECASE,
)
_OWNING = regex.compile(r"\b(?:had|have|got|should be)\s*$", regex.IGNORECASE)
_AWAY = frozenset({"", "in", "from", "into", "out", "on"})
_GOES_ON = listed(
    "it that try here this so is was either maybe can you could i think or should might be probably believe the "
    "number seems to"
)


class Attribution:
    """Decides which value answers what: by its own label, by the question before it, or not at all."""

    def __init__(self, listening: Listens) -> None:
        self._listening = listening
        self._heard = listening.heard
        self._questions: dict[tuple[int, Side], list[Place]] = {}
        self._spots: dict[tuple[int, str], list[Spot]] = {}
        self._unclaimed: dict[tuple[int, int, Side], list[Spot]] = {}
        self._replies: dict[int, list[int]] = {}
        self._blocks: dict[int, tuple[tuple[int, ...], ...]] = {}
        self._asked_turns: dict[tuple[int, Side], frozenset[int]] = {}
        self._rivals_of: dict[int, list[SuppliedLeaf]] = {}
        self._markers_by_turn: dict[int, list[_Marker]] | None = None

    def find(self, node: SuppliedLeaf, side: Side) -> LeafFinding:
        """Every value of the leaf's kind that was given for what the leaf asks."""
        turns = self._listening.scope(node.cue, side)
        found = LeafFinding([], [], turns)
        try:
            for turn in turns:
                match node.cue.supplied:
                    case "name":
                        self._names(node, turn, side, found)
                    case "word":
                        self._words(node, turn, side, found)
                    case kind:
                        self._values(node, kind, turn, side, found)
        except TimeoutError:
            found.broken = True
        found.broken = found.broken or any(len(self._heard.texts[turn]) > LONGEST_TURN for turn in turns)
        return found

    def _read(self, turn: int) -> tuple[list[Word], str]:
        """The words and the text of a turn, as far as it is read for values."""
        said, text = self._heard.said[turn], self._heard.own_text(turn)
        if len(text) <= LONGEST_TURN:
            return said, text
        return said[: bisect_left(said, LONGEST_TURN - 100, key=lambda word: word.end)], text[:LONGEST_TURN]

    # Questions

    def _asked(self, node: SuppliedLeaf, side: Side) -> list[Place]:
        """Where the question for this value was put, in order."""
        if node.asked_by is None:
            return []
        key = (node.number, side)
        if key not in self._questions:
            finding = self._listening.find(node.asked_by, EVERYWHERE, side)
            places = sorted(p.place for p in finding.passages) if finding.holds else []
            self._questions[key] = places
        return self._questions[key]

    def _others_before(self, turn: int) -> tuple[tuple[int, ...], ...]:
        """The blocks of other people's turns before this one, nearest first, at most as many as a question lives."""
        if turn not in self._blocks:
            speakers = self._heard.speakers
            me = speakers[turn]
            blocks: list[tuple[int, ...]] = []
            at, urged = turn - 1, 0
            while at >= 0 and len(blocks) <= OPEN_QUESTION_TURNS:
                while at >= 0 and speakers[at] == me:
                    at -= 1
                block = []
                while at >= 0 and speakers[at] != me:
                    block.append(at)
                    at -= 1
                if block and urged < LONGEST_REPLY and all(map(self._only_urges, block)):
                    urged += 1
                elif block:
                    blocks.append(tuple(block))
            self._blocks[turn] = tuple(blocks)
        return self._blocks[turn]

    def _only_urges(self, turn: int) -> bool:
        """Whether the turn but takes in what was said and lets its speaker go on: "ok", "thanks", "and?"."""
        said = self._heard.said[turn]
        return len(said) <= MOST_URGING_WORDS and all(word.key in _URGING for word in said)

    def _age(self, node: SuppliedLeaf, turn: int, side: Side) -> int | None:
        """How many blocks ago the value was last asked for; 0 directly before; None: not, or too long ago."""
        key = (node.number, side)
        if key not in self._asked_turns:
            self._asked_turns[key] = frozenset(place.turn for place in self._asked(node, side))
        asked = self._asked_turns[key]
        if asked:
            for age, block in enumerate(self._others_before(turn)):
                if not asked.isdisjoint(block):
                    return age
        return None

    def _rivals(self, node: SuppliedLeaf) -> list[SuppliedLeaf]:
        """Leaves that ask for another value than this one."""
        if node.number not in self._rivals_of:
            mine = (node.cue.supplied, node.cue.digits, node.markers)
            self._rivals_of[node.number] = [
                slot
                for slot in self._listening.plan.slots
                if (slot.cue.supplied, slot.cue.digits, slot.markers) != mine
                and slot.cue.speaker == node.cue.speaker
                and slot.asked_by != node.asked_by
            ]
        return self._rivals_of[node.number]

    # Markers

    def _markers(self, turn: int) -> list[_Marker]:
        if self._markers_by_turn is None:
            self._markers_by_turn = {}
            for number, slot in enumerate(self._listening.plan.slots):
                for phrase in slot.markers:
                    for hit in self._heard.hits.get(phrase, ()):
                        self._add_marker(hit.turn, _Marker(number, hit.first, hit.last))
        return self._markers_by_turn.get(turn, [])

    def _add_marker(self, turn: int, marker: _Marker) -> None:
        markers = self._markers_by_turn.setdefault(turn, []) if self._markers_by_turn is not None else []
        if len(markers) < MOST_VALUES and marker.last < len(self._read(turn)[0]):
            markers.append(marker)

    def _link(self, turn: int, marker: _Marker, first: int, last: int, spot: Spot) -> tuple[int, int] | None:
        """How well a marker fits a value at words [first, last]: (strength, distance), lower is better; None: not."""
        said, text = self._read(turn)
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
            text = self._read(turn)[1]
            finders = {"number": numbers, "date": dates, "email": emails, "phone": phones}
            found = finders[kind](text) if kind in finders else []
            if "[" in text or "*" in text or "<" in text or "#" in text or "{" in text:
                found = found + redactions(text, kind)
            self._spots[key] = found[:MOST_VALUES]
        return self._spots[key]

    def _values(self, node: SuppliedLeaf, kind: str, turn: int, side: Side, found: LeafFinding) -> None:
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

    def _fit(self, node: SuppliedLeaf, kind: str, turn: int, side: Side, spot: Spot) -> float | None:
        """How surely the value was given for this leaf; None when it was not."""
        said = self._heard.said[turn]
        first, last = self._heard.words_of(turn, spot.start, spot.end)
        if first and "not" in (said[first - 1].key, said[first - 2].key if first > 1 else ""):
            return None
        best: tuple[int, int] | None = None
        mine: tuple[int, int] | None = None
        for marker in self._markers(turn):
            slot = self._listening.plan.slots[marker.slot]
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

    def _fit_by_question(self, node: SuppliedLeaf, kind: str, turn: int, side: Side, spot: Spot) -> float | None:
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
        if _OWNING.search(before):
            return False
        if _OFFERING.search(before) and len(before.split()) <= 14:
            return True
        if "?" in text[spot.end : spot.end + len(after) + 1]:
            return False
        few = len(before.split()) + len(after.split()) <= 9
        first, last = self._heard.words_of(turn, spot.start, spot.end)
        links = (self._link(turn, marker, first, last, spot) for marker in self._markers(turn))
        return few and not any(link is not None and link[0] < 2 for link in links)

    def _identifies(self, turn: int, side: Side) -> bool:
        """Whether the speaker is giving identifiers in this turn: asked for one, naming one, or with a bare name."""
        if self._markers(turn) or any(self._age(slot, turn, side) == 0 for slot in self._listening.plan.slots):
            return True
        said, text = self._read(turn)
        return any(spot.lead for spot in names(said, text, asked=True, least=2))

    # Names and words

    def _marked_words(self, turn: int, node: SuppliedLeaf | None = None) -> list[Spot]:
        """Word values that a marker claims, of one leaf or of all."""
        said, text = self._read(turn)
        spots = []
        for marker in self._markers(turn):
            slot = self._listening.plan.slots[marker.slot]
            if slot.cue.supplied != "word" or (node is not None and slot.markers != node.markers):
                continue
            spot = value_before(said, text, marker.first) or value_after(said, text, marker.last)
            if spot is not None:
                spots.append(spot)
        return spots

    def _names(self, node: SuppliedLeaf, turn: int, side: Side, found: LeafFinding) -> None:
        age = self._age(node, turn, side)
        said, text = self._read(turn)
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
                spot.lead >= 2
                or age == 0
                or (spot.lead == 1 and (age == 1 or beside))
                or (beside and first == 0 and age is None)
            )
            fit = 0.95 if spot.lead >= 2 else 0.9 if age == 0 else 0.7
            (found.passages if good else found.misses).append(Passage(turn, spot.start, spot.end, fit))
        for spot in redactions(text, "name"):
            if age == 0 or spot.lead:
                found.passages.append(Passage(turn, spot.start, spot.end, 0.6))

    def _words(self, node: SuppliedLeaf, turn: int, side: Side, found: LeafFinding) -> None:
        marked = self._marked_words(turn, node)
        for spot in marked:
            found.passages.append(Passage(turn, spot.start, spot.end, 0.95))
        if marked:
            return
        age = self._age(node, turn, side)
        if age is None or age > 1 or (age == 1 and any(self._age(r, turn, side) == 0 for r in self._rivals(node))):
            return
        said, text = self._read(turn)
        answers = [
            spot
            for spot in self._unclaimed_answers(node, turn, side)
            if age == 0 or (len(said) <= 5 and not text[spot.start].islower())
        ]
        good = self._in_order(node, turn, side, answers)
        for spot in answers:
            fit = 0.85 if age == 0 else 0.65
            (found.passages if spot in good else found.misses).append(Passage(turn, spot.start, spot.end, fit))

    def _unclaimed_answers(self, node: SuppliedLeaf, turn: int, side: Side) -> list[Spot]:
        """Words of the turn that may answer, without those that are labelled, a date, or the name asked for too."""
        key = (node.number, turn, side)
        if key not in self._unclaimed:
            self._unclaimed[key] = self._find_unclaimed(node, turn, side)
        return self._unclaimed[key]

    def _find_unclaimed(self, node: SuppliedLeaf, turn: int, side: Side) -> list[Spot]:
        said, text = self._read(turn)
        claimed = self._marked_words(turn) + [spot for spot in self._candidates("date", turn) if spot.lead]
        for rival in self._rivals(node):
            if rival.cue.supplied == "name" and self._age(rival, turn, side) == 0:
                least = rival.cue.words[0] if rival.cue.words else 1
                earlier = self._same_reply_before(turn)
                if not any(names(*self._read(one), asked=True, least=least) for one in earlier):
                    claimed += names(said, text, asked=True, least=least)
        answers = [spot for spot in short_answers(said, text) if not _overlaps(spot, claimed)]
        if self._age(node, turn, side) == 0:
            answers += redactions(text, "word")
        return answers

    def _in_order(self, node: SuppliedLeaf, turn: int, side: Side, answers: list[Spot]) -> list[Spot]:
        """Those of the turn's answers that are the leaf's, by the order in which the words were asked for.

        Where several were asked for at once, the reply may come in several turns: what one turn leaves open the next
        ones fill.
        """
        text = self._read(turn)[1]
        rank, together = self._rank_among_asked(node, turn, side)
        if together == 1:
            return sorted(answers, key=lambda spot: (text[spot.start].islower(), -spot.lead, spot.start))[:1]
        if len(answers) < together:
            spread = [
                (one, spot) for one in self._same_reply(turn) for spot in self._unclaimed_answers(node, one, side)
            ]
            if len(spread) > 1:
                return [spot for one, spot in spread[rank : rank + 1] if one == turn]
        if len(answers) == 1:
            alone = len(self._same_reply(turn)) == 1
            parts = self._split(turn, answers[0], together) if alone else answers
            if len(parts) == 1:
                return answers if rank == together - 1 else []  # one answer is to the last question
            answers[:] = parts
        return answers[rank : rank + 1]

    def _same_reply(self, turn: int) -> list[int]:
        """The speaker's turns that together answer what the others last said, this one among them."""
        if turn not in self._replies:
            self._replies[turn] = [*self._same_reply_before(turn), turn, *self._same_reply_after(turn)]
        return self._replies[turn]

    def _same_reply_before(self, turn: int) -> list[int]:
        """The speaker's earlier turns since the others last said more than "ok", ascending."""
        blocks, me = self._others_before(turn), self._heard.speakers[turn]
        start = blocks[0][0] + 1 if blocks else 0
        return [at for at in range(max(start, turn - LONGEST_REPLY), turn) if self._heard.speakers[at] == me]

    def _same_reply_after(self, turn: int) -> list[int]:
        """The speaker's further turns before the others say more than "ok", ascending."""
        me, found = self._heard.speakers[turn], []
        for at in range(turn + 1, min(len(self._heard.said), turn + 1 + LONGEST_REPLY)):
            if self._heard.speakers[at] == me:
                found.append(at)
            elif not self._only_urges(at):
                break
        return found

    def _split(self, turn: int, answer: Spot, together: int) -> list[Spot]:
        """Two answers where two words reply to two questions at once: "Sanchez Nemo"."""
        first, last = self._heard.words_of(turn, answer.start, answer.end)
        if last - first + 1 != together:
            return [answer]
        return [Spot(word.start, word.end, lead=0) for word in self._heard.said[turn][first : last + 1]]

    def _rank_among_asked(self, node: SuppliedLeaf, turn: int, side: Side) -> tuple[int, int]:
        """Which of several words asked for at once this one is, by the order of asking, and how many they are."""
        blocks = self._others_before(turn)
        latest, earliest = (blocks[0][0], blocks[0][-1]) if blocks else (-1, -1)

        def last_asked(slot: SuppliedLeaf) -> Place | None:
            asked = self._asked(slot, side)
            at = bisect_left(asked, Place(latest + 1, -1))
            return asked[at - 1] if at and asked[at - 1].turn >= earliest else None

        mine = last_asked(node)
        others = {
            (place, slot.number)
            for slot in self._rivals(node)
            if slot.cue.supplied == "word"
            and (place := last_asked(slot)) is not None
            and not any(self._marked_words(one, slot) for one in self._same_reply(turn))
        }
        if mine is None or not others:
            return 0, 1
        return bisect_left(sorted(others), (mine, node.number)), len(others) + 1


def _overlaps(spot: Spot, others: Iterable[Spot]) -> bool:
    return any(spot.start < other.end and other.start < spot.end for other in others)
