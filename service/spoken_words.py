"""A text as words that cues can compare, each with its place in the untouched text.

Comes in: one text, and the parts of it that quote somebody else. Goes out: folded words with offsets: fillers and
stutters stepped over, contractions written out, Persian prefixes and suffixes joined to their words. This module
knows nothing of phrases, turns or meaning.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import regex

from service.conversation import QuotedSpan
from service.folding import Token, tokens
from service.lexicon import HESITATIONS


def listed(text: str) -> frozenset[str]:
    """The folded words of a list written with spaces."""
    return frozenset(token.text for token in tokens(text))


_MAY_BE_WORDS = frozenset({"ben", "hum", "ay", "nou", "ну", "어", "음"})
FILLERS = frozenset(
    word for sounds in HESITATIONS.values() for (word, *more) in sounds if not more and word not in _MAY_BE_WORDS
)
"""Hesitations of every language in one word; the few that are names or words elsewhere are left in."""


_WRITTEN_OUT = {
    **{
        f"{verb}nt": (verb, "not")
        for verb in [
            "ca",
            "do",
            "did",
            "does",
            "is",
            "was",
            "were",
            "are",
            "could",
            "would",
            "should",
            "have",
            "has",
            "had",
            "must",
            "need",
            "ai",
            "might",
        ]
    },
    "cant": ("can", "not"),
    "cannot": ("can", "not"),
    "aint": ("is", "not"),
    "im": ("i", "am"),
    "ive": ("i", "have"),
    "youre": ("you", "are"),
    "youve": ("you", "have"),
    "youll": ("you", "will"),
    "theyre": ("they", "are"),
    "theyve": ("they", "have"),
    "theyll": ("they", "will"),
    "weve": ("we", "have"),
    "thats": ("that", "is"),
    "thatll": ("that", "will"),
    "itll": ("it", "will"),
    "its": ("it", "is"),
    "hes": ("he", "is"),
    "shes": ("she", "is"),
    "whats": ("what", "is"),
    "wheres": ("where", "is"),
    "theres": ("there", "is"),
    "heres": ("here", "is"),
    "hows": ("how", "is"),
    "whos": ("who", "is"),
    "youd": ("you", "would"),
    "gonna": ("going", "to"),
    "wanna": ("want", "to"),
    "u": ("you",),
    "ur": ("your",),
    "pls": ("please",),
    "plz": ("please",),
    "thx": ("thanks",),
    "thankyou": ("thank", "you"),
    "goodmorning": ("good", "morning"),
    "goodafternoon": ("good", "afternoon"),
    "goodevening": ("good", "evening"),
    "acct": ("account",),
}
_WITH_APOSTROPHE = {
    "wont": ("will", "not"),
    "ill": ("i", "will"),
    "id": ("i", "would"),
    "well": ("we", "will"),
    "were": ("we", "are"),
    "wed": ("we", "would"),
    "shell": ("she", "will"),
    "hell": ("he", "will"),
    "lets": ("let", "us"),
}
"""Short forms that are other words when written without their apostrophe."""

_PERSIAN_PREFIXES = frozenset({"می", "نمی"})
_PERSIAN_SUFFIXES = frozenset({"ها", "های", "هایی", "ام", "ایم", "اید", "اند", "تر", "ترین"})
SPACELESS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*", regex.VERSION1)
ARABIC = re.compile("[\u0600-\u06ff]")


class Word(NamedTuple):
    """One word as cues compare it, and the characters [start, end) of the turn that it stands for."""

    key: str
    start: int
    end: int


@lru_cache(maxsize=1 << 15)
def _written_out(folded: str) -> tuple[str, ...]:
    return _WRITTEN_OUT.get(folded, (folded,))


@lru_cache(maxsize=1 << 12)
def _stands_alone(key: str) -> bool:
    """Whether the key is one character of a script without spaces, where a repeat is a word and no stutter."""
    return len(key) <= 2 and SPACELESS.match(key) is not None


def words(text: str, quoted: tuple[QuotedSpan, ...] = ()) -> list[Word]:
    """The words of a text without fillers and stutters; a break (empty key) stands where quoted text was cut out."""
    found: list[Word] = []
    hole = -1
    for token in tokens(text):
        if quoted:
            inside = next((n for n, span in enumerate(quoted) if token.start < span.end and span.start < token.end), -1)
            if inside >= 0:
                if inside != hole:
                    found.append(Word("", token.start, token.start))
                hole = inside
                continue
        _append(found, token, text)
    return found


def _append(found: list[Word], token: Token, text: str) -> None:
    folded, start, end, kind = token
    if kind != "word":
        found.append(Word(folded, start, end))
        return
    if folded in FILLERS:
        return
    if found and folded[0] > "\u05ff":
        last = found[-1]
        if (last.key in _PERSIAN_PREFIXES or folded in _PERSIAN_SUFFIXES) and _joins(
            last, folded, text[last.end : start]
        ):
            found[-1] = Word(last.key + folded, last.start, end)
            return
    apostrophe_stood = end - start != len(folded)
    expanded = (_WITH_APOSTROPHE.get(folded) if apostrophe_stood else None) or _written_out(folded)
    found.extend(Word(key, start, end) for key in expanded)
    _drop_stutter(found, len(expanded), text)


def _joins(last: Word, folded: str, between: str) -> bool:
    return between in (" ", "\u200c") and bool(ARABIC.match(last.key)) and bool(ARABIC.match(folded))


def _drop_stutter(found: list[Word], size: int, text: str) -> None:
    """Keep the later of "I I", "I am I am" and "re- refund", so that the phrase around it reads on."""
    while len(found) > size:
        last, before = found[-1], found[-2]
        if (size == 1 and before.key == last.key and not _stands_alone(last.key)) or (
            size == 1
            and before.end < last.start
            and text[before.end] in "-–—"
            and text[before.end + 1 : before.end + 2].isspace()
            and last.key.startswith(before.key)
            and last.key != before.key
        ):
            del found[-2]
        elif (
            len(found) >= 4
            and before.key == found[-4].key
            and last.key == found[-3].key
            and not _stands_alone(last.key)
            and found[-4].end <= found[-3].start
        ):
            del found[-4:-2]
            return
        else:
            return


_ONE_TO_ONE = {
    **{0x0660 + n: str(n) for n in range(10)},
    **{0x06F0 + n: str(n) for n in range(10)},
    **{0xFF10 + n: str(n) for n in range(10)},
    **dict.fromkeys(map(ord, "’‘ʼ`´＇"), "'"),
    **dict.fromkeys(map(ord, "“”„«»＂"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—−－"), "-"),
    **dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u3000\u2009\u200a"), " "),
    ord("ي"): "ی",
    ord("ى"): "ی",
    ord("ك"): "ک",
    ord("ة"): "ه",
    ord("＠"): "@",
    ord("．"): ".",
    ord("／"): "/",
    ord("："): ":",
    ord("，"): ",",
}


def flat(text: str) -> str:
    """The text with digits, quotes, dashes, spaces and Arabic letters in one form, offsets unchanged."""
    return text if text.isascii() else text.translate(_ONE_TO_ONE)
