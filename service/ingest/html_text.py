"""The words of an HTML message, with the quotations that its markup names.

Comes in: HTML. Goes out: text, in which block elements begin new lines, and the spans of `blockquote` and the
quotation wrappers of mail programs. Used only where a message has no plain text; offsets then count in this text.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

from service.conversation import QuotedSpan
from service.errors import ConversationRejected

_BLOCKS: Final = frozenset(
    (
        "p",
        "div",
        "br",
        "tr",
        "li",
        "ul",
        "ol",
        "table",
        "blockquote",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "pre",
        "section",
        "article",
    )
)
_SILENT: Final = frozenset(("script", "style", "head", "title", "template"))
_VOID: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_QUOTE_CLASSES: Final = ("gmail_quote", "yahoo_quoted", "moz-cite-prefix", "protonmail_quote", "divrplyfwdmsg")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.length = 0
        self.open: list[tuple[str, bool]] = []
        self.silent = 0
        self.quoting = 0
        self.quote_start = 0
        self.spans: list[QuotedSpan] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self.silent += 1
        if tag in _BLOCKS:
            self._break()
        if tag in _VOID:
            return
        marks = " ".join(value or "" for name, value in attrs if name in ("class", "id")).casefold()
        quotes = tag == "blockquote" or any(mark in marks for mark in _QUOTE_CLASSES)
        self.open.append((tag, quotes))
        if quotes:
            self.quoting += 1
            if self.quoting == 1:
                self.quote_start = self.length

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT and self.silent:
            self.silent -= 1
        if not any(name == tag for name, _ in self.open[-50:]):
            return
        while self.open:
            name, quotes = self.open.pop()
            if quotes:
                self.quoting -= 1
                if self.quoting == 0:
                    self._close_quote()
            if name == tag:
                break
        if tag in _BLOCKS:
            self._break()

    def handle_data(self, data: str) -> None:
        if self.silent:
            return
        words = " ".join(data.split())
        if not words:
            return
        if data[0].isspace() and self.pieces and not self.pieces[-1].endswith("\n"):
            words = f" {words}"
        if data[-1].isspace():
            words = f"{words} "
        self._add(words)

    def close(self) -> None:
        super().close()
        if self.quoting:
            self._close_quote()

    def _close_quote(self) -> None:
        if self.length > self.quote_start:
            self.spans.append(QuotedSpan(start=self.quote_start, end=self.length))

    def _break(self) -> None:
        if self.pieces and not self.pieces[-1].endswith("\n"):
            self._add("\n")

    def _add(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)


def words_of_html(markup: str) -> tuple[str, tuple[QuotedSpan, ...]]:
    """The text, and the spans in it that quote earlier messages."""
    parser = _Words()
    try:
        parser.feed(markup)
        parser.close()
    except AssertionError:
        # The standard parser asserts on marked sections that it does not know.
        raise ConversationRejected(
            "the HTML of a message is damaged.", field="body", fix="Send the message with plain text."
        ) from None
    return "".join(parser.pieces), tuple(parser.spans)
