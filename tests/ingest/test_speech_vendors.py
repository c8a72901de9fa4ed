"""Deepgram, AssemblyAI, WhisperX, OpenAI, Azure and bare segments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ConversationRejected, RolesUnknown
from tests.ingest.reading import read, said, spans

HELLO = "Thank you for calling, how can I help you?"
BILL = "My bill is wrong."


def deepgram(**results: Any) -> dict[str, Any]:
    return {
        "metadata": {"request_id": "r-1", "duration": 9.5, "created": "2025-03-02T00:39:07.666Z"},
        "results": results,
    }


def test_deepgram_utterances_keep_their_text_and_seconds() -> None:
    conversation = read(
        deepgram(
            channels=[{}],
            utterances=[
                {"start": 0.5, "end": 2.25, "speaker": 0, "channel": 0, "transcript": HELLO},
                {"start": 3, "end": 4, "speaker": 1, "channel": 0, "transcript": BILL},
            ],
        )
    )

    assert said(conversation) == [("agent", HELLO), ("customer", BILL)]
    assert spans(conversation) == [(0.5, 2.25), (3, 4)]
    assert [(p.id, p.role_source, p.role_rule) for p in conversation.participants] == [
        ("Speaker 0", "inferred", "service_phrase"),
        ("Speaker 1", "inferred", "service_phrase"),
    ]
    assert (conversation.id, conversation.metadata["duration_seconds"]) == ("r-1", 9.5)
    assert conversation.started_at is None


def test_deepgram_words_are_grouped_by_speaker() -> None:
    words = [
        {"word": "how", "punctuated_word": "How", "start": 0, "end": 0.2, "speaker": 1},
        {"word": "can i help you", "punctuated_word": "can I help you?", "start": 0.3, "end": 0.9, "speaker": 1},
        {"word": "bill", "start": 1, "end": 1.5, "speaker": 0},
    ]
    conversation = read(deepgram(channels=[{"alternatives": [{"transcript": "x", "words": words}]}]))

    assert said(conversation) == [("agent", "How can I help you?"), ("customer", "bill")]
    assert spans(conversation) == [(0, 0.9), (1, 1.5)]


def test_deepgram_channels_are_sides_ordered_by_time() -> None:
    def side(text: str, start: float) -> dict[str, Any]:
        return {"alternatives": [{"words": [{"word": text, "start": start, "end": start + 1}]}]}

    conversation = read(deepgram(channels=[side(BILL, 5), side(HELLO, 1)]))

    assert said(conversation) == [("agent", HELLO), ("customer", BILL)]
    assert [p.id for p in conversation.participants] == ["Channel 1", "Channel 0"]


def test_deepgram_without_diarisation_is_refused_with_the_option_to_set() -> None:
    with pytest.raises(RolesUnknown, match="diarize=true"):
        read(deepgram(channels=[{"alternatives": [{"words": [{"word": "x", "start": 0, "end": 1}]}]}]))


def assemblyai(**changes: Any) -> dict[str, Any]:
    return {
        "id": "a-1",
        "status": "completed",
        "text": "…",
        "words": [],
        "language_code": "en_us",
        "utterances": [
            {"speaker": "A", "start": 250, "end": 2750, "text": BILL, "words": []},
            {"speaker": "B", "start": 3000, "end": 4000, "text": HELLO, "words": []},
        ],
    } | changes


def test_assemblyai_milliseconds_become_seconds() -> None:
    conversation = read(assemblyai())

    assert said(conversation) == [("customer", BILL), ("agent", HELLO)]
    assert spans(conversation) == [(0.25, 2.75), (3, 4)]
    assert (conversation.id, conversation.language) == ("a-1", "en-us")


def test_assemblyai_says_what_is_missing() -> None:
    with pytest.raises(RolesUnknown, match="speaker_labels=true"):
        read(assemblyai(utterances=None))
    with pytest.raises(ConversationRejected, match="not complete"):
        read(assemblyai(status="processing"))


def whisperx(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"segments": list(segments), "word_segments": [], "language": "en"}


def test_whisperx_segments_keep_their_leading_blank() -> None:
    conversation = read(
        whisperx(
            {
                "start": 0.1,
                "end": 1.5,
                "text": f" {HELLO}",
                "speaker": "SPEAKER_01",
                "words": [{"word": "Thank", "score": 1}],
            },
            {"start": 1.6, "end": 2.5, "text": f" {BILL}", "speaker": "SPEAKER_00", "words": []},
        )
    )

    assert said(conversation) == [("agent", f" {HELLO}"), ("customer", f" {BILL}")]
    assert spans(conversation) == [(0.1, 1.5), (1.6, 2.5)]


def test_whisperx_scores_that_are_no_numbers_do_not_matter() -> None:
    text = '{"segments": [{"start": 0, "end": 1, "text": "hi", "speaker": "agent", "words": [{"score": NaN}]}]}'

    assert said(read(text)) == [("agent", "hi")]


def test_whisperx_without_speakers_is_refused() -> None:
    with pytest.raises(RolesUnknown, match="diarisation step"):
        read(whisperx({"start": 0, "end": 1, "text": "hi"}))
    with pytest.raises(RolesUnknown, match=r"“\(no speaker\)”"):
        read(
            whisperx(
                {"start": 0, "end": 1, "text": "hi", "speaker": "Agent"},
                {"start": 1, "end": 2, "text": "yo", "speaker": "Customer"},
                {"start": 2, "end": 3, "text": "mm"},
            )
        )


def openai(**changes: Any) -> dict[str, Any]:
    segment = {"type": "transcript.text.segment", "id": "seg_1"}
    return {
        "task": "transcribe",
        "duration": 5.5,
        "text": "…",
        "segments": [
            segment | {"speaker": "A", "start": 0, "end": 2, "text": HELLO},
            segment | {"speaker": "B", "start": 2, "end": 5.5, "text": BILL},
        ],
    } | changes


def test_openai_diarized_json_reads() -> None:
    conversation = read(openai())

    assert said(conversation) == [("agent", HELLO), ("customer", BILL)]
    assert spans(conversation) == [(0, 2), (2, 5.5)]
    assert conversation.source.format == "openai"


def test_openai_verbose_json_is_refused_for_want_of_speakers() -> None:
    segment = {"id": 0, "seek": 0, "start": 0, "end": 2, "text": " hi", "no_speech_prob": 0.1, "avg_logprob": -0.2}

    with pytest.raises(RolesUnknown, match="diarized_json"):
        read(openai(segments=[segment], language="english"))
    with pytest.raises(RolesUnknown, match="diarized_json"):
        read({"text": "hi", "segments": [segment]})


def azure(*phrases: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": "z-1",
        "status": "Succeeded",
        "result": {
            "analyzerId": "prebuilt-callCenter",
            "createdAt": "2025-05-06T22:53:28Z",
            "contents": [
                {"markdown": "<v Agent>…", "kind": "audioVisual", "endTimeMs": 9000, "transcriptPhrases": list(phrases)}
            ],
        },
    } | changes


def test_azure_phrases_say_who_spoke() -> None:
    conversation = read(
        azure(
            {"speaker": "Agent", "startTimeMs": 80, "endTimeMs": 640, "text": "Good day."},
            {"speaker": "Customer", "startTimeMs": 700, "endTimeMs": 900, "text": "Hello."},
        )
    )

    assert said(conversation) == [("agent", "Good day."), ("customer", "Hello.")]
    assert spans(conversation) == [(0.08, 0.64), (0.7, 0.9)]
    assert conversation.metadata["duration_seconds"] == 9


def test_azure_results_without_phrases_are_refused() -> None:
    with pytest.raises(ConversationRejected, match="no transcriptPhrases"):
        read(azure())
    with pytest.raises(ConversationRejected, match="did not succeed"):
        read(azure(status="Running"))


def test_bare_segments_prefer_what_a_person_heard() -> None:
    conversation = read(
        [
            {
                "speaker_role": "agent",
                "start_ms": 1690,
                "duration_ms": 4980,
                "human_transcript": "harper",
                "transcript": "halbur",
            },
            {"speaker_role": "caller", "start_ms": 12590, "end_ms": 13000, "transcript": "hi"},
        ]
    )

    assert said(conversation) == [("agent", "harper"), ("customer", "hi")]
    assert spans(conversation) == [(1.69, 6.67), (12.59, 13)]


def test_a_bare_list_of_turns_reads_too() -> None:
    assert said(read([{"speaker": "agent", "text": "hi"}, {"speaker": "customer", "text": "yo"}])) == [
        ("agent", "hi"),
        ("customer", "yo"),
    ]


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip())


@given(st.lists(texts, min_size=1, max_size=5))
def test_texts_survive_every_json_shape_verbatim(words: list[str]) -> None:
    seconds = [{"speaker": "agent", "start": i, "end": i + 1, "text": t} for i, t in enumerate(words)]
    said_twice = [*seconds, {"speaker": "customer", "start": 99, "end": 100, "text": "ok"}]
    lens = [
        {"ParticipantId": one["speaker"].upper(), "Content": one["text"], "BeginOffsetMillis": one["start"]}  # type: ignore[attr-defined]
        for one in said_twice
    ]
    genesys = [
        {
            "participantPurpose": "internal" if one["speaker"] == "agent" else "external",
            "text": one["text"],
            "startTimeMs": one["start"],
        }
        for one in said_twice
    ]
    documents: list[Any] = [
        deepgram(channels=[{}], utterances=[{**one, "transcript": one["text"]} for one in said_twice]),
        assemblyai(utterances=said_twice),
        whisperx(*said_twice),
        openai(segments=said_twice),
        azure(*said_twice),
        said_twice,
        {"Transcript": lens, "Channel": "VOICE"},
        {"transcripts": [{"phrases": genesys}]},
        {
            "vcon": "0.4.0",
            "uuid": "u",
            "parties": [],
            "dialog": [],
            "analysis": [{"type": "transcript", "body": said_twice}],
        },
    ]

    for document in documents:
        assert [turn.text for turn in read(document).turns] == [*words, "ok"], document
