"""What is wrong, or unwise, with a rubric, told to whoever writes it.

Comes in: a `Rubric`, or a document that wants to become one. Goes out: findings, each with the place, a stable code, a
sentence for a QA lead and a fix. An error makes scores wrong or an item useless; a warning makes them hard to
defend. This package changes nothing and knows no conversation.
"""

from __future__ import annotations

from typing import Any

from service.errors import RubricRejected
from service.library import MAX_ITEMS, parse_rubric
from service.lint import judging, patterns, questions, reach, totals
from service.lint.documents import findings_of
from service.lint.finding import CODES, Finding, Severity
from service.rubric import Rubric

__all__ = ["CODES", "Finding", "Severity", "lint", "lint_document"]

_CHECKS = (*totals.CHECKS, *reach.CHECKS, *questions.CHECKS, *judging.CHECKS, *patterns.CHECKS)


def lint(rubric: Rubric) -> tuple[Finding, ...]:
    """Everything to mend in a valid rubric, in the order of the form within each check."""
    return tuple(finding for check in _CHECKS for finding in check(rubric))


def lint_document(data: bytes | str | Any, *, max_items: int = MAX_ITEMS) -> tuple[Finding, ...]:
    """As `lint`, for YAML or JSON text or plain data; what keeps it from being a rubric is told the same way, alone."""
    try:
        return lint(parse_rubric(data, max_items=max_items))
    except RubricRejected as rejected:
        return findings_of(rejected)
