"""WebVTT with voice spans (https://www.w3.org/TR/webvtt1/), and with "Name: text" cues as meeting tools write them.

One turn per voice span. The text is the cue's payload with its tags removed and its character references decoded, as
the specification says; line breaks inside a cue stay as they are in the file. Cue times are offsets already.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from service.errors import ConversationRejected, RolesUnknown
from service.ingest.document import Document, decode
from service.ingest.reading import Context, Line, Reading
from service.ingest.roles import FIX

_BLOCKS: Final = re.compile(r"(?:\r\n|\r|\n)[ \t]*(?:(?:\r\n|\r|\n)[ \t]*)+")
_STAMP = r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d\.\d{3})"
_TIMING: Final = re.compile(rf"[ \t]*{_STAMP}[ \t]*-->[ \t]*{_STAMP}(?:[ \t][^\r\n]*)?", re.ASCII)
_BREAK: Final = re.compile(r"\r\n|\r|\n")
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
    for index, block in enumerate(_BLOCKS.split(text)):
        lines = _BREAK.split(block, maxsplit=2)
        # The timing is the first line of a cue, or the second after an identifier; the header may stand before either.
        for skip in range(min(len(lines), 2 + (index == 0))):
            found = _TIMING.fullmatch(_BREAK.split(block, maxsplit=skip + 1)[skip])
            if found:
                rest = _BREAK.split(block, maxsplit=skip + 1)
                yield (
                    _time(*found.groups()[:3]),
                    _time(*found.groups()[3:]),
                    rest[skip + 1] if skip + 1 < len(rest) else "",
                )
                break
        else:
            if "-->" in block and not block.startswith(("NOTE", "STYLE", "REGION", "WEBVTT")):
                raise ConversationRejected(
                    "a cue's times cannot be read.",
                    field=f"block {index}",
                    fix="Write times as 00:01:05.250 --> 00:01:07.000.",
                )


def _time(hours: str | None, minutes: str, seconds: str) -> float:
    return round(int((hours or "0")[:6]) * 3600 + int(minutes) * 60 + float(seconds), 3)


def _voices(payload: str, start: float, end: float) -> Iterator[Line]:
    """Each voice span of a cue as a line; text outside of any belongs to the nameless voice."""
    label, written, words = "", 0, ""
    pieces: list[tuple[str, str]] = []
    for tag in _TAG.finditer(payload):
        words += html.unescape(payload[written : tag.start()])
        written = tag.end()
        if tag[2] == "v":
            pieces.append((label, words))
            label, words = ("" if tag[1] else html.unescape(tag[4] or "").strip()), ""
    pieces.append((label, words + html.unescape(payload[written:])))
    for voice, said in pieces:
        if said.strip():
            yield Line(voice, said, start, end)


def _prefixed(line: Line) -> Line:
    found = _PREFIX.match(line.text)
    return Line(found["label"].strip(), line.text[found.end() :], line.start, line.end) if found else line
