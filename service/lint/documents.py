"""Findings on a document that is no rubric yet.

Comes in: the refusal. Goes out: a finding for each of its problems; `service.complaints` chose their words.
"""

from __future__ import annotations

from service.complaints import sentence
from service.errors import Problem, RubricRejected
from service.lint.finding import Finding, found


def findings_of(rejected: RubricRejected) -> tuple[Finding, ...]:
    """Every place that keeps the document from being a rubric, with its fix."""
    whole = Problem(rejected.field or "", rejected.message, rejected.fix)
    return tuple(
        found(one.code, one.path, sentence(one.reason.rstrip(".")) + ".", one.fix or "Mend this first.")
        for one in rejected.problems or (whole,)
    )
