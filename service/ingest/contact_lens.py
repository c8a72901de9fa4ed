"""Amazon Contact Lens: voice (old shape with the role as `ParticipantId`, and new), chat, and real-time segments.

https://docs.aws.amazon.com/connect/latest/adminguide/contact-lens-example-output-files.html
"""

from __future__ import annotations

from service.errors import ConversationRejected
from service.ingest import amazon
from service.ingest.document import Document
from service.ingest.fields import Object, label_at, obj, obj_at, objects_at, text_at
from service.ingest.reading import Context, Reading


def recognises(document: Document) -> bool:
    """`Transcript` entries with a `ParticipantId`, real-time `Segments`, or the version mark of the e-mail shape."""
    value = document.value
    if not isinstance(value, dict) or "JobName" in value:
        return False
    if isinstance(value.get("Segments"), list):
        return True
    entries = value.get("Transcript")
    if isinstance(entries, list):
        known = [entry for entry in entries if isinstance(entry, dict)]
        return any("ParticipantId" in entry for entry in known) or ("Participants" in value and not entries)
    return str(value.get("Version", "")).startswith(("EMAIL-", "VOICE-", "CHAT-"))


def read(document: Document, context: Context) -> Reading:
    """The transcript with the participants' roles; offsets in milliseconds and absolute times become seconds."""
    del context
    payload = obj(document.value, "conversation")
    if str(payload.get("Version", "")).startswith("EMAIL-") and not payload.get("Transcript"):
        raise ConversationRejected(
            "Contact Lens keeps the words of an e-mail outside of this file.",
            field="CustomerMetadata.InputFiles",
            fix="Send the e-mail itself (EmailMessagePlainTextS3URI names it).",
        )
    amazon.refuse_failed(payload)
    entries = [*objects_at(payload, "Transcript"), *_segments(payload)]
    stated = amazon.channel_of(payload)
    return Reading(
        lines=tuple(amazon.lines_of(entries)),
        speakers=amazon.speakers_of(payload, entries),
        id=label_at(obj_at(payload, "CustomerMetadata"), "ContactId", "CustomerMetadata")
        or label_at(payload, "ContactId"),
        channel=stated or ("chat" if any("AbsoluteTime" in entry for _, entry in entries) else None),
        language=text_at(payload, "LanguageCode") or None,
        metadata=amazon.metadata_of(payload),
    )


def _segments(payload: Object) -> list[tuple[str, Object]]:
    """The transcript segments of the real-time shape; categories and summaries stand between them."""
    return [
        (f"{place}.Transcript", obj_at(segment, "Transcript", place))
        for place, segment in objects_at(payload, "Segments")
        if segment.get("Transcript") is not None
    ]
