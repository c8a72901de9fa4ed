"""Values that a speaker gives in figures or words: numbers, dates, addresses, and the marks that hide them.

Comes in: the text of one turn. Goes out: the places where a value of a kind stands, digits spoken or typed, dates in
many forms. Redaction marks such as `[PII]` stand for the value that they hide. This module knows nothing of rubrics;
which question a value answers is `service.attribution`'s to decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import regex

from service.folding import tokens
from service.spoken_words import flat, listed


class Spot(NamedTuple):
    """A value at characters [start, end), with its digits where it is a number.

    `lead` says how plainly it presents itself: 2 by its own words ("my name is …"), 1 by its form (capitals, a full
    date), 0 only because a question asked for it.
    """

    start: int
    end: int
    digits: str = ""
    lead: int = 1


# ── Numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────

_DIGIT_WORDS = {
    word: str(value)
    for value, row in enumerate(
        (
            "zero oh nought cero null 零 〇 صفر",
            "one uno un eins 一 幺 یک",
            "two dos deux zwei 二 两 دو",
            "three tres trois drei 三 سه",
            "four cuatro quatre vier 四 چهار",
            "five cinco cinq funf 五 پنج",
            "six seis sechs 六 شش شیش",
            "seven siete sept sieben 七 هفت",
            "eight ocho huit acht 八 هشت",
            "nine nueve neuf neun niner 九 نه",
        )
    )
    for word in row.split()
}
_TEENS = {
    word: str(value)
    for value, word in enumerate(
        ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"],
        start=10,
    )
}
_TENS = {
    word: str(value)
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
_REPEATS = {"double": 2, "triple": 3}
_UNITS = listed(
    "dollar dollars usd buck bucks euro euros eur pound pounds gbp cent cents rial rials toman yuan rmb 元 块 "
    "percent year years yr yrs yo day days week weeks month months hour hours hrs minute minutes mins people "
    "persons guests times am credits credit bn pm oclock degrees miles km تومان ریال سال روز ماه ساعت anos dias "
    "horas pesos 岁 年 天 个"
)
_AMOUNT_BEFORE = listed(
    "over under about around least most than missing nearly almost extra another only roughly approximately year "
    "since like ballpark worth costs cost paid spent deposited withdrew took stole taken transferred charged "
    "moved"
)
_AMOUNT_AFTER = listed("missing short more less extra gone stolen too off lost over higher lower")
_DIGITS_ONLY = re.compile(r"^(?:[a-z]*[a-z])?(\d+(?:-\d+)*)$")


NUMERALS = frozenset({*_DIGIT_WORDS, *_TEENS, *_TENS, *_REPEATS})
"""Words that say digits: none of them is part of a name."""
_MAYBE_NUMBER = re.compile(r"\d|" + "|".join(sorted({*_DIGIT_WORDS, *_TEENS, *_TENS} - {"oh"})), re.IGNORECASE)


class _Group(NamedTuple):
    start: int
    end: int
    digits: str
    spoken: bool


def numbers(text: str) -> list[Spot]:
    """Every number that could identify something, with its digits in order; amounts, times and ages are none.

    Digits that are spoken ("three one double zero") or grouped ("351 531 510", "351-531-510") are one number; each
    group of a grouped number is reported as well, after the whole.
    """
    found: list[Spot] = []
    if not _MAYBE_NUMBER.search(text):
        return []
    when = [spot for spot in dates(text) if spot.lead]
    for run in _runs(_groups(text), text):
        if any(run[0].start < spot.end and spot.start < run[-1].end for spot in when):
            continue
        digits = "".join(group.digits for group in run)
        found.append(Spot(run[0].start, run[-1].end, digits))
        if len(run) > 1 and not run[0].spoken:
            found.extend(Spot(group.start, group.end, group.digits) for group in run)
    return found


def _groups(text: str) -> list[_Group]:
    said = tokens(text)
    groups: list[_Group] = []
    at = 0
    while at < len(said):
        token = said[at]
        spoken = _spoken_digits([t.text for t in said[at : at + 4]])
        if token.kind == "number":
            match = _DIGITS_ONLY.match(token.text.lstrip("-"))
            before = said[at - 1] if at else None
            after = said[at + 1] if at + 1 < len(said) else None
            amount = len(match[1] if match else "") <= 5 and (
                (before is not None and before.text in _AMOUNT_BEFORE and text[before.end : token.start] == " ")
                or (after is not None and after.text in _AMOUNT_AFTER and text[token.end : after.start] == " ")
            )
            amount = (
                amount
                or (before is not None and before.kind == "sign" and before.end == token.start)
                or (
                    after is not None
                    and (after.text in _UNITS or (after.kind == "sign" and text[token.end : after.start].strip() == ""))
                    and len(match[1] if match else "") <= 7
                )
            )
            if match and not amount:
                groups.append(_Group(token.start, token.end, match[1].replace("-", ""), spoken=False))
            at += 1
        elif spoken is not None:
            digits, used = spoken
            groups.append(_Group(token.start, said[at + used - 1].end, digits, spoken=True))
            at += used
        else:
            at += 1
    return groups


def _spoken_digits(ahead: list[str]) -> tuple[str, int] | None:
    """The digits that the next words say, and how many words that takes."""
    first, second = ahead[0], ahead[1] if len(ahead) > 1 else ""
    if first in _REPEATS and second in _DIGIT_WORDS:
        return _DIGIT_WORDS[second] * _REPEATS[first], 2
    if first in _TENS:
        unit = _DIGIT_WORDS.get(second, "0")
        digits, used = _TENS[first] + unit, 2 if unit != "0" else 1
    elif first in _TEENS:
        digits, used = _TEENS[first], 1
    elif first in _DIGIT_WORDS:
        digits, used = _DIGIT_WORDS[first], 1
    else:
        return None
    if len(ahead) > used and ahead[used] == "hundred":
        return digits + "00", used + 1
    return digits, used


def _runs(groups: list[_Group], text: str) -> Iterator[list[_Group]]:
    run: list[_Group] = []
    for group in groups:
        if run and not _continues(run[-1], group, text):
            yield run
            run = []
        run.append(group)
    if run:
        yield run


_BETWEEN_DIGITS = re.compile(r"^[\s\-–,.]{0,3}$")
_PAUSE_BETWEEN_DIGITS = re.compile(r"^[\s\-–,.…]{0,5}\b(?:u+h*m+|u+h+|e+r+m*|h+m+)\b[\s\-–,.…]{0,5}$", re.IGNORECASE)


_LONGEST_PAUSE = 20


def _continues(last: _Group, group: _Group, text: str) -> bool:
    between = text[last.end : group.start]
    if len(between) <= _LONGEST_PAUSE and _PAUSE_BETWEEN_DIGITS.match(between) is not None:
        return len(last.digits) <= 4 and len(group.digits) <= 4
    if last.spoken or group.spoken:
        return _BETWEEN_DIGITS.match(between) is not None and len(last.digits) <= 4 and len(group.digits) <= 4
    return between in (" ", "  ", " - ", "-", "\u00a0") and len(last.digits) <= 4 and len(group.digits) <= 4


# ── Dates ───────────────────────────────────────────────────────────────────────────────────────────────────────

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre"
    r"|noviembre|diciembre|janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
    r"|januar|februar|märz|juni|juli|oktober|dezember"
    r"|فروردین|اردیبهشت|خرداد|تیر|مرداد|شهریور|مهر|آبان|آذر|دی|بهمن|اسفند"
    r"|ژانویه|فوریه|مارس|آوریل|مه|ژوئن|ژوئیه|اوت|سپتامبر|اکتبر|نوامبر|دسامبر)"
)
_SPOKEN_DAY = (
    r"(?:(?:twenty|thirty)[\s-]+)?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth"
    r"|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
)
_SPOKEN_YEAR = (
    r"(?:(?:nineteen|twenty|two\s+thousand)(?:[\s-]+(?:hundred|and|oh|o)){0,2}(?:[\s-]+[a-z]{3,9}){0,2}"
    r"|(?:one|two)(?:[\s-]+(?:zero|oh|o|one|two|three|four|five|six|seven|eight|nine)){3})"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th|º|er|\.)?"
_YEAR = r"(?:\d{4}|'\d{2})"
_OF = r"(?:(?:of|de|del|in|day of)\s+)?"
_DATES = tuple(
    regex.compile(pattern, regex.IGNORECASE)
    for pattern in (
        r"(?<![\d/.-])\d{1,2}\s?[/.\-]\s?\d{1,2}\s?[/.\-]\s?\d{2,4}(?![\d/])",
        r"(?<![\d/.-])\d{4}\s?[/.\-]\s?\d{1,2}\s?[/.\-]\s?\d{1,2}(?![\d/])",
        r"\d{2,4}\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?[日号]?",
        rf"\b{_MONTH}\.?\s+(?:the\s+)?{_DAY}\s*,?\s+(?:of\s+|de\s+)?{_YEAR}\b",
        rf"\b{_MONTH}\.?\s*[-/]\s*{_DAY}\s*[-/]\s*\d{{2,4}}\b",
        rf"\b{_DAY}\s*[-/ ]?\s*{_OF}{_MONTH}\.?\s*[-/,]?\s*{_OF}(?:{_YEAR}|\d{{2}})\b",
        rf"\b{_MONTH}\s+(?:the\s+)?(?:{_SPOKEN_DAY}|{_DAY})\s*,?\s+(?:{_SPOKEN_YEAR}|{_YEAR})\b",
        rf"\b(?:the\s+)?{_SPOKEN_DAY}\s+(?:of\s+)?{_MONTH}\s*,?\s+(?:{_SPOKEN_YEAR}|{_YEAR})\b",
        r"(?<!\d)\d{1,2} \d{1,2} (?:19|20)\d{2}(?!\d)",
    )
)
_MAYBE_DATE = re.compile(r"\d|nineteen|twenty|thousand|(?:one|two)[\s-]+(?:nine|zero|oh)", re.IGNORECASE)
_SMALL = (
    r"(?:(?:oh|zero|twenty|thirty)[\s-]+)?"
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    r"|eighteen|nineteen|twenty|thirty)"
)
_FROM_FORTY = r"(?:forty|fifty|sixty|seventy|eighty|ninety)"
_IN_SPOKEN_FIGURES = regex.compile(
    rf"\b{_SMALL},?\s+{_SMALL},?\s+(?:nineteen|two\s+thousand|twenty)(?:[\s-]+(?:and|oh|{_SMALL}|{_FROM_FORTY})){{1,2}}\b"
    r"|(?<![\d.,/-])\d{1,2} \d{1,2} \d{2}(?![\d.,/:-])",
    regex.IGNORECASE,
)
"""Day and month as bare figures (`twelve five nineteen ninety`, `5 12 90`): a date only because one was asked for."""
_EIGHT_DIGITS = re.compile(r"(?<!\d)\d{8}(?!\d)")


_HESITATION = re.compile(r",?\s*\b(?:u+h*m+|u+h+|e+r+m*|h+m+)\b,?", re.IGNORECASE)


def _dates_in(plain: str) -> list[Spot]:
    return [Spot(*match.span()) for pattern in _DATES for match in pattern.finditer(plain, timeout=0.2)]


def dates(text: str) -> list[Spot]:
    """Every full calendar date: day, month and year, in figures or words; eight bare digits only weakly so."""
    plain = flat(text)
    if not _MAYBE_DATE.search(plain):
        return []
    found = _dates_in(plain) or _dates_in(_HESITATION.sub(lambda match: " " * len(match[0]), plain))
    if not found:
        found = [Spot(*m.span(), lead=0) for m in _EIGHT_DIGITS.finditer(plain) if _reads_as_date(m[0])]
    if not found:
        found = [Spot(m.start(), m.end(), lead=0) for m in _IN_SPOKEN_FIGURES.finditer(plain, timeout=0.2)]
    return sorted(found)


def _reads_as_date(digits: str) -> bool:
    """Whether eight digits are ddmmyyyy, mmddyyyy or yyyymmdd of a living person."""
    for day, month, year in (
        (digits[:2], digits[2:4], digits[4:]),
        (digits[2:4], digits[:2], digits[4:]),
        (digits[6:], digits[4:6], digits[:4]),
    ):
        if 1 <= int(day) <= 31 and 1 <= int(month) <= 12 and 1900 <= int(year) <= 2100:
            return True
    return False


# ── Addresses ───────────────────────────────────────────────────────────────────────────────────────────────────

_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_SPOKEN_EMAIL = re.compile(
    r"\b[\w.+-]{1,64}(?:\s+(?:dot|underscore|dash)\s+\w{1,64}){0,3}\s+at\s+\w{1,63}(?:\s+dot\s+\w{2,20}){1,3}\b",
    re.IGNORECASE,
)


def emails(text: str) -> list[Spot]:
    """Every mail address, also one that is spelt out ("jane dot doe at example dot com")."""
    plain = flat(text)
    return [Spot(*match.span()) for pattern in (_EMAIL, _SPOKEN_EMAIL) for match in pattern.finditer(plain)]


def phones(text: str) -> list[Spot]:
    """Every number of 7 to 15 digits, grouped with brackets, dots, dashes or spaces or spoken."""
    plain = flat(text)
    typed = [
        Spot(m.start(), m.end(), re.sub(r"\D", "", m[0]))
        for m in re.finditer(r"(?<![\w$])\+?\(?\d[\d\s().-]{5,20}\d(?!\w)", plain)
    ]
    found = [spot for spot in typed if 7 <= len(spot.digits) <= 15]
    return found or [spot for spot in numbers(text) if 7 <= len(spot.digits) <= 15]


# ── Redactions ──────────────────────────────────────────────────────────────────────────────────────────────────

_REDACTION = re.compile(
    r"[\[<{](?:redacted|masked|removed|pii|sensitive|(?P<name>(?:first_|last_|full_)?name|person)"
    r"|(?P<date>date(?:_time|_of_birth)?|dob)|(?P<email>email(?:_address)?)|(?P<phone>phone(?:_number)?)"
    r"|(?P<number>pin|ssn|number|(?:bank_)?account(?:_number)?|bank_routing|card(?:_number)?"
    r"|credit_debit_(?:number|cvv|expiry)))(?:[_-]?\d+)?[\]>}]|(?P<stars>[*x#•]{4,})",
    re.IGNORECASE,
)


def redactions(text: str, kind: str) -> list[Spot]:
    """Marks that hide a value that may be of this kind."""
    found = []
    for match in _REDACTION.finditer(text):
        named = match.lastgroup
        if named == "stars":
            named = "number"
        if (
            named is None
            or named == kind
            or (kind == "phone" and named == "number")
            or (kind == "word" and named == "name")
        ):
            found.append(Spot(*match.span(), lead=1 if named == kind else 0))
    return found
