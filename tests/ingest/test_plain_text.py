from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ConversationRejected, FormatUnknown, RolesUnknown
from tests.ingest.reading import read, said, spans


def test_labels_begin_turns_and_other_lines_belong_to_the_turn_before() -> None:
    conversation = read("Agent: Hello.\nHow can I help?\n\nCustomer:  My bill\n  is wrong.\n\n")

    assert said(conversation) == [("agent", "Hello.\nHow can I help?"), ("customer", "My bill\n  is wrong.")]
    assert conversation.channel == "chat"


def test_texts_are_slices_of_the_file_with_their_own_line_ends() -> None:
    conversation = read("Agent: Grüß dich 👩🏽‍💻 \r\nund  du?\t\r\nCustomer: e\u0301 ok\r\n")

    assert [turn.text for turn in conversation.turns] == ["Grüß dich 👩🏽‍💻 \r\nund  du?\t", "e\u0301 ok"]


@pytest.mark.parametrize(
    ("line", "span"),
    [
        ("[00:01:05] Agent: hi", (65, None)),
        ("[01:05] Agent: hi", (65, None)),
        ("(00:05) Agent: hi", (5, None)),
        ("00:05 - Agent: hi", (5, None)),
        ("00:00:05 Agent: hi", (5, None)),
        ("00:05.250 | Agent: hi", (5.25, None)),
        ("Agent (12s): hi", (12, None)),
        ("Agent [00:12]: hi", (12, None)),
        ("Agent (00:01:05): hi", (65, None)),
        ("[00:01 - 00:04] Agent: hi", (1, 4)),
        ("[00:00:01.000 --> 00:00:04.500] Agent: hi", (1, 4.5)),
        ("12.5s Agent: hi", (12.5, None)),
        ("[۰۰:۰۱:۰۵] کارشناس: hi", (65, None)),
    ],
)
def test_times_before_or_after_the_label_are_offsets_of_a_recording(
    line: str, span: tuple[float, float | None]
) -> None:
    conversation = read(line)

    assert said(conversation) == [("agent", "hi")]
    assert spans(conversation) == [span]
    assert conversation.channel == "voice"


def test_dates_with_times_become_offsets_and_a_start() -> None:
    conversation = read("[2025-03-02 10:15:00] Agent: hi\n[2025-03-02T10:16:30Z] Customer: yo")

    assert spans(conversation) == [(0, None), (90, None)]
    assert str(conversation.started_at) == "2025-03-02 10:15:00+00:00"
    assert conversation.channel == "chat"


@pytest.mark.parametrize(
    ("lines", "offsets"),
    [
        ("[10:15:00] Agent: a\n[10:16:30] Customer: b", [0, 90]),
        ("[11:59:30 PM] Agent: a\n[12:00:15 AM] Customer: b", [0, 45]),
        ("[1:05 PM] Agent: a\n[1:06 PM] Customer: b", [0, 60]),
        ("[23:59:59] Agent: a\n[00:00:09] Customer: b", [0, 10]),
    ],
)
def test_times_of_day_count_from_the_first_turn_over_midnight_too(lines: str, offsets: list[float]) -> None:
    conversation = read(lines)

    assert [turn.start for turn in conversation.turns] == offsets
    assert conversation.channel == "chat"


def test_fields_inside_a_turn_are_not_speakers() -> None:
    text = "Agent: Please send it to\nAddress: 5 Main St\nhttps://example.com: the page\nThe plan is this: pay.\nCustomer: ok"

    assert [role for role, _ in said(read(text))] == ["agent", "customer"]


def test_a_name_among_role_words_is_a_speaker_and_is_not_swallowed() -> None:
    conversation = read("Agent: Hello.\nMaria Lopez: Hi.\nAgent: Bye.\nMaria Lopez: Bye.")

    assert [role for role, _ in said(conversation)] == ["agent", "customer", "agent", "customer"]
    assert conversation.participants[1].role_rule == "other_side"


def test_a_third_speaker_by_name_is_asked_about() -> None:
    with pytest.raises(RolesUnknown, match="“Tom”"):
        read("Agent: a\nCustomer: b\nTom: c\nTom: d")


def test_in_a_timed_transcript_an_untimed_role_word_still_begins_a_turn() -> None:
    conversation = read("[00:01] Agent: a\nCustomer: b\n[00:05] Agent: c")

    assert said(conversation) == [("agent", "a"), ("customer", "b"), ("agent", "c")]
    assert [turn.start for turn in conversation.turns] == [1, None, 5]


def test_labels_of_the_role_map_begin_turns() -> None:
    conversation = read("kayla_t: hi\nzz9: yo", roles={"kayla_t": "agent", "ZZ9": "customer"})

    assert said(conversation) == [("agent", "hi"), ("customer", "yo")]


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("客服：您好，请问有什么可以帮您？\n客户：我要退款。", ["agent", "customer"]),
        ("کارشناس: سلام، بفرمایید.\nمشتری: قبضم اشتباه است.", ["agent", "customer"]),
        ("\u200fاپراتور: سلام\n\u200fمشتری: سلام", ["agent", "customer"]),
        ("Agente: Hola.\nCliente: Hola.", ["agent", "customer"]),
        ("Kundenberater: Guten Tag.\nKunde: Hallo.", ["agent", "customer"]),
        ("**Agent:** Hi\n**Customer:** Yo", ["agent", "customer"]),
        ("IVR: Press 1.\nCaller: 1\nAgent 2: Hello.", ["bot", "customer", "agent"]),
    ],
)
def test_role_words_of_many_languages_read(text: str, roles: list[str]) -> None:
    assert [role for role, _ in said(read(text))] == roles


def test_text_without_speakers_is_refused() -> None:
    with pytest.raises(FormatUnknown, match="no format recognises"):
        read("once upon a time\nthere was a call")
    with pytest.raises(ConversationRejected, match="no line names a speaker"):
        read("once upon a time\nthere was a call", format="text")
    with pytest.raises(ConversationRejected, match="first line names no speaker"):
        read("Call of Monday\nAgent: hi\nCustomer: yo", format="text")


def test_windows_text_with_a_byte_order_mark_reads() -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        assert said(read("Agent: né\r\nCustomer: oui".encode(encoding))) == [("agent", "né"), ("customer", "oui")]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=6))
def test_texts_survive_plain_text_verbatim(words: list[str]) -> None:
    words = [f"x{text}x" for text in words if ":" not in text and "：" not in text] or ["x"]
    conversation = read("\r\n".join(f"Agent: {text}" for text in words))

    assert [turn.text for turn in conversation.turns] == words


def test_marks_and_blanks_alone_are_no_label() -> None:
    assert said(read("Agent: a\n* \u3000: b\n**: c\nCustomer: d")) == [
        ("agent", "a\n* \u3000: b\n**: c"),
        ("customer", "d"),
    ]
