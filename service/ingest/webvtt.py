"""WebVTT with voice spans (https://www.w3.org/TR/webvtt1/), and with "Name: text" cues as meeting tools write them.

One turn per voice span. The text is the cue's payload with its tags removed and its character references decoded, as
the specification says; line breaks inside a cue stay as they are in the file. Cue times are offsets already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from service.errors import ConversationRejected, RolesUnknown
from service.ingest.document import Document, decode
from service.ingest.html_text import unescaped
from service.ingest.reading import Context, Line, Reading
from service.ingest.roles import FIX

_LINE: Final = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|$)")
_STAMP = r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d\.\d{3})"
_TIMING: Final = re.compile(rf"[ \t]*{_STAMP}[ \t]*-->[ \t]*{_STAMP}(?:[ \t][^\r\n]*)?", re.ASCII)
_TAG: Final = re.compile(r"<(/?)([a-zA-Z]*)((?:\.[^\s<>.]+)*)(?:[ \t\r\n]+([^<>]*))?>|<[\d:.]+>")
_PREFIX: Final = re.compile(r"(?P<label>[^\s:：<>][^\r\n:：<>]{0,59})[:：][ \t]+")


def recognises(document: Document) -> bool:
    """Text whose first line is WEBVTT."""
    return document.text is not None and bool(re.match(r"WEBVTT(?:[ \t][^\r\n]*)?(?:[\r\n]|$)", document.text))


def read(document: Document, context: Context) -> Reading:
    """The cues' voices in order."""
    del context
    return read_text(document.text if document.text is not None else decode(document.data))


def read_text(text: str) -> Reading:
    """The same from text, as containers carry it."""
    cues = list(_cues(text))
    lines = tuple(line for start, end, payload in cues for line in _voices(payload, start, end))
    if not cues:
        raise ConversationRejected("the WebVTT has no cues.", field="body", fix="Send the complete file.")
    if not any(line.label for line in lines):
        lines = tuple(_prefixed(line) for line in lines)
    if nameless := sum(not line.label for line in lines):
        raise RolesUnknown(
            f"{nameless} of {len(lines)} cues do not say who speaks.",
            field="body",
            fix=f"Export with voice spans: “<v Agent>Hello”. {FIX}",
        )
    return Reading(lines=lines, channel="voice", told_apart_by_machine=True)


def _cues(text: str) -> Iterator[tuple[float, float, str]]:
    """Start, end and payload of every cue: a timing line, and what follows it up to an empty line."""
    lines = [(found.start(1), found.end(1)) for found in _LINE.finditer(text)]
    index, block = 0, ""
    while index < len(lines):
        line = text[slice(*lines[index])]
        number, index = index + 1, index + 1
        block = "" if not line else block or line
        if "-->" not in line or block.startswith("NOTE"):
            continue
        timing = _TIMING.fullmatch(line)
        if timing is None:
            raise ConversationRejected(
                "a cue's times cannot be read.",
                field=f"line {number}",
                fix="Write times as 00:01:05.250 --> 00:01:07.000.",
            )
        first = index
        while index < len(lines) and lines[index][0] < lines[index][1] and "-->" not in text[slice(*lines[index])]:
            index += 1
        payload = text[lines[first][0] : lines[index - 1][1]] if index > first else ""
        yield _time(*timing.groups()[:3]), _time(*timing.groups()[3:]), payload


def _time(hours: str | None, minutes: str, seconds: str) -> float:
    return round(int((hours or "0")[:6]) * 3600 + int(minutes) * 60 + float(seconds), 3)


def _voices(payload: str, start: float, end: float) -> Iterator[Line]:
    """Each voice span of a cue as a line; text outside of any belongs to the nameless voice."""
    label, written, words = "", 0, ""
    pieces: list[tuple[str, str]] = []
    for tag in _TAG.finditer(payload):
        words += unescaped(payload[written : tag.start()])
        written = tag.end()
        if tag[2] == "v":
            pieces.append((label, words))
            label, words = ("" if tag[1] else unescaped(tag[4] or "").strip()), ""
    pieces.append((label, words + unescaped(payload[written:])))
    for voice, said in pieces:
        if said.strip():
            yield Line(voice, said, start, end)


def _prefixed(line: Line) -> Line:
    found = _PREFIX.match(line.text)
    return Line(found["label"].strip(), line.text[found.end() :], line.start, line.end) if found else line
