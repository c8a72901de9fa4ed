"""The words of an HTML message, with the quotations that its markup names.

Comes in: HTML. Goes out: text, in which block elements begin new lines, and the spans of `blockquote` and the
quotation wrappers of mail programs. Used only where a message has no plain text; offsets then count in this text.

The tokens follow the HTML standard (https://html.spec.whatwg.org/#tokenization) as far as words need it. They are
found in one pass: the standard library's parser takes quadratic time on markup that never closes a tag.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from service.conversation import QuotedSpan
from service.errors import ConversationRejected

_BLOCKS: Final = frozenset(
    (
        *("p", "div", "br", "tr", "li", "ul", "ol", "table", "blockquote", "hr", "pre", "section", "article"),
        *("h1", "h2", "h3", "h4", "h5", "h6"),
    )
)
_UNSEEN: Final = frozenset(("script", "style", "head", "title", "template", "textarea"))
_VOID: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_QUOTATIONS: Final = ("gmail_quote", "yahoo_quoted", "moz-cite-prefix", "protonmail_quote", "divrplyfwdmsg")

_TAG_START: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_IN_TAG: Final = re.compile(r">|=\s*([\"'])")


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str
    closes: bool
    attributes: str


def unescaped(text: str) -> str:
    """The text with its character references decoded."""
    try:
        return html.unescape(text)
    except ValueError:
        raise ConversationRejected(
            "a character reference has too many digits.", field="body", fix="Correct the markup."
        ) from None


def words_of_html(markup: str) -> tuple[str, tuple[QuotedSpan, ...]]:
    """The text, and the spans in it that quote earlier messages."""
    words = _Words()
    for token in _tokens(markup):
        if isinstance(token, str):
            words.say(unescaped(token))
        elif token.closes:
            words.close(token.name)
        else:
            words.open(token)
    words.finish()
    return "".join(words.pieces), tuple(words.spans)


def _tokens(markup: str) -> Iterator[_Tag | str]:
    """Tags and the text between them; comments and the contents of scripts and styles are left out."""
    position = 0
    while position < len(markup):
        begin = markup.find("<", position)
        if begin < 0:
            yield markup[position:]
            return
        if begin > position:
            yield markup[position:begin]
        found = _TAG_START.match(markup, begin)
        if found is None:
            position = _after_other(markup, begin)
            if position == begin + 1:
                yield "<"
            continue
        end = _tag_end(markup, found.end())
        name = found[2].casefold()
        tag = _Tag(name, bool(found[1]), markup[found.end() : end])
        position = end + 1
        if name in _UNSEEN and not tag.closes:
            position = _after_unseen(markup, position, name)
        else:
            yield tag


def _after_other(markup: str, begin: int) -> int:
    """Where a comment or declaration at `begin` ends; a bare `<` is text of one character."""
    if markup.startswith("<!--", begin):
        end, width = markup.find("-->", begin + 4), 3
    elif markup.startswith(("<!", "<?", "</"), begin):
        end, width = markup.find(">", begin), 1
    else:
        return begin + 1
    return len(markup) if end < 0 else end + width


def _tag_end(markup: str, position: int) -> int:
    """The index of the `>` that ends a tag; quoted attribute values may hold others."""
    while found := _IN_TAG.search(markup, position):
        if not found[1]:
            return found.start()
        closing = markup.find(found[1], found.end())
        if closing < 0:
            break
        position = closing + 1
    return len(markup)


def _after_unseen(markup: str, position: int, name: str) -> int:
    found = re.compile(rf"</{name}[^>]*>", re.IGNORECASE).search(markup, position)
    return len(markup) if found is None else found.end()


class _Words:
    """The text as it grows, with the elements that are open."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.spans: list[QuotedSpan] = []
        self._length = 0
        self._open: list[tuple[str, bool]] = []
        self._counts: dict[str, int] = {}
        self._quoting = 0
        self._quote_start = 0

    def say(self, text: str) -> None:
        words = " ".join(text.split())
        if not words:
            return
        if text[0].isspace() and self.pieces and not self.pieces[-1].endswith(("\n", " ")):
            words = f" {words}"
        self._add(f"{words} " if text[-1].isspace() else words)

    def open(self, tag: _Tag) -> None:
        if tag.name in _BLOCKS:
            self._break()
        if tag.name in _VOID:
            return
        marks = tag.attributes.casefold()
        quotes = tag.name == "blockquote" or any(mark in marks for mark in _QUOTATIONS)
        self._open.append((tag.name, quotes))
        self._counts[tag.name] = self._counts.get(tag.name, 0) + 1
        if quotes:
            self._quoting += 1
            if self._quoting == 1:
                self._quote_start = self._length

    def close(self, name: str) -> None:
        if self._counts.get(name):
            while self._pop() != name:
                pass
        if name in _BLOCKS:
            self._break()

    def finish(self) -> None:
        while self._open:
            self._pop()

    def _pop(self) -> str:
        name, quotes = self._open.pop()
        self._counts[name] -= 1
        if quotes:
            self._quoting -= 1
            if self._quoting == 0 and self._length > self._quote_start:
                self.spans.append(QuotedSpan(start=self._quote_start, end=self._length))
        return name

    def _break(self) -> None:
        if self.pieces and not self.pieces[-1].endswith("\n"):
            self._add("\n")

    def _add(self, text: str) -> None:
        self.pieces.append(text)
        self._length += len(text)
