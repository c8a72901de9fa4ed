"""Deepgram pre-recorded results: utterances, else paragraphs, else words grouped by speaker. Times in seconds.

One channel per side gives labels `Channel 0`, `Channel 1`; diarisation gives `Speaker 0`, `Speaker 1`. Without
either nobody knows who spoke, and the transcript is refused. Paragraphs and words are joined by one blank, because
Deepgram gives no text of their own; utterances keep their text as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from service.errors import ConversationRejected, RolesUnknown
from service.ingest import times
from service.ingest.document import Document
from service.ingest.fields import Object, label_at, list_at, obj, obj_at, objects_at, seconds_at, text_at, words_of
from service.ingest.reading import Context, Line, Reading


def recognises(document: Document) -> bool:
    """`results` with `channels` or `utterances`."""
    value = document.value
    results = value.get("results") if isinstance(value, dict) else None
    return isinstance(results, dict) and ("channels" in results or "utterances" in results)


def read(document: Document, context: Context) -> Reading:
    """Who said what when; the recording's date is kept as metadata, for it is the time of the request."""
    del context
    payload = obj(document.value, "conversation")
    results = obj_at(payload, "results")
    about = obj_at(payload, "metadata")
    channels = list(objects_at(results, "channels", "results"))
    lines = tuple(
        _utterances(results, split=len(channels) > 1) if results.get("utterances") else _from_channels(channels)
    )
    if not lines:
        raise ConversationRejected("the transcript is empty.", field="results", fix="Transcribe the recording again.")
    if not all(line.label for line in lines):
        raise RolesUnknown(
            "the transcript does not say who speaks.",
            field="results",
            fix="Transcribe with diarize=true, or with multichannel=true where each side has its own channel.",
        )
    return Reading(
        lines=lines,
        id=label_at(about, "request_id", "metadata"),
        channel="voice",
        language=_language(channels),
        metadata={
            "transcribed_at": str(times.moment(about.get("created"), "metadata.created") or "") or None,
            "duration_seconds": seconds_at(about, "duration", "metadata"),
        },
        told_apart_by_machine=True,
    )


def _language(channels: list[tuple[str, Object]]) -> str | None:
    for place, channel in channels:
        if found := text_at(channel, "detected_language", place):
            return found
    return None


def _utterances(results: Object, *, split: bool) -> Iterator[Line]:
    for place, said in objects_at(results, "utterances", "results"):
        yield Line(
            _label(said, place, _channel_of(said, place) if split else None),
            words_of(said, "transcript", place),
            seconds_at(said, "start", place),
            seconds_at(said, "end", place),
        )


def _channel_of(said: Object, place: str) -> str | None:
    """The channel's number; live results write it as a list."""
    if isinstance(said.get("channel"), list):
        first = list_at(said, "channel", place)[:1]
        return str(first[0]) if first and isinstance(first[0], int) else None
    return label_at(said, "channel", place)


def _label(said: Object, place: str, channel: str | None) -> str:
    if channel is not None:
        return f"Channel {channel}"
    speaker = label_at(said, "speaker", place)
    if speaker is None:
        return ""
    return f"Speaker {speaker}" if speaker.isdigit() else speaker


def _from_channels(channels: list[tuple[str, Object]]) -> Iterator[Line]:
    lines = []
    for index, (place, channel) in enumerate(channels):
        side = str(index) if len(channels) > 1 else None
        for where, best in list(objects_at(channel, "alternatives", place))[:1]:
            paragraphs = obj_at(best, "paragraphs", where)
            told_apart = any("speaker" in one for _, one in objects_at(paragraphs, "paragraphs", where))
            if paragraphs and (told_apart or side is not None):
                lines += list(_paragraphs(paragraphs, where, side))
            else:
                lines += list(_words(best, where, side))
    if len(channels) > 1:
        lines.sort(key=lambda line: line.start or 0)
    yield from lines


def _paragraphs(paragraphs: Object, where: str, side: str | None) -> Iterator[Line]:
    for place, paragraph in objects_at(paragraphs, "paragraphs", where):
        said = [words_of(one, "text", at) for at, one in objects_at(paragraph, "sentences", place)]
        yield Line(
            _label(paragraph, place, side),
            " ".join(said),
            seconds_at(paragraph, "start", place),
            seconds_at(paragraph, "end", place),
        )


def _words(best: Object, where: str, side: str | None) -> Iterator[Line]:
    words = list(objects_at(best, "words", where))
    for label, run in groupby(words, key=lambda word: _label(word[1], word[0], side)):
        spoken = list(run)
        yield Line(
            label,
            " ".join(text_at(word, "punctuated_word", at) or words_of(word, "word", at) for at, word in spoken),
            seconds_at(spoken[0][1], "start", spoken[0][0]),
            seconds_at(spoken[-1][1], "end", spoken[-1][0]),
        )
