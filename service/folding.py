"""Text → the letters and digits that carry its words, each with its place in the untouched text.

Comes in: one text. Goes out: folded tokens and a squashed text, both with offsets into what came in. Case, accents,
Unicode form, full-width shapes, Arabic and Persian letter variants, the script of digits, joiners, quotation marks,
punctuation and white space are folded away; nothing that makes another word or another number is. This module
knows nothing of turns, speakers or what counts as a match.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import regex

TokenKind = Literal["word", "number", "sign"]


class Token(NamedTuple):
    """One folded word, number or sign, and the characters [start, end) of the original that it stands for.

    Contractions are one word without their apostrophe (`can't` → `cant`), as speech recognition writes them. Scripts
    without spaces between words (Chinese, Japanese, Thai, Khmer, Lao, Burmese) give one token per character. A
    number keeps the separators that are part of its value (`12.50`, `3:30`, `12/05`) and loses those that group
    thousands (`1,500` → `1500`); a token with any digit is a number (`15th`). Signs are currencies and `%`.
    """

    text: str
    start: int
    end: int
    kind: TokenKind


class Squashed(NamedTuple):
    """All tokens run together: `text[i]` stands for characters [starts[i], ends[i]) of the original.

    Neighbouring numbers stay apart by one space, so `1 5` never equals `15`. `firsts` and `lasts` hold the indexes
    into `text` at which a token begins and those just behind which one ends: the word and number boundaries.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    firsts: frozenset[int]
    lasts: frozenset[int]

    def whole_words(self, start: int, end: int) -> bool:
        """Whether [start, end) of the squashed text cuts no word and no number."""
        return start in self.firsts and end in self.lasts

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The original characters that [start, end) of the squashed text stands for."""
        return self.starts[start], self.ends[end - 1]

    def find(self, needle: str, start: int = 0) -> Iterator[tuple[int, int]]:
        """Every place of squashed `needle` that cuts no word and no number, as spans of the squashed text."""
        size = len(needle)
        at = self.text.find(needle, start) if size else -1
        while at >= 0:
            if at in self.firsts and at + size in self.lasts:
                yield at, at + size
            at = self.text.find(needle, at + 1)


# ── One character ───────────────────────────────────────────────────────────────────────────────────────────────

_JOINER = "\x00"
"""Stands where a character was dropped inside a word: the word goes on."""

# Marks that readers, keyboards and speech recognition leave out at will. The vowel signs of Indic scripts and the
# voicing marks of Japanese are not among them: without those it is another word.
_DROPPED = regex.compile(
    r"[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0621\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u08d3-\u08ff\u1ab0-\u1aff"
    r"\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef\p{Cf}]"
)
_LETTERS_OF_THEIR_OWN = frozenset("йїўЙЇЎ")
_VARIANTS = {
    "ي": "ی",
    "ى": "ی",
    "ے": "ی",
    "ې": "ی",
    "ك": "ک",
    "ڪ": "ک",
    "ة": "ه",
    "ہ": "ه",
    "ھ": "ه",
    "ە": "ه",
    "ٱ": "ا",
    "ı": "i",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ſ": "s",
}
_PUNCTUATION = {
    **dict.fromkeys("'’‘ʼ`´‛ʹ′＇", "'"),
    **dict.fromkeys("-‐‑‒–—−﹣－", "-"),
    **dict.fromkeys("٫", "."),
    **dict.fromkeys("٬،", ","),
    **dict.fromkeys("٪﹪％", "%"),
}


@lru_cache(maxsize=1 << 16)
def _fold_character(character: str) -> str:
    """What one composed character becomes: letters and digits, a joiner for nothing, or the punctuation's type."""
    if character in _PUNCTUATION:
        return _PUNCTUATION[character]
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "No" or character in _LETTERS_OF_THEIR_OWN:
        return character.lower()  # ² and ½ are no digits of the number before them
    if character.isspace():
        return "\n" if character in "\n\r\v\f\u2028\u2029\x85" else " "
    if category in ("Cs", "Cc"):
        return " "
    if category[0] in "PS" and category != "Sc":  # one for one: … and ™ are no words
        plain = unicodedata.normalize("NFKD", character)
        return plain if len(plain) == 1 else character
    decomposed = unicodedata.normalize("NFKD", character).casefold()
    kept = "".join(_VARIANTS.get(part, part) for part in decomposed if not _DROPPED.match(part))
    if not kept:
        return _JOINER
    return unicodedata.normalize("NFC", kept)


class _Table(dict[int, str]):
    """A translation table that learns each character when it is first seen."""

    def __missing__(self, code: int) -> str:
        folded = _fold_character(chr(code))
        if len(self) < 1 << 16:  # hostile text may hold every code point there is
            self[code] = folded
        return folded


_TABLE = _Table()

# A base character and the marks upon it, the conjoining letters of one Korean syllable included.
_CLUSTER = regex.compile(
    r"[\u1100-\u115f\ua960-\ua97c]*[\u1160-\u11ff\ud7b0-\ud7fb]+|\P{M}[\p{M}\uff9e\uff9f]*|\p{M}+", regex.DOTALL
)


class _Unfolded(NamedTuple):
    """Folded text, and for each of its characters the original it stands for; None while both have equal offsets."""

    text: str
    starts: Sequence[int] | None
    ends: Sequence[int] | None


def _fold(text: str) -> _Unfolded:
    if text.isascii():
        return _Unfolded(text.lower().translate(_ASCII), None, None)
    if unicodedata.is_normalized("NFC", text) and not _HALF_WIDTH_VOICING.search(text):
        folded = text.translate(_TABLE)
        if len(folded) == len(text):
            return _Unfolded(folded, None, None)
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _CLUSTER.finditer(text):
        start, end = match.span()
        cluster = match[0][:_LONGEST_CLUSTER].translate(_FULL_WIDTH_VOICING)
        for composed in unicodedata.normalize("NFC", _half_to_full(cluster)):
            piece = _fold_character(composed)
            pieces.append(piece)
            starts.extend([start] * len(piece))
            ends.extend([end] * len(piece))
    return _Unfolded("".join(pieces), starts, ends)


def _half_to_full(cluster: str) -> str:
    """A half-width Japanese letter with its voicing mark, in full width, so that both become one letter."""
    return unicodedata.normalize("NFKC", cluster) if "\uff66" <= cluster[0] <= "\uff9d" else cluster


_HALF_WIDTH_VOICING = re.compile("[\uff9e\uff9f]")
_FULL_WIDTH_VOICING = {0xFF9E: "\u3099", 0xFF9F: "\u309a"}
_LONGEST_CLUSTER = 64  # stacked marks by the thousand are an attack, not a letter
_ASCII = {ord("`"): "'", 0: " ", ord("\r"): "\n", ord("\v"): "\n", ord("\f"): "\n"}

# ── Tokens ──────────────────────────────────────────────────────────────────────────────────────────────────────

_SPACELESS = (
    r"\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
)
# A minus belongs to its number when nothing but space, an opening bracket or a currency stands before it.
_NUMBER = r"(?:(?<![^\s(\[$€£¥₹]){dash})?\d(?:\d|[.,:/'{joiner}-](?=\d))*"
_ASCII_TOKEN = re.compile(
    r"[a-z](?:[a-z0-9]|'(?=[a-z]))*|"
    + _NUMBER.format(dash="-", joiner="")
    + r"(?:[a-z]|(?<=[a-z])\d)*|[$%]|(?<![^\s(\[])-(?=\$\d)"
)
_LETTER = rf"[[\p{{L}}\p{{M}}\p{{No}}\p{{Nl}}]--[{_SPACELESS}]]"
_WORD = rf"{_LETTER}(?:{_LETTER}|\d|{_JOINER}+(?=[{_JOINER}\d]|{_LETTER})|'{_JOINER}*(?={_LETTER}))*"
_CHARACTER = rf"[[{_SPACELESS}]&&[\p{{L}}\p{{N}}]](?:{_JOINER}|[[{_SPACELESS}]&&\p{{M}}])*"
_TAIL = rf"(?:{_LETTER}|{_JOINER}(?={_LETTER})|(?<={_LETTER})\d)*"
_SIGN = r"[\p{Sc}%‰]|(?<![^\s(\[])-(?=\p{Sc}\d)"
_TOKEN = regex.compile(
    f"{_WORD}|{_CHARACTER}|{_NUMBER.format(dash='-', joiner=_JOINER)}{_TAIL}|{_SIGN}",
    regex.VERSION1,
)
_THOUSANDS = re.compile(r"(?<![\d.,:/'-])(\d{1,3})((?:,\d{3})+|(?:'\d{3})+)(?![\d,:/'-])")
_DIGIT = re.compile(r"\d")
_INSIDE = re.compile(r"[\x00',]")


class _Piece(NamedTuple):
    """A token as found: its text, its place in the folded text, and which folded characters its text keeps."""

    text: str
    start: int
    end: int
    kept: Sequence[int] | None  # None: every character from start to end
    kind: TokenKind


def _pieces(folded: str, *, ascii_only: bool) -> Iterator[_Piece]:
    pattern = _ASCII_TOKEN if ascii_only else _TOKEN
    for match in pattern.finditer(folded):
        text: str = match[0]
        start, end = match.span()
        if text.isalpha():
            yield _Piece(text, start, end, None, "word")
        elif (piece := _mixed_piece(folded, text, start, end)) is not None:
            yield piece


def _mixed_piece(folded: str, text: str, start: int, end: int) -> _Piece | None:
    """A token that is more than letters: a number, a sign, a contraction, a word with joiners or vowel signs."""
    kind: TokenKind = "word"
    first = text[0]
    if _DIGIT.search(text) or unicodedata.category(first) == "No":
        kind = "number"
    elif not (first.isalnum() or unicodedata.category(first)[0] == "M"):
        kind = "sign"
    kept: Sequence[int] | None = None
    if _INSIDE.search(text):
        dropped = _dropped_places(text, kind)
        kept = [start + i for i in range(len(text)) if i not in dropped]
        text = "".join([folded[i] for i in kept])
    return _Piece(text, start, end, kept, kind) if text else None


def _dropped_places(text: str, kind: TokenKind) -> set[int]:
    """Places of a token's text that are no part of its folded form: joiners, apostrophes, grouping of thousands."""
    dropped = {i for i, character in enumerate(text) if character == _JOINER}
    if kind == "word":
        return dropped | {i for i, character in enumerate(text) if character == "'"}
    for group in _THOUSANDS.finditer(text):
        dropped |= {i for i in range(group.start(2), group.end(2)) if not text[i].isdigit()}
    return dropped | {i for i, character in enumerate(text) if character == "'" and not text[i + 1 : i + 2].isdigit()}


def tokens(text: str) -> tuple[Token, ...]:
    """The folded words, numbers and signs of a text in order, with offsets into it."""
    folded, starts, ends = _fold(text)
    pattern = _ASCII_TOKEN if folded.isascii() and _JOINER not in folded else _TOKEN
    found: list[Token] = []
    add, make = found.append, tuple.__new__  # every word of every transcript comes through here
    for match in pattern.finditer(folded):
        word: str = match[0]
        start, end = match.span()
        if word.isalpha():
            add(make(Token, (word, start, end, "word")))
        elif (piece := _mixed_piece(folded, word, start, end)) is not None:
            add(Token(piece.text, start, end, piece.kind))
    if starts is None or ends is None:
        return tuple(found)
    return tuple(Token(text, starts[start], ends[end - 1], kind) for text, start, end, kind in found)


def squash(text: str) -> Squashed:
    """The text with everything folded away that may differ between a passage and its quotation."""
    folded, origin_starts, origin_ends = _fold(text)
    parts: list[str] = []
    places: list[int] = []
    firsts: list[int] = []
    lasts: list[int] = []
    size = 0
    after_number = False
    for piece in _pieces(folded, ascii_only=folded.isascii() and _JOINER not in folded):
        if after_number and piece.text[0].isdigit():
            parts.append(" ")
            places.append(piece.start - 1)
            size += 1
        firsts.append(size)
        parts.append(piece.text)
        if piece.kept is None:
            places.extend(range(piece.start, piece.end))
        else:
            places.extend(piece.kept)
        size += len(piece.text)
        lasts.append(size)
        after_number = piece.text[-1].isdigit()
    if origin_starts is None or origin_ends is None:
        return Squashed("".join(parts), places, [p + 1 for p in places], frozenset(firsts), frozenset(lasts))
    return Squashed(
        "".join(parts),
        [origin_starts[p] for p in places],
        [origin_ends[p] for p in places],
        frozenset(firsts),
        frozenset(lasts),
    )


def fold_word(text: str) -> str:
    """The folded letters of one word or phrase, without offsets; lexicons are written through this."""
    return " ".join(token.text for token in tokens(text))
