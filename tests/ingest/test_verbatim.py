"""Texts come out exactly as they went in, so that offsets are true in the caller's own text."""

from __future__ import annotations

import base64
import html
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ingest import conversation_from
from tests.ingest.reading import read
from tests.ingest.test_email import MAIL
from tests.ingest.test_vcon import b64, text, vcon

ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda words: words.strip())
ONE_LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00"), min_size=1).filter(
    lambda words: words.strip()
)

DIFFICULT = [
    "👩🏽‍💻👨‍👩‍👧‍👦🇮🇷",
    "e\u0301 é \u0600\u0300",
    "سلام، می\u200cخواهم ۱۲٬۵۰۰ تومان",
    "\u202bعربي\u202c \u200fabc",
    "a\r\nb\rc\nd\u2028e\u0085f\x0b\x0c",
    " \t leading and trailing \u00a0 ",
    "“quoted” ‘text’ – — … ﬁ ½ Ａ１",
    "{{ 7*7 }} {% raw %} <script> </turn>",
    "\ufeffinside\ufeff",
    "\x00\x01\x1f\x7f",
]


@pytest.mark.parametrize("words", DIFFICULT)
def test_difficult_texts_survive_native_json(words: str) -> None:
    for document in ({"turns": [{"speaker": "agent", "text": words}, {"speaker": "customer", "text": "x" + words}]},):
        for conversation in (read(document), conversation_from(document)):
            assert [turn.text for turn in conversation.turns] == [words, "x" + words]


@given(ANY)
def test_texts_survive_vcon_dialogs(words: str) -> None:
    plain: list[Any] = [
        text(words, 1, 0),
        text(b64(words.encode()), 1, 0, encoding="base64url", mediatype="text/plain; charset=utf-8"),
    ]
    for dialog in plain:
        assert read(vcon(dialog)).turns[0].text == words


@given(ANY.filter(lambda words: "\x00" not in words))
def test_texts_survive_e_mails_in_every_transfer_encoding(words: str) -> None:
    plain = MAIL.encode() + words.encode()
    packed = MAIL.replace("8bit", "base64").encode() + base64.encodebytes(words.encode())

    for message in (plain, packed):
        assert read(message).turns[0].text == words


@given(st.lists(ONE_LINE, min_size=2, max_size=5))
def test_texts_survive_webvtt_once_its_references_are_decoded(words: list[str]) -> None:
    cues = [
        f"00:0{index}.000 --> 00:0{index}.500\n<v {('Agent', 'Customer')[index % 2]}>{html.escape(said, quote=False)}</v>"
        for index, said in enumerate(words)
    ]

    assert [turn.text for turn in read("WEBVTT\n\n" + "\n\n".join(cues)).turns] == words


@given(st.lists(ANY, min_size=1, max_size=4))
def test_reading_twice_gives_the_same_conversation(words: list[str]) -> None:
    document = {"turns": [{"speaker": "agent", "text": said} for said in words]}

    assert read(document) == read(document)
    assert read(document).digest == read(document).digest
