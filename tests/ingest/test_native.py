from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.conversation import QuotedSpan
from service.errors import ConversationRejected, FormatUnknown, RolesUnknown
from service.ingest import RejectedRecord, conversation_from, read_conversation, read_conversations, read_each
from tests.ingest.reading import read, said, spans

FULL: dict[str, Any] = {
    "id": "call-7",
    "channel": "voice",
    "language": "en",
    "started_at": "2025-03-02T10:15:00Z",
    "participants": [
        {"id": "u1", "role": "agent", "name": "Mara"},
        {"id": "u2", "role": "agent"},
        {"id": "p", "role": "customer"},
    ],
    "turns": [
        {"participant": "u1", "text": "One moment, I'll transfer you.", "start": 0, "end": 2.5},
        {"participant": "p", "text": "Thanks.", "start": 3, "end": 3.5},
        {"participant": "u2", "text": "Hello, billing.", "start": 20, "end": 22},
    ],
    "metadata": {"queue": "billing", "csat": 4},
    "evaluated_agent": "u2",
}


def test_the_full_shape_reads_field_by_field() -> None:
    conversation = read(FULL)

    assert said(conversation) == [
        ("agent", "One moment, I'll transfer you."),
        ("customer", "Thanks."),
        ("agent", "Hello, billing."),
    ]
    assert spans(conversation) == [(0, 2.5), (3, 3.5), (20, 22)]
    assert conversation.started_at == datetime(2025, 3, 2, 10, 15, tzinfo=UTC)
    assert (conversation.id, conversation.channel, conversation.language) == ("call-7", "voice", "en")
    assert conversation.metadata == {"queue": "billing", "csat": 4}
    assert conversation.agents == ("u2",)
    assert conversation.participants[0].name == "Mara"


def test_the_shorthand_needs_only_speakers_and_texts() -> None:
    conversation = conversation_from(
        {"turns": [{"speaker": "agent", "text": "Hi"}, {"speaker": "customer", "text": "Yo"}]}
    )

    assert said(conversation) == [("agent", "Hi"), ("customer", "Yo")]
    assert conversation.channel == "chat"
    assert "not stated" in conversation.source.notes[0]


def test_a_shorthand_without_an_id_gets_the_same_id_again() -> None:
    body = {"turns": [{"speaker": "agent", "text": "Hi"}, {"speaker": "customer", "text": "Yo"}]}

    assert conversation_from(body).id == conversation_from(dict(body)).id
    assert conversation_from(body).id != conversation_from({"turns": body["turns"][:1]}).id


def test_what_was_read_can_be_written_and_read_again() -> None:
    first = read(FULL | {"turns": [FULL["turns"][0] | {"quoted": [{"start": 0, "end": 3}]}]})

    again = conversation_from(first.model_dump(mode="json"))

    assert again.model_dump(exclude={"source"}) == first.model_dump(exclude={"source"})


def test_a_platforms_own_source_field_is_metadata() -> None:
    body = {"turns": [{"speaker": "agent", "text": "Hi"}], "source": "helpdesk"}

    assert conversation_from(body).metadata == {"source": "helpdesk"}


def test_an_inferred_role_stays_marked_as_inferred_when_read_again() -> None:
    first = read({"turns": [{"speaker": "agent", "text": "Hi"}, {"speaker": "Ann", "text": "Hello"}]})

    again = conversation_from(first.model_dump(mode="json"))

    assert again.participants == first.participants
    assert again.participants[1].role_source == "inferred"


def test_further_top_level_fields_become_metadata_and_further_turn_fields_are_named() -> None:
    conversation = conversation_from(
        {
            "turns": [{"speaker": "agent", "text": "Hi", "action": "hello", "sentiment": 1}],
            "task": "bank_balance",
            "metadata": {"task": "mine"},
            "survey": [{"q": 1}],
        }
    )

    assert conversation.metadata == {"task": "mine", "survey": [{"q": 1}]}
    assert "turns.action, turns.sentiment" in conversation.source.notes[0]


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ({"start": 1.5, "end": 2}, (1.5, 2)),
        ({"at_seconds": 17}, (17, None)),
        ({"start_ms": 1500, "end_ms": 2000}, (1.5, 2)),
        ({"start_seconds": 1, "end_seconds": 2}, (1, 2)),
        ({"start": None, "end": None}, (None, None)),
        ({"start": 1_700_000_000, "end": 1_700_000_002}, (0, 2)),
        ({"start": 1_700_000_000_000, "end": 1_700_000_002_500}, (0, 2.5)),
        ({"timestamp": "2025-03-02T10:15:00+03:30"}, (0, None)),
    ],
)
def test_times_of_every_dress_become_seconds_from_the_start(turn: dict[str, Any], expected: tuple[Any, Any]) -> None:
    assert spans(conversation_from({"turns": [{"speaker": "agent", "text": "Hi"} | turn]})) == [expected]


def test_clock_times_count_from_the_stated_start() -> None:
    conversation = conversation_from(
        {"started_at": 1_700_000_000, "turns": [{"speaker": "agent", "text": "Hi", "start": 1_700_000_005_250}]}
    )

    assert spans(conversation) == [(5.25, None)]
    assert conversation.started_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_clock_times_set_the_start_that_nobody_stated() -> None:
    conversation = conversation_from(
        {"turns": [{"speaker": "agent", "text": "Hi", "timestamp": "2025-03-02T10:15:00Z"}]}
    )

    assert conversation.started_at == datetime(2025, 3, 2, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"turns": []}, "turns", "nobody says anything"),
        ({"turns": [{"speaker": "agent", "text": ""}]}, "turns", "nobody says anything"),
        ({"turns": [{"speaker": "agent", "text": " \n"}]}, "turns", "nobody says anything"),
        ({"turns": {}}, "turns", "needed a list, found an object"),
        ({"turns": None}, "turns", "nobody says anything"),
        ({"turns": ["hi"]}, "turns[0]", "needed an object, found text"),
        ({"turns": [{"text": "hi"}]}, "turns[0].speaker", "needed the speaker"),
        ({"turns": [{"speaker": "agent"}]}, "turns[0].text", "needed text, found nothing"),
        ({"turns": [{"speaker": "agent", "text": 5}]}, "turns[0].text", "needed text, found a number"),
        ({"turns": [{"speaker": ["a"], "text": "x"}]}, "turns[0].speaker", "needed text, found a list"),
        ({"turns": [{"speaker": "agent", "text": "x", "start": -1}]}, "turns[0].start", "before the start"),
        ({"turns": [{"speaker": "agent", "text": "x", "start": "now"}]}, "turns[0].start", "needed a number"),
        ({"turns": [{"speaker": "agent", "text": "x", "start": True}]}, "turns[0].start", "needed a number"),
        ({"turns": [{"speaker": "agent", "text": "x", "start": float("nan")}]}, "turns[0].start", "finite"),
        ({"turns": [{"speaker": "agent", "text": "x", "start": 10**400}]}, "turns[0].start", "finite"),
        ({"turns": [{"speaker": "agent", "text": "x", "start": 2, "end": 1}]}, "turns[0]", "ends before it starts"),
        ({"turns": [{"speaker": "agent", "text": "x", "timestamp": "noon"}]}, "turns[0].timestamp", "ISO 8601"),
        (
            {
                "turns": [
                    {"speaker": "agent", "text": "x", "start": 5},
                    {"speaker": "agent", "text": "x", "start": 1.7e9},
                ]
            },
            "turns",
            "some times are offsets",
        ),
        ({"turns": [{"speaker": "agent", "text": "half \ud83d"}]}, "turns[0].text", "half of a surrogate pair"),
        ({"turns": [{"speaker": "a" * 201, "text": "x"}]}, "participants", "201 characters"),
        ({"turns": [{"speaker": "agent", "text": "x"}], "channel": "smoke"}, "channel", "unknown"),
        ({"turns": [{"speaker": "agent", "text": "x"}], "language": "en us!"}, "language", "no language tag"),
        ({"turns": [{"speaker": "agent", "text": "x"}], "id": "x" * 201}, "id", "201 characters"),
        ({"turns": [{"speaker": "agent", "text": "x"}], "metadata": []}, "metadata", "needed an object"),
        ({"turns": [{"speaker": "agent", "text": "x"}], "metadata": {"a": float("inf")}}, "metadata.a", "finite"),
        ({"turns": [{"speaker": "agent", "text": "x"}], "metadata": {"a": 2**70}}, "metadata.a", "64 bits"),
        ({"turns": [{"speaker": "agent", "text": "x"}], "started_at": "soon"}, "started_at", "ISO 8601"),
        ({"turns": [{"speaker": "agent", "text": "x"}], "started_at": 1e300}, "started_at", "since 1970"),
        ({"turns": [{"speaker": "agent", "text": "x"}], "evaluated_agent": "z"}, "conversation", "not an agent"),
        (
            {"turns": [{"speaker": "agent", "text": "x"}], "participants": [{"id": "b", "role": "agent"}]},
            "turns[0].participant",
            "not declared",
        ),
        (
            {"turns": [{"speaker": "b", "text": "x"}], "participants": [{"id": "b", "role": "boss"}]},
            "participants[0].role",
            "unknown",
        ),
        (
            {"turns": [{"speaker": "b", "text": "x"}], "participants": [{"role": "agent"}]},
            "participants[0].id",
            "needed an id",
        ),
        (
            {"turns": [{"speaker": "agent", "text": "x", "quoted": [{"start": 0, "end": 9}]}]},
            "conversation",
            "outside the text",
        ),
        (
            {"turns": [{"speaker": "agent", "text": "x", "quoted": [{"start": "0", "end": 1}]}]},
            "turns[0].quoted[0]",
            "whole numbers",
        ),
    ],
)
def test_a_bad_field_is_named_with_its_reason(body: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(ConversationRejected, match=reason) as caught:
        conversation_from(body)

    assert caught.value.field == field
    assert caught.value.fix


def test_an_unknown_speaker_is_named_and_the_role_map_explained() -> None:
    with pytest.raises(RolesUnknown, match="“Speaker 0”, “Speaker 1”") as caught:
        conversation_from({"turns": [{"speaker": "Speaker 0", "text": "x"}, {"speaker": "Speaker 1", "text": "y"}]})

    assert "role map" in str(caught.value)


def test_single_empty_turns_keep_their_place() -> None:
    conversation = conversation_from(
        {
            "turns": [
                {"speaker": "agent", "text": "a"},
                {"speaker": "customer", "text": ""},
                {"speaker": "agent", "text": "b"},
            ]
        }
    )

    assert [turn.text for turn in conversation.turns] == ["a", "", "b"]


def test_a_list_of_conversations_is_many() -> None:
    one = {"turns": [{"speaker": "agent", "text": "a"}]}
    data = json.dumps([one, {"turns": 3}, one | {"id": "z"}]).encode()

    outcomes = list(read_each(data, name="export.json"))

    assert [getattr(o, "id", None) for o in outcomes] == ["export-1", None, "z"]
    assert isinstance(outcomes[1], RejectedRecord)
    assert str(outcomes[1].error).startswith("[1], turns: needed a list")


def test_caller_channel_and_language_win() -> None:
    conversation = read(FULL, channel="chat", language="de-AT")

    assert (conversation.channel, conversation.language) == ("chat", "de-AT")


def test_an_e_mail_in_native_json_has_its_history_marked() -> None:
    conversation = conversation_from(
        {"channel": "email", "turns": [{"speaker": "customer", "text": "Still broken.\r\n> Try again.\r\n"}]}
    )

    assert conversation.turns[0].quoted == (QuotedSpan(start=15, end=29),)


def test_any_json_format_can_be_an_api_body() -> None:
    body = {
        "Transcript": [{"ParticipantId": "AGENT", "Content": "Hello.", "BeginOffsetMillis": 0, "EndOffsetMillis": 900}],
        "Channel": "VOICE",
    }

    assert conversation_from(body).source.format == "contact_lens"


def test_a_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(ConversationRejected, match="needed an object"):
        conversation_from(["turns"])  # type: ignore[arg-type]


# ── Newline-delimited ────────────────────────────────────────────────────────────────────────────────────────────

GOOD = b'{"id": "1", "turns": [{"speaker": "agent", "text": "hi"}]}'


def test_each_line_is_a_conversation() -> None:
    data = GOOD + b"\r\n\r\n" + GOOD.replace(b'"1"', b'"2"') + b"\n"

    assert [c.id for c in read_conversations(data)] == ["1", "2"]


def test_a_bad_line_costs_only_itself_and_is_named() -> None:
    data = b"\n".join(
        (GOOD, b'{"turns": [', GOOD, b'{"id": "\xff"}', b'{"turns": [{"speaker": "agent"}]}', b'"text"', GOOD)
    )

    outcomes = list(read_each(data))

    bad = {o.line: str(o.error) for o in outcomes if isinstance(o, RejectedRecord)}
    assert len(outcomes) == 7
    assert list(bad) == [2, 4, 5, 6]
    assert bad[2].startswith("line 2, body: not valid JSON at line 1, column")
    assert bad[4].startswith("line 4, body: byte 8 is not UTF-8")
    assert bad[5].startswith("line 5, turns[0].text: needed text")
    assert bad[6].startswith("line 6, body: no format recognises")


def test_a_bad_first_line_does_not_hide_that_the_file_has_lines() -> None:
    outcomes = list(read_each(b'{"turns": [\n' + GOOD + b"\n" + GOOD))

    assert [isinstance(o, RejectedRecord) for o in outcomes] == [True, False, False]


def test_reading_strictly_raises_at_the_bad_line() -> None:
    found = read_conversations(GOOD + b"\n{}\n" + GOOD)

    assert next(found).id == "1"
    with pytest.raises(FormatUnknown, match="line 2"):
        next(found)


def test_lines_without_ids_are_named_after_file_and_line() -> None:
    line = b'{"turns": [{"speaker": "agent", "text": "hi"}]}'

    assert [c.id for c in read_conversations(line + b"\n" + line, name="calls.jsonl")] == ["calls-1", "calls-2"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("calls/monday.JSON", "monday"),
        ("call.v2-7", "call.v2-7"),
        ("a.transcript.vcon", "a.transcript"),
        (".json", ".json"),
    ],
)
def test_a_document_without_an_id_is_named_after_its_file(name: str, expected: str) -> None:
    assert read({"turns": [{"speaker": "agent", "text": "hi"}]}, name=name).id == expected


def test_one_conversation_is_wanted_and_several_are_refused() -> None:
    with pytest.raises(ConversationRejected, match="several conversations"):
        read_conversation(GOOD + b"\n" + GOOD)


def test_lines_may_hold_other_json_formats() -> None:
    lens = json.dumps({"Transcript": [{"ParticipantId": "AGENT", "Content": "Hello."}], "Channel": "VOICE"}).encode()

    assert [c.source.format for c in read_conversations(GOOD + b"\n" + lens)] == ["native", "contact_lens"]


def test_pretty_printed_json_is_one_document() -> None:
    assert read(json.dumps(FULL, indent=2)).id == "call-7"


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip())


@given(st.lists(texts, min_size=1, max_size=8))
def test_texts_survive_native_json_and_lines_verbatim(words: list[str]) -> None:
    body = {"turns": [{"speaker": "agent", "text": text} for text in words]}
    escaped, raw = json.dumps(body).encode(), json.dumps(body, ensure_ascii=False).encode()

    for document in (escaped, raw, raw + b"\n" + escaped):
        for conversation in read_conversations(document):
            assert [turn.text for turn in conversation.turns] == words
