"""Paging cursors: where the last page ended, as text that only this service can make sense of.

A cursor is the (created_at, id) of the last line, so pages stay in step while new evaluations arrive.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime, timedelta

from service.errors import CursorInvalid
from service.value import Value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHAPE = re.compile(r"[A-Za-z0-9_-]{4,600}")
# Microseconds from 1970 to the last day that a date can name, and back to the first.
_YEAR_9999 = 253_402_300_799_999_999
_YEAR_1 = 62_135_596_800_000_000


class Position(Value):
    """The place after one line of a list."""

    created_at: datetime
    id: str


def cursor_for(position: Position) -> str:
    """The cursor that `position_in` reads back."""
    microseconds = (position.created_at - _EPOCH) // timedelta(microseconds=1)
    payload = json.dumps([1, microseconds, position.id], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(payload).decode().rstrip("=")


def position_in(cursor: str) -> Position:
    """The place that a cursor names. Raises CursorInvalid for text that `cursor_for` never made."""
    try:
        version, microseconds, last_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        issued = _SHAPE.fullmatch(cursor) and version == 1 and _is_time(microseconds) and _is_id(last_id)
    except (ValueError, TypeError, RecursionError, binascii.Error):
        issued = False
    if not issued:
        raise CursorInvalid(
            "this cursor was not issued by this service.",
            field="cursor",
            fix="Send `next` of the previous page as it stands, or leave `cursor` out to start from the newest.",
        )
    return Position(created_at=_EPOCH + timedelta(microseconds=microseconds), id=last_id)


def _is_time(microseconds: object) -> bool:
    return type(microseconds) is int and -_YEAR_1 <= microseconds <= _YEAR_9999


def _is_id(text: object) -> bool:
    return isinstance(text, str) and re.search("[\x00\ud800-\udfff]", text) is None
