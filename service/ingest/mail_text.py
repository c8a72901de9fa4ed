"""The words of one mail message: which MIME part holds them, in which encoding.

Comes in: message bytes (headers and body). Goes out: `MailText`. Plain text is preferred over HTML; attachments are
left alone and counted. Text is decoded strictly: a replaced character would be one that nobody wrote.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from email import errors as mail_errors
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import Final

from service.conversation import QuotedSpan
from service.errors import ConversationRejected
from service.ingest.html_text import words_of_html
from service.ingest.quoting import merged, quoted_spans

_DEEPEST: Final = 20

# What the standard library's mail parser has been seen to raise on damaged messages.
_PARSER_FAULTS: Final = (
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    AssertionError,
    RecursionError,
    mail_errors.MessageError,
)


@dataclass(frozen=True, slots=True)
class MailText:
    """A message's words. `quoted` is None where nobody has looked for quoted history yet."""

    text: str
    quoted: tuple[QuotedSpan, ...] | None
    notes: tuple[str, ...]


def message_of(data: bytes) -> Message:
    """The parsed message. The parser accepts nearly anything; what is missing shows when it is asked for."""
    try:
        return BytesParser(policy=compat32).parsebytes(data)
    except _PARSER_FAULTS:
        raise _damaged("body") from None


def header_of(message: Message, name: str) -> str:
    """One header, unfolded but with its encoded words as they are; empty when absent."""
    raw = next((str(value) for key, value in message.raw_items() if key.casefold() == name), "")
    text = raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(text.split())


def decoded_words(text: str) -> str:
    """The text with its encoded words (RFC 2047) decoded; words that are damaged stay as they are.

    Cut at 2,000 characters: names and subjects are no longer, and the decoder takes more than linear time.
    """
    text = text[:2_000]
    try:
        pieces = [
            piece if isinstance(piece, str) else piece.decode(charset or "ascii", "replace")
            for piece, charset in decode_header(text)
        ]
    except _PARSER_FAULTS:
        return text
    return "".join(pieces)


def text_of(message: Message, where: str, *, already_unicode: bool = False) -> MailText:
    """The message's words; `already_unicode` says that its bytes are UTF-8 whatever its parts declare."""
    try:
        return _text_of(message, where, already_unicode=already_unicode)
    except ConversationRejected:
        raise
    except _PARSER_FAULTS:
        raise _damaged(where) from None


def _text_of(message: Message, where: str, *, already_unicode: bool) -> MailText:
    plain, markup, others = _parts(message, 0)
    notes = (f"{others} attachment(s) were left out.",) if others else ()
    if plain is not None:
        return MailText(_decoded(plain, where, already_unicode=already_unicode), None, notes)
    if markup is not None:
        text, quoted = words_of_html(_decoded(markup, where, already_unicode=already_unicode))
        notes = (*notes, "A message has no plain text; its words were taken from HTML.")
        return MailText(text, merged((*quoted, *quoted_spans(text))), notes)
    raise ConversationRejected(
        "the message has no text part.", field=where, fix="Send messages with text; attachments are not read."
    )


def _damaged(where: str) -> ConversationRejected:
    return ConversationRejected(
        "the message is damaged and cannot be read.", field=where, fix="Send it as your mail server has it."
    )


def _parts(part: Message, depth: int) -> tuple[Message | None, Message | None, int]:
    """The first plain text, the first HTML, and how many other parts there are."""
    if depth > _DEEPEST:
        raise ConversationRejected("the message is nested too deeply.", field="body", fix="Send it without forwards.")
    kind = part.get_content_type()
    payload = part.get_payload()
    if isinstance(payload, list) and kind != "message/rfc822":
        plain, markup, others = None, None, 0
        for inner in payload:
            if not isinstance(inner, Message):
                continue
            found, html, rest = _parts(inner, depth + 1)
            others += rest + (found is not None and plain is not None)
            plain, markup = plain or found, markup or html
        return plain, markup, others
    attached = part.get_content_disposition() == "attachment"
    if kind == "text/plain" and not attached:
        return part, None, 0
    if kind == "text/html" and not attached:
        return None, part, 0
    return None, None, 1


def _decoded(part: Message, where: str, *, already_unicode: bool) -> str:
    encoding = header_of(part, "content-transfer-encoding").casefold()
    data = _bytes_of(part, encoding, where)
    charsets = [str(part.get_content_charset("utf-8"))]
    if already_unicode and encoding not in ("base64", "quoted-printable"):
        charsets.insert(0, "utf-8")
    for charset in charsets:
        try:
            return data.decode("utf-8" if charset in ("us-ascii", "ascii") else charset)
        except (UnicodeError, LookupError, ValueError):
            continue
    raise ConversationRejected(
        "a text part is not in the character set that it declares.", field=where, fix="Send the message as UTF-8."
    )


def _bytes_of(part: Message, encoding: str, where: str) -> bytes:
    """The part's bytes as its sender had them. Asked for text, the parser would replace what it cannot decode."""
    if encoding == "base64":
        try:
            return binascii.a2b_base64(str(part.get_payload()).encode("ascii", "ignore"))
        except binascii.Error:
            raise ConversationRejected(
                "a text part is damaged base64.", field=where, fix="Send the message unaltered."
            ) from None
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        raise ConversationRejected("a text part cannot be read.", field=where, fix="Send the message unaltered.")
    return data
