from __future__ import annotations

import json
from typing import Any

import pytest

from service.errors import TooLarge
from service.ingest import IngestLimits, RejectedRecord, conversation_from, read_conversation, read_each


def body(turns: int, text: str = "hi") -> dict[str, Any]:
    return {"turns": [{"speaker": "agent", "text": text}] * turns}


def test_the_limits_are_the_ones_that_are_promised() -> None:
    assert IngestLimits() == IngestLimits(body_bytes=2_000_000, turns=5_000, characters=500_000)


@pytest.mark.parametrize(
    ("payload", "limits", "says"),
    [
        (body(4), IngestLimits(turns=3), "4 turns; the limit turns is 3"),
        (body(3), IngestLimits(characters=5), "6 characters; the limit characters is 5"),
        (body(5_001), IngestLimits(), "5,001 turns; the limit turns is 5,000"),
        (body(1, "x" * 500_001), IngestLimits(), "500,001 characters; the limit characters is 500,000"),
    ],
)
def test_too_many_turns_or_characters_are_refused_with_both_numbers(
    payload: dict[str, Any], limits: IngestLimits, says: str
) -> None:
    with pytest.raises(TooLarge, match=says) as caught:
        conversation_from(payload, limits=limits)

    assert "raise the limit" in (caught.value.fix or "")


def test_at_the_limit_a_conversation_passes() -> None:
    assert len(conversation_from(body(3), limits=IngestLimits(turns=3, characters=6)).turns) == 3


def test_too_many_bytes_are_refused_before_they_are_parsed() -> None:
    with pytest.raises(TooLarge, match="2,000,001 bytes; the limit body_bytes is 2,000,000"):
        read_conversation(b"{" * 2_000_001)


def test_every_format_is_limited() -> None:
    limits = IngestLimits(turns=1)
    vtt = b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent>a\n\n00:03.000 --> 00:04.000\n<v Customer>b"

    for data in (vtt, b"Agent: a\nCustomer: b", json.dumps([{"speaker": "agent", "text": "a"}] * 2).encode()):
        with pytest.raises(TooLarge, match="2 turns"):
            read_conversation(data, limits=limits)


def test_bytes_are_counted_per_line_where_a_file_has_many_conversations() -> None:
    small, large = json.dumps(body(1)), json.dumps(body(9))

    outcomes = list(read_each(f"{small}\n{large}\n{small}".encode(), limits=IngestLimits(body_bytes=100)))

    assert [isinstance(o, RejectedRecord) for o in outcomes] == [False, True, False]
    assert isinstance(outcomes[1], RejectedRecord)
    assert isinstance(outcomes[1].error, TooLarge)
    assert str(outcomes[1].error).startswith("line 2, body: the conversation has")
