"""Applications for a real server in a process of its own: `python -m uvicorn tests.api.serving:slow --factory`."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Litestar

from service.app import create_app
from service.drafting import Reply
from service.errors import ModelUnavailable
from tests.scripted_model import ScriptedModel


class SlowModel(ScriptedModel):
    """Answers after a second and a half that it is down."""

    async def ask(self, question: Any) -> Reply:
        await asyncio.sleep(1.5)
        return await super().ask(question)


def slow() -> Litestar:
    """The service, from the environment, with a slow model."""
    return create_app(model=SlowModel(ModelUnavailable("the endpoint did not answer")))
