"""Transcripts as people type and export them: `Agent: Hello`, one turn after the other, with or without times.

A turn begins at a line `LABEL: text`, optionally with a time before or after the label: `[00:01:05] Agent:`,
`00:05 - Agent:`, `Agent (12s):`, `[2025-03-02 10:15:00] Agent:`. Lines without a label belong to the turn before, so
text keeps its own line breaks. A text is the slice of the file from the character after the colon (and blanks after
it) to the last character before the line breaks that end the turn; nothing within it is changed.

What counts as a label, since "Address: 5 Main St" stands inside turns too: role words and labels of the caller's map
always; other labels only where they look like names, and, once both an agent and a customer are named by role words,
only when they occur twice. Where the first turn carries a time, lines with a time and labels that such lines bear
begin turns, and role words still do; other labels do not.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from service.errors import ConversationRejected
from service.ingest import times
from service.ingest.document import Document, decode
from service.ingest.reading import Context, Line, Reading
from service.ingest.role_words import role_word

_TIME = (
    r"(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\d{1,3}:\d\d(?::\d\d)?(?:[.,]\d{1,6})?(?:\s?[AaPp]\.?[Mm]\.?)?|\d{1,6}(?:\.\d{1,6})?\s?s(?:ec)?)"
)


def _range(group: str) -> str:
    return rf"(?P<{group}>{_TIME})(?:\s*(?:-->|->|-|–|—|to)\s*(?P<{group}_end>{_TIME}))?"


def _bracket(group: str) -> str:
    return rf"[\[(]\s*{_range(group)}\s*[\])]"


_BEGINNING: Final = re.compile(
    r"[ \t\u200e\u200f\u202a-\u202e\u2066-\u2069*]*"
    rf"(?:(?:{_bracket('a')}|{_range('b')})[ \t]*(?:[-–—|:][ \t]+)?)?"
    r"(?P<label>[^\s:：\[\]<>{}\"|][^\r\n:：\[\]<>{}\"|]{0,79}?)"
    rf"[ \t]*(?:{_bracket('c')})?[ \t\u200e\u200f]*\*{{0,2}}[:：]\*{{0,2}}(?![/\\])[ \t]*"
)
_TIMED_LABEL: Final = re.compile(rf"(?P<label>.+?)\s*[(\[]\s*(?P<time>{_TIME})\s*[)\]]\s*")
_HALF_DAY: Final = re.compile(r"\s?[AaPp]\.?[Mm]\.?$")
_HOUR: Final = 3600
_DAY: Final = 86_400
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")

_NOT_NAMES: Final = frozenset(
    (
        *("note", "notes", "address", "email", "e-mail", "phone", "tel", "telephone", "subject"),
        *("date", "time", "total", "order", "ref", "reference", "re", "fw", "fwd", "http", "https"),
        *("ps", "p.s", "warning", "error", "step", "example", "important", "update", "question"),
        *("answer", "q", "link", "url", "website", "hours", "price", "summary", "reason", "issue"),
        *("status", "case", "ticket", "account", "name", "id", "number", "transcript", "call"),
        *("duration"),
    )
)
"""First words of lines inside a turn that look like labels."""


@dataclass(frozen=True, slots=True)
class _Start:
    """A line that may begin a turn."""

    line: int
    begin: int
    body: int
    label: str
    start: str | None
    end: str | None


def recognises(document: Document) -> bool:
    """Text that is neither JSON nor a known text format and whose first line names a speaker."""
    text = document.text
    if text is None or text.lstrip()[:1] in ("{", "<") or not text.strip():
        return False
    first = re.match(r"\s*", text)
    return bool(_BEGINNING.match(text, first.end() if first else 0))


def read(document: Document, context: Context) -> Reading:
    """One turn per labelled line, with the lines that follow it."""
    text = document.text if document.text is not None else decode(document.data)
    starts = _turn_starts(text, context.roles)
    if not starts:
        raise ConversationRejected(
            "no line names a speaker.", field="body", fix="Begin each turn with its speaker, such as “Agent: …”."
        )
    if text[: starts[0].begin].strip():
        raise ConversationRejected(
            "the first line names no speaker.", field="line 1", fix="Begin each turn with its speaker: “Agent: …”."
        )
    offsets = _offsets(starts)
    lines = []
    for index, (start, (began, ended)) in enumerate(zip(starts, offsets.spans, strict=True)):
        stop = starts[index + 1].begin if index + 1 < len(starts) else len(text)
        words = text[start.body : stop]
        lines.append(Line(start.label, words[: len(words) - _trailing_breaks(words)], began, ended))
    notes = offsets.notes if context.channel is None else ()
    return Reading(lines=tuple(lines), channel="voice" if offsets.recorded else None, notes=notes)


def _turn_starts(text: str, roles: Mapping[str, object]) -> Sequence[_Start]:
    """The lines that begin turns, by the rules that the module's first lines tell."""
    candidates = tuple(_candidates(text))
    labels = Counter(start.label for start in candidates)
    mapped = {_compared(label) for label in roles}
    certain = {label for label in labels if role_word(label) or _compared(label) in mapped}
    if candidates and candidates[0].start is not None:
        certain |= {start.label for start in candidates if start.start is not None}
    else:
        stated = {role_word(label) for label in certain}
        both_sides = "customer" in stated and bool(stated & {"agent", "bot"})
        certain |= {
            label for label, count in labels.items() if _looks_like_a_name(label) and (count > 1 or not both_sides)
        }
    return [start for start in candidates if start.label in certain]


def _compared(label: str) -> str:
    return " ".join(label.casefold().split())


def _candidates(text: str) -> Iterator[_Start]:
    """Every line that has the shape of a turn's beginning."""
    for number, line in enumerate(_LINE.finditer(text), start=1):
        found = _BEGINNING.match(text, line.start(), line.end())
        if found is None:
            continue
        groups = found.groupdict()
        label = groups["label"].strip(" \t*").strip()
        start = groups["a"] or groups["b"] or groups["c"]
        end = groups["a_end"] or groups["b_end"] or groups["c_end"]
        if not start and (timed := _TIMED_LABEL.fullmatch(label)):
            label, start = timed["label"], timed["time"]
        if label:
            yield _Start(number, line.start(), found.end(), label, start, end)


def _looks_like_a_name(label: str) -> bool:
    """Up to four words, each with a capital, a digit or a letter without case in front, and no word for a field."""
    words = label.split()
    return (
        len(words) <= 4
        and words[0].casefold() not in _NOT_NAMES
        and all(word[0].isupper() or word[0].isdigit() or _caseless(word[0]) or word[0] in "(#" for word in words)
        and not label[0].isdigit()
    )


def _caseless(letter: str) -> bool:
    return letter.isalpha() and letter.lower() == letter.upper()


def _trailing_breaks(words: str) -> int:
    """How many characters of line breaks and blank lines end the turn; blanks on its last full line are its own."""
    kept = len(words)
    while True:
        cut = len(words[:kept].rstrip("\r\n"))
        if cut == kept:
            return len(words) - kept
        kept = cut
        line = max(words.rfind("\n", 0, kept), words.rfind("\r", 0, kept)) + 1
        if line and not words[line:kept].strip():
            kept = line


@dataclass(frozen=True, slots=True)
class _Offsets:
    """When each turn began and ended. `recorded`: the times count from the start of a recording."""

    spans: tuple[tuple[float | None, float | None], ...]
    recorded: bool
    notes: tuple[str, ...] = ()


def _offsets(starts: Sequence[_Start]) -> _Offsets:
    """The turns' times in seconds.

    `H:MM:SS` counts from the start of the recording, unless it carries AM or PM or the first one is an hour or more:
    then it is the time of day, and offsets count from the first turn. `MM:SS` is minutes and seconds.
    """
    spans = [(_seconds(start.start, start.line), _seconds(start.end, start.line)) for start in starts]
    first = next((began for began, _ in spans if began is not None), None)
    if first is None:
        return _Offsets(tuple(spans), recorded=False)
    if first >= times.EPOCH_FROM:
        return _Offsets(tuple(spans), recorded=False)
    if first < _HOUR and not any(start.start and _HALF_DAY.search(start.start) for start in starts):
        note = "The channel is not stated; taken as voice, because turns carry offsets from its start."
        return _Offsets(tuple(spans), recorded=True, notes=(note,))
    return _Offsets(tuple(_since_midnight(spans, first)), recorded=False)


def _since_midnight(
    spans: Sequence[tuple[float | None, float | None]], first: float
) -> Iterator[tuple[float | None, float | None]]:
    """Times of day as offsets from the first; a step back of half a day is midnight."""
    previous, days = first, 0

    def offset(time: float | None) -> float | None:
        nonlocal previous, days
        if time is None:
            return None
        if time < previous - _DAY / 2:
            days += 1
        previous = time
        return max(0.0, time + days * _DAY - first)

    for began, ended in spans:
        yield offset(began), offset(ended)


def _seconds(time: str | None, line: int) -> float | None:
    if time is None:
        return None
    # Persian and Arabic digits are digits.
    time = "".join(str(unicodedata.decimal(letter, letter)) for letter in time)
    if time.rstrip("sec ").replace(".", "").isdecimal():
        return float(time.rstrip("sec "))
    half = _HALF_DAY.search(time)
    clock = time[: half.start()].strip() if half else time
    offset = times.clock_seconds(f"{clock}:00" if half and clock.count(":") == 1 else clock)
    if offset is not None and half:
        return offset % (_DAY / 2) + (_DAY / 2 if half[0].strip()[0] in "pP" else 0)
    if offset is not None:
        return offset
    found = times.moment(time, f"line {line}")
    return found.timestamp() if found else None
