"""From what an importer read to a `Conversation`: limits, roles, times, quoted history, id.

Comes in: a `Reading` and what the caller knows. Goes out: a valid `Conversation`, or `ConversationRejected`.
Texts pass through untouched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from service.conversation import Channel, Conversation, Source, Turn
from service.errors import ConversationRejected
from service.ingest.fields import plain_json, whole_characters
from service.ingest.limits import check_characters, check_turns
from service.ingest.quoting import quoted_spans
from service.ingest.reading import Context, Line, Reading
from service.ingest.records import file_stem
from service.ingest.roles import participants_of
from service.ingest.times import EPOCH_FROM, checked_span, epoch_seconds

_LONGEST_ID: Final = 200


def assemble(reading: Reading, context: Context, *, form: str, name: str | None = None) -> Conversation:
    """The conversation that the reading describes; `name` is its file's, which serves where it has no id."""
    lines = reading.lines
    check_turns(len(lines), context.limits)
    check_characters(sum(len(line.text) for line in lines), context.limits)
    _check_texts(lines)
    channel, notes = _channel(reading, context)
    if channel == "email":
        lines = tuple(line if line.quoted is not None else _with_history(line) for line in lines)
    started_at, lines = offsets_from_start(lines, reading.started_at)
    participants, told = participants_of(reading.speakers, lines, context.roles, machine=reading.told_apart_by_machine)
    try:
        return Conversation(
            id=_id(reading, name),
            channel=channel,
            language=_language(context.language or reading.language),
            started_at=started_at,
            participants=participants,
            turns=tuple(
                Turn(participant=line.label, text=line.text, start=line.start, end=line.end, quoted=line.quoted or ())
                for line in lines
            ),
            metadata=_metadata(reading, form),
            evaluated_agent=reading.evaluated_agent,
            source=Source(format=form, verified=reading.verified, notes=(*reading.notes, *notes, *told)),
        )
    except ValidationError as error:
        raise rejection_of(error) from None


def rejection_of(error: ValidationError) -> ConversationRejected:
    """The first thing that a value refused, without the words that it was given."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    return ConversationRejected(
        f"{first['msg'].removeprefix('Value error, ')}.", field=place or "conversation", fix="Correct this field."
    )


def offsets_from_start(lines: Sequence[Line], started_at: datetime | None) -> tuple[datetime | None, tuple[Line, ...]]:
    """When the conversation started, and its lines with offsets from then.

    Times beyond three years are clock times (seconds or milliseconds since 1970). They count from `started_at`, or
    from the first of them where that is unknown or later. Clock times and offsets cannot be mixed.
    """
    starts = [line.start for line in lines if line.start is not None]
    ends = [line.end for line in lines if line.end is not None]
    clock = [time for time in (*starts, *ends) if time >= EPOCH_FROM]
    if clock:
        if len(clock) != len(starts) + len(ends):
            raise ConversationRejected(
                "some times are offsets from the start and others clock times.",
                field="turns",
                fix="Give all times as seconds from the start of the conversation.",
            )
        first = min(epoch_seconds(time) for time in clock)
        begin = first if started_at is None else min(first, started_at.timestamp())
        if started_at is None:
            started_at = _clock_start(begin)
        lines = [_since(line, begin) for line in lines]
    for index, line in enumerate(lines):
        checked_span(line.start, line.end, f"turns[{index}]")
    return started_at, tuple(lines)


def _clock_start(begin: float) -> datetime:
    try:
        return datetime.fromtimestamp(begin, UTC)
    except (OverflowError, ValueError, OSError):
        raise ConversationRejected(
            "a time lies beyond every calendar.", field="turns", fix="Give times in seconds or milliseconds."
        ) from None


def _since(line: Line, begin: float) -> Line:
    def offset(time: float | None) -> float | None:
        return None if time is None else round(epoch_seconds(time) - begin, 6)

    return replace(line, start=offset(line.start), end=offset(line.end))


def _with_history(line: Line) -> Line:
    spans = quoted_spans(line.text)
    return replace(line, quoted=spans) if spans else line


def _check_texts(lines: Sequence[Line]) -> None:
    if not any(line.text.strip() for line in lines):
        raise ConversationRejected(
            "nobody says anything: there is no turn with text.", field="turns", fix="Send the transcript's turns."
        )
    # One pass over all texts is cheap; only a failure looks for its place.
    try:
        "".join([line.text for line in lines]).encode("utf-8")
        "".join([line.label for line in lines]).encode("utf-8")
    except UnicodeEncodeError:
        for index, line in enumerate(lines):
            whole_characters(line.text, f"turns[{index}].text")
            whole_characters(line.label, f"turns[{index}].participant")


def _channel(reading: Reading, context: Context) -> tuple[Channel, tuple[str, ...]]:
    """What the caller says, else the document, else voice where turns have ends (speech lasts), else chat."""
    if found := context.channel or reading.channel:
        return found, ()
    guess: Channel = "voice" if any(line.end is not None for line in reading.lines) else "chat"
    reason = "turns have an end" if guess == "voice" else "turns have no end"
    return guess, (f"The channel is not stated; taken as {guess}, because {reason}.",)


def _metadata(reading: Reading, form: str) -> dict[str, Any]:
    """The metadata, proven storable; what an importer looked for and did not find is left out."""
    kept = {key: value for key, value in reading.metadata.items() if value is not None or form == "native"}
    return {str(key): value for key, value in plain_json(kept, "metadata").items()}


def _language(tag: str | None) -> str | None:
    if tag is None:
        return None
    if not 0 < len(tag) <= 35 or not tag.replace("-", "").replace("_", "").isalnum() or not tag.isascii():
        raise ConversationRejected(
            "this is no language tag.", field="language", fix="Use a BCP 47 tag such as en, es-MX or fa."
        )
    return tag.replace("_", "-")


def _id(reading: Reading, name: str | None) -> str:
    """The document's own id, else the file's name, else a digest of what was said, so that a repeat has the same id."""
    if reading.id:
        return _whole_id(reading.id)
    if name and (stem := file_stem(name)):
        return _whole_id(stem)
    said = json.dumps([[line.label, line.text, line.start, line.end] for line in reading.lines])
    return "sha256-" + hashlib.sha256(said.encode()).hexdigest()[:32]


def _whole_id(text: str) -> str:
    if len(text) > _LONGEST_ID:
        raise ConversationRejected(
            f"the id has {len(text)} characters; {_LONGEST_ID} are possible.", field="id", fix="Shorten it."
        )
    whole_characters(text, "id")
    return text
