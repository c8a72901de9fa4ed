"""OpenAI's `diarized_json`: segments with speakers, seconds. `verbose_json` has no speakers and is refused."""

from __future__ import annotations

from service.errors import RolesUnknown
from service.ingest.document import Document
from service.ingest.fields import label_at, obj, objects_at, seconds_at, text_at, words_of
from service.ingest.reading import Context, Line, Reading


def recognises(document: Document) -> bool:
    """`segments` beside `task`, or with the marks of either shape inside them."""
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get("segments"), list):
        return False
    inside = [segment for segment in value["segments"] if isinstance(segment, dict)]
    return "task" in value or any(
        segment.get("type") == "transcript.text.segment" or "no_speech_prob" in segment for segment in inside
    )


def read(document: Document, context: Context) -> Reading:
    """One line per segment."""
    del context
    payload = obj(document.value, "conversation")
    lines = tuple(
        Line(
            label_at(segment, "speaker", place) or "",
            words_of(segment, "text", place),
            seconds_at(segment, "start", place),
            seconds_at(segment, "end", place),
        )
        for place, segment in objects_at(payload, "segments")
    )
    if not lines or not all(line.label for line in lines):
        raise RolesUnknown(
            "the transcript does not say who speaks (verbose_json has no speakers).",
            field="segments",
            fix="Transcribe with a diarising model and response_format=diarized_json.",
        )
    return Reading(
        lines=lines,
        channel="voice",
        language=text_at(payload, "language") if len(text_at(payload, "language") or "") in (2, 5) else None,
        metadata={"duration_seconds": seconds_at(payload, "duration")},
        told_apart_by_machine=True,
    )
