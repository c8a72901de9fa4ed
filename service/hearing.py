"""A conversation as cues hear it: its words, its speakers, and where a rubric's phrases were said.

Comes in: a `Conversation` and a phrase book. Goes out: hits, and for each whether its clause negates or only supposes
it. Text that repeats somebody else's words is never heard. This module knows nothing of items or answers.
"""

from __future__ import annotations

from bisect import bisect_left

from service.conversation import Conversation
from service.negation import negated, supposed
from service.phrasebook import Hit, PhraseBook
from service.spoken_words import flat, words

QUOTED = "\x00"
"""Stands in a turn's own text for each character that repeats somebody else's words."""


class Heard:
    """One conversation, its words found once. Lives for one judgement."""

    def __init__(self, conversation: Conversation, book: PhraseBook) -> None:
        self.conversation = conversation
        self.book = book
        self.texts = [turn.text for turn in conversation.turns]
        self.said = [words(turn.text, turn.quoted) for turn in conversation.turns]
        self.speakers = [turn.participant for turn in conversation.turns]
        self.roles = [conversation.roles[speaker] for speaker in self.speakers]
        self.hits = book.find(self.said, self.texts)
        self.language = (conversation.language or "").replace("_", "-").split("-")[0].lower() or None
        self._own: dict[int, str] = {}
        self._flat: dict[int, str] = {}

    def own_text(self, turn: int) -> str:
        """The turn's text with everything quoted blanked out, character for character."""
        if turn not in self._own:
            whole = self.conversation.turns[turn]
            text = whole.text
            for span in whole.quoted:
                text = text[: span.start] + QUOTED * (span.end - span.start) + text[span.end :]
            self._own[turn] = text
        return self._own[turn]

    def flat_text(self, turn: int) -> str:
        """The own text with digits, quotes, dashes and letters in one form, offsets unchanged: what patterns read."""
        if turn not in self._flat:
            self._flat[turn] = flat(self.own_text(turn))
        return self._flat[turn]

    def negator_of(self, hit: Hit) -> int | None:
        """The word that negates a hit within its clause, or None."""
        return negated(self.said[hit.turn], self.texts[hit.turn], hit.first, hit.last, language=self.language)

    def negator_of_span(self, turn: int, start: int, end: int) -> int | None:
        """The same for characters [start, end) of a turn."""
        first, last = self.words_of(turn, start, end)
        if first > last:
            return None
        return negated(self.said[turn], self.texts[turn], first, last, language=self.language)

    def is_supposed(self, hit: Hit) -> bool:
        """Whether the hit is only supposed, promised or asked."""
        return supposed(self.said[hit.turn], self.texts[hit.turn], hit.first, hit.last)

    def words_of(self, turn: int, start: int, end: int) -> tuple[int, int]:
        """The first and the last word that [start, end) of a turn touches; first > last when it touches none."""
        said = self.said[turn]
        first = bisect_left(said, start + 1, key=lambda word: word.end)
        last = bisect_left(said, end, key=lambda word: word.start) - 1
        return first, last
