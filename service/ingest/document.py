"""One record as it arrived: bytes, their text, and the JSON value if they hold one.

Comes in: bytes. Goes out: a `Document`, decoded but not interpreted: line ends, blanks and letters are the caller's.
Bytes that no importer could ever read (recordings, archives, broken UTF-8, broken JSON) are refused here by name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from service.errors import ConversationRejected, FormatUnknown

NOT_JSON: Final = object()

_MAGIC: Final = (
    (b"\x1f\x8b", "a gzip archive", "Unpack it and send what is inside."),
    (b"PK\x03\x04", "a zip archive or an office file", "Unpack it, or export the transcript as text or JSON."),
    (b"%PDF", "a PDF", "Export the transcript as text or JSON."),
    (b"RIFF", "a recording (RIFF)", "Transcribe it with speaker separation first."),
    (b"ID3", "a recording (MP3)", "Transcribe it with speaker separation first."),
    (b"OggS", "a recording (Ogg)", "Transcribe it with speaker separation first."),
    (b"fLaC", "a recording (FLAC)", "Transcribe it with speaker separation first."),
    (b"PAR1", "a Parquet file", "Export one conversation per line as JSON."),
    (b"SQLite format 3", "a database", "Export one conversation per line as JSON."),
)

_BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """One record. `value` is the parsed JSON or NOT_JSON; `text` is None where bytes are not Unicode (some e-mails)."""

    data: bytes
    text: str | None
    value: Any = NOT_JSON
    name: str | None = None


def document_of(data: bytes, *, name: str | None = None) -> Document:
    """The record with its text and JSON value, as far as it has them. Never refuses; see `insist` for that."""
    try:
        text = decode(data)
    except ConversationRejected:
        return Document(data, None, name=name)
    value = NOT_JSON
    if text.lstrip()[:1] in ("{", "[", '"'):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = NOT_JSON
    return Document(data, text, value, name)


def decode(data: bytes) -> str:
    """The bytes as text: UTF-8, or UTF-16 where a byte order mark says so. The mark itself is not text."""
    mark, encoding = next((bom for bom in _BOMS if data.startswith(bom[0])), (b"", "utf-8"))
    try:
        return data.removeprefix(mark).decode(encoding)
    except UnicodeDecodeError as error:
        raise ConversationRejected(
            f"byte {error.start} is not {encoding.upper()} text.", field="body", fix="Send the file as UTF-8."
        ) from None


def refuse_binary(data: bytes) -> None:
    """Pass for what may be text; refuse archives and recordings by name."""
    for magic, what, fix in _MAGIC:
        if data.startswith(magic):
            raise FormatUnknown(f"this is {what}, not a transcript.", field="body", fix=fix)
    if b"\x00" in data[:1024] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FormatUnknown("these bytes are not text.", field="body", fix="Send a transcript as text or JSON.")


def explain_json(text: str) -> NoReturn:
    """Raise a `ConversationRejected` that says where and why the text is not JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        reason = f"not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}."
    except RecursionError:
        reason = "the JSON is nested too deeply to be a conversation."
    except ValueError:
        reason = "a number in the JSON has too many digits."
    else:
        reason = "the JSON is not what this format needs."
    raise ConversationRejected(reason, field="body", fix="Mend the JSON and send it again.") from None
