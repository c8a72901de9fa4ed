"""Quote → `Evidence`, or a named miss.

A quote counts only when it is found: in one turn, by an allowed speaker, word for word. Typography, case, white
space, Unicode form, Arabic and Persian letter variants, digits' script and speech fillers may differ; words may not.
"""

from __future__ import annotations

import operator
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from service.conversation import Conversation
from service.folding import Token, tokens
from service.lexicon import lexicon_for
from service.value import Value
from service.verdict import Quote
from service.wording import Words

MatchKind = Literal["exact", "normalized", "elided", "fuzzy"]
MissReason = Literal[
    "empty",
    "not_found",
    "wrong_speaker",
    "quoted_history",  # stands only in text that repeats somebody else's words
    "spans_turns",
    "negation_differs",
    "number_differs",
    "name_differs",
]


class Evidence(Value):
    """A located quote: `conversation.turns[turn].text[start:end] == quote`, always.

    Offsets count characters (Unicode code points) of the untouched turn text. Seconds are the turn's own times.
    """

    turn: Annotated[int, Field(ge=0)]
    participant: str
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(gt=0)]
    quote: str
    match: MatchKind
    start_seconds: float | None = None
    end_seconds: float | None = None


class Unlocated(Value):
    """A quote that is not evidence: why, and the nearest true passage where there is one."""

    turn: int | None
    quote: str
    miss: MissReason
    nearest: Evidence | None = None


Speaker = Literal["agent", "customer", "any"]

LONGEST_QUOTE = 2_000
"""Characters. Nobody quotes more than this to prove one answer, and it bounds the time that a hostile quote takes."""

_WIDEST_ELISION = 300  # characters of the turn between two parts of an elided quote
_MOST_PARTS = 6
_MOST_PLACES = 400  # places of one quote that are looked at, across all turns
_PLACES_PER_TURN = 24
_ANCHORS = 3
_MOST_SLIPS = 4
_MOST_STEPS = 30_000  # words that one quote's alignments may walk over
_PLACES_PER_ANCHOR = 48
_ELISION = re.compile(r"[\[(]\s*(?:\.\.\.+|…+|⋯+|\. \. \.)\s*[\])]|\.\.\.+|…+|⋯+|\. \. \.")

# A model now and then copies the label that stands before a turn: `[12] agent (evaluated) 01:23: …`.
_LABEL = re.compile(
    r"\s*(?:\[(?P<turn>\d{1,6})\]\s*)?"
    r"(?:(?P<role>agent|customer|bot|system)(?: \d{1,3})?(?: \(evaluated\))?(?: \d{1,3}:\d\d(?::\d\d)?)?\s*:\s)?",
    re.IGNORECASE,
)

# Words that alone prove nothing; one of them is evidence only where it is a whole turn or clause.
_WEIGHTLESS = frozenset(
    token.text
    for token in tokens(
        "a an the i you he she it we they me him her us them my your his its our their this that these those "
        "is am are was were be "
        "been do does did have has had will would can could shall should may might must to of in on at by for "
        "with from as and or "
        "but if so then than not no yes ok okay im ive ill id youre thats its dont cant el la los las un una y "
        "o de en que es por "
        "para con su mi se lo le si no le la les un une des et ou de du en que qui est je tu il der die das "
        "ein eine und oder ist "
        "ich sie es zu و در به از که این آن را است با برای من شما هم في من على إلى أن هذا هذه هو هي ما لا"
    )
)


_START_OF, _END_OF = operator.itemgetter(1), operator.itemgetter(2)  # of a token


class _Place(NamedTuple):
    """Tokens [first, last] of a turn."""

    turn: int
    first: int
    last: int


class _Refused(NamedTuple):
    """A place that reads like the quote and does not count."""

    place: _Place
    miss: MissReason


# Of several refusals the one that helps most to mend the quote is reported.
_TELLING: tuple[MissReason, ...] = (
    "wrong_speaker", "negation_differs", "number_differs", "name_differs", "quoted_history", "not_found", "empty"
)  # fmt: skip


class _Transcript:
    """The words of all turns, folded once and run together, and where each of them stands."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.lexicon = lexicon_for(conversation.language)
        self.turns: list[Words] = []
        self.begins: list[int] = []  # where each turn begins in the joined text
        self._first_at: dict[int, int] = {}  # place in the joined text → index of the token that begins there
        self._last_at: dict[int, int] = {}  # … that ends there
        parts: list[str] = []
        size = 0
        for turn in conversation.turns:
            found = tokens(turn.text)
            self.turns.append(Words(turn.text, found, self.lexicon))
            self.begins.append(size)
            number = False
            for index, token in enumerate(found):
                text = token.text
                if number and "0" <= text[0] <= "9":
                    parts.append(" ")
                    size += 1
                self._first_at[size] = index
                parts.append(text)
                size += len(text)
                self._last_at[size] = index
                number = token.kind == "number" and text[-1].isdigit()
            parts.append("\n")
            size += 1
        self.begins.append(size)
        self.joined = "".join(parts)

    def by_preference(self, named: int | None) -> Sequence[int]:
        every = range(len(self.turns))
        return every if named is None else sorted(every, key=lambda turn: (abs(turn - named), turn))

    def evidence(self, turn: int, start: int, end: int, match: MatchKind) -> Evidence:
        spoken = self.conversation.turns[turn]
        return Evidence(
            turn=turn,
            participant=spoken.participant,
            start=start,
            end=end,
            quote=spoken.text[start:end],
            match=match,
            start_seconds=spoken.start,
            end_seconds=spoken.end,
        )

    def places(self, squashed: str, low: int, high: int) -> Iterator[_Place]:
        """Whole words of the joined text [low, high) that read `squashed`, in order; no more than a bounded number."""
        find, first_at, last_at = self.joined.find, self._first_at, self._last_at
        size = len(squashed)
        turn = -1
        here = seen = 0
        at = find(squashed, low, high)
        while at >= 0 and seen < _MOST_PLACES:
            seen += 1
            now = bisect_right(self.begins, at) - 1
            here = here + 1 if now == turn else 0
            turn = now
            first, last = first_at.get(at), last_at.get(at + size)
            if first is not None and last is not None:
                yield _Place(turn, first, last)
            at = find(squashed, at + 1 if here < _PLACES_PER_TURN else self.begins[turn + 1], high)

    def whole_words(self, turn: int, start: int, end: int) -> _Place | None:
        """The tokens that characters [start, end) of a turn hold, unless they cut one."""
        found = self.turns[turn].tokens
        first = bisect_left(found, start, key=_END_OF)
        while first < len(found) and found[first].end <= start:
            first += 1
        behind = bisect_left(found, end, key=_START_OF)
        if first >= behind or found[first].start < start or found[behind - 1].end > end:
            return None
        return _Place(turn, first, behind - 1)

    def span(self, place: _Place) -> tuple[int, int]:
        found = self.turns[place.turn].tokens
        return found[place.first].start, found[place.last].end

    def in_history(self, turn: int, start: int, end: int) -> bool:
        return any(span.start < end and start < span.end for span in self.conversation.turns[turn].quoted)

    @cached_property
    def postings(self) -> dict[str, list[tuple[int, int]]]:
        """Word → every (turn, token) at which it stands."""
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for turn, words in enumerate(self.turns):
            for index, token in enumerate(words.tokens):
                postings[token.text].append((turn, index))
        return dict(postings)

    @cached_property
    def uses(self) -> dict[str, int]:
        """Word → how often it stands in the transcript."""
        return {word: len(places) for word, places in self.postings.items()}


def _squashed(found: Sequence[Token]) -> str:
    """The texts of tokens run together, numbers kept apart."""
    parts: list[str] = []
    number = False
    for token in found:
        text = token.text
        if number and "0" <= text[0] <= "9":
            parts.append(" ")
        parts.append(text)
        number = token.kind == "number" and text[-1].isdigit()
    return "".join(parts)


class _Search:
    """One quote's way through the layers; remembers what was refused on the way."""

    def __init__(self, transcript: _Transcript, quote: Quote, allowed: Callable[[int], bool]) -> None:
        self._transcript = transcript
        self._quote = quote
        self._allowed = allowed
        named = quote.turn
        self._named = named if named is not None and named < len(transcript.turns) else None
        self._refused: list[_Refused] = []

    @cached_property
    def _words(self) -> Words:
        return Words(self._quote.text, tokens(self._quote.text), self._transcript.lexicon)

    def has_words(self) -> bool:
        """Whether the quote holds any word, number or sign."""
        return bool(self._words.tokens)

    # ── Layers ──────────────────────────────────────────────────────────────────────────────────────────────────

    def untouched(self) -> Evidence | None:
        """The quote character for character in the named turn: most quotes of a good model end here, unfolded."""
        named = self._named
        wanted = self._quote.text.strip()
        if named is None or not wanted:
            return None
        spoken = self._transcript.turns[named]
        at = spoken.text.find(wanted)
        for _ in range(_PLACES_PER_TURN):
            if at < 0:
                return None
            place = self._transcript.whole_words(named, at, at + len(wanted))
            if place is not None and self._stands_alone(place) and self._admits(place):
                return self._transcript.evidence(named, at, at + len(wanted), "exact")
            at = spoken.text.find(wanted, at + 1)
        return None

    def _stands_alone(self, place: _Place) -> bool:
        """Whether its edges are sound and its words weigh enough."""
        spoken = self._transcript.turns[place.turn]
        miss: MissReason | None = spoken.edge_fault(place.first, place.last)
        if (
            miss is None
            and not _weighty(spoken.tokens[place.first : place.last + 1])
            and not spoken.whole_clause(place.first, place.last)
        ):
            miss = "empty"
        if miss is not None:
            self._refused.append(_Refused(place, miss))
        return miss is None

    def verbatim(self) -> Evidence | None:
        """The quote letter for letter, whatever its typography."""
        squashed = _squashed(self._words.tokens)
        begins = self._transcript.begins
        named = self._named
        if named is not None:
            for place in self._transcript.places(squashed, begins[named], begins[named + 1]):
                if self._counts(place):
                    return self._letters(place)
        for low, high in self._around():
            for place in self._nearest_first(self._transcript.places(squashed, low, high)):
                if place.turn != named and self._counts(place):
                    return self._letters(place)
        return None

    def _around(self) -> Iterator[tuple[int, int]]:
        """Stretches of the joined text to look through: ever wider about the named turn, for places are bounded."""
        begins = self._transcript.begins
        if self._named is not None:
            for reach in (16, 150):
                yield begins[max(self._named - reach, 0)], begins[min(self._named + reach + 1, len(begins) - 1)]
        yield 0, len(self._transcript.joined)

    def elided(self) -> Evidence | None:
        """The parts between ellipses, in order and near each other within one turn."""
        pieces = _ELISION.split(self._words.text)
        if not 2 <= len(pieces) <= 2 * _MOST_PARTS:
            return None
        lexicon = self._words.lexicon
        parts = [part for piece in pieces if (part := Words(piece, tokens(piece), lexicon)).tokens]
        if not 2 <= len(parts) <= _MOST_PARTS or not all(
            len(part.tokens) > 1 or _weighty(part.tokens) for part in parts
        ):
            return None
        rarest = max(parts, key=lambda part: len(_squashed(part.tokens)))
        places = self._transcript.places(_squashed(rarest.tokens), 0, len(self._transcript.joined))
        turns = list(dict.fromkeys(place.turn for place in self._nearest_first(places)))
        if self._named is not None:
            turns = [self._named, *(turn for turn in turns if turn != self._named)]
        for turn in turns[:_PLACES_PER_TURN]:
            place = self._place_parts(turn, parts)
            if place is not None and self._admits(place):
                return self._transcript.evidence(turn, *self._transcript.span(place), "elided")
        return None

    def _place_parts(self, turn: int, parts: Sequence[Words]) -> _Place | None:
        """The tokens from the first part's first to the last part's last."""
        spoken = self._transcript.turns[turn]
        for opening in self._part_places(turn, parts[0], 0, closes=False):
            last = opening.last
            for part in parts[1:]:
                following = self._next_part(turn, part, last, spoken, closes=part is parts[-1])
                if following is None:
                    break
                last = following.last
            else:
                return _Place(turn, opening.first, last)
        return None

    def _next_part(self, turn: int, part: Words, last: int, spoken: Words, *, closes: bool) -> _Place | None:
        for place in self._part_places(turn, part, last + 1, opens=False, closes=closes):
            if spoken.tokens[place.first].start - spoken.tokens[last].end > _WIDEST_ELISION:
                return None
            fault = spoken.gap_fault(last + 1, place.first)
            if fault is None:
                return place
            self._refused.append(_Refused(place, fault))
        return None

    def _part_places(
        self, turn: int, part: Words, behind: int, *, opens: bool = True, closes: bool = True
    ) -> list[_Place]:
        """Where a part stands in a turn from token `behind` on with sound edges, word for word or forgiving."""
        transcript = self._transcript
        spoken = transcript.turns[turn]
        begins = transcript.begins
        verbatim = [
            place
            for place in transcript.places(_squashed(part.tokens), begins[turn], begins[turn + 1])
            if place.first >= behind and spoken.same_meaning(part, place.first, place.last) is None
        ]
        found = verbatim or [place for place in self._aligned(part, only=turn) if place.first >= behind]
        sound = []
        for place in found:
            fault = spoken.edge_fault(place.first, place.last, opens=opens, closes=closes)
            if fault is None:
                sound.append(place)
            else:
                self._refused.append(_Refused(place, fault))
        return sound

    def forgiving(self) -> Evidence | None:
        """The quote word for word where the source stammers, hesitates or is marked up, or one side mistypes."""
        if not _weighty(self._words.tokens) or len(self._words.tokens) < 2:
            return None
        for place in self._nearest_first(self._aligned(self._words)):
            if self._counts(place, letters_agree=False):
                start, end = self._transcript.span(place)
                return self._transcript.evidence(place.turn, start, end, "fuzzy")
        return None

    def _aligned(self, words: Words, *, only: int | None = None) -> Iterator[_Place]:
        """Places at which the words align, tried from their rarest words."""
        postings = self._transcript.postings
        turns = self._transcript.turns
        count = len(words.tokens)
        slips = min(1 + count // 5, _MOST_SLIPS) if count >= 3 else 0
        known = [(len(postings[token.text]), i) for i, token in enumerate(words.tokens) if token.text in postings]
        if count - len(known) > slips + 2:
            return
        used = self._transcript.uses
        seen: set[_Place] = set()
        tries = max(_MOST_STEPS // max(count, 1), _ANCHORS)
        for _, anchor in sorted(known)[:_ANCHORS]:
            places: Iterable[tuple[int, int]] = postings[words.tokens[anchor].text]
            if only is not None:
                places = (where for where in places if where[0] == only)
            elif self._named is not None and len(postings[words.tokens[anchor].text]) > _PLACES_PER_ANCHOR:
                named = self._named
                places = sorted(places, key=lambda where: abs(where[0] - named))
            for tried, (turn, at) in enumerate(places):
                tries -= 1
                if tried >= _PLACES_PER_ANCHOR or tries < 0:
                    break
                span = turns[turn].align(words, anchor, at, slips=slips, used=used)
                if span is not None and (place := _Place(turn, *span)) not in seen:
                    seen.add(place)
                    yield place

    # ── What counts ─────────────────────────────────────────────────────────────────────────────────────────────

    def _nearest_first(self, places: Iterable[_Place]) -> list[_Place]:
        named = self._named
        if named is None:
            return sorted(places)
        return sorted(places, key=lambda place: (abs(place.turn - named), place))

    def _counts(self, place: _Place, *, letters_agree: bool = True) -> bool:
        """Whether this place is evidence; why not is remembered."""
        if letters_agree:
            miss = self._transcript.turns[place.turn].same_meaning(self._words, place.first, place.last)
            if miss is not None:
                self._refused.append(_Refused(place, miss))
                return False
        return self._stands_alone(place) and self._admits(place)

    def _admits(self, place: _Place) -> bool:
        """Whether its speaker may be quoted, and the words are the speaker's own."""
        miss: MissReason | None = None
        if not self._allowed(place.turn):
            miss = "wrong_speaker"
        elif self._transcript.in_history(place.turn, *self._transcript.span(place)):
            miss = "quoted_history"
        if miss is not None:
            self._refused.append(_Refused(place, miss))
        return miss is None

    def _letters(self, place: _Place) -> Evidence:
        """Exact where the quote stands there character for character, its own punctuation included."""
        text = self._transcript.turns[place.turn].text
        start, end = self._transcript.span(place)
        wanted = self._quote.text.strip()
        lead = self._words.tokens[0].start - (len(self._quote.text) - len(self._quote.text.lstrip()))
        outer = start - lead
        if (
            outer >= 0
            and text.startswith(wanted, outer)
            and not self._transcript.in_history(place.turn, outer, outer + len(wanted))
        ):
            return self._transcript.evidence(place.turn, outer, outer + len(wanted), "exact")
        return self._transcript.evidence(place.turn, start, end, "normalized")

    # ── Misses ──────────────────────────────────────────────────────────────────────────────────────────────────

    def miss(self) -> Unlocated:
        """Why the quote is no evidence, and the nearest true passage."""
        if self._refused:
            worst = min(self._refused, key=lambda refused: _TELLING.index(refused.miss))
            return self._unlocated(worst.miss, self._shown(worst))
        if self._spans_turns():
            return self._unlocated("spans_turns", self._resembling())
        nearest = self._resembling()
        return self._unlocated(self._difference(nearest), nearest)

    def _unlocated(self, miss: MissReason, nearest: _Place | None) -> Unlocated:
        evidence = None
        if nearest is not None:
            evidence = self._transcript.evidence(nearest.turn, *self._transcript.span(nearest), "normalized")
        return Unlocated(turn=self._quote.turn, quote=self._quote.text, miss=miss, nearest=evidence)

    def _shown(self, refused: _Refused) -> _Place:
        """The refused place; where an edge cut something off, the whole clause, so that a re-ask sees what was cut."""
        turn, first, last = refused.place
        if refused.miss not in ("negation_differs", "number_differs", "name_differs"):
            return refused.place
        return self._clause_around(turn, first, last)

    def _clause_around(self, turn: int, first: int, last: int) -> _Place:
        spoken = self._transcript.turns[turn]
        low, high = max(first - 8, 0), min(last + 8, len(spoken.tokens) - 1)
        while first > low and not spoken.clause_begins(first):
            first -= 1
        while last < high and not spoken.clause_begins(last + 1):
            last += 1
        return _Place(turn, first, last)

    def _spans_turns(self) -> bool:
        """Whether the quote is two passages of two turns, run together or with an ellipsis between them."""
        found = self._words.tokens
        low, high = 1, len(found) - 1
        while low <= high:  # the longest beginning that stands somewhere; beginnings of it stand there too
            middle = (low + high) // 2
            if self._stands(found[:middle]):
                low = middle + 1
            else:
                high = middle - 1
        head = high
        # The first words of the second passage may also continue the first, so the cut may lie a little earlier.
        return any(
            _weighty(found[:cut]) and _weighty(found[cut:]) and self._part(found[:cut], found[cut:])
            for cut in range(head, max(head - 3, 1), -1)
        )

    def _part(self, head: Sequence[Token], tail: Sequence[Token]) -> bool:
        """Whether both stand somewhere, and in no turn together: then the words between them are another's."""
        heads, tails = self._turns_of(head), self._turns_of(tail)
        return bool(heads and tails) and heads.isdisjoint(tails)

    def _turns_of(self, part: Sequence[Token]) -> set[int]:
        return {place.turn for place in self._transcript.places(_squashed(part), 0, len(self._transcript.joined))}

    def _stands(self, part: Sequence[Token]) -> bool:
        squashed = _squashed(part)
        return next(self._transcript.places(squashed, 0, len(self._transcript.joined)), None) is not None

    def _resembling(self) -> _Place | None:
        """The stretch of a turn that holds most of the quote's words, an allowed speaker's before another's."""
        postings = self._transcript.postings
        wanted = {token.text for token in self._words.tokens if token.text in postings}
        if not wanted:
            return None
        hits: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for word in sorted(wanted, key=lambda word: len(postings[word])):
            if len(postings[word]) > _MOST_PLACES and hits:
                break
            for turn, at in postings[word][:_MOST_PLACES]:
                hits[turn].append((at, word))
        weights = {word: (0.3 if word in _WEIGHTLESS else 1.0) / len(postings[word]) ** 0.25 for word in wanted}
        width = len(self._words.tokens) + 3
        best: tuple[float, _Place] | None = None
        for turn, found in hits.items():
            weight, first, last = _densest(sorted(found), width, weights)
            favour = (1.25 if self._allowed(turn) else 1.0) * (1.1 if turn == self._named else 1.0)
            if best is None or weight * favour > best[0]:
                best = (weight * favour, _Place(turn, first, last))
        total = sum(weights.values())
        if best is None or best[0] < 0.3 * total:
            return None
        return self._clause_around(*best[1])

    def _difference(self, nearest: _Place | None) -> MissReason:
        """What keeps the quote from being the nearest passage: a negation, a number, a name, or more than one word."""
        if nearest is None:
            return "not_found"
        spoken = self._transcript.turns[nearest.turn]
        theirs = spoken.tokens[nearest.first : nearest.last + 1]
        mine = self._words.tokens
        here, there = {token.text for token in mine}, {token.text for token in theirs}
        if len(here & there) < 0.6 * len(here):
            return "not_found"
        lexicon = self._words.lexicon
        denied = {spoken.tokens[i].text for i in spoken.negations if nearest.first <= i <= nearest.last}
        if {mine[i].text for i in self._words.negations} != denied:
            return "negation_differs"
        numbers = {token.text for token in mine if lexicon.is_number(token) or token.kind == "sign"}
        if not numbers <= there:
            return "number_differs"
        if any(token.text not in there and self._words.text[token.start].isupper() for token in mine[1:]):
            return "name_differs"
        return "not_found"


def _weighty(found: Sequence[Token]) -> bool:
    """Whether these words can prove anything away from their clause: not a lone short word, not only small words."""
    if len(found) == 1:
        token = found[0]
        if token.kind == "number":
            return len(token.text) >= 2
        return token.kind == "word" and len(token.text) >= 4 and token.text not in _WEIGHTLESS
    return len(found) >= 4 or any(token.kind != "sign" and token.text not in _WEIGHTLESS for token in found)


def _densest(found: Sequence[tuple[int, str]], width: int, weights: dict[str, float]) -> tuple[float, int, int]:
    """Of the stretches of `width` tokens the one whose distinct words weigh most: weight, first and last token."""
    best = (0.0, found[0][0], found[0][0])
    inside: dict[str, int] = defaultdict(int)
    weight = 0.0
    low = 0
    for at, word in found:
        inside[word] += 1
        if inside[word] == 1:
            weight += weights[word]
        while at - found[low][0] >= width:
            left = found[low][1]
            inside[left] -= 1
            if inside[left] == 0:
                weight -= weights[left]
            low += 1
        if weight > best[0] + 1e-9:
            best = (weight, found[low][0], at)
    return best


class TranscriptIndex:
    """All words of one conversation, folded once, for any number of quotes. Lives as long as one draft is made."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._transcript = _Transcript(conversation)

    def locate(
        self, quote: Quote, *, speaker: Speaker = "any", agents_only: bool = False
    ) -> tuple[Evidence, ...] | Unlocated:
        """The passage that the quote stands for, or the reason why there is none and the passage that comes nearest.

        The named turn comes first; where it misses, the nearest turn of an allowed speaker; without a named
        turn, the first.
        A label copied from before a turn (`[12] agent: `) is no part of the words; what it names must be true.
        `agents_only` admits, of all agents, only those under evaluation. A bot is an agent where only bots serve.
        An elided quote becomes one passage, from its first part to its last, so that a reader sees what was left out.
        """
        if len(quote.text) > LONGEST_QUOTE:
            return Unlocated(turn=quote.turn, quote=quote.text, miss="not_found")
        allowed = self._allowed(speaker, agents_only=agents_only)
        found = self._located(quote, allowed)
        return self._without_label(quote, found, allowed) if isinstance(found, Unlocated) else found

    def _without_label(
        self, quote: Quote, missed: Unlocated, allowed: Callable[[int], bool]
    ) -> tuple[Evidence, ...] | Unlocated:
        """The quote behind a copied label, where it stands in the turn and with the speaker that the label names."""
        label = _LABEL.match(quote.text)
        if label is None or not (label["turn"] or label["role"]):
            return missed
        named = int(label["turn"]) if label["turn"] else quote.turn
        found = self._located(Quote(turn=named, text=quote.text[label.end() :]), allowed)
        if isinstance(found, Unlocated):
            return found.model_copy(update={"turn": quote.turn, "quote": quote.text})
        at = found[0].turn
        if (label["turn"] and at != named) or (
            label["role"] and label["role"].lower() != self._conversation.role_of(at)
        ):
            return missed
        return tuple(one.model_copy(update={"match": "normalized"}) if one.match == "exact" else one for one in found)

    def _located(self, quote: Quote, allowed: Callable[[int], bool]) -> tuple[Evidence, ...] | Unlocated:
        search = _Search(self._transcript, quote, allowed)
        best = search.untouched()
        if best is not None:
            return (best,)
        if not search.has_words():
            return self._locate_symbols(quote, allowed)
        for matches in (search.verbatim, search.elided, search.forgiving):
            best = matches()
            if best is not None:
                return (best,)
        return search.miss()

    def _allowed(self, speaker: Speaker, *, agents_only: bool) -> Callable[[int], bool]:
        """Whether the speaker of a turn may be quoted."""
        conversation = self._conversation
        under_evaluation = frozenset(conversation.agents)
        roles = conversation.roles
        admitted = set()
        for participant, role in roles.items():
            serves = role == "agent" or (role == "bot" and participant in under_evaluation)
            if agents_only and serves and participant not in under_evaluation:
                continue
            if speaker == "any" or (serves and speaker == "agent") or role == speaker:
                admitted.add(participant)
        turns = conversation.turns
        return lambda turn: turns[turn].participant in admitted

    def _locate_symbols(self, quote: Quote, allowed: Callable[[int], bool]) -> tuple[Evidence, ...] | Unlocated:
        """A quote without words, such as a thumb: it counts only as a whole turn, and never as bare punctuation."""
        wanted = quote.text.strip()
        if any(unicodedata.category(character) == "So" for character in wanted):
            for turn in self._transcript.by_preference(quote.turn):
                text = self._transcript.turns[turn].text
                if wanted == text.strip() and allowed(turn) and not self._conversation.turns[turn].quoted:
                    start = text.index(wanted)
                    return (self._transcript.evidence(turn, start, start + len(wanted), "exact"),)
        return Unlocated(turn=quote.turn, quote=quote.text, miss="empty")
