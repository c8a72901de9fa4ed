"""Azure Content Understanding, call-center analyzer: `transcriptPhrases` with speakers, milliseconds.

The WebVTT inside `markdown` is not read: it is written for people and has been seen to give every line one speaker.
The phrases say who spoke.
"""

from __future__ import annotations

from collections.abc import Iterator

from service.errors import ConversationRejected, RolesUnknown
from service.ingest import times
from service.ingest.document import Document
from service.ingest.fields import Object, label_at, obj, obj_at, objects_at, seconds_at, text_at, words_of
from service.ingest.reading import Context, Line, Reading
from service.ingest.roles import FIX


def recognises(document: Document) -> bool:
    """`result.contents` (or `contents`) beside an `analyzerId`, or with `transcriptPhrases` inside."""
    value = document.value
    if not isinstance(value, dict):
        return False
    result = value["result"] if isinstance(value.get("result"), dict) else value
    contents = result.get("contents")
    return isinstance(contents, list) and (
        "analyzerId" in result or any(isinstance(one, dict) and "transcriptPhrases" in one for one in contents)
    )


def read(document: Document, context: Context) -> Reading:
    """The phrases of all contents in order."""
    del context
    payload = obj(document.value, "conversation")
    if (text_at(payload, "status") or "Succeeded").casefold() != "succeeded":
        raise ConversationRejected(
            "the analysis did not succeed.", field="status", fix="Send the result when its status is Succeeded."
        )
    result = obj_at(payload, "result") or payload
    contents = list(objects_at(result, "contents", "result"))
    lines = tuple(line for place, content in contents for line in _lines(content, place))
    if not lines:
        raise ConversationRejected(
            "the result has no transcriptPhrases.",
            field="result.contents",
            fix="Analyze a call recording with prebuilt-callCenter.",
        )
    if not all(line.label for line in lines):
        raise RolesUnknown("some phrases do not say who speaks.", field="result.contents", fix=FIX)
    return Reading(
        lines=lines,
        id=label_at(payload, "id"),
        channel="voice",
        language=next((found for place, one in contents if (found := text_at(one, "locale", place))), None),
        metadata={
            "analyzed_at": str(times.moment(result.get("createdAt"), "result.createdAt") or "") or None,
            "duration_seconds": _duration(contents),
        },
        notes=tuple(_notes(contents, len(lines))),
        told_apart_by_machine=True,
    )


def _lines(content: Object, place: str) -> Iterator[Line]:
    for where, phrase in objects_at(content, "transcriptPhrases", place):
        yield Line(
            label_at(phrase, "speaker", where) or "",
            words_of(phrase, "text", where),
            seconds_at(phrase, "startTimeMs", where, per_second=1000),
            seconds_at(phrase, "endTimeMs", where, per_second=1000),
        )


def _notes(contents: list[tuple[str, Object]], phrases: int) -> Iterator[str]:
    written = [text_at(one, "markdown", place) or "" for place, one in contents]
    if any(written):
        yield "Speakers and texts come from transcriptPhrases; the WebVTT in markdown was not used."
    cues = sum(markdown.count(" --> ") for markdown in written)
    if cues > phrases:
        yield f"The WebVTT in markdown has {cues} cues, transcriptPhrases only {phrases}: the result may have been cut."


def _duration(contents: list[tuple[str, Object]]) -> float | None:
    ends = [seconds_at(one, "endTimeMs", place, per_second=1000) for place, one in contents]
    return max((end for end in ends if end is not None), default=None)
