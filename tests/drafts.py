"""Builders of drafts, as a store or an answer needs them: say only what the test is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from service.conversation import Conversation
from service.grounding import Evidence
from service.rubric import Rubric
from service.scorecard import (
    Answered,
    Breakdown,
    Confidence,
    Draft,
    ItemScore,
    Provenance,
    Score,
    SectionScore,
    Unscored,
)
from tests.builders import a_conversation, a_rubric

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def minutes(count: float) -> datetime:
    """`count` minutes after noon."""
    return NOON + timedelta(minutes=count)


def a_draft(
    draft_id: str = "d-1",
    conversation: Conversation | None = None,
    rubric: Rubric | None = None,
    *,
    at: datetime = NOON,
    engine: str = "cues",
    percent: float | None = 100.0,
    passed: bool | None = True,
    **changes: Any,
) -> Draft:
    """A draft of one greeting item, answered with its quote; `percent=None` leaves the item unscored."""
    conversation, rubric = conversation or a_conversation(), rubric or a_rubric()
    item = rubric.items[0].id
    quote = conversation.turns[0].text[:5]
    first = conversation.turns[0].participant
    evidence = Evidence(turn=0, participant=first, start=0, end=len(quote), quote=quote, match="exact")
    result: Any = Answered(
        item=item,
        answer="yes",
        reason="The agent greeted.",
        evidence=(evidence,),
        method="cues",
        confidence=Confidence(raw=0.9, source="cue_match"),
    )
    if percent is None:
        passed = None
        result = Unscored(item=item, unscored_reason="needs_model_or_person", reason="No cue judges it.", method="llm")
    score = Score(
        percent=percent,
        low=0.0 if percent is None else percent,
        high=100.0 if percent is None else percent,
        passed=passed,
    )
    breakdown = Breakdown(
        items=(ItemScore(item=item, points=None if percent is None else 1.0, max_points=1.0),),
        sections=(SectionScore(section="main", percent=percent, low=score.low, high=score.high),),
        score=score,
    )
    provenance = Provenance(
        rubric=rubric.name,
        rubric_digest=rubric.digest,
        conversation_digest=conversation.digest,
        engine=engine,
        software="assay 0.1.0",
    )
    values: dict[str, Any] = {
        "id": draft_id,
        "conversation": conversation.id,
        "created_at": at,
        "language": conversation.language,
        "items": (result,),
        "breakdown": breakdown,
        "provenance": provenance,
    }
    return Draft(**values | changes)
