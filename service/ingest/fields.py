"""Reading JSON that others wrote: each access names its place when the value is of the wrong kind.

Comes in: parsed JSON of unknown quality. Goes out: strings, numbers, lists and objects, or `ConversationRejected`
with the path of the field. Null counts as absent. No value is quoted in a message: it may be somebody's words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from service.errors import ConversationRejected

Object = Mapping[str, Any]

DEEPEST_METADATA = 32


def wrong(where: str, needed: str, value: Any) -> ConversationRejected:
    """The refusal of a value of the wrong kind; to be raised by the caller."""
    return ConversationRejected(f"needed {needed}, found {_kind(value)}.", field=where, fix="Correct this field.")


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text" if value else "empty text"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
        case _:
            return "another kind of value"


def obj(value: Any, where: str) -> Object:
    """The value as a JSON object."""
    if not isinstance(value, Mapping):
        raise wrong(where, "an object", value)
    return value


def obj_at(holder: Object, key: str, where: str = "") -> Object:
    """The object under `key`, empty when absent."""
    value = holder.get(key)
    return {} if value is None else obj(value, _path(where, key))


def list_at(holder: Object, key: str, where: str = "") -> list[Any] | tuple[Any, ...]:
    """The list under `key`, empty when absent."""
    value = holder.get(key)
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise wrong(_path(where, key), "a list", value)
    return value


def objects_at(holder: Object, key: str, where: str = "") -> Iterator[tuple[str, Object]]:
    """The objects of the list under `key`, each with its path."""
    for index, value in enumerate(list_at(holder, key, where)):
        place = f"{_path(where, key)}[{index}]"
        yield place, obj(value, place)


def text_at(holder: Object, key: str, where: str = "") -> str | None:
    """The text under `key`, verbatim; None when absent."""
    value = holder.get(key)
    if value is not None and not isinstance(value, str):
        raise wrong(_path(where, key), "text", value)
    return value


def label_at(holder: Object, key: str, where: str = "") -> str | None:
    """A name or number under `key` as text: vendors write ids and speakers both ways. None when absent or empty."""
    value = holder.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if -(10**18) < value < 10**18 else None
    return text_at(holder, key, where) or None


def words_of(holder: Object, key: str, where: str = "") -> str:
    """The text under `key`, which must be there (it may be empty)."""
    value = text_at(holder, key, where)
    if value is None:
        raise wrong(_path(where, key), "text", None)
    return value


def seconds_at(holder: Object, key: str, where: str = "", *, per_second: float = 1) -> float | None:
    """The time under `key` in seconds, given in units of which `per_second` make a second; None when absent."""
    value = holder.get(key)
    if value is None:
        return None
    place = _path(where, key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong(place, "a number", value)
    try:
        seconds = value / per_second
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise ConversationRejected("this is not a finite time.", field=place, fix="Correct or omit it.")
    if seconds < 0:
        raise ConversationRejected(
            "a time before the start of the conversation.",
            field=place,
            fix="Times count from zero; correct or omit it.",
        )
    return seconds


def plain_json(value: Any, where: str, depth: int = 0) -> Any:
    """The value, proven to be JSON that can be stored: finite numbers, text keys, whole characters, bounded depth."""
    if depth > DEEPEST_METADATA:
        raise ConversationRejected(f"nested deeper than {DEEPEST_METADATA} levels.", field=where, fix="Flatten it.")
    match value:
        case None | bool():
            return value
        case int():
            if not -(2**63) <= value < 2**63:
                raise wrong(where, "a number within 64 bits", value)
            return value
        case str():
            whole_characters(value, where)
            return value
        case float():
            if not math.isfinite(value):
                raise wrong(where, "a finite number", value)
            return value
        case Mapping():
            for key in value:
                if not isinstance(key, str):
                    raise wrong(where, "text as key", key)
                whole_characters(key, where)
            return {key: plain_json(inner, f"{where}.{key[:40]}", depth + 1) for key, inner in value.items()}
        case list() | tuple():
            return [plain_json(inner, where, depth + 1) for inner in value]
        case _:
            raise wrong(where, "JSON", value)


def whole_characters(text: str, where: str) -> None:
    """Pass unless the text holds half of a surrogate pair, which no UTF-8 file or database can keep."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ConversationRejected(
            f"character {error.start} is half of a surrogate pair.", field=where, fix="Send whole characters."
        ) from None


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
