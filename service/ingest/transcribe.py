"""Amazon Transcribe call analytics: `Transcript` entries that carry their `ParticipantRole`.

https://docs.aws.amazon.com/transcribe/latest/dg/tca-output-job.html
"""

from __future__ import annotations

from service.ingest import amazon
from service.ingest.document import Document
from service.ingest.fields import label_at, obj, objects_at, text_at
from service.ingest.reading import Context, Reading


def recognises(document: Document) -> bool:
    """`Transcript` is a list, with a `JobName` or with entries that state only roles."""
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get("Transcript"), list):
        return False
    return "JobName" in value or any(
        isinstance(entry, dict) and "ParticipantRole" in entry and "ParticipantId" not in entry
        for entry in value["Transcript"]
    )


def read(document: Document, context: Context) -> Reading:
    """The transcript; offsets in milliseconds become seconds."""
    del context
    payload = obj(document.value, "conversation")
    amazon.refuse_failed(payload)
    entries = list(objects_at(payload, "Transcript"))
    return Reading(
        lines=tuple(amazon.lines_of(entries)),
        speakers=amazon.speakers_of(payload, entries),
        id=label_at(payload, "JobName"),
        channel=amazon.channel_of(payload) or "voice",
        language=text_at(payload, "LanguageCode") or None,
        metadata=amazon.metadata_of(payload),
    )
