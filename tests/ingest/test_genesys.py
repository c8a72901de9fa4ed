from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from service.errors import ConversationRejected
from tests.ingest.reading import read, said, spans

START = 1_700_000_000_000


def phrase(who: str, words: str, at: int, **more: Any) -> dict[str, Any]:
    return {"text": words, "startTimeMs": at, "participantPurpose": who} | more


def party(purpose: str, start: int, end: int | None, **more: Any) -> dict[str, Any]:
    return {"participantPurpose": purpose, "startTimeMs": start, "endTimeMs": end} | more


def genesys(*phrases: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "conversationId": "g-1",
        "mediaType": "voice",
        "transcripts": [{"transcriptId": "t", "phrases": list(phrases)}],
    } | changes


def test_epoch_milliseconds_become_offsets_from_the_conversation_start() -> None:
    conversation = read(
        genesys(
            phrase("external", "hi", START + 1500),
            phrase("internal", "hello", START + 4200),
            conversationStartTime=START,
        )
    )

    assert said(conversation) == [("customer", "hi"), ("agent", "hello")]
    assert spans(conversation) == [(1.5, None), (4.2, None)]
    assert conversation.started_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_offsets_stay_offsets() -> None:
    conversation = read(
        genesys(phrase("external", "hi", 500, duration={"milliseconds": 250}), phrase("internal", "yo", 900))
    )

    assert spans(conversation) == [(0.5, 0.75), (0.9, None)]
    assert conversation.started_at is None


def test_after_a_transfer_the_agents_are_told_apart_by_time() -> None:
    conversation = read(
        genesys(
            phrase("internal", "Press one.", START + 1_000),
            phrase("internal", "First agent.", START + 12_000),
            phrase("external", "Hm.", START + 20_000),
            phrase("internal", "Second agent.", START + 45_000),
            phrase("internal", "Who was it?", START + 30_500),
            conversationStartTime=START,
            participants=[
                party("customer", START, None),
                party("ivr", START, START + 5_000),
                party("acd", START + 5_000, START + 40_000),
                party("agent", START + 10_000, START + 31_000, userId="u-1", name="Ann"),
                party("agent", START + 30_000, None, userId="u-2"),
            ],
        )
    )

    assert [(turn.participant, conversation.role_of(i), turn.start) for i, turn in enumerate(conversation.turns)] == [
        ("ivr", "bot", 1),
        ("u-1", "agent", 12),
        ("customer", "customer", 20),
        ("internal", "agent", 30.5),
        ("u-2", "agent", 45),
    ]
    assert "could not be given to one connected agent" in conversation.source.notes[0]


def test_several_transcripts_are_one_conversation_by_time() -> None:
    conversation = read(
        genesys(
            transcripts=[
                {"phrases": [phrase("internal", "later", 9_000)]},
                {"phrases": [phrase("external", "sooner", 100)]},
            ]
        )
    )

    assert [turn.text for turn in conversation.turns] == ["sooner", "later"]


def test_the_punctuated_text_is_the_text_where_there_is_one() -> None:
    conversation = read(
        genesys(phrase("internal", "hi im ann", 0, decoratedText="Hi, I'm Ann."), phrase("external", "ok", 1))
    )

    assert [turn.text for turn in conversation.turns] == ["Hi, I'm Ann.", "ok"]


def test_messages_are_a_chat() -> None:
    assert (
        read(genesys(phrase("external", "hi", 0), phrase("internal", "yo", 1), mediaType="message")).channel == "chat"
    )


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (genesys(phrase("someone", "x", 0)), "transcripts[0].phrases[0].participantPurpose"),
        (genesys(phrase("external", "x", -5)), "transcripts[0].phrases[0].startTimeMs"),
        (genesys(phrase("external", "x", 0), participants=3), "participants"),
    ],
)
def test_bad_fields_are_named(document: dict[str, Any], field: str) -> None:
    with pytest.raises(ConversationRejected) as caught:
        read(document)

    assert caught.value.field == field


def test_connected_devices_that_do_not_speak_are_left_out() -> None:
    conversation = read(
        genesys(phrase("external", "x", 0), phrase("internal", "y", 1), participants=[party("fax", 0, 1)])
    )

    assert [p.id for p in conversation.participants] == ["external", "internal"]
