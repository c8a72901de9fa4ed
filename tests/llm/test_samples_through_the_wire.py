"""Every bundled conversation with its shipped rubric, asked of the sensible stub through the real clients."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from service.ingest import read_conversation
from service.library import RubricLibrary
from service.llm.model import ConnectedModel
from tests.conftest import ROOT
from tests.llm.conftest import drafter_with
from tests.stub_endpoint import StubEndpoint, fields_of

SAMPLES: list[dict[str, Any]] = json.loads((ROOT / "eval/samples/index.json").read_text(encoding="utf-8"))["samples"]
LIBRARY = RubricLibrary(ROOT / "rubrics")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["id"])
async def test_a_bundled_sample_is_drafted_in_one_call_with_every_quote_in_its_place(
    stub_endpoint: StubEndpoint, connect: Callable[..., ConnectedModel], sample: dict[str, Any]
) -> None:
    conversation = read_conversation((ROOT / "eval/samples" / sample["file"]).read_bytes(), name=sample["id"])
    rubric = LIBRARY.get(sample["rubric"])

    draft = await drafter_with(connect()).draft(conversation, rubric, engine="llm")

    assert len(stub_endpoint.requests) == 1
    asked = [
        item
        for item in draft.items
        if item.method == "llm" and not (item.state == "not_applicable" and item.decided_by == "condition")
    ]
    assert len(asked) >= len(fields_of(stub_endpoint.requests[0])) - 1 - sum(
        item.state != "answered" for item in draft.items
    )
    assert [
        item.item for item in asked if item.state == "unscored" and item.unscored_reason != "condition_undetermined"
    ] == []
    for item in draft.items:
        for one in item.evidence:
            assert conversation.turns[one.turn].text[one.start : one.end] == one.quote
