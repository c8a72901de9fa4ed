"""Whether a clause denies what stands in it, or only supposes it.

Comes in: the words of a turn and a stretch of them. Goes out: the word that negates the stretch within its clause, or
none. "I am not able to refund" negates "refund"; "No problem, I can refund that" does not. Closed lists per language,
and clauses told by punctuation and conjunctions. This module knows nothing of who speaks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache

from service.lexicon import BARE_ANSWERS, NEGATORS
from service.spoken_words import ARABIC, Word, listed

_LACKS = listed("without sin sem sans senza ohne zonder без bez uden uten utan tanpa χωρίς בלי ללא बिना")
_SHORT_NEGATORS = _LACKS | listed("no none nothing нет")
"""These negate what stands next to them, not the whole clause: "no refund", "without a receipt"."""
_SAID_OTHERWISE = listed("plus n personne rien nada noch ni nul nulle rarely seldom barely scarcely न ना אף")
"""Words of the table that as often say something else: French `plus`, German `noch`, the Hindi tag `ना`."""
_WORDS_ELSEWHERE = listed("mai num nem chưa chẳng đừng inga nic nix icke")
"""Words that deny in their own language and are names or words in others: heard only where the language is known."""
_NOT_CLAUSAL = _SHORT_NEGATORS | _SAID_OTHERWISE | BARE_ANSWERS | listed("όχι ні")
_DENY_AFTERWARDS = frozenset({"tr", "ko", "ja", "zh", "fa", "ar"})
"""Languages whose denials are not simply words before what they deny; each is read in its own way below."""
_OWN = {
    language: negators - _NOT_CLAUSAL for language, negators in NEGATORS.items() if language not in _DENY_AFTERWARDS
}
_NEGATORS = frozenset().union(*_OWN.values()) - _WORDS_ELSEWHERE | listed(
    "unable refuse refused refuses decline declined incapable incapaz"
)
_FAILURES = listed("fail failed fails failing")
"""These negate only what they failed to do: "if it fails we refund you" does not."""
_NEW_SPEAKERS = listed("i we they he she yo nosotros ich wir je nous")
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
_HARMLESS_AFTER = {
    "khong": listed("sao chỉ những"),
    "tidak": listed("apa hanya"),
    "bukan": listed("hanya"),
    "אין": listed("בעיה ספק"),
    "nicht": listed("nur"),
    "non": listed("solo"),
    "nie": listed("tylko"),
}
_PROBLEMS = listed(
    "problem problems problème problèmes problema problemas problemi problemu probleem sorge sorgen zweifel "
    "duda dúvida doute dubbio doubt בעיה"
)
"""What is denied with these is granted: "kein Problem, wir erstatten", "nie ma problemu"."""
_AUXILIARIES = listed(
    "is are was were be been will would can could has have had do does did should may might shall esta es fue ha "
    "puede sera ist wird wurde est"
)
_DENIES_BEFORE_IT = frozenset(
    {"not", "never", "nicht", "pas", "niet", "impossible", "unable", "inte", "icke", "ikke", "ikkje"}
) | (NEGATORS["he"] - _SHORT_NEGATORS - listed("אף"))
"""Words that deny what stands right before them, auxiliaries aside: "refunds are not", "refunderar inte"."""
_TURKIC = ("tr", "az")
_LOOKS_TURKISH = re.compile("[ıİğĞşŞ]|[a-zçöü]m[iüu]yor")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_DEVANAGARI = re.compile("[\u0900-\u097f]")
_KANA = re.compile("[\u3041-\u30fa]")
_KANA_OR_HAN = re.compile("[\u3041-\u30fa\u4e00-\u9fff]")
_THAI = re.compile("[\u0e00-\u0e7f]")
_KOREAN_DENIAL = re.compile(
    "(?:"
    + "|".join(sorted(NEGATORS["ko"] - listed("안 못 아니 아니요 아니오")))
    + "|없|않|못|아닙|안$|안(?:돼|되|됩|됨)|불가|어렵|어려워|어려울|힘들|힘듭)"
)
_KOREAN_HARMLESS_BEFORE = re.compile("(?:문제|이상|걱정|부담|상관|틀림|수밖에|지장)")
_KOREAN_GOES_ON = re.compile("(?:[가-힣](?:고|지만|는데|니까|면서|며)|그리고|하지만)$")
_HINDI_DENIALS = (NEGATORS["hi"] - _NOT_CLAUSAL) | listed("असंभव")
_HINDI_HARMLESS_BEFORE = listed("बात चिंता दिक्कत समस्या परेशानी")
_HINDI_REACH_BACK = 3
_TURKISH_DENIALS = NEGATORS["tr"] - BARE_ANSWERS - listed("hiç asla")
_TURKISH_DENIAL = re.compile(
    r"[a-z]m[aeiu]yor\w*$|[a-z]m[ae]z(?:lar|ler|s[ai]n|siniz)?$|[ae]m[ae]m$|[a-z]m[ae]y[ai]z$|[a-z]m[ae]di(?:k|m|lar|ler|niz)?$"
    r"|[a-z]m[ae]mis\w*$|[a-z]m[ae]yac[ae][kg]\w*$|[a-z]m[ae]yec[ae][kg]\w*$|imkansiz\w*$"
)
_TURKISH_NO_DENIALS = listed("tamam hamam ödemem denemem namaz temmuz")
_TURKISH_HARMLESS_BEFORE = listed("sorun problem mahsuru sakıncası")
_TURKISH_QUESTION = re.compile(r"m[iu](?:yim|yiz|siniz|sunuz|sin|sun)?$")
_CLOSING_BREAKERS = listed("ama fakat ancak çünkü lakin ve لیکن लेकिन पर मगर और तो क्योंकि परंतु किंतु")
_JAPANESE_DENIAL = re.compile("ません(?!か)|ない|なかった|かね(?:ます|る)|できず|不可|無理|お断り|未対応")
_JAPANESE_HARMLESS = re.compile(
    "かもしれ(?:ません|ない)|(?:問題|間違い|まちがい|違い|差し支え|ご心配|心配)(?:は|も|ご座い|ござい)?(?:あり)?(?:ません|ない)|"
    "(?:なけれ|なく)(?:ば|ては)(?:なり|いけ)(?:ません|ない)|ないと(?:なり|いけ)(?:ません|ない)|しか[^。、]{0,6}(?:ません|ない)|"
    "だけで(?:は)?な[くい]|ではないでしょうか|やむを得ない|少なくない"
)
_JAPANESE_CLAUSE_END = re.compile(
    "[。、，,.!?！？\\n\\s「」]|(?:ます|です|ました|でした|する|した)(?:が|ので|から|し(?!な)|けど|けれど)"
)
_THAI_DENIAL = re.compile("ไม่|มิได้|ไร้")
_THAI_HARMLESS = re.compile("หรือไม่|ไม่(?:เกิน|นาน|เพียง|ใช่แค่|ใช่เพียง|มีปัญหา|เป็นไร|ต้องห่วง|ต้องกังวล|ต้องเป็นห่วง|ว่า|มีค่าใช้จ่าย)")
_THAI_CLAUSE_END = re.compile("[\\s.,!?]|แต่")
_THAI_NEW_SUBJECT = re.compile("เรา|ผม|ดิฉัน|ฉัน|ทางร้าน|จึง|เลย")
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


def negated(said: list[Word], text: str, first: int, last: int, *, language: str | None = None) -> int | None:
    """The index of the word that negates words [first, last] within their clause, or None.

    Looks back to the start of the clause, and forward where a language negates afterwards ("your refund is not …",
    "… امکان ندارد", "…退不了", "…できません", "… yapamıyoruz"). `language`: the primary subtag where it is known; words
    that deny in one language and name things in another are then heard, and a plain Spanish "no" negates its clause.
    """
    back = _negator_before(said, text, first, language)
    if back is not None:
        return back
    if _THAI.match(said[last].key) or _KANA_OR_HAN.match(said[last].key):
        written = _written_denial(said, text, first, last)
        if written is not None:
            return written
    return _negator_after(said, text, last, language)


def _negator_before(said: list[Word], text: str, first: int, language: str | None) -> int | None:
    own = _OWN.get(language or "", frozenset())
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
        if (is_negator(word.key) or word.key in own) and _negates(said, at, first, language):
            return at
    return None


def _negates(said: list[Word], at: int, target: int, language: str | None) -> bool:
    key, following = said[at].key, said[at + 1].key
    if following in _HARMLESS_AFTER.get(key, ()) or any(word.key in _PROBLEMS for word in said[at + 1 : target][:2]):
        return False
    if _DEVANAGARI.match(key):
        return target - at <= _HINDI_REACH_BACK and not (at and said[at - 1].key in _HINDI_HARMLESS_BEFORE)
    if key in _HAN_NEGATORS:
        if any(_KANA.match(word.key) for word in said[at + 1 : target]):
            return False  # Japanese: 不 and 無 belong to their own word
        before = said[at - 1].key if at else ""
        return not (
            following in _HAN_HARMLESS_AFTER.get(key, ())
            or before in _HAN_HARMLESS_BEFORE.get(key, ())
            or (before == following and before != "")  # 能不能: a question
        )
    if key == "no" and language in FULL_NO_LANGUAGES:
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


def _negator_after(said: list[Word], text: str, last: int, language: str | None) -> int | None:
    if (
        _HANGUL.match(said[last].key)
        or _DEVANAGARI.match(said[last].key)
        or language in _TURKIC
        or _LOOKS_TURKISH.search(text)
    ):
        at = _closing_denial(said, text, last)
        if at is not None or language in _TURKIC:
            return at
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
        if word.key in _DENIES_BEFORE_IT:
            after = said[at + 1].key if at + 1 < len(said) else ""
            return None if after in _HARMLESS_AFTER_NOT else at
        if word.key == "no" and at + 1 < len(said) and said[at + 1].key == "longer":
            return at
        if word.key not in _AUXILIARIES:
            return None
    return None


# ── Languages whose verb, and with it the denial, closes the clause ────────────────────────────────────────────────

_CLOSING_REACH = 7


def _closing_denial(said: list[Word], text: str, last: int) -> int | None:
    """The Korean, Turkish or Hindi word after the stretch that denies it at the end of its clause."""
    for at in range(last + 1, min(len(said), last + 1 + _CLOSING_REACH)):
        key, before = said[at].key, said[at - 1].key
        following = said[at + 1].key if at + 1 < len(said) else ""
        if not key or key in _CLOSING_BREAKERS or breaks_clause(text[said[at - 1].end : said[at].start]):
            return None
        if _KOREAN_DENIAL.match(key):
            return None if _KOREAN_HARMLESS_BEFORE.match(before) else at
        if key in _HINDI_DENIALS:
            return None if before in _HINDI_HARMLESS_BEFORE else at
        if (key in _TURKISH_DENIALS or _TURKISH_DENIAL.search(key)) and key not in _TURKISH_NO_DENIALS:
            return None if before in _TURKISH_HARMLESS_BEFORE or _TURKISH_QUESTION.match(following) else at
        if _KOREAN_GOES_ON.search(key):
            return None
    return None


def _written_denial(said: list[Word], text: str, first: int, last: int) -> int | None:
    """The same for Japanese and Thai, which part no words: read as a string, up to the end of the clause."""
    start, end = said[first].start, said[last].end
    if _THAI.match(said[last].key):
        before = _THAI_HARMLESS.sub(_blanked, text[max(0, start - 60) : start])
        clause = _THAI_CLAUSE_END.split(before)[-1]
        found = list(_THAI_DENIAL.finditer(clause))
        if found and not _THAI_NEW_SUBJECT.search(clause, found[-1].end()):
            return _word_at(said, start - len(clause) + found[-1].start())
        after = _THAI_CLAUSE_END.split(_THAI_HARMLESS.sub(_blanked, text[end : end + 30]))[0]
        match = _THAI_DENIAL.search(after)
    else:
        after = _JAPANESE_CLAUSE_END.split(_JAPANESE_HARMLESS.sub(_blanked, text[end : end + 40]))[0]
        match = _JAPANESE_DENIAL.search(after) if _KANA.search(after) else None
    return None if match is None else _word_at(said, end + match.start())


def _blanked(match: re.Match[str]) -> str:
    return "_" * len(match[0])


def _word_at(said: list[Word], place: int) -> int:
    return max(0, bisect_right(said, place, key=lambda word: word.start) - 1)


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
