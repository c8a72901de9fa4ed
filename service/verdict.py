"""What the model said, before anything of it is believed.

A `Verdict` is one item's raw reply: is the item applicable, which passages speak to it, why, and the answer.
Quotes here are claims; `service.grounding` turns them into evidence or into named misses.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from service.cue_rules import AnswerValue
from service.value import Value


class Quote(Value):
    """A passage that somebody claims stands in turn `turn`. Turn numbers are indexes from 0; None: anywhere."""

    turn: Annotated[int, Field(ge=0)] | None
    text: str


class Verdict(Value):
    """One item's reply. `answer` is None exactly when `applicable` is false."""

    item: str
    applicable: bool
    quotes: tuple[Quote, ...] = ()
    reason: str = ""
    answer: AnswerValue | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
