"""One file, one or many conversations: where each begins.

Comes in: bytes. Goes out: records of bytes with their line number. Newline-delimited JSON is told by an explicit
rule: the first line is a whole JSON object and more lines follow it, or (where a line is broken) several lines begin
with a brace in their first column and one of them is a whole object. A JSON list of objects is many conversations,
unless the list is itself one list of segments.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Final

from service.errors import ConversationRejected
from service.ingest import segments
from service.ingest.document import NOT_JSON, Document, decode, document_of, refuse_binary
from service.ingest.limits import IngestLimits, check_bytes

_SUFFIXES: Final = frozenset((".json", ".ndjson", ".jsonl", ".txt", ".vtt", ".eml", ".mbox", ".vcon"))

_LOOKED_AT: Final = 20
"""Lines that decide whether a file is newline-delimited JSON."""


@dataclass(frozen=True, slots=True)
class Record:
    """One conversation's document. `place` names it inside its file: `line 7`, `[3]`; empty for a whole file."""

    document: Document
    place: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A place that could not even be decoded."""

    error: ConversationRejected
    place: str
    line: int | None


def records_of(data: bytes, *, form: str, name: str | None, limits: IngestLimits) -> Iterator[Record | BadRecord]:
    """The file's records, one after the other, so that a bad one loses nobody else."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        # Lines can be told apart in UTF-8 only.
        data = decode(data).encode("utf-8", "surrogatepass")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise ConversationRejected("there is nothing to read.", field="body", fix="Send a transcript.")
    refuse_binary(data)
    if form == "ndjson" or (form in ("auto", "native") and _is_lines(data, name)):
        yield from _lines(data, name, limits)
        return
    check_bytes(len(data), limits)
    document = document_of(data, name=name)
    if form in ("auto", "native") and isinstance(document.value, list) and not segments.recognises(document):
        yield from _elements(document)
        return
    yield Record(document)


def _is_lines(data: bytes, name: str | None) -> bool:
    if name and name.casefold().endswith((".ndjson", ".jsonl")):
        return True
    head = [line for line in _split(data, _LOOKED_AT + 1) if line.strip()]
    if len(head) < 2 or not head[0].startswith(b"{"):
        return False
    if _is_object(head[0]):
        return True
    later = [line for line in head[1:] if line.startswith(b"{")]
    return len(head[0].strip()) > 1 and any(_is_object(line) for line in later)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _split(data: bytes, count: int) -> list[bytes]:
    """The first lines that hold anything; at most `count`."""
    found: list[bytes] = []
    for _, line in _numbered(data):
        if line.strip():
            found.append(line)
        if len(found) >= count:
            break
    return found


def _numbered(data: bytes) -> Iterator[tuple[int, bytes]]:
    start, number = 0, 1
    while start < len(data):
        stop = data.find(b"\n", start)
        stop = len(data) if stop < 0 else stop
        yield number, data[start:stop]
        start, number = stop + 1, number + 1


def _lines(data: bytes, name: str | None, limits: IngestLimits) -> Iterator[Record | BadRecord]:
    for number, line in _numbered(data):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            check_bytes(len(line), limits)
            text = decode(line)
        except ConversationRejected as error:
            yield BadRecord(error, place, number)
            continue
        document = document_of(line, name=_name(name, number))
        yield Record(replace(document, text=text), place, number)


def _elements(document: Document) -> Iterator[Record | BadRecord]:
    values: list[Any] = document.value
    if not values:
        raise ConversationRejected("the list is empty.", field="body", fix="Send at least one conversation.")
    for index, value in enumerate(values):
        yield Record(Document(b"", None, value, _name(document.name, index + 1)), f"[{index}]")


def _name(name: str | None, number: int) -> str | None:
    """A name for a record without an id: the file's, with the record's number."""
    return f"{file_stem(name)}-{number}" if name else None


def file_stem(name: str) -> str:
    """A file's name without folder and usual suffix; other dots belong to the name."""
    path = PurePath(name)
    return path.stem if path.suffix.casefold() in _SUFFIXES else path.name


def is_json(document: Document) -> bool:
    """Whether the record was parsed as JSON."""
    return document.value is not NOT_JSON
