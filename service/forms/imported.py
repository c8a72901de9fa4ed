"""What every form importer shares: the result, the ledger of what was left behind, ids, and careful reading.

Comes in: plain data of somebody else's making. Goes out: values of the expected kind, or `RubricRejected` that names
the place. This module knows no vendor.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from service.complaints import problems_of
from service.cue_rules import RESERVED_ANSWERS
from service.errors import RubricRejected
from service.rubric import Rubric
from service.value import Value

Raw = dict[str, Any]


class NotCarried(Value):
    """Something of the original form that the rubric does not say, or says differently."""

    path: str
    what: str
    why: str


class ImportedForm(Value):
    """A usable rubric, and everything a form owner should look at before publishing it."""

    rubric: Rubric
    not_carried: tuple[NotCarried, ...] = ()


class Ledger:
    """What could not be carried over, in the order in which it was met. Lives as long as one import."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self._reasons = reasons
        self._entries: list[NotCarried] = []

    def note(self, path: str, what: str, why: str) -> None:
        """One more thing is listed."""
        self._entries.append(NotCarried(path=path, what=what, why=why))

    def rest(self, path: str, raw: Raw, *carried: str) -> None:
        """Every field that says something and is not among `carried` is listed, whether it is known or not."""
        for key, value in raw.items():
            if key not in carried and value not in (None, "", [], {}, False):
                self.note(join(path, key), key, self._reasons.get(key, "There is no counterpart for this field."))

    @property
    def entries(self) -> tuple[NotCarried, ...]:
        """Everything listed so far."""
        return tuple(self._entries)


def join(path: str, key: str | int) -> str:
    """`a.b` and `a[0]` paths, as the findings of the linter have them."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


# ── Ids ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Names:
    """Ids that are legal and unlike each other. Lives as long as one import and one kind of thing."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def name(self, original: str, *, otherwise: str) -> str:
        """The original's own id as far as ids allow it, `otherwise` where nothing of it is left; numbered if taken."""
        wished = slug(original) or otherwise
        found, number = wished, 2
        while found in self._taken:
            found = f"{wished[:76]}-{number}"
            number += 1
        self._taken.add(found)
        return found


def option_names() -> Names:
    """Names that keep clear of the words that mean "no answer"."""
    return Names(RESERVED_ANSWERS)


def slug(text: str) -> str:
    """Lower-case Latin letters, digits, dots, hyphens and underscores of the text; empty when it has none.

    >>> slug("Q_Verify.1"), slug("Did the agent greet?"), slug("问候")
    ('q_verify.1', 'did-the-agent-greet', '')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_.-]+", "-", plain).strip("-_.")[:60].rstrip("-_.")


# ── Careful reading ─────────────────────────────────────────────────────────────────────────────────────────────


def objects(raw: Raw, key: str, path: str) -> list[Raw]:
    """The list of objects under `key`, empty when absent."""
    value = raw.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _unexpected(join(path, key), "a list of objects")
    return value


def an_object(raw: Raw, key: str, path: str) -> Raw:
    """The object under `key`, empty when absent."""
    value = raw.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _unexpected(join(path, key), "an object")
    return value


def words(raw: Raw, key: str, path: str) -> str:
    """The text under `key`, trimmed, empty when absent."""
    value = raw.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _unexpected(join(path, key), "a text")
    return value.strip()


def number(raw: Raw, key: str, path: str) -> float | None:
    """The number under `key`, None when absent."""
    value = raw.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e12:
        raise _unexpected(join(path, key), "a number")
    return value


def _unexpected(path: str, wanted: str) -> RubricRejected:
    return RubricRejected(f"The form has something else where {wanted} belongs.", field=path, fix="Export it again.")


# ── Common turns ────────────────────────────────────────────────────────────────────────────────────────────────


def yes_no_order(labels: Iterable[str]) -> tuple[str, ...] | None:
    """`yes`/`no` for each label when the labels are exactly these two, in either order; else None."""
    plain = tuple(label.strip().lower() for label in labels)
    return plain if sorted(plain) == ["no", "yes"] else None


def as_rubric(raw: Raw) -> Rubric:
    """The rubric; what the model of rubrics refuses is told as the form's fault, with every place."""
    if not raw["sections"]:
        raise RubricRejected("The form has no question that can be asked.", fix="Add one, or export another form.")
    try:
        return Rubric.model_validate(raw)
    except ValidationError as error:
        problems = problems_of(raw, error)
        raise RubricRejected(
            f"The form does not make a usable rubric: {problems[0].reason}", field=problems[0].path, problems=problems
        ) from error
