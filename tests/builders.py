"""Builders with memorable defaults: say only what the test is about."""

from __future__ import annotations

from typing import Any

from service.conversation import Conversation, Participant, Turn
from service.rubric import Rubric


def a_conversation(*lines: str | tuple[str, str], **changes: Any) -> Conversation:
    """A chat from lines such as `"agent: Hello"`; speakers become participants, their role is the name's first word."""
    turns, participants = [], {}
    for line in lines or ("agent: Hello, this is Mara from Northwind. How can I help?", "customer: My bill is wrong."):
        speaker, text = line if isinstance(line, tuple) else line.split(": ", 1)
        role = next((r for r in ("agent", "customer", "bot", "system") if speaker.startswith(r)), "customer")
        participants.setdefault(speaker, Participant(id=speaker, role=role))
        turns.append(Turn(participant=speaker, text=text))
    return Conversation(
        **{
            "id": "c-1",
            "channel": "chat",
            "language": "en",
            "participants": tuple(participants.values()),
            "turns": tuple(turns),
        }
        | changes
    )


def an_item(item_id: str = "greeting", **changes: Any) -> dict[str, Any]:
    """A yes/no item as plain data."""
    return {"id": item_id, "question": f"Did the agent do {item_id}?"} | changes


def a_rubric(*items: dict[str, Any], **changes: Any) -> Rubric:
    """A one-section rubric with these items (plain data), or with one greeting item."""
    section = {"id": "main", "title": "Main", "items": list(items) or [an_item()]}
    return Rubric.model_validate({"id": "test", "version": "1", "title": "Test form", "sections": [section]} | changes)
