"""Names and short answers: words that a speaker gives as a value.

Comes in: the words of one turn and its text. Goes out: the places where a personal name or a word that answers a
question stands. A refusal ("I forgot it"), a question back or mere chatter is never taken for a value. This module
knows nothing of rubrics; which question a value answers is `service.attribution`'s to decide.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from service.negation import breaks_clause, is_negator
from service.phrasebook import one_slip_apart
from service.spoken_words import SPACELESS, Word, flat, listed
from service.supplied import NUMERALS, Spot

_FUNCTION_WORDS = listed(
    "a about actually afraid after again ago ah all already also always am an and another any anybody anymore "
    "anyone anything anyway are around as ask asked asking at away back bad be because been before being best "
    "better both but by bye call called calling came can card check come could daughter day dear did do does "
    "doing done dont down each either else enough even ever every everything far few find fine first for forget "
    "forgot forgotten from fun get getting give given go god gosh going gonna good goodbye got great had happened "
    "happening hard has hate have he heck hello help helps her here hers hey hi him his hold honestly hope how i "
    "idea if in into is it just keep kind knew know last later least let like live long look looking lost lot "
    "lots love luck made make many matter may maybe me mean memory might mine minute moment money more most much "
    "must my myself name named names need never new nice no none nope not nothing now number of off oh ok okay "
    "old on once one only or other our out over own pardon password people perhaps please probably put question "
    "questions quite ready really recall remember report right said same say saying secret security see seem send "
    "sense she should since sir so some somebody someone something sometimes soon sorry still stop stuff stupid "
    "sure take talk talking tell than thank thanks that the their them then there these they thing things think "
    "thinking this those though thought through time to today together told too tough tried try trying two u "
    "under unfortunately until up us use used very wait want wanted was way we well were what whatever when where "
    "which while who whole whom whose why will wish with without woman wont work worry would wow wrong yeah year "
    "years yep yes yet yo you your yours account pin date birth birthday maiden pet pets childhood balance bank "
    "fraud information details son grandson husband wife mom mother mothers father dad doctor morning afternoon "
    "evening night problem hungry happy crazy okey huh lol haha hahaha omg ugh hmm um uh damn darn shoot geez "
    "jeez whoops oops neither hmmm ma'am maam course certainly absolutely definitely cannot able unable answer "
    "answers silly dog dogs cat cats animal animals fish bird goldfish hamster puppy kitten mommy mama mum "
    "mommies president poor crap perfect awesome excellent whoa woah weird nevermind seriously friend rude guess "
    "remembered urgent excited cool exactly correct wonderful amazing lovely terrible awful ridiculous skip next "
    "confused tired interesting whats instead relation debit credit cash atm bill branch mad upset angry annoyed "
    "monday tuesday wednesday thursday friday saturday sunday tomorrow yesterday tonight "
    "missing gone shit fuck hell idiot dumb transfer transfers transferred stole stolen stealing someones que se "
    "si lo la el un una mi es por para como gracias hola claro olvide recuerdo من را که این آن نه بله چرا نمیدانم "
    "یادم نیست سلام"
)
_INTERJECTIONS = listed(
    "sure yes yeah yep yup ok okay of course hi hello hey well oh ah um uh please thanks certainly absolutely "
    "alright right so and it is its this that my name full i am was were been the think believe just actually "
    "here ha haha hmm hmmm no problem sorry thank you easy wait now got remember yea sir maam ma'am dear poor "
    "sweet little old good si claro soy me llamo بله سلام خب من هستم ام"
)
_REFUSALS = re.compile(
    r"\b(?:forg[eo]t(?:ten|ting)?|(?:do|did|can|could|will|would)(?:es)?\s?n['o]?t|dont|cant|wont|cannot|no idea"
    r"|not sure|unsure|no clue|don'?t have|rather not|never (?:had|knew|told)|none of your|personal|comfortable|why"
    r"|what for|who are|strangers?)\b"
    r"|忘|不知道|不记得|不清楚|想不起|为什么|نمی|یادم|فراموش|چرا|olvid|no (?:lo )?(?:sé|se|recuerdo|tengo)|por qué",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[.;!?\n:…。！？；؟]|,\s|，|、|،| - | – |--|\(|\)")
_COPULAS = listed("is was are were be been am s named called name es era fue se llama llamaba است بود 是 叫")
_HEDGES = listed(
    "probably maybe perhaps just i think it believe guess of course um uh well would be actually the a an my her "
    "his him she he was is called named spelled still either definitely simply"
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
    return bool(key) and key.isalpha() and key not in _FUNCTION_WORDS and key not in NUMERALS and not is_negator(key)


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
        half = _is_capital(text, said[run.first]) or replying or _plain_pair(said, text, run)
        if strong or run.capital or (half and _closes(said, text, run) and 1 <= run.last - run.first <= 3):
            found.append(_spot(said, run, lead=2))
    if asked and not found:
        found = _answering_names(said, text, least)
    if replying and not found:
        found = _closing_names(said, text)
    return found


_NO_NAME_ENDING = re.compile(r"(?:ing|ed|ly)$")


def _plain_pair(said: list[Word], text: str, run: _Run) -> bool:
    """Whether these are two words that look like no verb, from who writes no capitals: "hi i am sarah brown"."""
    small = run.last - run.first == 1 and text.lower() == text
    return small and not any(_NO_NAME_ENDING.search(word.key) for word in said[run.first : run.last + 1])


def _closing_names(said: list[Word], text: str) -> list[Spot]:
    """Two or three capitals that end a clause of the reply: "… this your girl Sarah Brown."."""
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
    """The name ends with its capitals where it begins with two of them: "Jane Doe pin 9431"."""
    last = run.first - 1
    while last + 1 <= run.last and _is_capital(text, said[last + 1]):
        last += 1
    return _Run(run.first, last, capital=True) if last > run.first else run


def _lead_length(said: list[Word], at: int, leads: dict[str, list[tuple[str, ...]]]) -> int:
    """How many words the lead-in takes that begins here; 0: none does."""
    for rest in leads.get(said[at].key, ()):
        following = said[at + 1 : at + 1 + len(rest)]
        if len(following) == len(rest) and all(
            word.key == key or (key == "name" and len(word.key) > 4 and one_slip_apart(word.key, key))
            for word, key in zip(following, rest, strict=True)
        ):
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
            "account",
            "acct",
            "pin",
            "dob",
            "date",
            "born",
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
        or following.key in NUMERALS
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
        or (following[0] in ("he", "she", "i", "my") and (run.capital or text.lower() == text))
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
            if not _is_capital(text, word) and _named_next(said, text, run.last):
                pass  # "my pet was a turtle, Gregory": the name follows its kind
            elif _is_capital(text, word) or (copula and (small or not pronoun)) or (adjacent and small):
                last = run.last if run.capital or run.last == run.first else run.first
                return Spot(word.start, said[last].end, lead=2)
            # "a pet goldfish named Poppy": the kind of animal stands between
            at += 1
            continue
        else:
            return None
        at += 1
    return None


def _named_next(said: list[Word], text: str, last: int) -> bool:
    following = said[last + 1] if last + 1 < len(said) else None
    return (
        following is not None
        and text[said[last].end : following.start].strip() in (",", "")
        and _is_capital(text, following)
        and _may_be_name(following)
    )


_POSSESSIVES = listed(
    "my mine her his the our of mi mother mothers mom moms mommys mommies mama mamas mum mums childhood first old "
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
