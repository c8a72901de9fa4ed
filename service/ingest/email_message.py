"""E-mails as RFC 5322 has them (.eml): one message, one turn; quoted history is marked, not cut.

The sender speaks; recipients are participants without turns, so that roles can be told. Ids are addresses. Several
messages after another in one mbox file ("From " lines) are one thread, by their dates.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final

from service.errors import ConversationRejected
from service.ingest import times
from service.ingest.document import Document
from service.ingest.mail_text import decoded_words, header_of, message_of, text_of
from service.ingest.reading import Context, Line, Reading, Speaker

_HEADER: Final = re.compile(
    rb"(?:Received|Return-Path|Delivered-To|From|To|Cc|Subject|Date|Message-ID|MIME-Version|Content-Type|Reply-To|"
    rb"Sender|DKIM-Signature|Authentication-Results|In-Reply-To|References|X-[\w-]+|ARC-[\w-]+)[ \t]*:",
    re.IGNORECASE,
)
_NEEDED: Final = re.compile(rb"^From[ \t]*:[^\r\n]*@", re.IGNORECASE | re.MULTILINE)
_MBOX: Final = re.compile(rb"^From \S+[^\r\n]*(?:\r?\n)(?=[\w-]+[ \t]*:)", re.MULTILINE)


def recognises(document: Document) -> bool:
    """Bytes that begin with mail headers, among them a `From:` with an address."""
    data = document.data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if mbox := _MBOX.match(data):
        data = data[mbox.end() :]
    head = re.split(rb"\r?\n\r?\n", data[:200_000], maxsplit=1)[0]
    return bool(_HEADER.match(data)) and bool(_NEEDED.search(head))


def read(document: Document, context: Context) -> Reading:
    """The thread's messages by date."""
    del context
    data = document.data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    starts = [found.end() for found in _MBOX.finditer(data)] if _MBOX.match(data) else [0]
    stops = [found.start() for found in _MBOX.finditer(data)][1:] if starts != [0] else []
    messages = [message_of(data[a:b]) for a, b in zip(starts, [*stops, len(data)], strict=True)]
    dated = [(_date(message), message) for message in messages]
    if all(date is not None for date, _ in dated):
        dated.sort(key=lambda pair: pair[0].timestamp() if pair[0] else 0)
    speakers: dict[str, Speaker] = {}
    lines, notes = [], []
    for index, (date, message) in enumerate(dated):
        where = f"message {index + 1}" if len(dated) > 1 else "message"
        sender = _parties(message, "from")
        if not sender:
            raise ConversationRejected("the sender is missing.", field=f"{where}.From", fix="Send complete headers.")
        for party in (*sender[:1], *_parties(message, "to")):
            if party.label not in speakers or not speakers[party.label].name:
                speakers[party.label] = party
        words = text_of(message, where)
        notes += [note for note in words.notes if note not in notes]
        lines.append(Line(sender[0].label, words.text, date.timestamp() if date else None, None, words.quoted))
    timed = all(line.start is not None and line.start >= times.EPOCH_FROM for line in lines)
    return Reading(
        lines=tuple(lines if timed else (Line(line.label, line.text, quoted=line.quoted) for line in lines)),
        speakers=tuple(speakers.values()),
        id=header_of(messages[0], "message-id").strip("<> ")[:200] or None,
        channel="email",
        started_at=dated[0][0] if timed else None,
        metadata={"subject": decoded_words(header_of(messages[0], "subject")) or None},
        notes=tuple(notes),
    )


def _parties(message: Message, name: str) -> tuple[Speaker, ...]:
    """The addresses of a header; an address is its party's id."""
    try:
        pairs = getaddresses([header_of(message, name)])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ()
    return tuple(
        Speaker(address.casefold(), name=decoded_words(called) or None, aliases=(address,))
        for called, address in pairs
        if "@" in address
    )


def _date(message: Message) -> datetime | None:
    text = header_of(message, "date")
    try:
        return times.moment(parsedate_to_datetime(text), "date") if text else None
    except (ValueError, TypeError, LookupError, OverflowError, ConversationRejected):
        return None
