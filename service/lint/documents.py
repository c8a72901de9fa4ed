"""Findings on plain data that is no rubric yet.

Comes in: the data and what the model of rubrics says against it. Goes out: findings in the words and paths of the file.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from pydantic import ValidationError

from service.lint.finding import Finding, found
from service.rubric import (
    Choice,
    Item,
    Metric,
    MultiChoice,
    Number,
    Rubric,
    Scale,
    Section,
    WhenChannel,
    WhenItem,
    WhenMetadata,
)


def findings_of(data: Any, error: ValidationError) -> tuple[Finding, ...]:
    """What keeps the data from being a rubric, each at the place where its author finds it."""
    errors = error.errors(include_url=False)
    return tuple(_finding_of(data, one) for one in errors if not _only_follows(one, errors))


def _only_follows(error: Any, errors: list[Any]) -> bool:
    """Whether a list is called too short only because its entries were found wrong themselves."""
    place = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in errors
    )


def _finding_of(data: Any, error: Any) -> Finding:
    """One error of the model of rubrics, at a place that the author can find."""
    kind, place, reason = error["type"], error["loc"], error["msg"]
    path = _readable(data, place, missing=kind == "missing")
    match kind:
        case "missing":
            name = place[-1] if place else "it"
            return found("field-missing", path, f"{name!r} is required here.", f"Add {name}.")
        case "extra_forbidden":
            close = difflib.get_close_matches(str(place[-1]), _field_names(), n=1)
            hint = f"Did you mean {close[0]}?" if close else "Remove it."
            return found("field-unknown", path, f"There is no field {place[-1]!r} here.", hint)
        case "value_error":
            inner, reason = _place_in_message(data, reason.removeprefix("Value error, "))
            whole = path or inner
            return found("rubric-inconsistent", whole, f"{reason[:1].upper()}{reason[1:]}.", "Mend this first.")
        case _:
            return found("value-invalid", path, f"{reason}.", "Write a value of the kind that belongs here.")


def _readable(data: Any, place: tuple[str | int, ...], *, missing: bool) -> str:
    """The place without the names of shapes that the validator adds on its way.

    A part of the place that is no key of the data there is such a name. One that happens to be a key too is tried
    both ways; the way that leads farthest is right.
    """
    ways: dict[str, tuple[Any, int]] = {"": (data, 0)}
    for index, part in enumerate(place):
        last = index == len(place) - 1
        grown: dict[str, tuple[Any, int]] = {}
        for path, (here, steps) in ways.items():
            if isinstance(part, int) and isinstance(here, (list, tuple)) and part < len(here):
                grown[f"{path}[{part}]"] = (here[part], steps + 1)
                continue
            longer = f"{path}.{part}" if path else str(part)
            if isinstance(here, dict) and (part in here or (last and missing)):
                # The last part is the field itself, so a way that ends with it wins over any other.
                grown[longer] = (here.get(part), steps + (100 if last else 1))
            grown.setdefault(path, (here, steps))
        ways = dict(sorted(grown.items(), key=lambda way: -way[1][1])[:50])
    return max(ways, key=lambda path: ways[path][1])


def _place_in_message(data: Any, reason: str) -> tuple[str, str]:
    """The path and the rest of a message that begins with a place by ids, as `items.greeting.when: …`."""
    found = re.match(r"(items|sections)\.(.+?): (.*)", reason, re.DOTALL)
    sections = data.get("sections") if isinstance(data, dict) else None
    if found is None or not isinstance(sections, list):
        return "", reason
    kind, place, rest = found.groups()
    for number, section in enumerate(sections):
        entries = [(f"sections[{number}]", section)]
        if kind == "items":
            inner = section.get("items", ()) if isinstance(section, dict) else ()
            entries = [(f"sections[{number}].items[{index}]", item) for index, item in enumerate(inner)]
        for path, entry in entries:
            name = entry.get("id") if isinstance(entry, dict) else None
            if isinstance(name, str) and place.startswith(f"{name}."):
                return f"{path}.{place.removeprefix(f'{name}.')}", rest
    return "", reason


def _field_names() -> list[str]:
    """Every field name of a rubric and its parts."""
    shapes = (Rubric, Section, Item, Scale, Choice, MultiChoice, Number, WhenItem, WhenMetadata, WhenChannel, Metric)
    names = {name for shape in shapes for name in shape.model_fields}
    names |= {"fails_on", "auto_fail", "family", "policy", "quotes_for", "absence", "min_quotes"}
    names |= {"rules", "otherwise", "applicable", "phrase", "pattern", "speaker", "value", "anchor", "label", "points"}
    return sorted(names)
