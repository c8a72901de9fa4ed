"""What operators and integrators ask of the service itself: is it alive, ready, and what can it do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from litestar import Controller, get, head
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from service import __version__, errors
from service.api.describing import problem_responses
from service.api.problems import every_kind
from service.api.shapes import EngineList, EngineReadiness, Health, ProblemKind, ProblemKinds
from service.drafting import AsksModel, Readiness
from service.errors import NotFound
from service.store import Store

_PATIENCE = 5.0
_FRESH = 10.0


class Engines:
    """What the engines can do just now. A model is asked at most once in ten seconds, however often we are."""

    def __init__(self, model: AsksModel | None, *, clock: Callable[[], float] = monotonic) -> None:
        self._model = model
        self._clock = clock
        self._known: tuple[float, Readiness] | None = None
        self._asking = asyncio.Lock()

    async def readiness(self) -> tuple[EngineReadiness, EngineReadiness]:
        """The cue engine, which is always ready, and the model."""
        cues = EngineReadiness(
            id="cues",
            engine="cues",
            configured=True,
            ready=True,
            model=None,
            endpoint=None,
            reason="Built in; needs no model and no network.",
        )
        return cues, await self._llm()

    async def _llm(self) -> EngineReadiness:
        if self._model is None:
            reason = "No model is configured: set ASSAY_LLM_MODEL with ASSAY_LLM_BASE_URL or ASSAY_LLM_API_KEY."
            return EngineReadiness(
                id="llm", engine="llm", configured=False, ready=False, model=None, endpoint=None, reason=reason
            )
        identity, now = self._model.identity, await self._asked(self._model)
        return EngineReadiness(
            id="llm",
            engine="llm",
            configured=True,
            ready=now.ready,
            model=identity.model,
            endpoint=identity.endpoint,
            reason=now.detail,
        )

    async def _asked(self, model: AsksModel) -> Readiness:
        async with self._asking:
            if self._known is None or self._clock() - self._known[0] > _FRESH:
                self._known = (self._clock(), await _patiently(model))
            return self._known[1]


async def _patiently(model: AsksModel) -> Readiness:
    try:
        return await asyncio.wait_for(model.ready(), _PATIENCE)
    except TimeoutError:
        return Readiness(ready=False, detail=f"The endpoint did not answer within {_PATIENCE:.0f} seconds.")


class OperationsController(Controller):
    """The service itself."""

    tags = ("service",)

    @get("/", include_in_schema=False)
    async def home(self) -> Redirect:
        """Whoever comes to the front door finds the list of operations."""
        return Redirect("/schema")

    @get("/v1/models", operation_id="listEngines", summary="Say which engines are ready")
    async def engines(self, engines: NamedDependency[Engines]) -> EngineList:
        """The cue engine and the model: configured, ready, and why not."""
        return EngineList(data=await engines.readiness())

    @get("/healthz", operation_id="getHealth", summary="Say that the process is alive")
    async def health(self) -> Health:
        """Always ok while the process answers."""
        return Health(status="ok", version=__version__)

    @head("/healthz", include_in_schema=False)
    async def alive(self) -> None:
        """As GET, for load balancers that ask so."""

    @get(
        "/readyz",
        operation_id="getReadiness",
        summary="Say whether requests can be taken",
        responses=problem_responses(errors.StoreUnavailable),
    )
    async def ready(self, store: NamedDependency[Store]) -> Health:
        """Ready when the store answers and has its tables; a model is not needed to draft."""
        await store.ping()
        return Health(status="ready", version=__version__)

    @head("/readyz", include_in_schema=False)
    async def takes_requests(self, store: NamedDependency[Store]) -> None:
        """As GET, for load balancers that ask so."""
        await store.ping()

    @get("/problems", operation_id="listProblems", summary="List every kind of problem")
    async def problems(self) -> ProblemKinds:
        """What the `type` of a problem document can be, and what each means."""
        return ProblemKinds(problems=tuple(_explained(name) for name in sorted(every_kind())))

    @get(
        "/problems/{name:str}",
        operation_id="getProblem",
        summary="Explain a kind of problem",
        responses=problem_responses(errors.NotFound),
    )
    async def problem(self, name: FromPath[str]) -> ProblemKind:
        """What one kind of problem means."""
        return _explained(name)


def _explained(name: str) -> ProblemKind:
    kind = every_kind().get(name)
    if kind is None:
        raise NotFound("no problem has this name.", fix="GET /problems lists them.")
    return ProblemKind(
        type=kind.type, title=kind.title, status=kind.status, meaning=kind.meaning, retry_after=kind.retry_after
    )
