"""The real clients against a real local server: one stub endpoint per test, and a drafter connected to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from service.conversation import Conversation
from service.drafting import Drafter
from service.llm.customs import Customs
from service.llm.model import ConnectedModel, connect_model
from service.prompting import PromptLibrary
from service.rubric import Rubric
from service.settings import LLMSettings
from tests.builders import a_conversation, a_rubric, an_item
from tests.conftest import ROOT
from tests.stub_endpoint import StubEndpoint, running


@pytest.fixture
def stub_endpoint() -> Iterator[StubEndpoint]:
    """A sensible model on loopback; tests give it acts."""
    with running() as stub:
        yield stub


@pytest_asyncio.fixture
async def connect(stub_endpoint: StubEndpoint) -> AsyncIterator[Callable[..., ConnectedModel]]:
    """Connects models to the stub; what it learns of the endpoint is forgotten with the test."""
    models: list[ConnectedModel] = []

    def make(customs: Customs | None = None, **changes: Any) -> ConnectedModel:
        settings = {
            "model": "stub",
            "base_url": stub_endpoint.base_url,
            "api_key": "secret-key",
            "deadline_seconds": 10,
        }
        model = connect_model(LLMSettings(**(settings | changes)), customs=customs or Customs())
        assert model is not None
        models.append(model)
        return model

    yield make
    for model in models:
        await model.close()


def drafter_with(model: ConnectedModel) -> Drafter:
    """A drafter that asks this model with the shipped prompt."""
    return Drafter(model=model, prompts=PromptLibrary(ROOT / "prompts"))


def the_call() -> Conversation:
    """A short call with a refusal, a number and a transfer."""
    return a_conversation(
        "agent_a: Thank you for calling, this is Mara.",
        "customer: My refund of 15 dollars is late.",
        "agent_a: I am not able to waive the fee. Let me transfer you.",
        "agent_b: Hello, I can see the refund. It will arrive on Monday.",
        "customer: Okay, thanks.",
        channel="voice",
        evaluated_agent="agent_b",
    )


def the_form() -> Rubric:
    """Four items: a greeting, a refund date, a fee and a scale."""
    levels = [{"value": level, "anchor": f"Ownership at level {level}"} for level in (1, 2, 3)]
    return a_rubric(
        an_item("greeting", question="Did the agent say hello?", evidence={"speaker": "agent"}),
        an_item(
            "refund_date", question="Did the agent say when the refund will arrive?", evidence={"speaker": "agent"}
        ),
        an_item("fee_waived", question="Did the agent waive the fee?", evidence={"speaker": "agent"}, focus="contact"),
        an_item(
            "ownership",
            question="Ownership of the refund",
            answer={"type": "scale", "levels": levels},
            not_applicable="never",
        ),
    )
