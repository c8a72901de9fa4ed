"""Clock times and offsets, in whatever dress they come.

Comes in: ISO 8601 text, epoch numbers, `00:01:05.250`. Goes out: aware datetimes or seconds. Knows no format.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from service.errors import ConversationRejected
from service.ingest.fields import wrong

EPOCH_FROM: Final = 1e8
"""Seconds above this are clock time since 1970 (that is, after March 1973): no contact lasts three years."""
EPOCH_MILLISECONDS_FROM: Final = 1e11
"""Clock times above this are milliseconds: as seconds they would lie after the year 5138."""

_CLOCK: Final = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2}(?:[.,]\d{1,9})?)", re.ASCII)


def moment(value: Any, where: str) -> datetime | None:
    """A point in time from ISO 8601 text or epoch seconds or milliseconds; without a zone it is taken as UTC."""
    match value:
        case None | "":
            return None
        case datetime():
            found = value
        case bool():
            raise wrong(where, "a time", value)
        case int() | float():
            found = _from_epoch(value, where)
        case str():
            found = _from_text(value, where)
        case _:
            raise wrong(where, "a time", value)
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    # A zone can push the first and last day out of what a datetime holds.
    try:
        found.timestamp()
        return found.astimezone(UTC) if found.utcoffset() is None else found
    except (OverflowError, ValueError):
        raise wrong(where, "a time between the years 1 and 9999", value) from None


def _from_text(value: str, where: str) -> datetime:
    text = value.strip()
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    # Fractions of another length than 3 or 6 digits, and "2024-05-01 10:00:00 UTC".
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text).replace(" UTC", "+00:00"))
    except ValueError:
        raise wrong(where, "an ISO 8601 time such as 2025-03-02T10:15:00Z", value) from None


def _from_epoch(value: float, where: str) -> datetime:
    try:
        seconds = epoch_seconds(value)
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise wrong(where, "a time since 1970", value) from None


def epoch_seconds(value: float) -> float:
    """Epoch seconds from epoch seconds or milliseconds, told apart by size."""
    return value / 1000 if abs(value) >= EPOCH_MILLISECONDS_FROM else float(value)


def epoch_moment(value: Any, where: str) -> datetime | None:
    """`moment` for fields that hold either clock time or an offset: an offset names no point in time."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not value >= EPOCH_FROM:
        return None
    return moment(value, where)


def clock_seconds(text: str) -> float | None:
    """Seconds of `1:05`, `00:01:05` or `00:01:05.250`; None when the text is none of these."""
    found = _CLOCK.fullmatch(text)
    if not found:
        return None
    hours, minutes, seconds = found.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))


def checked_span(start: float | None, end: float | None, where: str) -> None:
    """Pass unless a turn ends before it starts."""
    if start is not None and end is not None and end < start:
        raise ConversationRejected("this turn ends before it starts.", field=where, fix="Correct or omit its times.")
