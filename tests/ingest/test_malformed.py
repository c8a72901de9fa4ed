"""Whatever comes in, the only thing that comes out besides conversations is `ConversationRejected`."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.conversation import Conversation
from service.errors import ConversationRejected, FormatUnknown
from service.ingest import FORMATS, RejectedRecord, conversation_from, read_each
from service.value import canonical_json
from tests.ingest import test_genesys, test_speech_vendors, test_vcon
from tests.ingest.reading import read
from tests.ingest.test_email import MAIL
from tests.ingest.test_native import FULL
from tests.ingest.test_webvtt import TWO


def outcomes(data: bytes, **options: Any) -> list[Conversation | RejectedRecord]:
    """Everything that is read, each conversation proven storable."""
    found = list(read_each(data, **options))
    for outcome in found:
        if isinstance(outcome, Conversation):
            outcome.model_dump_json()
            canonical_json(outcome.model_dump(mode="json")).encode()
            for turn in outcome.turns:
                assert turn.start is None or turn.start >= 0
                assert turn.end is None or turn.end >= (turn.start or 0)
        else:
            assert isinstance(outcome.error, ConversationRejected)
            str(outcome.error).encode()
    return found


JSON_SAMPLES: list[Any] = [
    FULL,
    test_speech_vendors.deepgram(
        channels=[
            {
                "alternatives": [
                    {
                        "words": [{"word": "a", "start": 0, "end": 1, "speaker": 0}],
                        "paragraphs": {
                            "paragraphs": [{"speaker": 0, "start": 0, "end": 1, "sentences": [{"text": "a"}]}]
                        },
                    }
                ]
            }
        ],
    ),
    test_speech_vendors.deepgram(
        utterances=[{"start": 0, "end": 1, "speaker": 0, "channel": [0, 2], "transcript": "a"}]
    ),
    test_speech_vendors.assemblyai(),
    test_speech_vendors.whisperx({"start": 0, "end": 1, "text": "a", "speaker": "S"}),
    test_speech_vendors.openai(),
    test_speech_vendors.azure({"speaker": "Agent", "startTimeMs": 80, "endTimeMs": 640, "text": "Good day."}),
    [{"speaker_role": "agent", "start_ms": 0, "duration_ms": 5, "human_transcript": "x"}],
    test_genesys.genesys(
        test_genesys.phrase("internal", "x", 5, duration={"milliseconds": 5}),
        participants=[test_genesys.party("agent", 0, 9, userId="u", name="n")],
        conversationStartTime=1,
    ),
    {
        "Channel": "CHAT",
        "Participants": [{"ParticipantId": "x", "ParticipantRole": "AGENT"}],
        "Transcript": [{"ParticipantId": "x", "Content": "a", "AbsoluteTime": "2022-11-14T17:57:08.000Z"}],
        "Segments": [
            {"Transcript": {"ParticipantId": "x", "Content": "a", "Time": {"AbsoluteTime": "2022-11-14T17:57:08Z"}}}
        ],
        "ConversationCharacteristics": {"TotalConversationDurationMillis": 5},
        "Categories": {"MatchedCategories": ["a"]},
    },
    {"JobName": "j", "Transcript": [{"ParticipantRole": "AGENT", "Content": "a", "BeginOffsetMillis": 1}]},
    test_vcon.vcon(
        test_vcon.text("hi", 0, 1, originator=1, duration=2),
        test_vcon.text(
            test_vcon.MULTIPART.format(cte="8bit", text="x"), 0, 1, mediatype="multipart/mixed; boundary=b1"
        ),
        test_vcon.recording(),
        analysis=[
            test_vcon.transcript(test_vcon.UTTERANCES, dialog=2),
            test_vcon.transcript(test_vcon.DEEPGRAM, dialog=2),
        ],
        attachments=[{"a": 1}],
        redacted={"uuid": "x"},
    ),
    test_vcon.signed(test_vcon.RSA),
]

ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    10**30,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\ud800",
    "\x00",
    [],
    [[]],
    {},
    {"": ""},
    [None],
]


def places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += [(value, key), *places(inner)]
    return found


@pytest.mark.parametrize(
    "sample", JSON_SAMPLES, ids=lambda sample: "+".join(list(sample)[:2]) if isinstance(sample, dict) else "list"
)
def test_every_field_of_every_format_may_be_wrong_in_every_way(sample: Any) -> None:
    count = len(places(sample))
    for index in range(count):
        for odd in ODD:
            broken = copy.deepcopy(sample)
            holder, key = places(broken)[index]
            holder[key] = odd
            outcomes(json.dumps(broken).encode(), vcon_key=None)
        broken = copy.deepcopy(sample)
        holder, key = places(broken)[index]
        del holder[key]
        outcomes(json.dumps(broken).encode())


@pytest.mark.parametrize("form", ["auto", *FORMATS])
def test_truncated_and_flipped_documents_are_refused_or_read(form: str) -> None:
    chance = random.Random(7)
    documents = [json.dumps(sample).encode() for sample in JSON_SAMPLES]
    documents += [
        TWO.encode(),
        MAIL.encode() + b"Hi\r\n> there",
        b"[00:01] Agent: hi\r\nCustomer: yo",
        b"From a@b x\n" + MAIL.encode(),
    ]
    documents.append(
        MAIL.replace("text/plain", "text/html").encode() + b"<p>a<blockquote>b</blockquote><![cdata[x]]><![foo["
    )
    for document in documents:
        for _ in range(12):
            cut = document[: chance.randrange(len(document))]
            outcomes(cut, format=form)
            flipped = bytearray(document)
            for _ in range(3):
                flipped[chance.randrange(len(flipped))] = chance.randrange(256)
            outcomes(bytes(flipped), format=form)


@given(st.binary(max_size=400), st.sampled_from(["auto", *FORMATS]))
def test_arbitrary_bytes_raise_nothing_else(data: bytes, form: str) -> None:
    outcomes(data, format=form)


@given(st.text(max_size=300), st.sampled_from(["auto", "text", "webvtt", "email"]))
def test_arbitrary_text_raises_nothing_else(text: str, form: str) -> None:
    outcomes(text.encode("utf-8", "surrogatepass"), format=form)


KEYS = st.sampled_from(
    ("turns", "text", "speaker", "participant", "start", "vcon", "parties", "dialog", "analysis", "type", "body", "segments",
     "results", "channels", "utterances", "Transcript", "ParticipantId", "Content", "transcripts", "phrases", "payload",
     "signatures", "ciphertext", "result", "contents", "transcriptPhrases", "Items", "status", "words", "metadata")
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["text", "agent", "transcript"])
)
JSONS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=25
)


@settings(max_examples=300)
@given(JSONS)
def test_arbitrary_json_raises_nothing_else(value: Any) -> None:
    outcomes(json.dumps(value).encode())
    if isinstance(value, dict):
        with contextlib.suppress(ConversationRejected):
            conversation_from(value)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"turns":' * 50_000,
        b'{"turns":[{"speaker":"agent","text":"x"}],"metadata":' + b'{"a":' * 500 + b"1" + b"}" * 501,
        b'{"vcon":"1","parties":[],"dialog":[{"type":"text","body":"x","parties":'
        + b"[" * 900
        + b"0"
        + b"]" * 900
        + b"}]}",
        b"MIME-Version: 1.0\nFrom: a@b\n"
        + b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (i, i) for i in range(300)),
        b'{"turns":[{"speaker":"agent","text":"x","start":' + b"9" * 5_000 + b"}]}",
    ],
    ids=["lists", "objects", "metadata", "parties", "mail parts", "digits"],
)
def test_pathological_nesting_is_refused(data: bytes) -> None:
    (outcome,) = outcomes(data)

    assert isinstance(outcome, RejectedRecord)


def test_parsed_json_that_is_deep_or_cyclic_is_refused() -> None:
    cyclic: dict[str, Any] = {"turns": [{"speaker": "agent", "text": "x"}]}
    cyclic["self"] = cyclic

    with pytest.raises(ConversationRejected, match="nested deeper than 32 levels"):
        conversation_from(cyclic)


@pytest.mark.parametrize(
    "data",
    [
        b"From: a@b\nTo: " + b"a@b, " * 60_000 + b"\n\nhi",
        b"From: " + b"(" * 50_000 + b"a@b\n\nhi",
        b"From: a@b\nSubject: " + b"=?utf-8?q?a?= " * 50_000 + b"\n\nhi",
        b"From: a@b\nContent-Type: text/html\n\n" + b"<div>" * 60_000,
        b"From: a@b\nContent-Type: text/html\n\n" + b"<p" * 100_000,
        b"From: a@b\nContent-Type: text/html\n\n" + b"<a b='" * 100_000,
        b"From: a@b\nContent-Type: text/html\n\n" + b"<!--" * 100_000,
        b"From: a@b\nContent-Type: text/html\n\n" + b"<b></i>" * 100_000,
        b"From: a@b\nContent-Type: text/html\n\n" + b"<style>" * 100_000 + b"&#" + b"9" * 9_999 + b";",
        b"Agent: " + b"a:" * 200_000,
        b"Agent: hi\n" + b"[" * 200_000,
        b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent>" + b"<v " * 100_000,
        b"\n" * 1_000_000 + b"x",
        b"a1" * 40 + b":\n" * 200_000,
        json.dumps({"turns": [{"speaker": s, "text": "welcome to " * 2_000} for s in ("A", "B")] * 10}).encode(),
        json.dumps({"turns": [{"speaker": s, "text": "my name is a from " * 1_300} for s in ("A", "B")] * 10}).encode(),
    ],
    ids=range(16),
)
def test_hostile_documents_cost_seconds_at_most(data: bytes) -> None:
    begin = time.perf_counter()
    outcomes(data)

    assert time.perf_counter() - begin < 5


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "nothing to read"),
        (b" \n\t", "nothing to read"),
        (b"\x1f\x8b\x08rest", "gzip archive"),
        (b"RIFF....WAVE", "a recording"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x00\x01\x02", "not text"),
        (b"\xff\xfeA", "not UTF-16"),
        (b"Agent: caf\xe9", "byte 10 is not UTF-8"),
        (b'{"turns": [}', "not valid JSON at line 1, column 12"),
        (b"[]", "the list is empty"),
        (b"3.14", "no format recognises"),
        (b'"Agent: hi"', "no format recognises"),
        (b"<html><body>Agent: hi</body></html>", "a web page"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b"<script>Agent: hi", "no format recognises"),
    ],
)
def test_what_is_no_transcript_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(ConversationRejected, match=reason):
        read(data)


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"EvaluationFormId": "f", "Items": []}, "Amazon Connect evaluation form"),
        ({"Title": "T", "Items": [{"Section": {}}]}, "Amazon Connect evaluation form"),
        ({"evaluationId": "e", "questions": []}, "a finished evaluation"),
        ({"questionGroups": []}, "Genesys evaluation form"),
        ({"id": "r", "version": "1", "sections": []}, "a rubric"),
        ({"sid": "x", "agent": {}}, "metadata of a call"),
        ({"openapi": "3.1.0"}, "a schema"),
    ],
)
def test_files_of_the_same_systems_are_named(document: dict[str, Any], what: str) -> None:
    with pytest.raises(FormatUnknown, match=f"not a conversation: this is .*{what}"):
        read(document)


def test_a_wrong_format_name_and_a_wrong_format_are_told_apart() -> None:
    with pytest.raises(FormatUnknown, match="this format is unknown"):
        read(FULL, format="fax")
    with pytest.raises(FormatUnknown, match="not of the format deepgram"):
        read(FULL, format="deepgram")
    with pytest.raises(ConversationRejected, match="not valid JSON"):
        read("hello", format="deepgram")


def test_no_message_quotes_what_was_said() -> None:
    for sample in JSON_SAMPLES:
        for holder, key in places(copy.deepcopy(sample)):
            if isinstance(holder, dict) and key in ("text", "Content", "transcript", "body"):
                broken = json.dumps(sample).replace(json.dumps(holder[key]), json.dumps(["the secret words"]))
                for outcome in outcomes(broken.encode()):
                    if isinstance(outcome, RejectedRecord):
                        assert "secret" not in str(outcome.error)
