"""AssemblyAI transcripts: `utterances` with speakers `A`, `B` (or channels), times in whole milliseconds."""

from __future__ import annotations

from service.errors import ConversationRejected, RolesUnknown
from service.ingest.document import Document
from service.ingest.fields import label_at, obj, objects_at, seconds_at, text_at, words_of
from service.ingest.reading import Context, Line, Reading


def recognises(document: Document) -> bool:
    """`utterances` at the top, or a `status` beside `text` and `words`."""
    value = document.value
    if not isinstance(value, dict) or "results" in value or "segments" in value:
        return False
    return (
        "utterances" in value
        or ("status" in value and "words" in value and "text" in value)
        or (value.get("status") == "error" and "audio_url" in value)
    )


def read(document: Document, context: Context) -> Reading:
    """One line per utterance."""
    del context
    payload = obj(document.value, "conversation")
    if (status := text_at(payload, "status")) not in (None, "completed"):
        raise ConversationRejected(
            "the transcription is not complete." if status != "error" else "the transcription failed.",
            field="status",
            fix="Send the transcript when its status is completed.",
        )
    lines = tuple(
        Line(
            label_at(said, "speaker", place) or label_at(said, "channel", place) or "",
            words_of(said, "text", place),
            seconds_at(said, "start", place, per_second=1000),
            seconds_at(said, "end", place, per_second=1000),
        )
        for place, said in objects_at(payload, "utterances")
    )
    if not lines or not all(line.label for line in lines):
        raise RolesUnknown(
            "the transcript does not say who speaks.",
            field="utterances",
            fix="Transcribe with speaker_labels=true, or with multichannel=true.",
        )
    return Reading(
        lines=lines,
        id=label_at(payload, "id"),
        channel="voice",
        language=text_at(payload, "language_code") or None,
        metadata={"duration_seconds": seconds_at(payload, "audio_duration")},
        told_apart_by_machine=True,
    )
