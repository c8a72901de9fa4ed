"""WhisperX results: `segments` in seconds with `speaker` after diarisation.

Segments keep their text as it is, the leading blank included. A segment to which diarisation gave no speaker is the
label `(no speaker)`, which the caller's role map may settle; otherwise the transcript is refused.
"""

from __future__ import annotations

from service.errors import RolesUnknown
from service.ingest.document import Document
from service.ingest.fields import label_at, obj, objects_at, seconds_at, text_at, words_of
from service.ingest.reading import Context, Line, Reading


def recognises(document: Document) -> bool:
    """`segments` with `word_segments` beside them, or with `speaker` or aligned `words` inside them."""
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get("segments"), list):
        return False
    if any(key in value for key in ("task", "usage", "results")):
        return False
    inside = [segment for segment in value["segments"] if isinstance(segment, dict)]
    return "word_segments" in value or any("speaker" in one or "words" in one or "start" in one for one in inside)


def read(document: Document, context: Context) -> Reading:
    """One line per segment."""
    del context
    payload = obj(document.value, "conversation")
    segments = list(objects_at(payload, "segments"))
    if not any(segment.get("speaker") is not None for _, segment in segments):
        raise RolesUnknown(
            "the transcript does not say who speaks.",
            field="segments",
            fix="Run the diarisation step (assign_word_speakers, or --diarize) before sending it.",
        )
    lines = tuple(
        Line(
            label_at(segment, "speaker", place) or "(no speaker)",
            words_of(segment, "text", place),
            seconds_at(segment, "start", place),
            seconds_at(segment, "end", place),
        )
        for place, segment in segments
    )
    return Reading(
        lines=lines, channel="voice", language=text_at(payload, "language") or None, told_apart_by_machine=True
    )
