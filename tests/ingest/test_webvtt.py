from __future__ import annotations

import pytest

from service.errors import ConversationRejected, RolesUnknown
from tests.ingest.reading import read, said, spans

TWO = """WEBVTT - Call 7

NOTE made by
a person

STYLE
::cue { color: red }

intro
00:00:01.000 --> 00:00:04.250 align:start
<v Agent>Thank you for calling.

00:05.000 --> 00:06.000
<v.loud Customer>I'm <i>not</i> happy &amp; tired</v>

100:00:00.000 --> 100:00:01.000
<v Agent>Line one
line &lt;two&gt;&nbsp;&rlm;</v>
"""


def test_voices_are_speakers_and_tags_and_references_are_resolved() -> None:
    conversation = read(TWO)

    assert said(conversation) == [
        ("agent", "Thank you for calling."),
        ("customer", "I'm not happy & tired"),
        ("agent", "Line one\nline <two>\u00a0\u200f"),
    ]
    assert spans(conversation) == [(1, 4.25), (5, 6), (360000, 360001)]
    assert conversation.channel == "voice"


def test_line_ends_inside_a_cue_stay() -> None:
    conversation = read(TWO.replace("\n", "\r\n"))

    assert conversation.turns[2].text == "Line one\r\nline <two>\u00a0\u200f"


def test_two_voices_in_one_cue_are_two_turns() -> None:
    conversation = read("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent>Hello.</v>\n<v Customer>Hi.</v>")

    assert said(conversation) == [("agent", "Hello."), ("customer", "Hi.")]


def test_names_before_a_colon_serve_where_there_are_no_voices() -> None:
    text = "WEBVTT\n\n1\n00:01.000 --> 00:02.000\nMara Lee: How can I help you?\n\n2\n00:03.000 --> 00:04.000\nJo: My bill."

    assert said(read(text)) == [("agent", "How can I help you?"), ("customer", "My bill.")]


def test_one_voice_for_all_lines_is_refused_unless_mapped() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent>Hello?\n\n00:03.000 --> 00:04.000\n<v Agent>My bill is wrong."

    with pytest.raises(RolesUnknown, match="all 2 lines carry the one label"):
        read(text)
    assert said(read(text, roles={"Agent": "agent"}))[0] == ("agent", "Hello?")


def test_cues_without_a_speaker_are_refused() -> None:
    with pytest.raises(RolesUnknown, match="1 of 2 cues do not say who speaks"):
        read("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent>Hello?\n\n00:03.000 --> 00:04.000\nYes?")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("WEBVTT\n", "no cues"),
        ("WEBVTT\n\n00:01 --> 00:02\n<v Agent>x", "times cannot be read"),
        ("WEBVTT\n\n00:05.000 --> 00:02.000\n<v Agent>x", "ends before it starts"),
    ],
)
def test_broken_files_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ConversationRejected, match=reason):
        read(text)


def test_subtitles_without_speakers_are_named() -> None:
    with pytest.raises(ConversationRejected, match="SubRip"):
        read("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
