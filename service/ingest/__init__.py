"""Bytes of many formats in, `Conversation` out.

    for conversation in read_conversations(data): ...
    for outcome in read_each(data): ...        # a bad record is a RejectedRecord and loses nobody else

Formats are told by explicit rules, in the order of `FORMATS`, and can be named. Every failure is a
`ConversationRejected` (or one of its kinds) that names the field and the fix and quotes no transcript. This package
knows no framework, reads no environment and opens no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from service.conversation import Channel, Conversation, Role
from service.errors import ConversationRejected, FormatUnknown
from service.ingest import (
    assemblyai,
    azure_call_center,
    contact_lens,
    deepgram,
    email_message,
    genesys,
    native,
    openai_diarized,
    plain_text,
    segments,
    transcribe,
    vcon,
    webvtt,
    whisperx,
)
from service.ingest.assembly import assemble, rejection_of
from service.ingest.document import Document, decode, explain_json
from service.ingest.foreign import refuse_foreign
from service.ingest.limits import DEFAULT_LIMITS, IngestLimits
from service.ingest.reading import Context, Importer
from service.ingest.records import BadRecord, Record, is_json, records_of
from service.ingest.roles import check_role_map

__all__ = [
    "FORMATS",
    "IngestLimits",
    "RejectedRecord",
    "conversation_from",
    "read_conversation",
    "read_conversations",
    "read_each",
]

_JSON_IMPORTERS: Final[dict[str, Importer]] = {
    "native": native,
    "vcon": vcon,
    "transcribe": transcribe,
    "contact_lens": contact_lens,
    "genesys": genesys,
    "azure": azure_call_center,
    "deepgram": deepgram,
    "assemblyai": assemblyai,
    "openai": openai_diarized,
    "whisperx": whisperx,
    "segments": segments,
}
_TEXT_IMPORTERS: Final[dict[str, Importer]] = {"webvtt": webvtt, "email": email_message, "text": plain_text}
_IMPORTERS: Final = {**_JSON_IMPORTERS, **_TEXT_IMPORTERS}

FORMATS: Final[tuple[str, ...]] = ("ndjson", *_IMPORTERS)
"""The names that `format` takes besides `auto`."""


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """One record that could not be read, with its line where the file is newline-delimited."""

    error: ConversationRejected
    line: int | None = None


def read_each(
    data: bytes,
    *,
    format: str = "auto",  # noqa: A002 - the word of the API and the command line
    roles: Mapping[str, Role] | None = None,
    limits: IngestLimits = DEFAULT_LIMITS,
    channel: Channel | None = None,
    language: str | None = None,
    name: str | None = None,
    vcon_key: str | None = None,
) -> Iterator[Conversation | RejectedRecord]:
    """Each record as a conversation or as its rejection; one bad line costs only itself.

    `roles` maps speaker labels (or names, addresses, `@domain`) to roles and wins over everything; `channel` and
    `language` win over the document; `name` is the file's name, an id for records without one. `vcon_key` is the PEM
    public key or certificate against which signed vCons are checked.
    """
    try:
        context = Context(check_role_map(roles), limits, channel, language, name, vcon_key)
        if format != "auto" and format not in FORMATS:
            raise FormatUnknown(
                "this format is unknown.", field="format", fix=f"Formats are auto, {', '.join(FORMATS)}."
            )
        for record in records_of(data, form=format, name=name, limits=limits):
            yield _outcome(record, format, context)
    except ConversationRejected as error:
        yield RejectedRecord(error)


def read_conversations(
    data: bytes,
    *,
    format: str = "auto",  # noqa: A002 - the word of the API and the command line
    roles: Mapping[str, Role] | None = None,
    limits: IngestLimits = DEFAULT_LIMITS,
    channel: Channel | None = None,
    language: str | None = None,
    name: str | None = None,
    vcon_key: str | None = None,
) -> Iterator[Conversation]:
    """Every conversation in the bytes; the first that cannot be read raises. Parameters as in `read_each`."""
    for outcome in read_each(
        data,
        format=format,
        roles=roles,
        limits=limits,
        channel=channel,
        language=language,
        name=name,
        vcon_key=vcon_key,
    ):
        if isinstance(outcome, RejectedRecord):
            raise outcome.error
        yield outcome


def read_conversation(
    data: bytes,
    *,
    format: str = "auto",  # noqa: A002 - the word of the API and the command line
    roles: Mapping[str, Role] | None = None,
    limits: IngestLimits = DEFAULT_LIMITS,
    channel: Channel | None = None,
    language: str | None = None,
    name: str | None = None,
    vcon_key: str | None = None,
) -> Conversation:
    """The one conversation in the bytes; none or several are refused. Parameters as in `read_each`."""
    found = read_conversations(
        data,
        format=format,
        roles=roles,
        limits=limits,
        channel=channel,
        language=language,
        name=name,
        vcon_key=vcon_key,
    )
    conversation = next(found)
    if next(found, None) is not None:
        raise ConversationRejected(
            "there are several conversations.", field="body", fix="Send one, or read them one after the other."
        )
    return conversation


def conversation_from(
    payload: Mapping[str, Any],
    *,
    limits: IngestLimits = DEFAULT_LIMITS,
    roles: Mapping[str, Role] | None = None,
    channel: Channel | None = None,
    language: str | None = None,
    vcon_key: str | None = None,
) -> Conversation:
    """The conversation that parsed JSON describes: native, its shorthand, or any other JSON format of `FORMATS`.

    Whoever parsed the JSON has counted its bytes; here turns and characters are limited.
    """
    if not isinstance(payload, Mapping):
        raise ConversationRejected("needed an object.", field="conversation", fix='Send {"turns": […]}.')
    context = Context(check_role_map(roles), limits, channel, language, None, vcon_key)
    return _read(Document(b"", None, dict(payload)), "auto", context)


def _outcome(record: Record | BadRecord, form: str, context: Context) -> Conversation | RejectedRecord:
    if isinstance(record, BadRecord):
        return RejectedRecord(_placed(record.error, record.place), record.line)
    try:
        return _read(record.document, form, context)
    except ConversationRejected as error:
        return RejectedRecord(_placed(error, record.place), record.line)


def _placed(error: ConversationRejected, place: str) -> ConversationRejected:
    """The same error with the record's place before its field."""
    if not place:
        return error
    return type(error)(error.message, field=f"{place}, {error.field}" if error.field else place, fix=error.fix)


def _read(document: Document, form: str, context: Context) -> Conversation:
    try:
        chosen = _chosen(document, form)
        reading = _IMPORTERS[chosen].read(document, context)
        return assemble(reading, context, form=chosen, name=document.name)
    except ValidationError as error:
        raise rejection_of(error) from None
    except RecursionError:
        raise ConversationRejected(
            "the document is nested too deeply to be a conversation.", field="body", fix="Send the transcript only."
        ) from None


def _chosen(document: Document, form: str) -> str:
    """The format: the one that was named, where the document can be read as it, else the first that recognises it."""
    if form in _TEXT_IMPORTERS:
        return form
    if form not in ("auto", "ndjson"):
        if is_json(document) or vcon.recognises(document):
            if not _IMPORTERS[form].recognises(document):
                refuse_foreign(document)
                raise FormatUnknown(
                    f"the document is not of the format {form}.", field="format", fix="Name another one, or use auto."
                )
            return form
        explain_json(_text(document))
    order = _JSON_IMPORTERS if is_json(document) else {"vcon": vcon, **_TEXT_IMPORTERS}
    if is_json(document) or not email_message.recognises(document):
        refuse_foreign(document)
    for candidate, importer in order.items():
        if importer.recognises(document):
            return candidate
    raise _unknown(document, form)


def _text(document: Document) -> str:
    return decode(document.data) if document.text is None else document.text


def _unknown(document: Document, form: str) -> FormatUnknown:
    """What helps most: the JSON's syntax error, the text's first fault, or the list of formats."""
    if not is_json(document):
        text = _text(document)
        if form == "ndjson" or text.lstrip()[:1] in ("{", "["):
            explain_json(text)
    return FormatUnknown(
        "no format recognises this document.",
        field="body",
        fix=f'Send {{"turns": [{{"speaker": "agent", "text": "…"}}]}}, or one of: {", ".join(FORMATS)}.',
    )
