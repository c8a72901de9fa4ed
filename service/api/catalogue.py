"""Shipped and published rubrics as one shelf.

Comes in: names such as `support-voice` or `support-voice@2`. Goes out: the rubric and where it came from. A name
belongs to whoever had it first: what is shipped cannot be published over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from service.errors import RubricNotFound, RubricRejected
from service.library import RubricLibrary, version_order
from service.rubric import Rubric
from service.store import PublishedRubric, Store
from service.store.contract import already_published

RESERVED_IDS = frozenset({"schema", "lint"})
"""Words that are paths under /v1/rubrics."""


@dataclass(frozen=True)
class Listed:
    """One version and its origin."""

    rubric: Rubric
    origin: Literal["shipped", "published"]
    published_at: datetime | None = None


class Catalogue:
    """Lives as long as the service."""

    def __init__(
        self, library: RubricLibrary, store: Store, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._library = library
        self._store = store
        self._clock = clock

    async def load(self) -> None:
        """The shipped rubrics are read, so that the first request need not wait for them."""
        await asyncio.to_thread(self._library.all)

    async def get(self, name: str) -> Listed:
        """The version that `id@version` names, or the newest of `id`. Raises RubricNotFound, which lists the ids."""
        rubric_id, at, version = name.partition("@")
        if name in self._library.names():
            return Listed(rubric=self._library.get(name), origin="shipped")
        if at:
            try:
                return _listed(await self._store.published(rubric_id, version))
            except RubricNotFound:
                raise await self._not_found(name) from None
        return (await self.versions(rubric_id))[-1]

    async def versions(self, rubric_id: str) -> tuple[Listed, ...]:
        """Every version of one rubric, ascending. Raises RubricNotFound when there is none."""
        found = self._shipped(rubric_id) + tuple(map(_listed, await self._store.all_published(rubric_id)))
        if not found:
            raise await self._not_found(rubric_id)
        return _in_order(found)

    async def all(self) -> tuple[Listed, ...]:
        """Every version of every rubric, by id, versions ascending."""
        return _in_order(self._shipped() + tuple(map(_listed, await self._store.all_published())))

    async def publish(self, rubric: Rubric) -> tuple[Listed, bool]:
        """The version as it is published from now on, and whether it is new.

        Raises RubricAlreadyPublished when its name has another content, RubricRejected for a reserved id.
        """
        if rubric.id in RESERVED_IDS:
            raise RubricRejected(f"the id {rubric.id!r} is reserved.", field="id", fix="Choose another id.")
        if rubric.name in self._library.names():
            if self._library.get(rubric.name) != rubric:
                raise already_published(rubric)
            return Listed(rubric=rubric, origin="shipped"), False
        new = await self._store.publish(rubric, at=self._clock())
        return _listed(await self._store.published(rubric.id, rubric.version)), new

    def _shipped(self, rubric_id: str | None = None) -> tuple[Listed, ...]:
        names = (name for name in self._library.names() if rubric_id in (None, name.partition("@")[0]))
        return tuple(Listed(rubric=self._library.get(name), origin="shipped") for name in names)

    async def _not_found(self, name: str) -> RubricNotFound:
        known = sorted({one.rubric.id for one in await self.all()})
        return RubricNotFound(
            f"no rubric {name!r} is shipped or published.",
            field="rubric",
            fix=f"Known: {', '.join(known[:40]) or 'none'}. GET /v1/rubrics lists every version.",
        )


def _listed(published: PublishedRubric) -> Listed:
    return Listed(rubric=published.rubric, origin="published", published_at=published.published_at)


def _in_order(listed: tuple[Listed, ...]) -> tuple[Listed, ...]:
    return tuple(sorted(listed, key=lambda one: (one.rubric.id, version_order(one.rubric.version))))
