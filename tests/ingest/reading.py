"""Short ways to read what a test wrote inline."""

from __future__ import annotations

import json
from typing import Any

from service.conversation import Conversation
from service.ingest import read_conversation


def read(document: Any, **options: Any) -> Conversation:
    """The conversation in bytes, text or a JSON value."""
    if isinstance(document, str):
        document = document.encode()
    elif not isinstance(document, bytes):
        document = json.dumps(document).encode()
    return read_conversation(document, **options)


def said(conversation: Conversation) -> list[tuple[str, str]]:
    """Role and text of every turn."""
    return [(conversation.role_of(i), turn.text) for i, turn in enumerate(conversation.turns)]


def spans(conversation: Conversation) -> list[tuple[float | None, float | None]]:
    """Start and end of every turn."""
    return [(turn.start, turn.end) for turn in conversation.turns]
