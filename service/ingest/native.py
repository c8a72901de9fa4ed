"""The project's own JSON, and its shorthand.

    {"id", "channel", "language"?, "started_at"?, "participants": [{"id", "role", "name"?}],
     "turns": [{"participant", "text", "start"?, "end"?, "quoted"?}], "metadata"?: {}, "evaluated_agent"?}
    {"turns": [{"speaker": "agent", "text": "…"}]}

Strict where a slip would cost evidence: every turn needs its speaker and its text, a participant that `participants`
does not declare is refused, so are unknown roles and channels, and times of the wrong kind. Tolerant where platforms
add fields of their own: further top-level keys become metadata, further keys of turns and participants are ignored
and named in `source.notes`. Times: `start`, `end`, `start_seconds`, `end_seconds`, `at_seconds` in seconds, `start_ms`,
`end_ms` in milliseconds, `timestamp` as ISO 8601 or epoch; clock times become offsets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from service.conversation import Channel, QuotedSpan, Role
from service.errors import ConversationRejected
from service.ingest import times
from service.ingest.document import Document
from service.ingest.fields import (
    Object,
    label_at,
    list_at,
    obj,
    obj_at,
    objects_at,
    seconds_at,
    text_at,
    words_of,
    wrong,
)
from service.ingest.limits import check_turns
from service.ingest.reading import Context, Line, Reading, Speaker
from service.ingest.role_words import role_word

_TOP: Final = frozenset(
    ("id", "channel", "language", "started_at", "participants", "turns", "metadata", "evaluated_agent")
)
_TURN: Final = frozenset(
    (
        *("participant", "speaker", "role", "text", "quoted", "timestamp"),
        *("start", "end", "start_seconds", "end_seconds", "at_seconds", "start_ms", "end_ms"),
    )
)
_PARTICIPANT: Final = frozenset(("id", "role", "name", "role_source", "role_rule"))

_CHANNELS: Final[dict[str, Channel]] = {
    **dict.fromkeys(("voice", "phone", "call", "telephony", "audio"), "voice"),
    **dict.fromkeys(("chat", "webchat", "messaging", "message", "sms"), "chat"),
    **dict.fromkeys(("email", "e-mail", "mail"), "email"),
    **dict.fromkeys(("social", "social_media"), "social"),
}


def recognises(document: Document) -> bool:
    """An object with `turns`."""
    return isinstance(document.value, dict) and "turns" in document.value and "vcon" not in document.value


def read(document: Document, context: Context) -> Reading:
    """The conversation as its own fields tell it."""
    return read_object(obj(document.value, "conversation"), context)


def read_object(payload: Object, context: Context) -> Reading:
    """The same from parsed JSON, as an API body brings it."""
    turns = list_at(payload, "turns")
    check_turns(len(turns), context.limits)
    ignored: set[str] = set()
    speakers = tuple(_speakers(payload, ignored))
    declared = {speaker.label for speaker in speakers}
    lines = tuple(_line(turn, index, declared, ignored) for index, turn in enumerate(turns))
    extra = {key: value for key, value in payload.items() if key not in _TOP and not _is_our_source(key, value)}
    return Reading(
        lines=lines,
        speakers=speakers,
        id=label_at(payload, "id"),
        channel=channel_of(text_at(payload, "channel")),
        language=text_at(payload, "language") or None,
        started_at=times.moment(payload.get("started_at"), "started_at"),
        metadata={**extra, **obj_at(payload, "metadata")},
        notes=_notes(ignored),
        evaluated_agent=label_at(payload, "evaluated_agent"),
    )


def _is_our_source(key: str, value: Any) -> bool:
    """Whether this is what a `Conversation` says of its importer, sent back with it: it is written anew."""
    return key == "source" and isinstance(value, Mapping) and value.keys() <= {"format", "verified", "notes"}


def channel_of(text: str | None) -> Channel | None:
    """The channel by its name or one of its usual other names; unknown ones are refused."""
    if text is None:
        return None
    if found := _CHANNELS.get(text.strip().casefold()):
        return found
    raise ConversationRejected(
        "this channel is unknown.", field="channel", fix="Channels are voice, chat, email and social."
    )


def _speakers(payload: Object, ignored: set[str]) -> Iterator[Speaker]:
    for place, entry in objects_at(payload, "participants"):
        ignored.update(f"participants.{key}" for key in entry.keys() - _PARTICIPANT)
        label = label_at(entry, "id", place)
        if label is None:
            raise wrong(f"{place}.id", "an id", None)
        source = text_at(entry, "role_source", place)
        if source not in (None, "given", "mapped", "inferred"):
            raise wrong(f"{place}.role_source", "given, mapped or inferred", source)
        yield Speaker(
            label=label,
            role=_role(entry, place),
            name=text_at(entry, "name", place),
            role_source=source,
            role_rule=text_at(entry, "role_rule", place),
        )


def _role(entry: Object, place: str) -> Role | None:
    stated = text_at(entry, "role", place)
    if stated is None:
        return None
    if role := role_word(stated):
        return role
    raise ConversationRejected(
        "this role is unknown.", field=f"{place}.role", fix="Roles are agent, customer, bot and system."
    )


def _line(value: Any, index: int, declared: set[str], ignored: set[str]) -> Line:
    place = f"turns[{index}]"
    turn = obj(value, place)
    if not turn.keys() <= _TURN:
        ignored.update(f"turns.{key}" for key in turn.keys() - _TURN)
    label = label_at(turn, "participant", place) or label_at(turn, "speaker", place) or label_at(turn, "role", place)
    if label is None:
        raise wrong(f"{place}.speaker", "the speaker", None)
    if declared and label not in declared:
        raise ConversationRejected(
            "this participant is not declared.",
            field=f"{place}.participant",
            fix="List every speaker in participants, or leave participants out.",
        )
    start, end = _times(turn, place)
    return Line(label, words_of(turn, "text", place), start, end, _quoted(turn, place))


def _times(turn: Object, place: str) -> tuple[float | None, float | None]:
    """Start and end in seconds, from the first of the known fields that is there."""
    start = _first(turn, place, ("start", "start_seconds", "at_seconds"), "start_ms")
    end = _first(turn, place, ("end", "end_seconds"), "end_ms")
    if start is None and (clock := turn.get("timestamp")) is not None:
        found = times.moment(clock, f"{place}.timestamp")
        start = found.timestamp() if found else None
        if start is not None and start < times.EPOCH_FROM:
            raise wrong(f"{place}.timestamp", "a clock time after March 1973 (offsets go into start)", clock)
    return start, end


def _first(turn: Object, place: str, keys: tuple[str, ...], milliseconds: str) -> float | None:
    for key in keys:
        if turn.get(key) is not None:
            return seconds_at(turn, key, place)
    return seconds_at(turn, milliseconds, place, per_second=1000)


def _quoted(turn: Object, place: str) -> tuple[QuotedSpan, ...] | None:
    """Spans that the caller marks; None where the field is absent, so that e-mails are searched for history."""
    if turn.get("quoted") is None:
        return None
    spans = []
    for where, span in objects_at(turn, "quoted", place):
        start, end = span.get("start"), span.get("end")
        if type(start) is not int or type(end) is not int or not 0 <= start < end:
            raise ConversationRejected(
                "needed whole numbers 0 <= start < end.", field=where, fix="Give characters of the turn's text."
            )
        spans.append(QuotedSpan(start=start, end=end))
    return tuple(spans)


def _notes(ignored: set[str]) -> tuple[str, ...]:
    if not ignored:
        return ()
    # Only names that look like fields: a key may be anything that somebody sent.
    named = sorted(key for key in ignored if key.replace(".", "_").isidentifier() and len(key) <= 60)[:12]
    return (f"Fields without a meaning here were ignored: {', '.join(named) or 'unnamed ones'}.",)
