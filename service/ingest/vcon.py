"""IETF vCon containers (draft-ietf-vcon-vcon-core): text dialogs, e-mail threads, transcripts as analysis.

Text dialogs become turns at their start; the speaker is the originator, else the first party. E-mails (a message id or
a MIME body) are turns with their quoted history marked. Transcripts have no standard shape: a Deepgram, AssemblyAI,
WhisperX, OpenAI, Azure, Amazon or Genesys body, WebVTT, labelled plain text and a list of utterances
(`parties` or `speaker`, `start`, `duration` or `end`, `text`) are read; offsets count from the dialog's start. Each
dialog gives one transcript: of several, the first of type `transcript`, else the first that can be read. Where several
parts are joined, a machine's labels get the part's number and their roles from that part alone.

Parties have names, not roles. A role is taken from the party's own `role` field or from the rules of `roles`; a role
map may name a party by name, address, phone number, uuid, `@domain` or `party 0`. Signed containers are opened and
marked `source.verified`; encrypted ones are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from service.conversation import Channel
from service.errors import ConversationRejected
from service.ingest import (
    assemblyai,
    azure_call_center,
    contact_lens,
    deepgram,
    genesys,
    jose,
    native,
    openai_diarized,
    plain_text,
    segments,
    times,
    transcribe,
    webvtt,
    whisperx,
)
from service.ingest.document import NOT_JSON, Document, document_of
from service.ingest.fields import Object, label_at, list_at, obj, obj_at, objects_at, seconds_at, text_at, wrong
from service.ingest.mail_text import MailText, message_of, text_of
from service.ingest.reading import Context, Importer, Line, Reading, Speaker
from service.ingest.role_words import role_word
from service.ingest.roles import participants_of

_BODIES: Final[tuple[Importer, ...]] = (
    deepgram,
    openai_diarized,
    assemblyai,
    azure_call_center,
    whisperx,
    transcribe,
    contact_lens,
    genesys,
    native,
    webvtt,
    segments,
    plain_text,
)
"""Shapes in which vendors put transcripts into `analysis[].body`."""

_SEGMENT_KEYS: Final = {"speaker_role", "start_ms", "duration_ms", "human_transcript"}
"""What tells a list of `segments` from a list of utterances."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one dialog or analysis contributes."""

    reading: Reading
    kind: Channel


def recognises(document: Document) -> bool:
    """An object with `vcon`, or with `parties` and `dialog`, or a signed or encrypted container."""
    value = document.value
    if jose.is_container(value) or (value is NOT_JSON and jose.is_compact(document.text)):
        return True
    return isinstance(value, dict) and ("vcon" in value or ("parties" in value and "dialog" in value))


def read(document: Document, context: Context) -> Reading:
    """All that was written and said in the container, by time."""
    opened = _opened(document, context)
    container = obj(opened.value, "vcon")
    if "vcon" not in container and "dialog" not in container:
        raise ConversationRejected("the signed payload is not a vCon.", field="payload", fix="Sign a vCon.")
    parties = tuple(_parties(container))
    pieces = (*_dialogs(container, parties), *_transcripts(container, parties, context))
    if len(pieces) > 1:
        pieces = tuple(_settled(piece, index, parties, context) for index, piece in enumerate(pieces))
    if not pieces:
        raise _without_words(container, verified=opened.verified)
    lines = [line for piece in pieces for line in piece.reading.lines]
    if all(line.start is not None for line in lines):
        lines.sort(key=lambda line: line.start or 0)
    kinds = {piece.kind for piece in pieces}
    return Reading(
        lines=tuple(lines),
        speakers=_distinct(speaker for piece in pieces for speaker in piece.reading.speakers),
        id=label_at(container, "uuid"),
        channel="voice" if "voice" in kinds else "email" if "email" in kinds else "chat",
        language=next((piece.reading.language for piece in pieces if piece.reading.language), None),
        started_at=_started(container),
        metadata=_metadata(container),
        notes=tuple(
            dict.fromkeys((*_notes(container, verified=opened.verified), *(n for p in pieces for n in p.reading.notes)))
        ),
        verified=opened.verified,
        told_apart_by_machine=kinds == {"voice"},
    )


def _opened(document: Document, context: Context) -> jose.Payload:
    if document.value is NOT_JSON and jose.is_compact(document.text):
        return jose.open_compact(document.text or "", context.vcon_key)
    if jose.is_container(document.value):
        return jose.open_container(document.value, context.vcon_key)
    return jose.Payload(document.value, None)


def _notes(container: Object, *, verified: bool | None) -> Iterator[str]:
    if verified is False:
        yield "The container is signed; the signature was not checked, because no key was given."
    if any(dict(entry) for _, entry in objects_at(container, "attachments")):
        yield "Attachments of the vCon were left out."


def _metadata(container: Object) -> dict[str, Any]:
    found = {
        "subject": text_at(container, "subject") or None,
        "redacted": dict(obj_at(container, "redacted") or obj_at(container, "redacted_from")) or None,
        "amended": dict(obj_at(container, "amended") or obj_at(container, "amended_from")) or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _started(container: Object) -> datetime | None:
    """The earliest start of what was written or recorded."""
    starts = [times.moment(entry.get("start"), f"{place}.start") for place, entry in objects_at(container, "dialog")]
    return min((start for start in starts if start is not None), key=datetime.timestamp, default=None)


def _without_words(container: Object, *, verified: bool | None) -> ConversationRejected:
    recordings = sum(entry.get("type") == "recording" for _, entry in objects_at(container, "dialog"))
    signed = "the signed vCon" if verified is not None else "the vCon"
    if recordings:
        return ConversationRejected(
            f"{signed} holds {recordings} recording(s) but neither text nor a transcript.",
            field="analysis",
            fix="Transcribe the recording and add the transcript as analysis of type transcript.",
        )
    return ConversationRejected(
        f"{signed} holds no text dialog and no transcript.", field="dialog", fix="Send the vCon with its dialogs."
    )


# ── Parties ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _parties(container: Object) -> Iterator[Speaker]:
    taken: set[str] = set()
    for index, (place, party) in enumerate(objects_at(container, "parties")):
        names = [text_at(party, key, place) for key in ("name", "mailto", "tel", "sip", "uuid", "did")]
        label = next((name for name in names if name), f"party {index}")
        if label in taken:
            label = f"{label} (party {index})"
        taken.add(label)
        stated = text_at(party, "role", place) or text_at(obj_at(party, "meta", place), "role", place)
        yield Speaker(
            label=label,
            role=role_word(stated) if stated else None,
            name=names[0],
            aliases=(*(name.removeprefix("mailto:") for name in names if name), f"party {index}"),
        )


def _party(reference: Any, parties: Sequence[Speaker], place: str) -> Speaker:
    """The party at an index, or at the first index of a list."""
    while isinstance(reference, list) and reference:
        reference = reference[0]
    if type(reference) is not int or not 0 <= reference < len(parties):
        raise wrong(place, f"the index of one of {len(parties)} parties", reference)
    return parties[reference]


def _distinct(speakers: Iterator[Speaker]) -> tuple[Speaker, ...]:
    return tuple({speaker.label: speaker for speaker in speakers}.values())


# ── Text dialogs ─────────────────────────────────────────────────────────────────────────────────────────────────


def _dialogs(container: Object, parties: Sequence[Speaker]) -> Iterator[_Piece]:
    for place, dialog in objects_at(container, "dialog"):
        if text_at(dialog, "type", place) != "text":
            continue
        mediatype = (text_at(dialog, "mediatype", place) or text_at(dialog, "mimetype", place) or "text/plain").strip()
        mail = mediatype.casefold().startswith(("multipart/", "message/")) or dialog.get("message_id") is not None
        words = _words(dialog, mediatype, place)
        listed = dialog.get("parties")
        speaker = _party(dialog["originator"] if dialog.get("originator") is not None else listed, parties, place)
        start = times.moment(dialog.get("start"), f"{place}.start")
        lasting = seconds_at(dialog, "duration", place)
        began = start.timestamp() if start else None
        line = Line(
            speaker.label,
            words.text,
            began,
            began + lasting if began is not None and lasting else None,
            words.quoted,
        )
        present = listed if isinstance(listed, list) else []
        others = [_party(one, parties, f"{place}.parties") for one in present]
        yield _Piece(Reading((line,), (speaker, *others), notes=words.notes), "email" if mail else "chat")


def _words(dialog: Object, mediatype: str, place: str) -> MailText:
    body = dialog.get("body")
    if body is None:
        raise ConversationRejected(
            "the text of this dialog is stored elsewhere." if dialog.get("url") else "this dialog has no body.",
            field=f"{place}.body",
            fix="Embed the text in the vCon.",
        )
    encoding = text_at(dialog, "encoding", place) or "none"
    if encoding == "json" and not isinstance(body, str):
        raise wrong(f"{place}.body", "text", body)
    text = text_at(dialog, "body", place) or ""
    data = jose.base64url(text, f"{place}.body") if encoding == "base64url" else None
    kind = mediatype.casefold()
    if kind.startswith("message/rfc822"):
        return text_of(message_of(_octets(text, data)), place, already_unicode=data is None)
    if kind.startswith(("multipart/", "text/html")) or data is not None:
        head = f"MIME-Version: 1.0\r\nContent-Type: {' '.join(mediatype.split())}\r\n".encode("utf-8", "replace")
        head += b"Content-Transfer-Encoding: 8bit\r\n\r\n"
        if data is not None and not kind.startswith(("multipart/", "text/")):
            raise wrong(f"{place}.mediatype", "a text or message type", mediatype)
        return text_of(message_of(head + _octets(text, data)), place, already_unicode=data is None)
    return MailText(text, None, ())


def _octets(text: str, data: bytes | None) -> bytes:
    return text.encode("utf-8", "surrogatepass") if data is None else data


# ── Transcripts ──────────────────────────────────────────────────────────────────────────────────────────────────


def _transcripts(container: Object, parties: Sequence[Speaker], context: Context) -> Iterator[_Piece]:
    """One transcript per dialog."""
    found: dict[str, list[tuple[str, Object]]] = {}
    for place, analysis in objects_at(container, "analysis"):
        if (text_at(analysis, "type", place) or "").casefold().startswith("transcript"):
            found.setdefault(str(analysis.get("dialog")), []).append((place, analysis))
    for candidates in found.values():
        ordered = sorted(candidates, key=lambda candidate: candidate[1].get("type") != "transcript")
        reading = _first_readable(ordered, container, parties, context)
        if len(ordered) > 1:
            note = f"Of {len(ordered)} transcripts of one dialog the first readable was taken."
            reading = replace(reading, notes=(*reading.notes, note))
        yield _Piece(reading, "voice")


def _settled(piece: _Piece, index: int, parties: Sequence[Speaker], context: Context) -> _Piece:
    """The piece with its own roles where a machine made its labels: `Speaker 0` is somebody else in each recording."""
    lines = piece.reading.lines
    if piece.kind != "voice" or {line.label for line in lines} & {party.label for party in parties}:
        return piece
    found, _ = participants_of(piece.reading.speakers, lines, context.roles, machine=True)
    speakers = tuple(
        Speaker(
            f"{one.id} (part {index + 1})",
            role=one.role,
            name=one.name,
            aliases=(one.id,),
            role_source=one.role_source,
            role_rule=one.role_rule,
        )
        for one in found
    )
    relabelled = tuple(replace(line, label=f"{line.label} (part {index + 1})") for line in lines)
    return replace(piece, reading=replace(piece.reading, lines=relabelled, speakers=speakers))


def _first_readable(
    candidates: Sequence[tuple[str, Object]], container: Object, parties: Sequence[Speaker], context: Context
) -> Reading:
    first: ConversationRejected | None = None
    for place, analysis in candidates:
        try:
            return _transcript(analysis, place, container, parties, context)
        except ConversationRejected as error:
            first = first or type(error)(
                error.message, field=f"{place}.body{'.' + error.field if error.field else ''}", fix=error.fix
            )
    raise first or ConversationRejected("no transcript.", field="analysis")


def _transcript(
    analysis: Object, place: str, container: Object, parties: Sequence[Speaker], context: Context
) -> Reading:
    began = _dialog_start(analysis.get("dialog"), container)
    body = _body(analysis, place)
    if isinstance(body.value, list) and not _SEGMENT_KEYS & _keys_of_first(body.value):
        return _utterances(body.value, began, parties)
    for importer in _BODIES:
        if importer.recognises(body):
            reading = importer.read(body, context)
            return replace(reading, lines=tuple(_from(line, began) for line in reading.lines))
    raise ConversationRejected(
        "the transcript has a shape that is not known.",
        field="",
        fix="Known: Deepgram, AssemblyAI, WhisperX, OpenAI, Azure, Amazon, Genesys, WebVTT, labelled text, utterances.",
    )


def _keys_of_first(body: list[Any]) -> set[str]:
    return set(body[0]) if body and isinstance(body[0], dict) else set()


def _body(analysis: Object, place: str) -> Document:
    body = analysis.get("body")
    if isinstance(body, str):
        encoded = text_at(analysis, "encoding", place) == "base64url"
        data = jose.base64url(body, f"{place}.body") if encoded else body.encode("utf-8", "surrogatepass")
        return document_of(data)
    if body is None:
        raise ConversationRejected("the transcript is stored elsewhere.", field="", fix="Embed it in the vCon.")
    return Document(b"", None, body)


def _dialog_start(reference: Any, container: Object) -> float | None:
    """When the dialog began that an analysis speaks of (its first, where it speaks of several)."""
    while isinstance(reference, list) and reference:
        reference = reference[0]
    dialogs = list_at(container, "dialog")
    if type(reference) is not int or not 0 <= reference < len(dialogs):
        return None
    dialog = obj(dialogs[reference], f"dialog[{reference}]")
    found = times.moment(dialog.get("start"), f"dialog[{reference}].start")
    return found.timestamp() if found else None


def _from(line: Line, began: float | None) -> Line:
    """The line with offsets from the dialog's start moved to clock times."""
    if began is None or line.start is None or line.start >= times.EPOCH_FROM:
        return line
    return replace(line, start=began + line.start, end=None if line.end is None else began + line.end)


def _utterances(body: list[Any], began: float | None, parties: Sequence[Speaker]) -> Reading:
    lines, speakers = [], []
    for place, said in objects_at({"": body}, ""):
        reference = said.get("parties", said.get("party"))
        if reference is not None:
            speaker = _party(reference, parties, f"{place}.parties")
        else:
            speaker = Speaker(label_at(said, "speaker", place) or label_at(said, "participant", place) or "")
        if not speaker.label:
            raise wrong(f"{place}.parties", "the speaker", None)
        speakers.append(speaker)
        start = _clock(said, "start", place, began)
        end = _clock(said, "end", place, began)
        lasting = seconds_at(said, "duration", place)
        if end is None and start is not None and lasting is not None:
            end = start + lasting
        lines.append(Line(speaker.label, _spoken(said, place), start, end))
    return Reading(tuple(lines), tuple(speakers))


def _spoken(said: Mapping[str, Any], place: str) -> str:
    for key in ("text", "message", "transcript", "body"):
        if (found := text_at(said, key, place)) is not None:
            return found
    raise wrong(f"{place}.text", "text", None)


def _clock(said: Object, key: str, place: str, began: float | None) -> float | None:
    """A clock time as ISO 8601 text, or an offset from the dialog's start."""
    if isinstance(said.get(key), str):
        found = times.moment(said[key], f"{place}.{key}")
        return found.timestamp() if found else None
    seconds = seconds_at(said, key, place)
    if seconds is None or seconds >= times.EPOCH_FROM or began is None:
        return seconds
    return began + seconds
