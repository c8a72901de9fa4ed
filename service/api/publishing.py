"""A rubric document → findings, or a published version."""

from __future__ import annotations

import asyncio

from service.api.catalogue import Catalogue, Listed
from service.api.shapes import LintFinding, LintReport
from service.errors import Problem, RubricRejected
from service.library import parse_rubric
from service.lint import lint, lint_document
from service.rubric import Rubric


class Publishing:
    """The use cases behind POST /v1/rubrics and /v1/rubrics/lint. Lives as long as the service."""

    def __init__(self, catalogue: Catalogue, *, max_items: int) -> None:
        self._catalogue = catalogue
        self._max_items = max_items

    async def publish(self, document: bytes) -> tuple[Listed, bool]:
        """The published version and whether it is new. Raises RubricRejected, RubricAlreadyPublished."""
        rubric, broken = await asyncio.to_thread(self._read, document)
        if broken:
            count = "1 error" if len(broken) == 1 else f"{len(broken)} errors"
            raise RubricRejected(f"the linter finds {count}.", field=broken[0].path, problems=broken)
        return await self._catalogue.publish(rubric)

    async def lint(self, document: bytes) -> LintReport:
        """What is wrong or unwise with the document; what keeps it from being a rubric is an error among them."""
        found = await asyncio.to_thread(lint_document, document, max_items=self._max_items)
        findings = tuple(LintFinding.model_validate(one.model_dump()) for one in found)
        return LintReport(publishable=not any(one.severity == "error" for one in findings), findings=findings)

    def _read(self, document: bytes) -> tuple[Rubric, tuple[Problem, ...]]:
        rubric = parse_rubric(document, max_items=self._max_items)
        errors = (one for one in lint(rubric) if one.severity == "error")
        return rubric, tuple(Problem(one.path, one.message, one.fix, one.code) for one in errors)
