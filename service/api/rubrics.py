"""/v1/rubrics: what can be asked, and new forms."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from service import errors
from service.api.bodies import JsonResponse, StrictRequest
from service.api.catalogue import Catalogue, Listed
from service.api.describing import problem_responses
from service.api.problems import MalformedBody
from service.api.publishing import Publishing
from service.api.shapes import LintReport, RubricEntry, RubricList
from service.rubric import Rubric, rubric_json_schema

_RUBRIC = {200: ResponseSpec(Rubric, generate_examples=False, description="The rubric")} | problem_responses(
    errors.RubricNotFound, errors.StoreUnavailable
)


def entry_of(listed: Listed) -> RubricEntry:
    """The version's line in a list."""
    rubric = listed.rubric
    return RubricEntry(
        id=rubric.id,
        version=rubric.version,
        name=rubric.name,
        title=rubric.title,
        description=rubric.description,
        language=rubric.language,
        channels=rubric.channels,
        kpis=rubric.kpis,
        items=len(rubric.items),
        pass_mark=rubric.pass_mark,
        digest=rubric.digest,
        origin=listed.origin,
        published_at=listed.published_at,
        href=f"/v1/rubrics/{rubric.id}/{rubric.version}",
    )


def rubric_answer(listed: Listed) -> Response[Any]:
    """The rubric itself; what surrounds it is in the headers."""
    return JsonResponse(listed.rubric, headers={"ETag": f'"{listed.rubric.digest}"', "Rubric-Origin": listed.origin})


class RubricController(Controller):
    """Rubrics: the forms that can be filled."""

    path = "/v1/rubrics"
    tags = ("rubrics",)

    @get(
        operation_id="listRubrics",
        summary="List every version of every rubric",
        responses=problem_responses(errors.StoreUnavailable),
    )
    async def find(self, catalogue: NamedDependency[Catalogue]) -> RubricList:
        """Shipped and published rubrics, by id, versions ascending."""
        return RubricList(rubrics=tuple(map(entry_of, await catalogue.all())))

    @post(
        operation_id="publishRubric",
        summary="Publish a version of a rubric",
        responses={
            200: ResponseSpec(RubricEntry, generate_examples=False, description="The same version was there already")
        }
        | problem_responses(
            MalformedBody, errors.RubricAlreadyPublished, 413, 415, errors.RubricRejected, errors.StoreUnavailable
        ),
    )
    async def publish(self, request: StrictRequest, publishing: NamedDependency[Publishing]) -> Response[RubricEntry]:
        """Publishes a rubric, in JSON or YAML, for good: a published version never changes.

        A rubric in which the linter finds errors is refused; warnings do not stand in the way.
        """
        listed, new = await publishing.publish(await request.rubric_document())
        entry = entry_of(listed)
        return JsonResponse(entry, status_code=201 if new else 200, headers={"Location": entry.href})

    @post(
        "/lint",
        operation_id="lintRubric",
        summary="Say what is wrong or unwise with a rubric",
        status_code=200,
        responses=problem_responses(MalformedBody, 413, 415),
    )
    async def lint(self, request: StrictRequest, publishing: NamedDependency[Publishing]) -> LintReport:
        """Findings with their paths, for a rubric in JSON or YAML. Nothing is stored."""
        return await publishing.lint(await request.rubric_document())

    @get("/schema", operation_id="getRubricSchema", summary="Read the JSON Schema of rubrics")
    async def schema(self) -> dict[str, Any]:
        """The JSON Schema for rubrics in YAML and JSON."""
        return rubric_json_schema()

    @get(
        "/{rubric_id:str}",
        operation_id="getNewestRubric",
        summary="Read the newest version of a rubric",
        responses=_RUBRIC,
    )
    async def newest(self, catalogue: NamedDependency[Catalogue], rubric_id: FromPath[str]) -> Response[Any]:
        """The newest version, or the one that `id@version` names, as it can be published elsewhere."""
        return rubric_answer(await catalogue.get(rubric_id))

    @get(
        "/{rubric_id:str}/versions",
        operation_id="listRubricVersions",
        summary="List the versions of a rubric",
        responses=problem_responses(errors.RubricNotFound, errors.StoreUnavailable),
    )
    async def versions(self, catalogue: NamedDependency[Catalogue], rubric_id: FromPath[str]) -> RubricList:
        """Every version, ascending."""
        return RubricList(rubrics=tuple(map(entry_of, await catalogue.versions(rubric_id))))

    @get(
        "/{rubric_id:str}/{version:str}",
        operation_id="getRubric",
        summary="Read one version of a rubric",
        responses=_RUBRIC,
    )
    async def read(
        self, catalogue: NamedDependency[Catalogue], rubric_id: FromPath[str], version: FromPath[str]
    ) -> Response[Any]:
        """The version, as it can be published elsewhere."""
        return rubric_answer(await catalogue.get(f"{rubric_id}@{version}"))
