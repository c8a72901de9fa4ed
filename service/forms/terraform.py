"""The literal part of Terraform's language: nested blocks of names, texts, numbers, truths and lists.

Comes in: the text of a .tf file. Goes out: its resources as plain data. It computes nothing and refuses, with the
line, whatever would have to be computed.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from service.errors import RubricRejected

_DEEPEST = 16


class Resource(NamedTuple):
    """One `resource "kind" "name" { … }`; in its body repeated and single blocks alike are lists of bodies."""

    kind: str
    name: str
    body: dict[str, Any]


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


_TOKENS = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
      | (?P<text>"(?:[^"\\\n]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
      | (?P<mark>[{}\[\]=,])""",
    re.VERBOSE | re.DOTALL,
)


def read_resources(text: str) -> list[Resource]:
    """Every resource of the file, in its order; other top-level blocks are passed over."""
    tokens = _Tokens(text)
    found = []
    while (token := tokens.peek()).kind != "end":
        block = tokens.take("name").text
        labels = []
        while tokens.peek().kind in ("text", "name"):
            labels.append(_text(tokens.take(tokens.peek().kind)))
        if block == "resource" and len(labels) == 2:
            found.append(Resource(labels[0], labels[1], tokens.body(0)))
        elif block in ("variable", "locals", "output", "provider", "terraform", "data", "module", "resource"):
            tokens.skip_body()
        else:
            raise _refused(token, f"{block!r} is no block that can stand here")
    return found


class _Tokens:
    """The file as tokens, read from left to right once."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def peek(self) -> _Token:
        return self._tokens[self._at]

    def take(self, kind: str, text: str | None = None) -> _Token:
        token = self.peek()
        if token.kind != kind or (text is not None and token.text != text):
            raise _refused(token, f"{token.text or 'the end'!r} stands where {text or kind!r} belongs")
        self._at += 1
        return token

    def follows(self, mark: str) -> bool:
        return self.peek().kind == "mark" and self.peek().text == mark

    def skip_body(self) -> None:
        self.take("mark", "{")
        depth = 1
        while depth:
            token = self.peek()
            if token.kind == "end":
                raise _refused(token, "the end stands where '}' belongs")
            depth += {"{": 1, "}": -1}.get(token.text, 0) if token.kind == "mark" else 0
            self._at += 1

    def body(self, depth: int) -> dict[str, Any]:
        opening = self.take("mark", "{")
        if depth > _DEEPEST:
            raise _refused(opening, f"blocks are nested deeper than {_DEEPEST}")
        found: dict[str, Any] = {}
        while not self.follows("}"):
            name = self.take("name")
            if name.text == "dynamic":
                raise _refused(name, "a dynamic block would have to be computed")
            if self.follows("="):
                self.take("mark", "=")
                if name.text in found:
                    raise _refused(name, f"{name.text!r} is set twice")
                found[name.text] = self.value(depth)
            else:
                found.setdefault(name.text, []).append(self.body(depth + 1))
        self.take("mark", "}")
        return found

    def value(self, depth: int) -> Any:
        token = self.peek()
        if token.kind == "mark" and token.text == "[":
            return self.listed(depth + 1)
        if token.kind == "text":
            return _text(self.take("text"))
        if token.kind == "number":
            number = float(self.take("number").text)
            return int(number) if number.is_integer() else number
        if token.kind == "name" and token.text in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[self.take("name").text]
        raise _refused(token, f"{token.text!r} would have to be computed")

    def listed(self, depth: int) -> list[Any]:
        opening = self.take("mark", "[")
        if depth > _DEEPEST:
            raise _refused(opening, f"lists are nested deeper than {_DEEPEST}")
        found = []
        while not self.follows("]"):
            found.append(self.value(depth))
            if not self.follows("]"):
                self.take("mark", ",")
        self.take("mark", "]")
        return found


def _tokens(text: str) -> list[_Token]:
    found, at, line = [], 0, 1
    while at < len(text):
        match = _TOKENS.match(text, at)
        if match is None:
            # Other characters are expressions; where they stand in a block that is passed over they do no harm.
            found.append(_Token("other", text[at], line))
            at += 1
            continue
        if match.lastgroup != "space":
            found.append(_Token(match.lastgroup or "", match.group(), line))
        line += match.group().count("\n")
        at = match.end()
    return [*found, _Token("end", "", line)]


def _text(token: _Token) -> str:
    """What a quoted text says; a template in it would have to be computed."""
    if token.kind == "name":
        return token.text
    if re.search(r"(?<!\$)\$\{|(?<!%)%\{", token.text):
        raise _refused(token, "a template would have to be computed")
    try:
        said = json.loads(token.text)
    except ValueError as error:
        raise _refused(token, "the text has an escape that is not known") from error
    return str(said).replace("$${", "${").replace("%%{", "%{")


def _refused(token: _Token, reason: str) -> RubricRejected:
    return RubricRejected(
        f"The Terraform file cannot be read as a form: {reason}.",
        field=f"line {token.line}",
        fix="Write literal values, or export the form as JSON from the API.",
    )
