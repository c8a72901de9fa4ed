"""Every phrase of one rubric, found together in one walk over a conversation's words.

Comes in: phrases, then turns as words. Goes out: where each phrase was said. One typo in a long word is forgiven
where it cannot make another word: names, numbers and negators must be spelt as they are. This module knows nothing of
speakers, negation's reach or rubrics.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from service.negation import HARD_BREAK, is_negator
from service.spoken_words import Word, listed, words

_NUMBER_WORDS = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million "
    "first second third fourth fifth sixth seventh eighth ninth tenth"
)
_NEVER_A_TYPO = _NUMBER_WORDS | listed(
    "able unable enable disable never nothing without unless except neither cannot possible impossible legal "
    "illegal valid invalid correct incorrect"
)

# A word that everybody knows is not a slip of another one: "charge" is not "change", "think" is not "thank".
_COMMON = listed(
    "about above after again alone along already also although always among another around asked asking became "
    "because been before being below better between blank bring broke build built cable call called calls came "
    "cannot card cards care case cases cause cents chance change changed changes charge charged charges cheap "
    "check chose close closed clear clean could count country course cover death delay delayed detail details "
    "different doing down draft drive each early earth eight either email enough even event every exact extra "
    "faces false father feel fees fight fill filled final finally find fine firm first five flight floor follow "
    "form format former forth found four free fresh friend from front full given gives going good grand great "
    "green ground group guess hand hands happy hard have head hear heard heart heat heavy hello help here high "
    "hold home hope hotel hour hours house human idea image into issue issued issues items join just keep kind "
    "knew know large last late later lead learn least leave left less letter level light like limit line list "
    "little live local lock long look loose lose loss lost loud love made mail main make march mark match matter "
    "maybe mean means media meet might mind mine minor minute miss mission mode model money month months more "
    "morning most mother mouth move much music name names near need never news next night noise north note noted "
    "notice number offer office often only open option order other over owner pack paid paint paper part party "
    "pass past patient pause pays peace phone piece place plain plan plane plant plate play please point police "
    "power press price pride print prior prize proud prove quick quiet quite quote raise range rate rather reach "
    "read ready real reason receive recent refer refund relay reply rest return right rise road room round route "
    "rule safe said sale same save scale scene score sell send sense sent serve service set several shall share "
    "shape sharp sheet shift ship shirt shop short should show side sight sign simple since sleep slide slow "
    "small smart smell smile some soon sorry sort sound source space speak special speed spell spend spent spoke "
    "staff stage stamp stand start state stay steel step stick still stock stole stop store story study stuff "
    "style such suite sweet table take taken talk taste teach team tell thank thanks that their them then there "
    "these they thick thin thing things think third this those though thought thousand three threw through throw "
    "tight time times tired title today told total touch track trade trail train treat trend trial trick tried "
    "tries trip truck true trust truth turn twice under until upper used usual value verify very video visit "
    "voice wait waste watch water week weeks weight were what wheel when where whether which while white whole "
    "whose wide wife will wish with woman women word work world worse worst worth would write wrong wrote year "
    "years young your yours"
)
_GAPS = re.compile(r"\s*(?:…|\.\.\.)\s*")
GAP_WORDS = 6
"""How many words an ellipsis inside a phrase may stand for; they lie in one clause-like stretch of one turn."""


class Hit(NamedTuple):
    """One phrase said once: words [first, last] of turn `turn`, and how many typos were forgiven."""

    turn: int
    first: int
    last: int
    typos: int


class PhraseBook:
    """Every phrase of one rubric, found together in one walk over the words. Lives as long as its rubric's plan."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._ids: dict[str, int] = {}
        self._wholes: list[tuple[int, ...]] = []  # phrase → its parts between ellipses
        self._parts: dict[tuple[str, ...], int] = {}
        self._singles: dict[int, list[int]] = defaultdict(list)  # part → phrases that consist of it alone
        self._negated: list[bool] = []
        self._vocabulary: dict[str, None] = dict.fromkeys(())
        self._slips: dict[str, list[str]] = defaultdict(list)
        self._root: dict[str, object] = {}
        names: set[str] = set()
        for phrase in phrases:
            if phrase not in self._ids:
                self._ids[phrase] = len(self._wholes)
                self._add(phrase, names)
        for word in self._vocabulary:
            if may_be_mistyped(word) and word not in names:
                for slip in {word, *_deletions(word)}:
                    self._slips[slip].append(word)
        self._meant = lru_cache(maxsize=1 << 15)(self._meanings)

        self._texts = list(self._ids)
        self._gapped = [phrase for phrase, pieces in enumerate(self._wholes) if len(pieces) > 1]

    def _add(self, phrase: str, names: set[str]) -> None:
        parts: list[int] = []
        keys_of_all: list[str] = []
        for piece in _GAPS.split(phrase):
            said = words(piece)
            keys = tuple(word.key for word in said)
            if not keys:
                continue
            names.update(
                key
                for word, key in zip(said, keys, strict=True)
                if word.start > 0 and piece[word.start].isupper() and not piece.isupper()
            )
            self._vocabulary.update(dict.fromkeys(keys))
            keys_of_all.extend(keys)
            if keys not in self._parts:
                self._parts[keys] = len(self._parts)
                node = self._root
                for key in keys:
                    node = node.setdefault(key, {})  # type: ignore[assignment]
                node[""] = self._parts[keys]
            parts.append(self._parts[keys])
        self._wholes.append(tuple(parts))
        if len(parts) == 1:
            self._singles[parts[0]].append(len(self._wholes) - 1)
        self._negated.append(any(is_negator(key) for key in keys_of_all))

    def id_of(self, phrase: str) -> int:
        """The number of a phrase that was given when the book was made."""
        return self._ids[phrase]

    def text_of(self, phrase: int) -> str:
        """The phrase as the rubric writes it."""
        return self._texts[phrase]

    def holds_negation(self, phrase: int) -> bool:
        """Whether the phrase itself negates ("not able to"): then a negation guard has nothing to add."""
        return self._negated[phrase]

    def _meanings(self, key: str) -> tuple[tuple[str, int], ...]:
        """The words of the book that a spoken word may stand for, with the typos that this takes."""
        if key in self._vocabulary:
            return ((key, 0),)
        if len(key) < 4 or key in _COMMON or key in _NEVER_A_TYPO or not key.isalpha():
            return ()
        near = {word for slip in (key, *_deletions(key)) for word in self._slips.get(slip, ())}
        return tuple((word, 1) for word in sorted(near) if one_slip_apart(key, word))

    def find(self, heard: list[list[Word]], texts: list[str]) -> dict[int, list[Hit]]:
        """Phrase number → every place where it was said, in the order of the conversation."""
        parts: dict[int, list[Hit]] = defaultdict(list)
        meant = self._meant
        root = self._root
        for turn, said in enumerate(heard):
            # Numbers are looked up afresh: what a customer types as a PIN does not belong in a cache.
            meanings = [meant(word.key) if word.key.isalpha() else self._meanings(word.key) for word in said]
            for at, options in enumerate(meanings):
                if options and options[0][1] and _is_name(said, texts[turn], at):
                    meanings[at] = ()
            walk = _Walk(turn, meanings, parts)
            for first, options in enumerate(meanings):
                for key, slips in options:
                    if (node := root.get(key)) is not None:
                        _walk(walk, node, first, first, slips)
        return self._wholes_of(parts)

    def _wholes_of(self, parts: dict[int, list[Hit]]) -> dict[int, list[Hit]]:
        found = {phrase: hits for part, hits in parts.items() for phrase in self._singles.get(part, ())}
        for phrase in self._gapped:
            pieces = self._wholes[phrase]
            if any(piece not in parts for piece in pieces):
                continue
            hits = parts[pieces[0]]
            for piece in pieces[1:]:
                hits = [joined for hit in hits if (joined := _continue(hit, parts[piece])) is not None]
            if hits:
                found[phrase] = hits
        return found


def _is_name(said: list[Word], text: str, at: int) -> bool:
    """Whether the word is written as a name: a capital in the middle of a sentence that is not all capitals."""
    word = said[at]
    if not at or not text[word.start].isupper() or text[word.start : word.end].isupper():
        return False
    return not HARD_BREAK.search(text[said[at - 1].end : word.start])


class _Walk(NamedTuple):
    """What stays the same while one turn is walked through the tree of phrases."""

    turn: int
    meanings: list[tuple[tuple[str, int], ...]]
    parts: dict[int, list[Hit]]


def _walk(walk: _Walk, node: object, first: int, at: int, slips: int) -> None:
    if not isinstance(node, dict):
        return
    if (part := node.get("")) is not None:
        walk.parts[part].append(Hit(walk.turn, first, at, slips))
        if len(node) == 1:
            return
    if at + 1 == len(walk.meanings):
        return
    for key, more in walk.meanings[at + 1]:
        if slips + more <= 2 and key and (below := node.get(key)) is not None:
            _walk(walk, below, first, at + 1, slips + more)


def _continue(hit: Hit, following: list[Hit]) -> Hit | None:
    """The hit stretched to the first following part of its phrase that stands near enough."""
    for other in following:
        if other.turn == hit.turn and hit.last < other.first <= hit.last + 1 + GAP_WORDS:
            return Hit(hit.turn, hit.first, other.last, hit.typos + other.typos)
    return None


def may_be_mistyped(word: str) -> bool:
    """Whether one typo in this word is forgiven: long, letters only, and no number or negation."""
    return len(word) >= 5 and word.isalpha() and word not in _NEVER_A_TYPO and not is_negator(word)


def _deletions(word: str) -> list[str]:
    return [word[:i] + word[i + 1 :] for i in range(len(word))] if len(word) <= 40 else []


def one_slip_apart(spoken: str, word: str) -> bool:
    """Whether `spoken` is `word` with one letter more, less, wrong or swapped with its neighbour.

    First and last letters must agree (a plural s aside): people mistype the middle of a word, and its ends carry
    tense, person and negation ("unable", "charged", "puedo"). A Persian negation may hide inside a verb.
    """
    if spoken == word:
        return True
    if spoken[0] != word[0]:
        return False
    longer, shorter = (spoken, word) if len(spoken) >= len(word) else (word, spoken)
    if longer == shorter + "s":
        return True
    prefix = 0
    while prefix < len(shorter) and longer[prefix] == shorter[prefix]:
        prefix += 1
    if len(longer) == len(shorter):
        if longer[prefix + 1 :] == shorter[prefix + 1 :]:
            return spoken[-1] == word[-1]
        swapped = longer[prefix : prefix + 2] == shorter[prefix : prefix + 2][::-1]
        return swapped and longer[prefix + 2 :] == shorter[prefix + 2 :]
    if len(longer) - len(shorter) != 1 or longer[prefix + 1 :] != shorter[prefix:]:
        return False
    return spoken[-1] == word[-1] and longer[prefix] != "ن"
