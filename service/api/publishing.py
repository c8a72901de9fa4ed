"""A rubric document → findings, or a published version."""

from __future__ import annotations

import asyncio

from service.api.catalogue import Catalogue, Listed
from service.api.shapes import LintFinding, LintReport
from service.errors import RubricRejected
from service.library import parse_rubric
from service.lint import Finding, lint
from service.rubric import Rubric


class Publishing:
    """The use cases behind POST /v1/rubrics and /v1/rubrics/lint. Lives as long as the service."""

    def __init__(self, catalogue: Catalogue, *, max_items: int) -> None:
        self._catalogue = catalogue
        self._max_items = max_items

    async def publish(self, document: bytes) -> tuple[Listed, bool]:
        """The published version and whether it is new. Raises RubricRejected, RubricAlreadyPublished."""
        rubric, findings = await asyncio.to_thread(self._read, document)
        if broken := tuple((one.path, one.message) for one in findings if one.severity == "error"):
            raise RubricRejected(f"the linter finds {len(broken)} errors.", field=broken[0][0], problems=broken)
        return await self._catalogue.publish(rubric)

    async def lint(self, document: bytes) -> LintReport:
        """What is wrong or unwise with the document; what cannot be read as a rubric is an error among them."""
        try:
            _, found = await asyncio.to_thread(self._read, document)
        except RubricRejected as rejected:
            return LintReport(publishable=False, findings=_rejections(rejected))
        findings = tuple(map(_finding, found))
        return LintReport(publishable=not any(one.severity == "error" for one in findings), findings=findings)

    def _read(self, document: bytes) -> tuple[Rubric, tuple[Finding, ...]]:
        rubric = parse_rubric(document, max_items=self._max_items)
        return rubric, tuple(lint(rubric))


def _finding(found: Finding) -> LintFinding:
    return LintFinding(severity=found.severity, code=found.code, path=found.path, message=found.message, fix=found.fix)


def _rejections(rejected: RubricRejected) -> tuple[LintFinding, ...]:
    places = rejected.problems or ((rejected.field or "", rejected.message),)
    return tuple(
        LintFinding(
            severity="error",
            code="unusable",
            path=path,
            message=reason,
            fix=rejected.fix if path == (rejected.field or "") else None,
        )
        for path, reason in places
    )
