"""Evaluation forms of other products → rubrics.

Comes in: a form's bytes as its product exports them. Goes out: an `ImportedForm`: a rubric that can be linted, edited
and published, and the list of everything that it does not say any more. Nothing is dropped silently.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from service.errors import RubricRejected
from service.forms.amazon_connect import from_amazon_connect, is_amazon_connect
from service.forms.genesys import from_genesys, from_genesys_terraform, is_genesys, is_genesys_terraform
from service.forms.imported import ImportedForm, NotCarried

__all__ = ["FORM_FORMATS", "MOST_BYTES", "ImportedForm", "NotCarried", "import_form"]

MOST_BYTES = 2_000_000
FORM_FORMATS = ("amazon_connect", "genesys", "genesys_terraform")


def import_form(data: bytes, *, format: str = "auto") -> ImportedForm:  # noqa: A002 - the word of the interface
    """A rubric from an Amazon Connect or Genesys evaluation form.

    `format` is `auto` or one of `FORM_FORMATS`. The rubric's id and the ids of sections and items come from the ids
    that the product keeps stable across versions, so that a newer export joins the older one's trends. Raises
    RubricRejected, naming the place, for bytes that are no such form.
    """
    text = _text(data)
    if format == "genesys_terraform" or (format == "auto" and is_genesys_terraform(text)):
        return from_genesys_terraform(text)
    if format not in ("auto", *FORM_FORMATS):
        raise RubricRejected(
            f"{format!r} is no form format.", field="format", fix=f"Use auto or one of: {', '.join(FORM_FORMATS)}."
        )
    raw = _object(text)
    readers: dict[str, tuple[Callable[[dict[str, Any]], bool], Callable[[dict[str, Any]], ImportedForm]]] = {
        "amazon_connect": (is_amazon_connect, from_amazon_connect),
        "genesys": (is_genesys, from_genesys),
    }
    for name, (recognises, read) in readers.items():
        if format == name or (format == "auto" and recognises(raw)):
            return read(raw)
    raise RubricRejected(
        "This is neither an Amazon Connect nor a Genesys evaluation form.",
        fix="Send the form's JSON as the product's API gives it, or name its format.",
    )


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise RubricRejected(f"The form has {len(data):,} bytes; at most {MOST_BYTES:,} are read.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RubricRejected("The form is not UTF-8 text.", fix="Export it as UTF-8.") from error


def _object(text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise RubricRejected("The form is not valid JSON.", fix="Export it again, whole.") from error
    if not isinstance(raw, dict):
        raise RubricRejected("The form is not a JSON object.", fix="Send one form at a time.")
    return raw


def _no_number(name: str) -> None:
    raise ValueError(name)
