"""Why plain data is no rubric, told in its author's words.

Comes in: the data and what the model of rubrics says against it. Goes out: a `Problem` for each place, with a path
that reads like the file, a reason without jargon and a fix. Linting, publishing and reading a file all say the same.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from service.errors import Problem
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

MOST_READ = 500
"""Complaints beyond these are not looked at; nobody reads them before mending the first."""

_Loc = tuple[int | str, ...]


def sentence(text: str) -> str:
    """The text with a capital first letter, unless it begins with an id, a path or a quotation.

    >>> sentence("the field is missing."), sentence("my-full@1 is published already."), sentence("items.a: no such id.")
    ('The field is missing.', 'my-full@1 is published already.', 'items.a: no such id.')
    """
    return text[:1].upper() + text[1:] if re.match(r"[a-z]+(?:['’][a-z]+)?(?:[ ,;]|$|\.$)", text) else text


def problems_of(data: Any, error: ValidationError) -> tuple[Problem, ...]:
    """One problem for each place that keeps the data from being a rubric."""
    errors = error.errors(include_url=False)[:MOST_READ]
    found: dict[str, Problem] = {}
    for one in errors:
        if _only_follows(one, errors):
            continue
        new = _problem(data, one)
        old = found.setdefault(new.path, new)
        if old is not new and new.reason != old.reason and _is_of_kind(old) and _is_of_kind(new):
            # A field that takes text or a list complains twice about a number.
            both = f"{old.reason.partition(' (item ')[0]} or {new.reason.removeprefix('must be ')}"
            found[new.path] = old._replace(reason=both)
    return tuple(found.values())


def in_plain_words(kind: str, message: str, context: dict[str, Any]) -> str:
    """What pydantic says about a value, as people say it; begins with a small letter and ends without a full stop.

    `kind` is pydantic's type of error, `context` its context.
    """
    if kind in _MUST_BE:
        return f"must be {_MUST_BE[kind]}"
    if kind in _LIMITS:
        return _LIMITS[kind].format(_counted(context))
    if kind == "literal_error":
        return f"must be {_either(str(context.get('expected', '')))}"
    if kind == "union_tag_invalid":
        return f"has a {_tag(context)} that does not exist; there are {_bare(context.get('expected_tags', ''))}"
    if kind == "union_tag_not_found":
        return f"needs a {_tag(context)}, which says of what kind it is"
    reason = message.removeprefix("Value error, ").replace("Input should be", "must be")
    return reason[:1].lower() + reason[1:] if sentence(reason[:1].lower() + reason[1:]) == reason else reason


_MUST_BE = {
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a plain number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "an object with fields",
    "model_type": "an object with fields",
    "model_attributes_type": "an object with fields",
}
_LIMITS = {
    "too_short": "needs at least {}",
    "too_long": "may have at most {}",
    "string_too_short": "needs at least {}",
    "string_too_long": "may have at most {}",
    "greater_than_equal": "must be at least {}",
    "less_than_equal": "must be at most {}",
    "greater_than": "must be more than {}",
    "less_than": "must be less than {}",
}
_FIX_BY_KIND = {
    "bool_type": "Write true or false, without quotes.",
    "bool_parsing": "Write true or false, without quotes.",
    "int_type": "Write digits only, without quotes.",
    "int_parsing": "Write digits only, without quotes.",
    "int_from_float": "Write digits only, without a fraction.",
    "float_type": "Write a number such as 1 or 0.5, without quotes.",
    "float_parsing": "Write a number such as 1 or 0.5, without quotes.",
    "finite_number": "Write a number such as 1 or 0.5.",
    "list_type": "Write a list: [a, b], or one line with a dash for each entry.",
    "tuple_type": "Write a list: [a, b], or one line with a dash for each entry.",
    "dict_type": "Write fields: `name: value` on a line each, or {name: value}.",
    "model_type": "Write fields: `name: value` on a line each, or {name: value}.",
    "model_attributes_type": "Write fields: `name: value` on a line each, or {name: value}.",
    "too_short": "Add what is missing.",
    "too_long": "Remove some, or split the form.",
    "string_too_short": "Write something here, or remove the field.",
    "string_too_long": "Shorten it.",
    "greater_than_equal": "Write a larger number.",
    "greater_than": "Write a larger number.",
    "less_than_equal": "Write a smaller number.",
    "less_than": "Write a smaller number.",
    "literal_error": "Choose one of these.",
    "union_tag_invalid": "Choose one of these.",
    "union_tag_not_found": "Add type: yes_no, choice, multi_choice, scale, number or text.",
    "condition_unknown": "Begin with one of these.",
    "cue_unknown": "Begin with one of these.",
}
_PATTERNS = {
    "id": (
        "must be 1 to 80 small letters, digits, dots, hyphens or underscores, a letter or digit first",
        "Write it like greet-the-customer.",
    ),
    "version": ("must be one to three numbers joined by dots", 'Write version: "1" or version: "1.2".'),
}
_ADD = {
    "id": "Add id: a short name such as support-voice.",
    "version": 'Add version: "1".',
    "title": "Add title: the name that people read.",
    "sections": "Add sections: a list of sections, each with id, title and items.",
    "items": "Add items: a list of questions, each with id and question.",
    "question": "Add question: what is asked.",
}


def _counted(context: dict[str, Any]) -> str:
    """`1 entry`, `4000 characters`, or the bare limit of a number."""
    if (limit := context.get("min_length", context.get("max_length"))) is not None:
        entries = "field_type" in context
        word = ("entry" if limit == 1 else "entries") if entries else ("character" if limit == 1 else "characters")
        return f"{limit} {word}"
    bound = next((context[name] for name in ("ge", "gt", "le", "lt") if name in context), 0)
    return f"{bound:g}" if isinstance(bound, (int, float)) else str(bound)


def _either(expected: str) -> str:
    """The words of `'a', 'b' or 'c'` without their quotes."""
    listed = _bare(expected)
    return f"one of {listed}" if "," in listed else listed


def _tag(context: dict[str, Any]) -> str:
    return _bare(context.get("discriminator", "type"))


def _bare(text: Any) -> str:
    return str(text).replace("'", "")


# ── One complaint ───────────────────────────────────────────────────────────────────────────────────────────────


def _is_of_kind(problem: Problem) -> bool:
    return problem.code == "value-invalid" and problem.reason.startswith("must be ")


def _only_follows(error: Any, errors: list[Any]) -> bool:
    """Whether a list is called too short only because its entries were found wrong themselves."""
    place = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in errors
    )


def _problem(data: Any, error: Any) -> Problem:
    kind, loc = error["type"], tuple(error["loc"])
    _, parts = _Reader(is_missing=kind == "missing").best(data, loc)
    path, name, whose = _joined(parts), str(loc[-1]) if loc else "it", _whose(data, loc)
    match kind:
        case "missing":
            return Problem(path, f"{name!r} is missing{whose}", _ADD.get(name, f"Add {name}."), "field-missing")
        case "extra_forbidden":
            close = difflib.get_close_matches(name, _field_names(), n=1)
            fix = f"Did you mean {close[0]}?" if close else "Remove it."
            return Problem(path, f"there is no field {name!r} here{whose}", fix, "field-unknown")
        case "value_error":
            inner, reason = _place_in(data, parts, error["msg"].removeprefix("Value error, "))
            return Problem(inner, f"{reason}{whose}", _remedy(reason), "rubric-inconsistent")
    reason, fix = _about_value(path, error)
    return Problem(path, f"{reason}{whose}", fix, "value-invalid")


def _about_value(path: str, error: Any) -> tuple[str, str]:
    """The reason and the fix where a value is of the wrong kind or out of its limits."""
    kind, name = error["type"], re.sub(r"\[\d+\]$", "", path).rpartition(".")[2]
    if kind == "string_pattern_mismatch":
        return _PATTERNS["version" if name == "version" else "id"]
    if name in ("answer", "otherwise", "answers") and kind in ("string_type", "int_type", "float_type"):
        return "an answer is a word, a number or a list of words", "Write one of the item's answers."
    reason = in_plain_words(kind, error["msg"], error.get("ctx") or {})
    if kind == "string_type":
        return reason, _in_quotes(name, error.get("input"))
    if kind == "too_short" and name in _ADD:
        return reason, _ADD[name]
    return reason, _FIX_BY_KIND.get(kind, "Correct this value.")


def _in_quotes(name: str, given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return "Write text, in quotes where it looks like something else."
    quoted = f'{name}: "{given}"'
    return f"Put the version in quotes: {quoted}." if name == "version" else f"Put it in quotes: {quoted}."


def _remedy(reason: str) -> str:
    """How to mend a form that contradicts itself."""
    return next((fix for said, fix in _REMEDIES.items() if said in reason), "Make the two agree.")


_REMEDIES = {
    "must be unique": "Give each an id of its own.",
    "share an id": "Give each an id of its own.",
    "are reserved words": "Choose other ids.",
    "must ascend": "Sort the levels by value, each value once.",
    "is not among the rubric's cues": "Add the cue under the rubric's cues, or correct the name.",
    "in a circle": "Let one of them do without the others.",
    "no item has the id": "Name an item of this form by its id.",
    "comes later in the form": "Move the item that is named above this one, or drop the condition.",
    "is not an answer of this item": "Name one of the item's answers.",
    "never allows it": "Set not_applicable to allowed, or name another answer.",
    "there is no cues block": "Add cues, or choose another method.",
    "there is no metric block": "Add metric, or choose another method.",
    "quote dates": "Write text in quotes, a number, true, false, or a list of these.",
}


def _whose(raw: Any, loc: _Loc) -> str:
    """Which item the place belongs to, by its id: authors think in ids, not in positions."""
    if len(loc) < 4 or loc[0] != "sections" or loc[2] != "items":
        return ""
    try:
        name = raw["sections"][loc[1]]["items"][loc[3]]["id"]
    except (KeyError, IndexError, TypeError):
        return ""
    return f" (item {name})" if isinstance(name, str) else ""


def _field_names() -> list[str]:
    """Every field name of a rubric and its parts."""
    shapes = (Rubric, Section, Item, Scale, Choice, MultiChoice, Number, WhenItem, WhenMetadata, WhenChannel, Metric)
    names = {name for shape in shapes for name in shape.model_fields}
    names |= {"fails_on", "auto_fail", "family", "policy", "quotes_for", "absence", "min_quotes"}
    names |= {"rules", "otherwise", "applicable", "phrase", "pattern", "speaker", "value", "anchor", "label", "points"}
    return sorted(names)


# ── Where it stands ─────────────────────────────────────────────────────────────────────────────────────────────


def _joined(parts: _Loc) -> str:
    """`sections[0].items[2].when`."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


@dataclass(frozen=True)
class _Reader:
    """Reads a location of the model of rubrics as a place in the file.

    A location names, after each union field, the member that was tried (`when.phrase.phrase[0]`); such a part is
    dropped where the rest then fits the data better. `known` keeps a deep form from doubling the work at each level.
    """

    is_missing: bool
    known: dict[tuple[int, int], tuple[int, _Loc]] = field(default_factory=dict)

    def best(self, raw: Any, loc: _Loc) -> tuple[int, _Loc]:
        """How many parts of `loc` do not stand in the data, and the parts that an author would recognise."""
        if not loc:
            return 0, ()
        spot = (id(raw), len(loc))
        if spot not in self.known:
            readings = list(self._readings(raw, loc))
            # Of equal readings the one that keeps the last part is right: that part is the field itself.
            self.known[spot] = min(readings, key=lambda one: (one[0], one[1][-1:] != loc[-1:]), default=(len(loc), ()))
        return self.known[spot]

    def _readings(self, raw: Any, loc: _Loc) -> Iterator[tuple[int, _Loc]]:
        part, rest = loc[0], loc[1:]
        inner = _child(raw, part)
        if inner is not _NOWHERE:
            missed, taken = self.best(inner, rest)
            yield missed, (part, *taken)
        elif self.is_missing and not rest and isinstance(raw, dict):
            yield 1, (part,)
        if isinstance(part, str):
            missed, taken = self.best(raw, rest)
            yield missed + (0 if rest else 1), taken


_NOWHERE = object()


def _child(raw: Any, part: int | str) -> Any:
    if isinstance(raw, dict) and isinstance(part, str):
        return raw.get(part, _NOWHERE)
    if isinstance(raw, (list, tuple)) and isinstance(part, int) and part < len(raw):
        return raw[part]
    return _NOWHERE


def _place_in(data: Any, parts: _Loc, reason: str) -> tuple[str, str]:
    """The path and the rest of a reason that begins with a place, as `items.greeting.when: …` or `cues.rules: …`."""
    named = re.match(r"([a-z_]+\.\S+): (.*)", reason, re.DOTALL)
    if named is None:
        return _joined(parts), reason
    place, rest = named.groups()
    start, words = (parts, place) if parts else _by_id(data, place)
    here = data
    for part in start:
        here = _child(here, part)
    return _joined((*start, *_followed(here, words.split("."), rest))), rest


def _by_id(data: Any, place: str) -> tuple[_Loc, str]:
    """The section or item whose id follows `sections.` or `items.`, and the rest of the place."""
    kind, _, named = place.partition(".")
    for loc, entry in _entries(data):
        name = entry.get("id") if isinstance(entry, dict) else None
        if loc[-2] == kind and isinstance(name, str) and named.startswith(f"{name}."):
            return loc, named.removeprefix(f"{name}.")
    return (), place


def _entries(data: Any) -> Iterator[tuple[_Loc, Any]]:
    """Every section and item of the data with its location."""
    sections = data.get("sections") if isinstance(data, dict) else None
    for number, section in enumerate(sections if isinstance(sections, list) else ()):
        yield ("sections", number), section
        items = section.get("items") if isinstance(section, dict) else None
        for index, item in enumerate(items if isinstance(items, list) else ()):
            yield ("sections", number, "items", index), item


def _followed(here: Any, words: list[str], reason: str) -> _Loc:
    """As many of the words as lead on through the data; in a list, to the entry that the reason quotes."""
    if not words:
        return ()
    if isinstance(here, dict) and words[0] in here:
        return (words[0], *_followed(here[words[0]], words[1:], reason))
    if isinstance(here, list):
        if words[0].isdecimal() and int(words[0]) < len(here):
            index = int(words[0])
            return (index, *_followed(here[index], words[1:], reason))
        for index, entry in enumerate(here):
            if isinstance(entry, dict) and repr(_as_value(entry.get(words[0]))) == reason.partition(" is not ")[0]:
                return (index, *_followed(entry, words, reason))
    return ()


def _as_value(answer: Any) -> Any:
    return tuple(answer) if isinstance(answer, list) else answer
