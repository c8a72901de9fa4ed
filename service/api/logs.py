"""One line per request, in JSON, with an id that the answer carries too.

A line holds the route's template, never the path or query as sent, and never a message of an exception: both may
hold words of a transcript. Of an unexpected error it holds the type and the places in the code.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from litestar import Request
from litestar.types import Message, Scope

from service.errors import AssayError

LOGGER = logging.getLogger("assay")
_ACCEPTABLE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,100}")
_STATE = "assay"


def write_logs() -> None:
    """Lines go to standard error, unless the process has said otherwise where they go."""
    if not LOGGER.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        LOGGER.addHandler(handler)
        LOGGER.propagate = False
    if LOGGER.level == logging.NOTSET:
        LOGGER.setLevel(logging.INFO)


def request_id(scope: Scope) -> str:
    """The request's id: the caller's own X-Request-Id where it is usable, else a new one."""
    return str(_noted(scope)["request_id"])


def note_problem(scope: Scope, name: str, why: str | None = None) -> None:
    """The request's line will name the problem, and `why` where that can hold no word of a transcript."""
    _noted(scope).update(problem=name, why=why)


async def start_clock(request: Request[Any, Any, Any]) -> None:
    """The request's time counts from here."""
    _noted(request.scope)


async def finish_request(message: Message, scope: Scope) -> None:
    """The answer carries the request's id, and the log has its line."""
    if message["type"] != "http.response.start":
        return
    noted = _noted(scope)
    message["headers"] = [*message["headers"], (b"x-request-id", str(noted["request_id"]).encode())]
    _write(
        logging.INFO if message["status"] < 500 else logging.ERROR,
        "request",
        request_id=noted["request_id"],
        method=scope.get("method"),
        route=scope.get("path_template") or "-",
        status=message["status"],
        ms=round((time.perf_counter() - noted["started"]) * 1000, 1),
        problem=noted.get("problem"),
        why=noted.get("why"),
    )


def log_start_failure(error: AssayError) -> None:
    """Why the service cannot start. There is no request yet, so the message holds no transcript."""
    _write(logging.CRITICAL, "cannot_start", error=type(error).__name__, message=str(error))


def log_unexpected(scope: Scope, error: BaseException) -> None:
    """The type of the error and of what caused it, and where; not their messages."""
    chain: list[dict[str, Any]] = []
    seen: BaseException | None = error
    while seen is not None and len(chain) < 5:
        places = [f"{frame.filename}:{frame.lineno}:{frame.name}" for frame in traceback.extract_tb(seen.__traceback__)]
        chain.append({"type": f"{type(seen).__module__}.{type(seen).__qualname__}", "at": places[-12:]})
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    _write(logging.ERROR, "unexpected", request_id=request_id(scope), error=chain)


def _noted(scope: Scope) -> dict[str, Any]:
    noted: dict[str, Any] | None = scope["state"].get(_STATE)
    if noted is None:
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        chosen = given.decode() if _ACCEPTABLE_ID.fullmatch(given) else uuid4().hex
        noted = scope["state"][_STATE] = {"request_id": chosen, "started": time.perf_counter()}
    return noted


def _write(level: int, event: str, **fields: Any) -> None:
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": logging.getLevelName(level).lower()}
    line |= {"event": event} | {name: value for name, value in fields.items() if value is not None}
    LOGGER.log(level, json.dumps(line, ensure_ascii=False))
