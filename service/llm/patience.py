"""How long to wait before the same request is sent again, and when to stop: tenacity's part, and nobody else's."""

from __future__ import annotations

import random
import time
from email.utils import parsedate_to_datetime

import openai
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from service.llm.failures import is_transient

_BACKOFF = wait_random_exponential(multiplier=0.5, max=20)


def retrying(*, attempts: int, seconds_left: float) -> AsyncRetrying:
    """A fresh retry for one request: transient errors only, as often as `attempts`, never past `seconds_left`.

    Fresh, because one object shared by concurrent tasks mixes up their attempts.
    """
    return AsyncRetrying(
        stop=stop_after_attempt(max(1, attempts)) | stop_before_delay(max(0.0, seconds_left)),
        wait=_wait,
        retry=retry_if_exception(is_transient),
        reraise=True,
    )


def _wait(state: RetryCallState) -> float:
    """Seconds until the next attempt: what the endpoint asks for and a little more, else exponential with jitter."""
    error = state.outcome.exception() if state.outcome else None
    asked = retry_after(error) if error is not None else None
    if asked is None:
        return _BACKOFF(state)
    # Everybody who was limited at the same moment would otherwise come back at the same moment.
    return asked + random.uniform(0, min(1.0, 0.1 + asked * 0.1))  # noqa: S311 - jitter, not a secret


def retry_after(error: BaseException, *, clock: float | None = None) -> float | None:
    """Seconds that the endpoint asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date; else None."""
    if not isinstance(error, openai.APIStatusError):
        return None
    headers = error.response.headers
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    stated = headers.get("retry-after")
    if (seconds := _number(stated)) is not None:
        return seconds
    try:
        when = parsedate_to_datetime(stated).timestamp() if stated else None
    except (TypeError, ValueError, OverflowError):
        return None
    return None if when is None else max(0.0, when - (time.time() if clock is None else clock))


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
