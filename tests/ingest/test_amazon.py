"""Contact Lens and Transcribe call analytics."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from service.errors import ConversationRejected, RolesUnknown
from tests.ingest.reading import read, said, spans


def spoken(who: str, words: str, begin: int = 0, **more: Any) -> dict[str, Any]:
    return {"ParticipantId": who, "Content": words, "BeginOffsetMillis": begin, "EndOffsetMillis": begin + 500} | more


def test_the_old_voice_shape_has_the_role_as_participant_id() -> None:
    conversation = read(
        {
            "Version": "1.1.0",
            "Channel": "VOICE",
            "Transcript": [spoken("CUSTOMER", "Hi"), spoken("AGENT", "Hello", 900)],
        }
    )

    assert said(conversation) == [("customer", "Hi"), ("agent", "Hello")]
    assert spans(conversation) == [(0, 0.5), (0.9, 1.4)]


def test_the_new_voice_shape_looks_roles_up_and_keeps_two_agents_apart() -> None:
    people = [("a1", "AGENT"), ("a2", "AGENT"), ("c", "CUSTOMER"), ("s", "SYSTEM"), ("b", "CUSTOM_BOT")]
    conversation = read(
        {
            "Channel": "VOICE",
            "LanguageCode": "es-US",
            "CustomerMetadata": {"ContactId": "contact-9"},
            "Participants": [{"ParticipantId": who, "ParticipantRole": role} for who, role in people],
            "Transcript": [spoken(who, role, index) for index, (who, role) in enumerate(people)],
            "ConversationCharacteristics": {"TotalConversationDurationMillis": 32110},
            "Categories": {"MatchedCategories": ["Cancellation"]},
        }
    )

    assert [role for role, _ in said(conversation)] == ["agent", "agent", "customer", "system", "bot"]
    assert conversation.agents == ("a1", "a2")
    assert (conversation.id, conversation.language) == ("contact-9", "es-US")
    assert conversation.metadata["duration_seconds"] == 32.11
    assert conversation.metadata["categories"] == ["Cancellation"]


def test_chat_counts_absolute_times_from_the_first_message_and_skips_events() -> None:
    conversation = read(
        {
            "Channel": "CHAT",
            "Participants": [
                {"ParticipantId": "x", "ParticipantRole": "AGENT"},
                {"ParticipantId": "y", "ParticipantRole": "CUSTOMER"},
            ],
            "Transcript": [
                {
                    "Id": "0",
                    "ParticipantId": "x",
                    "AbsoluteTime": "2022-11-14T17:57:08.000Z",
                    "ContentType": "application/vnd.amazonaws.connect.event.participant.joined",
                },
                {
                    "Id": "1",
                    "ParticipantId": "y",
                    "AbsoluteTime": "2022-11-14T17:57:10.649Z",
                    "Content": "hello",
                    "ContentType": "text/plain",
                },
                {
                    "Id": "2",
                    "ParticipantId": "x",
                    "AbsoluteTime": "2022-11-14T17:57:12Z",
                    "Content": "hi",
                    "ContentType": "text/markdown",
                },
            ],
        }
    )

    assert said(conversation) == [("customer", "hello"), ("agent", "hi")]
    assert spans(conversation) == [(0, None), (1.351, None)]
    assert (conversation.channel, conversation.started_at) == (
        "chat",
        datetime(2022, 11, 14, 17, 57, 10, 649000, tzinfo=UTC),
    )


def test_real_time_segments_carry_their_roles() -> None:
    def segment(role: str, words: str, begin: int) -> dict[str, Any]:
        return {"Transcript": spoken(f"id-{role}", words, begin, ParticipantRole=role)}

    conversation = read(
        {
            "Channel": "VOICE",
            "Segments": [
                segment("AGENT", "Hello", 0),
                {"Categories": {"MatchedCategories": ["x"]}},
                segment("CUSTOMER", "Hi", 700),
                {"PostContactSummary": {"Content": "…", "Status": "COMPLETED"}},
            ],
        }
    )

    assert said(conversation) == [("agent", "Hello"), ("customer", "Hi")]
    assert [p.id for p in conversation.participants] == ["id-AGENT", "id-CUSTOMER"]


def test_unknown_participants_are_named() -> None:
    with pytest.raises(RolesUnknown, match="“aa11”, “bb22”"):
        read({"Channel": "VOICE", "Transcript": [spoken("aa11", "x"), spoken("bb22", "y")]})


def test_e_mail_analysis_says_where_the_words_are() -> None:
    with pytest.raises(ConversationRejected, match="EmailMessagePlainTextS3URI"):
        read({"Version": "EMAIL-2026-01-01", "ContactChainSummary": {}})


def test_a_failed_job_is_refused() -> None:
    with pytest.raises(ConversationRejected, match="job failed"):
        read({"JobName": "j", "JobStatus": "FAILED", "Transcript": []})


def test_transcribe_call_analytics_states_roles_on_each_entry() -> None:
    def entry(role: str, words: str, begin: int) -> dict[str, Any]:
        return {"ParticipantRole": role, "Content": words, "BeginOffsetMillis": begin, "EndOffsetMillis": begin + 10}

    conversation = read(
        {
            "JobName": "job-1",
            "LanguageCode": "en-US",
            "Transcript": [entry("AGENT", "a", 0), entry("CUSTOMER", "b", 20)],
        }
    )

    assert said(conversation) == [("agent", "a"), ("customer", "b")]
    assert (conversation.id, conversation.channel, conversation.source.format) == ("job-1", "voice", "transcribe")
