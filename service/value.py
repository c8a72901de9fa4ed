"""The base of all values of the core: frozen, closed, and digestible.

A value is complete when it is made and never changes; unknown fields are errors, because a field that is
silently ignored is a rubric author's lost hour.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen pydantic model that forbids unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def canonical_json(value: Any) -> str:
    """One text for one JSON value: keys sorted, no spaces, characters unescaped."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest_of(value: Value | dict[str, Any] | list[Any] | str) -> str:
    """`sha256:…` over canonical JSON, or over the text itself when a text is given."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, Value):
        text = canonical_json(value.model_dump(mode="json"))
    else:
        text = canonical_json(value)
    # A lone surrogate is legal in JSON and in Python text; it must not make a digest impossible.
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
