"""Quote → `Evidence`, or a named miss.

A quote counts only when it is found: in one turn, by an allowed speaker, word for word. Typography, case, white
space, Unicode form, Arabic and Persian letter variants, digits' script and speech fillers may differ; words may not.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from service.value import Value

MatchKind = Literal["exact", "normalized", "elided", "fuzzy"]
MissReason = Literal[
    "empty",
    "not_found",
    "wrong_speaker",
    "quoted_history",  # stands only in text that repeats somebody else's words
    "spans_turns",
    "negation_differs",
    "number_differs",
    "name_differs",
]


class Evidence(Value):
    """A located quote: `conversation.turns[turn].text[start:end] == quote`, always.

    Offsets count characters (Unicode code points) of the untouched turn text. Seconds are the turn's own times.
    """

    turn: Annotated[int, Field(ge=0)]
    participant: str
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(gt=0)]
    quote: str
    match: MatchKind
    start_seconds: float | None = None
    end_seconds: float | None = None


class Unlocated(Value):
    """A quote that is not evidence: why, and the nearest true passage where there is one."""

    turn: int | None
    quote: str
    miss: MissReason
    nearest: Evidence | None = None
