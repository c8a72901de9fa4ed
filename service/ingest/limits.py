"""How large one conversation may be, and the refusal that says which limit was passed, by how much, and what to do.

Comes in: sizes. Goes out: nothing, or `TooLarge`. The limits are per conversation: a file of many conversations,
one to a line, may be as long as the caller's memory allows.
"""

from __future__ import annotations

from typing import Final

from service.errors import TooLarge
from service.value import Value


class IngestLimits(Value):
    """Sizes beyond which one conversation is refused: bytes as sent, turns, and characters over all turns."""

    body_bytes: int = 2_000_000
    turns: int = 5_000
    characters: int = 500_000


DEFAULT_LIMITS: Final = IngestLimits()


def check_bytes(size: int, limits: IngestLimits) -> None:
    """Pass when one conversation's bytes are within the limit; otherwise raise `TooLarge`."""
    if size > limits.body_bytes:
        raise TooLarge(
            f"the conversation has {size:,} bytes; the limit body_bytes is {limits.body_bytes:,}.",
            field="body",
            fix="Send one conversation at a time without recordings and attachments, or raise the limit body_bytes.",
        )


def check_turns(count: int, limits: IngestLimits) -> None:
    """Pass when the number of turns is within the limit; otherwise raise `TooLarge`."""
    if count > limits.turns:
        raise TooLarge(
            f"the conversation has {count:,} turns; the limit turns is {limits.turns:,}.",
            field="turns",
            fix="Split the contact, or raise the limit turns.",
        )


def check_characters(count: int, limits: IngestLimits) -> None:
    """Pass when all turns together are within the limit of characters; otherwise raise `TooLarge`."""
    if count > limits.characters:
        raise TooLarge(
            f"the conversation has {count:,} characters; the limit characters is {limits.characters:,}.",
            field="turns",
            fix="Split the contact, or raise the limit characters.",
        )
