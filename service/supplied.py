"""Values that a speaker gives: numbers, dates, names, addresses, and short answers to a question.

Comes in: the text of one turn and its words. Goes out: the places where a value of a kind stands, digits spoken or
typed, in many date forms, with a refusal ("I forgot it", "why do you ask?") never taken for a value. Redaction marks
such as `[PII]` stand for the value that they hide. This module knows nothing of rubrics; which question a value
answers is `service.cues`' to decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import regex

from service.folding import tokens
from service.hearing import SPACELESS, Word, breaks_clause, flat, is_negator, listed


class Spot(NamedTuple):
    """A value at characters [start, end). `lead` says how plainly it presents itself as one: 2 by its own words
    ("my name is …"), 1 by its form (capitals, a full date), 0 only when a question asked for it.
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
    "dollar dollars usd buck bucks euro euros eur pound pounds gbp cent cents rial rials toman yuan rmb 元 块 percent year "
    "years yr yrs yo day days week weeks month months hour hours hrs minute minutes mins people persons guests times am "
    "credits credit bn pm oclock degrees miles km تومان ریال سال روز ماه ساعت anos dias horas pesos 岁 年 天 个"
)
_AMOUNT_BEFORE = listed(
    "over under about around least most than missing nearly almost extra another only roughly approximately year since "
    "like ballpark worth costs cost paid spent deposited withdrew"
)
_AMOUNT_AFTER = listed("missing short more less extra gone stolen too off lost over higher lower")
_DIGITS_ONLY = re.compile(r"^(?:[a-z]*[a-z])?(\d+(?:-\d+)*)$")


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


def _continues(last: _Group, group: _Group, text: str) -> bool:
    between = text[last.end : group.start]
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
_SPOKEN_YEAR = r"(?:nineteen|twenty|two\s+thousand)(?:[\s-]+(?:hundred|and|oh|o)){0,2}(?:[\s-]+[a-z]{3,9}){0,2}"
_DAY = r"\d{1,2}(?:st|nd|rd|th|º|er)?"
_YEAR = r"(?:\d{4}|'\d{2})"
_DATES = tuple(
    regex.compile(pattern, regex.IGNORECASE)
    for pattern in (
        r"(?<![\d/.-])\d{1,2}\s?[/.\-]\s?\d{1,2}\s?[/.\-]\s?\d{2,4}(?![\d/])",
        r"(?<![\d/.-])\d{4}\s?[/.\-]\s?\d{1,2}\s?[/.\-]\s?\d{1,2}(?![\d/])",
        r"\d{2,4}\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?[日号]?",
        rf"\b{_MONTH}\.?\s+(?:the\s+)?{_DAY}\s*,?\s+(?:of\s+|de\s+)?{_YEAR}\b",
        rf"\b{_MONTH}\.?\s*[-/]\s*{_DAY}\s*[-/]\s*\d{{2,4}}\b",
        rf"\b{_DAY}\s*[-/ ]?\s*(?:of\s+|de\s+|day of\s+)?{_MONTH}\.?\s*[-/,]?\s*(?:of\s+|de\s+|del\s+|in\s+)?(?:{_YEAR}|\d{{2}})\b",
        rf"\b{_MONTH}\s+(?:the\s+)?(?:{_SPOKEN_DAY}|{_DAY})\s*,?\s+(?:{_SPOKEN_YEAR}|{_YEAR})\b",
        rf"\b(?:the\s+)?{_SPOKEN_DAY}\s+(?:of\s+)?{_MONTH}\s*,?\s+(?:{_SPOKEN_YEAR}|{_YEAR})\b",
        r"(?<!\d)\d{1,2} \d{1,2} (?:19|20)\d{2}(?!\d)",
    )
)
_MAYBE_DATE = re.compile(r"\d|nineteen|twenty|thousand", re.IGNORECASE)
_EIGHT_DIGITS = re.compile(r"(?<!\d)\d{8}(?!\d)")


def dates(text: str) -> list[Spot]:
    """Every full calendar date: day, month and year, in figures or words; eight bare digits only weakly so."""
    plain = flat(text)
    if not _MAYBE_DATE.search(plain):
        return []
    found = [Spot(*match.span()) for pattern in _DATES for match in pattern.finditer(plain, timeout=1.0)]
    if not found:
        found = [Spot(*m.span(), lead=0) for m in _EIGHT_DIGITS.finditer(plain) if _reads_as_date(m[0])]
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


# ── Names and short answers ─────────────────────────────────────────────────────────────────────────────────────

_FUNCTION_WORDS = listed(
    "a about actually afraid after again ago ah all already also always am an and another any anybody anymore anyone "
    "anything anyway are around as ask asked asking at away back bad be because been before being best better both but by "
    "bye call called calling came can card check come could daughter day dear did do does doing done dont down each "
    "either else enough even ever every everything far few find fine first for forget forgot forgotten from fun get "
    "getting give given go god gosh going gonna good goodbye got great had happened happening hard has hate have he heck "
    "hello help helps her here hers hey hi him his hold honestly hope how i idea if in into is it just keep kind knew "
    "know last later least let like live long look looking lost lot lots love luck made make many matter may maybe me "
    "mean memory might mine minute moment money more most much must my myself name named names need never new nice no "
    "none nope not nothing now number of off oh ok okay old on once one only or other our out over own pardon password "
    "people perhaps please probably put question questions quite ready really recall remember report right said same say "
    "saying secret security see seem send sense she should since sir so some somebody someone something sometimes soon "
    "sorry still stop stuff stupid sure take talk talking tell than thank thanks that the their them then there these "
    "they thing things think thinking this those though thought through time to today together told too tough tried try "
    "trying two u under unfortunately until up us use used very wait want wanted was way we well were what whatever when "
    "where which while who whole whom whose why will wish with without woman wont work worry would wow wrong yeah year "
    "years yep yes yet yo you your yours account pin date birth birthday maiden pet pets childhood balance bank fraud "
    "information details son grandson husband wife mom mother mothers father dad doctor morning afternoon evening night "
    "problem hungry happy crazy okey huh lol haha hahaha omg ugh hmm um uh damn darn shoot geez jeez whoops oops help "
    "either neither hmmm ma'am maam course certainly absolutely definitely cannot able unable not answer answers silly "
    "dog dogs cat cats animal animals fish bird goldfish hamster puppy kitten mommy mama mum mommies president poor crap "
    "perfect awesome excellent whoa woah weird nevermind seriously friend rude guess remembered urgent excited cool "
    "exactly correct wonderful amazing lovely terrible awful ridiculous skip next confused tired interesting whats instead relation "
    "shit fuck hell idiot dumb transfer transfers transferred stole stolen stealing someones "
    "que no se si lo la el un una mi es por para como gracias hola claro olvide recuerdo "
    "من را که این آن نه بله چرا نمیدانم یادم نیست سلام"
)
_INTERJECTIONS = listed(
    "sure yes yeah yep yup ok okay of course hi hello hey well oh ah um uh please thanks certainly absolutely alright right "
    "so and it is its this that my name full i am was were been the think believe just actually here ha haha hmm hmmm "
    "no problem sorry thank you easy wait now got remember um yea sir maam ma'am dear poor sweet little old good "
    "si claro soy me llamo بله سلام خب من هستم ام"
)
_REFUSALS = re.compile(
    r"\b(?:forg[eo]t(?:ten|ting)?|(?:do|did|can|could|will|would)(?:es)?\s?n['o]?t|dont|cant|wont|cannot|no idea|not sure|unsure"
    r"|no clue|don'?t have|rather not|never (?:had|knew|told)|none of your|personal|comfortable|why|what for|who are|strangers?)\b"
    r"|忘|不知道|不记得|不清楚|想不起|为什么|نمی|یادم|فراموش|چرا|olvid|no (?:lo )?(?:sé|se|recuerdo|tengo)|por qué",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[.;!?\n:…。！？；؟]|,\s|，|、|،| - | – |--|\(|\)")
_COPULAS = listed("is was are were be been am s named called name es era fue se llama llamaba است بود 是 叫")
_HEDGES = listed(
    "probably maybe perhaps just i think it believe guess of course um uh well would be actually the a an my her his "
    "him she he was is called named spelled still either definitely simply"
)
def _by_first_word(*leads: tuple[str, ...]) -> dict[str, list[tuple[str, ...]]]:
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for lead in leads:
        by_first.setdefault(lead[0], []).append(lead[1:])
    return by_first


_NAME_LEADS = _by_first_word(
    ("full", "name", "is"),
    ("my", "name", "is"),
    ("my", "names"),
    ("names",),
    ("name", "is"),
    ("name",),
    ("call", "me"),
    ("me", "llamo"),
    ("mi", "nombre", "es"),
    ("nombre", "es"),
    ("je", "mappelle"),
    ("ich", "heisse"),
    ("mein", "name", "ist"),
    ("اسمم",),
    ("اسم", "من"),
    ("نام", "من"),
    ("名", "字", "是"),
    ("名", "字", "叫"),
    ("我", "叫"),
    ("姓", "名"),
)
_WEAK_LEADS = _by_first_word(
    ("i", "am"),
    ("this", "is"),
    ("it", "is"),
    ("soy",),
    ("من",),
    ("我", "是"),
    ("here", "is"),
)


def refuses(text: str) -> bool:
    """Whether the words decline, forget or question the question instead of answering it."""
    return _REFUSALS.search(flat(text)) is not None


class _Run(NamedTuple):
    first: int
    last: int  # inclusive
    capital: bool


def _is_capital(text: str, word: Word) -> bool:
    return text[word.start : word.start + 1].isupper()


def _may_be_name(word: Word) -> bool:
    key = word.key
    return bool(key) and key.isalpha() and key not in _FUNCTION_WORDS and not is_negator(key)


def _name_run(said: list[Word], text: str, first: int) -> _Run | None:
    """The longest run of words from `first` that may all belong to one personal name."""
    last = first - 1
    han = first < len(said) and SPACELESS.match(said[first].key) is not None
    limit = 4 if han else 5
    while last + 1 < len(said) and last + 1 - first < limit and _may_be_name(said[last + 1]):
        if last >= first and _CLAUSE_END.search(text[said[last].end : said[last + 1].start]):
            break
        last += 1
    if last < first:
        return None
    return _Run(first, last, all(_is_capital(text, said[i]) for i in range(first, last + 1)))


def names(said: list[Word], text: str, *, asked: bool, replying: bool = False, least: int = 1) -> list[Spot]:
    """Places where the speaker gives a personal name of at least `least` words.

    After "my name is" any word that is not an everyday word will do; after "I am" or "this is" it takes capitals or
    a clause of its own in a direct reply (`replying`); without any lead-in it must answer a question (`asked`).
    """
    found: list[Spot] = []
    for at in range(len(said)):
        strong = _lead_length(said, at, _NAME_LEADS)
        weak = 0 if strong else _lead_length(said, at, _WEAK_LEADS)
        if not (strong or weak):
            continue
        run = _name_run(said, text, _skip(said, at + (strong or weak), _COPULAS | {"actually", "still"}))
        if run is None or not _enough(said, run, least):
            continue
        if breaks_clause(text[said[at].end : said[run.first].start].replace(":", " ")):
            continue
        half = _is_capital(text, said[run.first]) or replying
        if strong or run.capital or (half and _closes(said, text, run) and 1 <= run.last - run.first <= 3):
            found.append(_spot(said, run, lead=2))
    if asked and not found:
        found = _answering_names(said, text, least)
    if replying and not found:
        found = _closing_names(said, text)
    return found


def _closing_names(said: list[Word], text: str) -> list[Spot]:
    """ "… this your girl Sarah Brown.": two or three capitals that end a clause of the reply."""
    at = 0
    while at < len(said):
        last = at
        while last < len(said) and _may_be_name(said[last]) and _is_capital(text, said[last]):
            last += 1
        run = _Run(at, last - 1, capital=True)
        place = at and said[at - 1].key in ("at", "with", "from", "the", "in", "to", "of")
        if 2 <= last - at <= 3 and not place and _closes(said, text, run):
            return [_spot(said, run, lead=1)]
        at = max(last, at + 1)
    return []


def _answering_names(said: list[Word], text: str, least: int) -> list[Spot]:
    for at in _clause_starts(said, text):
        start = _skip(said, at, _INTERJECTIONS)
        run = _name_run(said, text, start)
        if run is None:
            continue
        run = _capital_part(said, text, run)
        if _enough(said, run, least) and ((run.capital and run.last > run.first) or _closes(said, text, run)):
            clause = text[said[at].start : _clause_stop(text, said[run.last].end)]
            if "?" not in clause and not refuses(text[said[at].start : said[run.first].start]):
                return [_spot(said, run, lead=1 if run.capital else 0)]
    return []


def _capital_part(said: list[Word], text: str, run: _Run) -> _Run:
    """ "Jane Doe pin 9431": where a run begins with two capitals, the name ends with them."""
    last = run.first - 1
    while last + 1 <= run.last and _is_capital(text, said[last + 1]):
        last += 1
    return _Run(run.first, last, capital=True) if last > run.first else run


def _lead_length(said: list[Word], at: int, leads: dict[str, list[tuple[str, ...]]]) -> int:
    """How many words the lead-in takes that begins here; 0: none does."""
    for rest in leads.get(said[at].key, ()):
        following = said[at + 1 : at + 1 + len(rest)]
        if len(following) == len(rest) and all(word.key == key for word, key in zip(following, rest, strict=True)):
            return len(rest) + 1
    return 0


def _skip(said: list[Word], at: int, over: frozenset[str] | set[str]) -> int:
    while at < len(said) and said[at].key in over:
        at += 1
    return at


def _enough(said: list[Word], run: _Run, least: int) -> bool:
    size = run.last - run.first + 1
    return size >= least or (SPACELESS.match(said[run.first].key) is not None and size >= 2)


def _closes(said: list[Word], text: str, run: _Run) -> bool:
    """Whether the run ends its clause, or is followed by what may follow a value."""
    if run.last + 1 == len(said):
        return True
    following = said[run.last + 1]
    gap = text[said[run.last].end : following.start]
    return (
        bool(_CLAUSE_END.search(gap + " "))
        or following.key
        in (
            "and",
            "with",
            "here",
            "but",
            "like",
            "of",
            "is",
            "was",
            "i",
            "she",
            "he",
            "my",
            "can",
            "could",
            "would",
            "please",
            "هستم",
            "است",
            "",
        )
        or following.key[0].isdigit()
    )


def _spot(said: list[Word], run: _Run, *, lead: int) -> Spot:
    return Spot(said[run.first].start, said[run.last].end, lead=lead)


def _clause_starts(said: list[Word], text: str) -> list[int]:
    return [
        at
        for at in range(len(said))
        if said[at].key
        and (at == 0 or not said[at - 1].key or _CLAUSE_END.search(text[said[at - 1].end : said[at].start]))
    ]


def _clause_stop(text: str, at: int) -> int:
    match = _CLAUSE_END.search(text, at)
    return match.end() if match else len(text)


def short_answers(said: list[Word], text: str) -> list[Spot]:
    """Words that answer a question about a name or a word: "It was Miller, rest her soul", "Nemo!", "Its Poppy".

    Clauses that refuse, ask back or only chat give none.
    """
    found: list[Spot] = []
    small = _small_letters_will_do(said, text)
    starts = sorted({*_clause_starts(said, text), *(at for at, word in enumerate(said) if word.key == "and")})
    for number, first in enumerate(starts):
        last = (starts[number + 1] if number + 1 < len(starts) else len(said)) - 1
        while last > first and not said[last].key:
            last -= 1
        clause_end = _clause_stop(text, said[last].end)
        clause = text[said[first].start : clause_end]
        asks = "?" in clause and (last - first > 1 or said[first].key in _FUNCTION_WORDS)
        if asks or refuses(clause):
            continue
        spot = _short_answer(said, text, first, last)
        if spot is not None and (small or spot.lead == 2 or not text[spot.start].islower()):
            found.append(spot)
    return found


def _small_letters_will_do(said: list[Word], text: str) -> bool:
    """Whether a name in small letters is to be expected: in a reply of few words, or from who writes no capitals."""
    return len(said) <= 5 or text.lower() == text


def _short_answer(said: list[Word], text: str, first: int, last: int) -> Spot | None:
    named = _after_copula(said, text, first, last)
    if named is not None:
        return named
    start = _skip(said, first, _INTERJECTIONS)
    opening = {word.key for word in said[first:start]}
    if start > last or ("am" in opening and not opening & {"think", "believe", "sure"}):
        return None  # "I'm confused" speaks of the speaker
    run = _name_run(said, text, start)
    if run is None:
        return None
    size = run.last - run.first + 1
    if SPACELESS.match(said[run.first].key) is not None:
        return _spot(said, run, lead=0) if run.last >= last - 1 else None
    if run.last >= last and size <= 3:
        return _spot(said, run, lead=0)
    if size > 3:
        return None
    following = [word.key for word in said[run.last + 1 : last + 1]]
    if (
        following[0]
        in (
            "maybe",
            "probably",
            "perhaps",
            "possibly",
            "like",
            "as",
            "with",
            "rip",
            "no",
            "though",
            "but",
            "and",
            "of",
            "the",
            "here",
            "a",
        )
        or (following[0] in ("he", "she", "i", "my") and run.capital)
        or (
            following[0] in ("is", "was", "es", "era")
            and following[1:2]
            and following[1] in ("my", "his", "her", "its", "the", "mi", "our")
        )
    ):
        return _spot(said, run, lead=0)
    return None


def _after_copula(said: list[Word], text: str, first: int, last: int) -> Spot | None:
    """The value behind "her name is", "it was", "named", "called" within the clause."""
    for at in range(first, last + 1):
        if said[at].key not in _COPULAS:
            continue
        before = said[at - 1].key if at > first else ""
        opens = said[at].key in ("named", "called", "llamaba", "llama", "叫", "是") or before in (
            "it", "name", "she", "he", "that", "names", "pet", "dog", "cat", "lo", "nombre", "this", "one",
        )  # fmt: skip
        if not opens:
            continue
        start = _skip(said, at + 1, _HEDGES | {"him", "it"})
        if start > last:
            continue
        run = _name_run(said, text, start)
        if (
            run is not None
            and run.last - run.first <= 2
            and (run.last >= last or _is_capital(text, said[run.first]) or _closes(said, text, run))
        ):
            named = said[at].key in ("named", "called") or before in ("name", "names")
            return _spot(said, run, lead=2 if named else 1)
    return None


def value_after(said: list[Word], text: str, marker_last: int) -> Spot | None:
    """The word value that follows a marker such as "maiden name": "… is Cooper", "…: Wong", "… was, I think, Molly"."""
    at = marker_last + 1
    stop = min(len(said), marker_last + 8)
    copula = False
    small = _small_letters_will_do(said, text)
    while at < stop:
        word = said[at]
        if not word.key:
            return None
        if re.search(r"[.;!?\n]", text[said[at - 1].end : word.start]) and word.key not in (
            "it",
            "that",
            "his",
            "her",
            "he",
            "she",
        ):
            return None
        if word.key in _COPULAS or word.key in ("named", "called"):
            copula = True
        elif word.key in _HEDGES or word.key in ("for", "s", "as", "name", "was", "were", "which", "that", "answer"):
            pass
        elif _may_be_name(word) or (_is_capital(text, word) and not text[word.start : word.end].isupper()):
            run = _name_run(said, text, at) or _Run(at, at, capital=True)
            adjacent = not text[said[marker_last].end : word.start].strip(" ,:;-–—=#'\"“(")
            pronoun = any(w.key in ("he", "she") for w in said[marker_last + 1 : at])
            if _is_capital(text, word) or (copula and (small or not pronoun)) or (adjacent and small):
                last = run.last if run.capital or run.last == run.first else run.first
                return Spot(word.start, said[last].end, lead=2)
            # "a pet goldfish named Poppy": the kind of animal stands between
            at += 1
            continue
        else:
            return None
        at += 1
    return None


_POSSESSIVES = listed(
    "my mine her his the our of mi mother mothers mom moms mommys mommies mama mamas mum mums moms childhood first old "
    "family beloved favorite favourite dear"
)


def value_before(said: list[Word], text: str, marker_first: int) -> Spot | None:
    """The word value that is said to be the marker's: "Nemo is my childhood pet", "Wong is mama's maiden name"."""
    for at in range(marker_first - 1, max(-1, marker_first - 5), -1):
        if re.search(r"[.;!?\n]", text[said[at].end : said[at + 1].start]):
            return None
        if said[at].key not in ("is", "was", "es", "era") and said[at].key not in _POSSESSIVES:
            return None
        if said[at].key in ("is", "was", "es", "era") and at and _may_be_name(said[at - 1]):
            return Spot(said[at - 1].start, said[at - 1].end, lead=2)
    return None
