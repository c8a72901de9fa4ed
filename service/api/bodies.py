"""Bodies as sent → plain data, strictly; values → the bytes of an answer.

What other readers let pass with a changed meaning is refused by name: NaN, duplicate keys, half of a surrogate pair,
numbers beyond any float. Nothing of the body is repeated in a message but the names of its keys.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Iterator
from typing import Any

from litestar import Request, Response
from pydantic import BaseModel

from service.api.problems import MalformedBody, MediaTypeUnsupported

_LONE = re.compile("[\ud800-\udfff]")
_JSON_TYPE = re.compile(r"(application|text)/([\w.+-]+\+)?json")
# Bodies of this many bytes are read in a thread, so that other requests go on meanwhile.
_LARGE = 100_000
YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON is read strictly."""

    async def body(self) -> bytes:
        """The body as sent. Raises MalformedBody when an operation that reads one gets none."""
        if not (body := await super().body()):
            raise MalformedBody("the body is empty.", fix="Send the JSON object that GET /schema describes.")
        return body

    async def json(self) -> Any:
        """The body's value. Raises MediaTypeUnsupported or MalformedBody."""
        media_type = self.content_type[0].lower()
        if media_type and not _JSON_TYPE.fullmatch(media_type):
            raise MediaTypeUnsupported(
                f"this operation does not read {media_type}.", field="Content-Type", fix="Send application/json."
            )
        body = await self.body()
        return read_json(body) if len(body) < _LARGE else await asyncio.to_thread(read_json, body)

    async def rubric_document(self) -> bytes:
        """The body as the bytes of a JSON or YAML document. Raises MediaTypeUnsupported."""
        media_type = self.content_type[0].lower()
        if media_type and media_type not in YAML_TYPES and not _JSON_TYPE.fullmatch(media_type):
            raise MediaTypeUnsupported(
                f"a rubric is not read from {media_type}.",
                field="Content-Type",
                fix="Send application/json or application/yaml.",
            )
        return await self.body()


class JsonResponse(Response[Any]):
    """An answer in which text stays as it was: emoji and other scripts unescaped, NUL and halves of pairs escaped."""

    def render(self, content: Any, media_type: str, enc_hook: Any = None) -> bytes:
        """Values as JSON; anything else as Litestar renders it."""
        if isinstance(content, BaseModel):
            return write_json(content.model_dump(mode="json", by_alias=True))
        if isinstance(content, (dict, list)):
            return write_json(content)
        return (
            super().render(content, media_type) if enc_hook is None else super().render(content, media_type, enc_hook)
        )


def write_json(value: Any) -> bytes:
    """Compact JSON in UTF-8. Raises ValueError for NaN and infinities."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def read_json(body: bytes) -> Any:
    """The value of a JSON body. Raises MalformedBody with the place and the reason."""
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_without_duplicates
        )
    except UnicodeDecodeError as broken:
        raise MalformedBody(f"byte {broken.start} of the body is not UTF-8.", fix="Send JSON in UTF-8.") from None
    except json.JSONDecodeError as broken:
        raise MalformedBody(
            f"the body is not JSON: {broken.msg} at line {broken.lineno}, column {broken.colno}.",
            fix="Check quotes and commas there.",
        ) from None
    except RecursionError:
        raise MalformedBody("the body nests too deeply.", fix="No valid request needs this depth.") from None
    except ValueError:
        raise MalformedBody("the body has a number with too many digits.", fix="Send long numbers as text.") from None
    if "\\u" in text:
        refuse_lone_surrogates(value)
    return value


def refuse_lone_surrogates(value: Any) -> None:
    """Pass when every text in `value` is whole; otherwise raise MalformedBody with the path of the broken one."""
    for path, text in _texts(value):
        if _LONE.search(text):
            raise MalformedBody(
                "the text holds half of a surrogate pair, which is no character.",
                field=path,
                fix="The text was probably cut inside an emoji; cut between characters.",
            )


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """Every text with its path, keys included; no recursion, so depth costs no stack."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, one = waiting.pop()
        if isinstance(one, str):
            yield path, one
        elif isinstance(one, dict):
            yield from ((path or "body", key) for key in one)
            waiting += [(f"{path}.{key}" if path else key, inner) for key, inner in one.items()]
        elif isinstance(one, (list, tuple)):
            waiting += [(f"{path}[{index}]", inner) for index, inner in enumerate(one)]


def _refuse_constant(name: str) -> Any:
    raise MalformedBody(f"{name} is not JSON.", fix="Leave the value out, or send null.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedBody("the body has a number beyond what a float can hold.", fix="Send a smaller number.")
    return number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise MalformedBody("a key stands twice in one object.", field=twice[:100], fix="Keep one of the two.")
    return found
