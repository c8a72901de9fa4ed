"""Whether a clause denies what stands in it, or only supposes it.

Comes in: the words of a turn and a stretch of them. Goes out: the word that negates the stretch within its clause, or
none. "I am not able to refund" negates "refund"; "No problem, I can refund that" does not. Closed lists per language,
and clauses told by punctuation and conjunctions. This module knows nothing of who speaks.
"""

from __future__ import annotations

import re
from functools import lru_cache

from service.lexicon import NEGATORS
from service.spoken_words import ARABIC, Word, listed

_NEGATORS = listed(
    "not never unable neither nor cannot hardly refuse refused refuses decline declined impossible nunca jamas "
    "tampoco imposible nao jamais pas ne non mai nicht kein keine keinen keiner keinem keines nie niemals niet geen "
    "не нельзя никогда incapable nobody nadie niemand"
)
_FAILURES = listed("fail failed fails failing")
"""These negate only what they failed to do: "if it fails we refund you" does not."""
_LACKS = listed("without sin sem sans senza ohne zonder без")
_NEW_SPEAKERS = listed("i we they he she yo nosotros ich wir je nous")
_SHORT_NEGATORS = listed("no without none sin sem sans senza ohne zonder нет без nothing")
"""These negate what stands next to them, not the whole clause: "no refund", "without a receipt"."""
FULL_NO_LANGUAGES = ("es", "pt", "it", "ca", "gl")
_PERSIAN_NEGATIVE = re.compile(
    r"^(?:(?:بر|در|باز|فرا|وا|پس)?نمی\w+|نیست\w*|ندار\w+|نتوان\w+|نخواه\w+|نشد\w*|نکرد\w*|نبود\w*|نباش\w*|نشو\w*|نکن\w*|نداد\w*)$"
)
_ARABIC_NEGATORS = (NEGATORS["fa"] | NEGATORS["ar"]) - listed("نه نخیر ما بی نا نی نمی كلا غیر")
"""Without those that answer a question, mean "we", or negate only as a prefix."""
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
    "but however although though because so then otherwise whereas while until pero sino aunque porque mas aber "
    "sondern mais cependant jedoch اما ولی لکن ولیکن چون زیرا"
)
_JOINING = frozenset({"and", "y", "e", "und", "et", "و"})
_NEW_SUBJECT = listed(
    "i we you he she they it let your my our the this that there thank please yes here now since as if when once "
    "yo usted nosotros ich wir je nous gracias"
)
_NO_IS_INTERJECTION_BEFORE = listed(
    "i we you he she they it this that there let my your the problem problems worries worry doubt trouble matter "
    "bother need rush thanks thank thankyou sir maam madam please is yes of just sorry only hay"
)
_HARMLESS_AFTER_NOT = listed("only hesitate worry forget mind just sure")
_AUXILIARIES = listed(
    "is are was were be been will would can could has have had do does did should may might shall esta es fue ha "
    "puede sera ist wird wurde est"
)
HARD_BREAK = re.compile(r"[.;!?:\n…。！？；：؟؛]")
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
        or key in _FAILURES
        or (len(key) > 2 and "ن" in key and _PERSIAN_NEGATIVE.match(key) is not None)
    )


def breaks_clause(gap: str) -> bool:
    """Whether the characters between two words end a clause. Commas around a filler ("not, um, able") do not."""
    if not gap or gap == " ":
        return False
    if HARD_BREAK.search(gap):
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
        if word.key == "wish" and following.key in ("i", "we"):
            return at  # "I wish I could refund that"
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
    if key in _FAILURES:
        return following == "to"
    if key in _LACKS and any(word.key in _NEW_SPEAKERS for word in said[at + 1 : target]):
        return False  # "without a receipt we refund you anyway"
    if key in _SHORT_NEGATORS:
        return target - at <= 4 and not (key == "no" and following in _NO_IS_INTERJECTION_BEFORE)
    if key == "not":
        if following in ("i", "we") and at >= 2 and said[at - 2].key == "why":
            return False  # "why don't I refund you" offers
        return following not in _HARMLESS_AFTER_NOT or (following == "sure" and target - at > 1)
    return True


def _negator_after(said: list[Word], text: str, last: int) -> int | None:
    persian = bool(ARABIC.match(said[last].key))
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
