"""Genesys Cloud transcripts: phrases that say only `internal` or `external`.

External phrases are the customer's. Internal ones belong to whoever of the contact's own side was connected at that
time, found in `participants` by their intervals: after a transfer this tells the agents apart. An agent comes before an
IVR or a queue; where two agents were connected at once the phrase goes to the participant `internal`, an agent
without a name, for nothing says which of them spoke. `decoratedText` (punctuated) is the text where it is present.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.conversation import Channel, Role
from service.errors import ConversationRejected
from service.ingest import times
from service.ingest.document import Document
from service.ingest.fields import Object, label_at, obj, objects_at, seconds_at, text_at, words_of
from service.ingest.reading import Context, Line, Reading, Speaker

_PURPOSES: Final[dict[str, Role]] = {
    **dict.fromkeys(("agent", "user", "internal", "group", "station"), "agent"),
    **dict.fromkeys(("customer", "external", "outbound"), "customer"),
    **dict.fromkeys(("ivr", "bot", "botflow", "dialer", "voicemail"), "bot"),
    **dict.fromkeys(("acd", "workflow", "system", "campaign", "api"), "system"),
}
_CHANNELS: Final[dict[str, Channel]] = {
    **dict.fromkeys(("voice", "call", "callback"), "voice"),
    **dict.fromkeys(("chat", "message", "messaging", "webchat", "webmessaging", "sms"), "chat"),
    "email": "email",
}
_NAMELESS: Final = "internal"


@dataclass(frozen=True, slots=True)
class _Party:
    """Somebody who was connected from `start` to `end` (seconds; open ends are unlimited)."""

    label: str
    role: Role
    name: str | None
    start: float
    end: float


def recognises(document: Document) -> bool:
    """`transcripts` with `phrases`, or one such transcript alone."""
    value = document.value
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("phrases"), list):
        return True
    found = value.get("transcripts")
    return isinstance(found, list) and any(isinstance(one, dict) and "phrases" in one for one in found)


def read(document: Document, context: Context) -> Reading:
    """All transcripts of the conversation, by time."""
    del context
    payload = obj(document.value, "conversation")
    parties = tuple(_parties(payload))
    lines = [
        line
        for place, transcript in (objects_at(payload, "transcripts") if "transcripts" in payload else [("", payload)])
        for line in _lines(transcript, place, parties)
    ]
    if all(line.start is not None for line in lines):
        lines.sort(key=lambda line: line.start or 0)
    started = times.epoch_moment(
        payload.get("conversationStartTime") or payload.get("startTime"), "conversationStartTime"
    )
    return Reading(
        lines=tuple(lines),
        speakers=(
            *(Speaker(party.label, role=party.role, name=party.name) for party in _distinct(parties)),
            *(Speaker(label, role=_PURPOSES[label]) for label in ("external", _NAMELESS)),
        ),
        id=label_at(payload, "conversationId"),
        channel=_CHANNELS.get((text_at(payload, "mediaType") or "voice").casefold()),
        language=_language(payload),
        started_at=started,
        metadata={
            key: payload[key]
            for key in ("communicationId", "mediaType", "conversationId")
            if payload.get(key) is not None
        },
        notes=_notes(lines, parties),
    )


def _notes(lines: Sequence[Line], parties: Sequence[_Party]) -> tuple[str, ...]:
    named = {party.label for party in parties if party.role == "agent"}
    if named and _NAMELESS not in named and any(line.label == _NAMELESS for line in lines):
        return ("Some internal phrases could not be given to one connected agent; their participant is “internal”.",)
    return ()


def _language(payload: Object) -> str | None:
    for place, transcript in objects_at(payload, "transcripts"):
        if found := text_at(transcript, "language", place):
            return found
    return text_at(payload, "language") or None


def _parties(payload: Object) -> Iterator[_Party]:
    seen: dict[str, int] = {}
    for place, entry in objects_at(payload, "participants"):
        purpose = (text_at(entry, "participantPurpose", place) or text_at(entry, "purpose", place) or "").casefold()
        role = _PURPOSES.get(purpose)
        if role is None:
            # Telephony knows more purposes than speak: fax, manual, alert. A phrase of an unknown one is refused.
            continue
        label = label_at(entry, "userId", place) or label_at(entry, "participantId", place)
        if label is None:
            # A purpose that occurs twice names two parties.
            seen[purpose] = seen.get(purpose, 0) + 1
            label = purpose if seen[purpose] == 1 else f"{purpose} {seen[purpose]}"
        start = _time(entry, "startTimeMs", place)
        end = _time(entry, "endTimeMs", place)
        yield _Party(
            label,
            role,
            text_at(entry, "name", place) or text_at(entry, "participantName", place),
            0.0 if start is None else start,
            float("inf") if end is None else end,
        )


def _distinct(parties: Sequence[_Party]) -> tuple[_Party, ...]:
    """Each label once: an agent may be connected twice. The labels of phrases are declared elsewhere."""
    found = {party.label: party for party in parties if party.label not in ("external", _NAMELESS)}
    return tuple(found.values())


def _time(entry: Object, key: str, place: str) -> float | None:
    return seconds_at(entry, key, place, per_second=1000)


def _lines(transcript: Object, place: str, parties: Sequence[_Party]) -> Iterator[Line]:
    for where, phrase in objects_at(transcript, "phrases", place):
        start = _time(phrase, "startTimeMs", where)
        lasting = _duration(phrase, where)
        text = text_at(phrase, "decoratedText", where)
        yield Line(
            _speaker(phrase, where, start, parties),
            words_of(phrase, "text", where) if text is None else text,
            start,
            _time(phrase, "endTimeMs", where) if lasting is None or start is None else start + lasting,
        )


def _duration(phrase: Object, where: str) -> float | None:
    """Live transcripts give `duration: {milliseconds}`."""
    value: Any = phrase.get("duration")
    if isinstance(value, dict):
        return _time(value, "milliseconds", f"{where}.duration")
    return _time(phrase, "durationMs", where)


def _speaker(phrase: Object, where: str, start: float | None, parties: Sequence[_Party]) -> str:
    purpose = (text_at(phrase, "participantPurpose", where) or "").casefold()
    if purpose not in _PURPOSES:
        raise ConversationRejected(
            "this phrase says neither internal nor external.",
            field=f"{where}.participantPurpose",
            fix="Export the transcript with participantPurpose.",
        )
    role = _PURPOSES[purpose]
    if purpose in ("internal", "external"):
        sides = ("agent", "bot", "system") if purpose == "internal" else ("customer",)
    else:
        sides = (role,)
    generic = _NAMELESS if role == "agent" else "external" if role == "customer" else purpose
    connected = [
        party for party in parties if party.role in sides and (start is None or party.start <= start <= party.end)
    ]
    for side in sides:
        labels = {party.label for party in connected if party.role == side}
        if labels:
            return labels.pop() if len(labels) == 1 else generic
    return generic
