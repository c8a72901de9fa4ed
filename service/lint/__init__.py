"""What is wrong, or unwise, with a rubric, told to whoever writes it.

Comes in: a `Rubric`, or plain data that wants to become one. Goes out: findings, each with the place, a stable code, a
sentence for a QA lead and a fix. An error makes scores wrong or an item useless; a warning makes them hard to
defend. This package changes nothing and knows no conversation.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from service.lint import judging, patterns, questions, reach, totals
from service.lint.documents import findings_of
from service.lint.finding import CODES, Finding, Severity, found
from service.rubric import Rubric

__all__ = ["CODES", "Finding", "Severity", "lint", "lint_document"]

_CHECKS = (*totals.CHECKS, *reach.CHECKS, *questions.CHECKS, *judging.CHECKS, *patterns.CHECKS)


def lint(rubric: Rubric) -> tuple[Finding, ...]:
    """Everything to mend in a valid rubric, in the order of the form within each check."""
    return tuple(finding for check in _CHECKS for finding in check(rubric))


def lint_document(data: Any) -> tuple[Finding, ...]:
    """As `lint`, for plain data; what keeps the data from being a rubric at all is told the same way, and alone."""
    try:
        return lint(Rubric.model_validate(data))
    except ValidationError as error:
        return findings_of(data, error)
    except RecursionError:
        return (found("value-invalid", "", "The form is nested too deeply.", "Flatten its conditions and cues."),)
