"""A conversation as words that cues can be matched against, each with its place in the untouched turn text.

Comes in: a `Conversation` and the phrases of one rubric. Goes out: where each phrase was said, whether its clause
negates it, and which speech turns exist. Fillers and stutters are stepped over, contractions are written out, and
one typo in a long word is forgiven where it cannot make another word. This module knows nothing of items or answers.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

import regex

from service.conversation import Conversation, QuotedSpan
from service.folding import Token, tokens

# ── Words ───────────────────────────────────────────────────────────────────────────────────────────────────────


def listed(text: str) -> frozenset[str]:
    """The folded words of a list written with spaces."""
    return frozenset(token.text for token in tokens(text))


FILLERS = listed(
    "um umm ummm uh uhh uhm erm er hm hmm hmmm mm mmm mhm ah ahh eh ehm em euh heu ahm ehh aha 嗯 呃 唔 اوم اه اممم"
)

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
_ARABIC = re.compile("[\u0600-\u06ff]")


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
    expanded = _WITH_APOSTROPHE.get(folded)
    if expanded is None or end - start == len(folded):
        expanded = _written_out(folded)
    for key in expanded:
        found.append(Word(key, start, end))
    _drop_stutter(found, len(expanded), text)


def _joins(last: Word, folded: str, between: str) -> bool:
    return between in (" ", "\u200c") and bool(_ARABIC.match(last.key)) and bool(_ARABIC.match(folded))


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


# ── Phrases ─────────────────────────────────────────────────────────────────────────────────────────────────────

_NUMBER_WORDS = listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million first second "
    "third fourth fifth sixth seventh eighth ninth tenth"
)
_NEVER_A_TYPO = _NUMBER_WORDS | listed(
    "able unable enable disable never nothing without unless except neither cannot unable possible impossible legal "
    "illegal valid invalid correct incorrect"
)

# A word that everybody knows is not a slip of another one: "charge" is not "change", "think" is not "thank".
_COMMON = listed(
    "about above after again alone along already also although always among another around asked asking became because "
    "been before being below better between blank bring broke build built cable call called calls came cannot card "
    "cards care case cases cause cents chance change changed changes charge charged charges cheap check chose close "
    "closed clear clean could count country course cover death delay delayed detail details different doing down draft "
    "drive each early earth eight either email enough even event every exact extra faces false father feel fees fight "
    "fill filled final finally find fine firm first five flight floor follow form format former forth found four free "
    "fresh friend from front full given gives going good grand great green ground group guess hand hands happy hard "
    "have head hear heard heart heat heavy hello help here high hold home hope hotel hour hours house human idea image "
    "into issue issued issues items join just keep kind knew know large last late later lead learn least leave left "
    "less letter level light like limit line list little live local lock long look loose lose loss lost loud love made "
    "mail main make march mark match matter maybe mean means media meet might mind mine minor minute miss mission mode "
    "model money month months more morning most mother mouth move much music name names near need never news next "
    "night noise north note noted notice number offer office often only open option order other over owner pack paid "
    "paint paper part party pass past patient pause pays peace phone piece place plain plan plane plant plate play "
    "please point police power press price pride print prior prize proud prove quick quiet quite quote raise range "
    "rate rather reach read ready real reason receive recent refer refund relay reply rest return right rise road room "
    "round route rule safe said sale same save scale scene score sell send sense sent serve service set several shall "
    "share shape sharp sheet shift ship shirt shop short should show side sight sign simple since sleep slide slow "
    "small smart smell smile some soon sorry sort sound source space speak special speed spell spend spent spoke "
    "staff stage stamp stand start state stay steel step stick still stock stole stop store story study stuff style "
    "such suite sweet table take taken talk taste teach team tell thank thanks that their them then there these they "
    "thick thin thing things think third this those though thought thousand three threw through throw tight time times "
    "tired title today told total touch track trade trail train treat trend trial trick tried tries trip truck true "
    "trust truth turn twice under until upper used usual value verify very video visit voice wait waste watch water "
    "week weeks weight were what wheel when where whether which while white whole whose wide wife will wish with woman "
    "women word work world worse worst worth would write wrong wrote year years young your yours"
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
            meanings = [meant(word.key) for word in said]
            for at, options in enumerate(meanings):
                if options and options[0][1] and _is_name(said, texts[turn], at):
                    meanings[at] = ()
            for first, options in enumerate(meanings):
                for key, slips in options:
                    if (node := root.get(key)) is not None:
                        _walk(node, meanings, turn, first, first, slips, parts)
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
    return not _HARD_BREAK.search(text[said[at - 1].end : word.start])


def _walk(
    node: object,
    meanings: list[tuple[tuple[str, int], ...]],
    turn: int,
    first: int,
    at: int,
    slips: int,
    parts: dict[int, list[Hit]],
) -> None:
    if not isinstance(node, dict):
        return
    if (part := node.get("")) is not None:
        parts[part].append(Hit(turn, first, at, slips))
        if len(node) == 1:
            return
    if at + 1 == len(meanings):
        return
    for key, more in meanings[at + 1]:
        if slips + more <= 2 and (below := node.get(key)) is not None and key:
            _walk(below, meanings, turn, first, at + 1, slips + more, parts)


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


# ── Negation ────────────────────────────────────────────────────────────────────────────────────────────────────

_NEGATORS = listed(  # en, es, pt, fr, it, de, nl, ru
    "not never unable neither nor cannot hardly refuse refused refuses decline declined impossible "
    "nunca jamas tampoco imposible nao jamais pas ne non mai nicht kein keine keinen nie niet geen не нельзя никогда "
    "fail failed fails incapable"
)
_SHORT_NEGATORS = listed("no without none sin sem sans senza ohne zonder нет без nothing")
"""These negate what stands next to them, not the whole clause: "no refund", "without a receipt"."""
_FULL_NO_LANGUAGES = ("es", "pt", "it", "ca", "gl")
_PERSIAN_NEGATIVE = re.compile(
    r"^(?:نمی\w+|نیست\w*|ندار\w+|نتوان\w+|نخواه\w+|نشد\w*|نکرد\w*|نبود\w*|نباش\w*|نشو\w*|نکن\w*|نده\w*|نداد\w*|نباید|هرگز|لا|لم|لن|لیس|لیست|غیر|ما)$"
)
_ARABIC_NEGATORS = frozenset({"هرگز", "لا", "لم", "لن", "لیس", "لیست", "غیر", "بدون"})
_HAN_NEGATORS = frozenset("不没沒无無未别勿")
_HAN_HARMLESS_AFTER = {
    "不": frozenset("客好过但仅用错同久少止只断管"),
    "没": frozenset("问关事錯错"),
    "沒": frozenset("問關事錯"),
    "无": frozenset("论"),
    "無": frozenset("論"),
    "未": frozenset("来來"),
    "别": frozenset("的人名"),
}
_HAN_HARMLESS_BEFORE = {"别": frozenset("特分个区级性类")}
_BREAKERS = listed(
    "but however although though because so then otherwise whereas while until "
    "pero sino aunque porque mas aber sondern mais cependant jedoch "
    "اما ولی لکن ولیکن چون زیرا"
)
_JOINING = frozenset({"and", "y", "e", "und", "et", "و"})
_NEW_SUBJECT = listed(
    "i we you he she they it let your my our the this that there thank please yes here now since as if when once "
    "yo usted nosotros ich wir je nous gracias"
)
_NO_IS_INTERJECTION_BEFORE = listed(
    "i we you he she they it this that there let my your the problem problems worries worry doubt trouble matter bother "
    "need rush thanks thank thankyou sir maam madam please is yes of just sorry only hay"
)
_HARMLESS_AFTER_NOT = listed("only hesitate worry forget mind just sure")
_AUXILIARIES = listed(
    "is are was were be been will would can could has have had do does did should may might shall "
    "esta es fue ha puede sera ist wird wurde est sera"
)
_HARD_BREAK = re.compile(r"[.;!?:\n…。！？；：؟؛]")
_SOFT_BREAK = re.compile(r"[,，、،—–()]")
_LETTER = re.compile(r"\w")
_REACH = 14
"""Words that a negation reaches at most: speech recognition often writes whole minutes without punctuation."""


@lru_cache(maxsize=1 << 14)
def is_negator(key: str) -> bool:
    """Whether the word negates the clause that it stands in."""
    return (
        key in _NEGATORS
        or key in _SHORT_NEGATORS
        or key in _ARABIC_NEGATORS
        or key in _HAN_NEGATORS
        or (len(key) > 2 and key[0] == "ن" and _PERSIAN_NEGATIVE.match(key) is not None)
    )


def breaks_clause(gap: str) -> bool:
    """Whether the characters between two words end a clause. Commas around a filler ("not, um, able") do not."""
    if not gap or gap == " ":
        return False
    if _HARD_BREAK.search(gap):
        return True
    return _SOFT_BREAK.search(gap) is not None and _LETTER.search(gap) is None


def negated(said: list[Word], text: str, first: int, last: int, *, full_no: bool = False) -> int | None:
    """The index of the word that negates words [first, last] within their clause, or None.

    Looks back to the start of the clause, and forward where a language negates afterwards ("your refund is not …",
    "… امکان ندارد", "…退不了"). `full_no`: a plain "no" negates its clause, as in Spanish.
    """
    back = _negator_before(said, text, first, full_no=full_no)
    return back if back is not None else _negator_after(said, text, last)


def _negator_before(said: list[Word], text: str, first: int, *, full_no: bool) -> int | None:
    for at in range(first - 1, max(-1, first - 1 - _REACH), -1):
        word, following = said[at], said[at + 1]
        if not word.key or not following.key or breaks_clause(text[word.end : following.start]):
            return None
        if word.key in _BREAKERS:
            return None
        if word.key in _JOINING and following.key in _NEW_SUBJECT:
            return None
        if (word.key in ("但", "而", "就") and following.key != "不") or (
            word.key == "过" and at and said[at - 1].key == "不"
        ):
            return None
        if is_negator(word.key) and _negates(said, at, first, full_no=full_no):
            return at
    return None


def _negates(said: list[Word], at: int, target: int, *, full_no: bool) -> bool:
    key, following = said[at].key, said[at + 1].key
    if key in _HAN_NEGATORS:
        before = said[at - 1].key if at else ""
        return not (
            following in _HAN_HARMLESS_AFTER.get(key, ())
            or before in _HAN_HARMLESS_BEFORE.get(key, ())
            or (before == following and before != "")  # 能不能: a question
        )
    if key == "no" and full_no:
        return True
    if key in _SHORT_NEGATORS:
        return target - at <= 4 and not (key == "no" and following in _NO_IS_INTERJECTION_BEFORE)
    if key == "not":
        return following not in _HARMLESS_AFTER_NOT or (following == "sure" and target - at > 1)
    return True


def _negator_after(said: list[Word], text: str, last: int) -> int | None:
    persian = bool(_ARABIC.match(said[last].key))
    reach = 6 if persian else 3
    for at in range(last + 1, min(len(said), last + 1 + reach)):
        word = said[at]
        if not word.key or breaks_clause(text[said[at - 1].end : word.start]) or word.key in _BREAKERS:
            return None
        if persian:
            if is_negator(word.key):
                return at
            continue
        if word.key in _HAN_NEGATORS and at <= last + 2:
            nothing_after = at + 1 == len(said)
            harmless = not nothing_after and said[at + 1].key in _HAN_HARMLESS_AFTER.get(word.key, ())
            question = not nothing_after and said[at - 1].key == said[at + 1].key
            return None if harmless or question else at
        if word.key in ("not", "never", "nicht", "pas", "niet", "impossible", "unable"):
            after = said[at + 1].key if at + 1 < len(said) else ""
            return None if after in _HARMLESS_AFTER_NOT else at
        if word.key == "no" and at + 1 < len(said) and said[at + 1].key == "longer":
            return at
        if word.key not in _AUXILIARIES:
            return None
    return None


# ── Supposition ─────────────────────────────────────────────────────────────────────────────────────────────────

_SUPPOSING = listed(
    "if once unless until before whether would might could si cuando hasta antes quand wenn falls sobald bevor "
    "اگر وقتی 如 若 等 一旦"
)
_SENTENCE_END = re.compile(r"[.!\n。！]|[?？؟]")


def supposed(said: list[Word], text: str, first: int, last: int) -> bool:
    """Whether words [first, last] are only supposed: behind "if" or "once" in their sentence, or asked."""
    for at in range(first - 1, max(-1, first - 1 - _REACH), -1):
        word = said[at]
        if not word.key or _SENTENCE_END.search(text[word.end : said[at + 1].start]):
            break
        if word.key in _SUPPOSING or (word.key in ("when", "after") and said[at + 1].key in ("you", "we", "i")):
            return True
    for at in range(last, min(len(said), last + 3)):
        gap = text[said[at].end : said[at + 1].start if at + 1 < len(said) else len(text)]
        if "?" in gap or "？" in gap or "؟" in gap:
            return True
        if _SENTENCE_END.search(gap) or _SOFT_BREAK.search(gap):
            return False
    return False


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


# ── The conversation ────────────────────────────────────────────────────────────────────────────────────────────


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
        language = (conversation.language or "").split("-")[0].lower()
        self.full_no = language in _FULL_NO_LANGUAGES
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
        return negated(self.said[hit.turn], self.texts[hit.turn], hit.first, hit.last, full_no=self.full_no)

    def negator_of_span(self, turn: int, start: int, end: int) -> int | None:
        """The same for characters [start, end) of a turn."""
        first, last = self.words_of(turn, start, end)
        if first > last:
            return None
        return negated(self.said[turn], self.texts[turn], first, last, full_no=self.full_no)

    def is_supposed(self, hit: Hit) -> bool:
        """Whether the hit is only supposed, promised or asked."""
        return supposed(self.said[hit.turn], self.texts[hit.turn], hit.first, hit.last)

    def words_of(self, turn: int, start: int, end: int) -> tuple[int, int]:
        """The first and the last word that [start, end) of a turn touches; first > last when it touches none."""
        said = self.said[turn]
        by_end: Callable[[Word], int] = lambda word: word.end  # noqa: E731 - a key for bisect
        first = bisect_left(said, start + 1, key=by_end)
        last = bisect_left(said, end, key=lambda word: word.start) - 1
        return first, last
