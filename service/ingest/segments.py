"""A bare list of segments, each with its speaker, text and times.

`[{"speaker_role": "agent", "start_ms": 1690, "duration_ms": 4980, "human_transcript": "…", "transcript": "…"}]`

The speaker is `speaker_role`, `role`, `speaker` or `participant`; the text is `human_transcript` (what a person
heard), else `transcript`, else `text`. Times as `start_ms` with `end_ms` or `duration_ms`, or `start` with `end` or
`duration` in seconds.
"""

from __future__ import annotations

from typing import Final

from service.errors import ConversationRejected, RolesUnknown
from service.ingest.document import Document
from service.ingest.fields import Object, label_at, objects_at, seconds_at, text_at, wrong
from service.ingest.reading import Context, Line, Reading
from service.ingest.roles import FIX

_SPEAKERS: Final = ("speaker_role", "role", "speaker", "participant")
_TEXTS: Final = ("human_transcript", "transcript", "text")


def recognises(document: Document) -> bool:
    """A list of objects of which the first has a text (and is not a conversation of its own)."""
    value = document.value
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], dict)
        and any(isinstance(value[0].get(key), str) for key in _TEXTS)
    )


def read(document: Document, context: Context) -> Reading:
    """One line per segment, in the order of the list."""
    del context
    if not isinstance(document.value, list):
        raise wrong("conversation", "a list", document.value)
    segments = list(objects_at({"segments": document.value}, "segments"))
    lines = tuple(_line(segment, place) for place, segment in segments)
    if not lines:
        raise ConversationRejected("the list is empty.", field="segments", fix="Send at least one segment.")
    if not all(line.label for line in lines):
        raise RolesUnknown("some segments do not say who speaks.", field="segments", fix=FIX)
    human = any("human_transcript" in segment for _, segment in segments)
    return Reading(
        lines=lines,
        notes=("Texts come from human_transcript where it is present.",) if human else (),
        channel="voice" if any("start_ms" in segment for _, segment in segments) else None,
    )


def _line(segment: Object, place: str) -> Line:
    label = next((found for key in _SPEAKERS if (found := label_at(segment, key, place))), "")
    text = next((found for key in _TEXTS if (found := text_at(segment, key, place)) is not None), None)
    if text is None:
        raise wrong(f"{place}.text", "text", None)
    start = _seconds(segment, "start", place)
    end = _seconds(segment, "end", place)
    lasting = _seconds(segment, "duration", place)
    if end is None and start is not None and lasting is not None:
        end = round(start + lasting, 6)
    return Line(label, text, start, end)


def _seconds(segment: Object, key: str, place: str) -> float | None:
    if segment.get(f"{key}_ms") is not None:
        return seconds_at(segment, f"{key}_ms", place, per_second=1000)
    return seconds_at(segment, key, place)
