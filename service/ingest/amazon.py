"""What Amazon's three transcript shapes share: participants with roles, content with millisecond offsets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from service.conversation import Channel
from service.errors import ConversationRejected
from service.ingest import times
from service.ingest.fields import Object, label_at, list_at, obj_at, objects_at, seconds_at, text_at, wrong
from service.ingest.reading import Line, Speaker
from service.ingest.role_words import role_word


def speakers_of(payload: Object, entries: Iterable[tuple[str, Object]]) -> tuple[Speaker, ...]:
    """Everybody whom `Participants` or a transcript entry gives a role.

    Older voice files write the role itself as `ParticipantId` and have no `ParticipantRole`; a label that is a role
    word states its role anyway.
    """
    found: dict[str, Speaker] = {}
    for place, entry in (*objects_at(payload, "Participants"), *entries):
        label = label_of(entry, place)
        role = text_at(entry, "ParticipantRole", place)
        name = text_at(entry, "DisplayName", place)
        if label and (label not in found or found[label].role is None):
            found[label] = Speaker(label, role=role_word(role) if role else None, name=name)
    return tuple(found.values())


def label_of(entry: Object, place: str) -> str | None:
    """The participant's id, or its role where the file gives no ids."""
    return label_at(entry, "ParticipantId", place) or label_at(entry, "ParticipantRole", place)


def lines_of(entries: Iterable[tuple[str, Object]]) -> Iterator[Line]:
    """A line per entry that has content; events such as joining and leaving have none."""
    for place, entry in entries:
        kind = text_at(entry, "ContentType", place) or "text"
        content = text_at(entry, "Content", place)
        if content is None or not kind.startswith("text") or entry.get("Type", "MESSAGE") != "MESSAGE":
            continue
        label = label_of(entry, place)
        if label is None:
            raise wrong(f"{place}.ParticipantId", "the speaker", None)
        yield Line(
            label,
            content,
            _clock(entry, place)
            if seconds_at(entry, "BeginOffsetMillis", place) is None
            else seconds_at(entry, "BeginOffsetMillis", place, per_second=1000),
            seconds_at(entry, "EndOffsetMillis", place, per_second=1000),
        )


def _clock(entry: Object, place: str) -> float | None:
    """Chat entries carry `AbsoluteTime`, directly or inside `Time`."""
    value: Any = entry.get("AbsoluteTime") or obj_at(entry, "Time", place).get("AbsoluteTime")
    found = times.moment(value, f"{place}.AbsoluteTime")
    return found.timestamp() if found else None


def channel_of(payload: Object) -> Channel | None:
    """VOICE or CHAT, as the file says."""
    stated = (text_at(payload, "Channel") or "").casefold()
    if stated == "voice":
        return "voice"
    return "chat" if stated == "chat" else None


def metadata_of(payload: Object) -> dict[str, Any]:
    """What scorecards may ask for besides words: duration, categories, talk characteristics, redaction."""
    characteristics = obj_at(payload, "ConversationCharacteristics")
    duration = seconds_at(
        characteristics, "TotalConversationDurationMillis", "ConversationCharacteristics", per_second=1000
    )
    found = {
        "duration_seconds": duration,
        "categories": list(list_at(obj_at(payload, "Categories"), "MatchedCategories", "Categories")) or None,
        "content": text_at(obj_at(payload, "ContentMetadata"), "Output", "ContentMetadata"),
        "characteristics": dict(characteristics) or None,
        "contact": dict(obj_at(payload, "CustomerMetadata")) or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def refuse_failed(payload: Object) -> None:
    """Pass unless the file itself says that its job failed."""
    if text_at(payload, "JobStatus") == "FAILED":
        raise ConversationRejected(
            "the analysis job failed, so there is no transcript.", field="JobStatus", fix="Run the job again."
        )
