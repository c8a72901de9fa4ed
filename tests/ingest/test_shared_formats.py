"""Every published sample of today's formats either imports right or is refused with its reason."""

from __future__ import annotations

import gzip
import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from service.errors import ConversationEncrypted, ConversationRejected, FormatUnknown, RolesUnknown
from service.ingest import RejectedRecord, read_conversation, read_each
from tests.conftest import shared


@dataclass(frozen=True)
class Imports:
    format: str
    turns: int
    roles: str
    first: str
    last: str
    first_span: tuple[float | None, float | None]
    last_span: tuple[float | None, float | None]
    channel: str
    started_at: datetime | None = None
    role_source: str = "given"


@dataclass(frozen=True)
class Refused:
    error: type[ConversationRejected]
    reason: str


LENS = {
    "format": "contact_lens",
    "turns": 10,
    "roles": "acacacacac",
    "first": "Okay.",
    "last": "Thank you. Sir. Have a nice evening.",
    "first_span": (0, 0.09),
    "last_span": (30.58, 32.11),
    "channel": "voice",
}

EXPECTED: dict[str, Imports | Refused] = {
    "0de8d60b29d24dfd.metadata.json": Refused(FormatUnknown, "metadata of a call"),
    "0de8d60b29d24dfd.transcript.trimmed.json": Imports(
        "segments",
        14,
        "accaacacacaaca",
        "hello this is harper valley national bank my name is patricia how can i help you today",
        "thank you for calling have a great day",
        (1.69, 6.67),
        (68.79, 70.95),
        "voice",
    ),
    "amazon_connect_evaluation_export.json": Refused(FormatUnknown, "a finished evaluation"),
    "amazon_connect_evaluation_form.json": Refused(
        FormatUnknown, "Amazon Connect evaluation form. Import it as a rubric"
    ),
    "amazon_contact_lens_voice_raw.json": Imports(**LENS),
    "amazon_contact_lens_voice_redacted.json": Imports(**LENS),
    "amazon_transcribe_call_analytics.json": Imports(
        "transcribe",
        3,
        "cac",
        "Hey Mr [PII]? Um I think I lost my debit card or it was stolen. I don't know.",
        "Yeah, this is [PII].",
        (6.04, 11.65),
        (16.84, 18.46),
        "voice",
    ),
    "azure_content_understanding_callcenter.json": Imports(
        "azure", 2, "ac", "Good day.", "Yes, good day.", (0.08, 0.64), (5.44, 6.32), "voice"
    ),
    "azure_content_understanding_callcenter.vtt": Refused(RolesUnknown, "all 19 lines carry the one label “Agent”"),
    "genesys_evaluation_form.tf": Refused(FormatUnknown, "evaluation form written for Terraform"),
    "genesys_transcript_shape.json": Imports(
        "genesys",
        3,
        "cac",
        "Hi, I'm calling about my bill.",
        "this is taking forever",
        (0.5, None),
        (90, None),
        "voice",
    ),
    "vcon/ab_call_ext_rec_analysis.vcon": Refused(RolesUnknown, "all 4 lines carry the one label “Speaker 0”"),
    "vcon/ab_call_ext_rec_encrypted.vcon": Refused(ConversationEncrypted, "encrypted (JWE)"),
    "vcon/ab_call_ext_rec_redacted.vcon": Refused(RolesUnknown, "all 4 lines carry the one label “Alice”"),
    "vcon/ab_call_ext_rec_signed.vcon": Refused(
        ConversationRejected, "1 recording(s) but neither text nor a transcript"
    ),
    "vcon/ab_call_int_rec.vcon": Refused(ConversationRejected, "1 recording(s) but neither text nor a transcript"),
    "vcon/ab_email_acct_prob_thread.vcon": Refused(RolesUnknown, "speakers “Bob”, “Alice”"),
    "vcon/ab_email_prob_followup_text_thread.vcon": Imports(
        "vcon",
        3,
        "aca",
        "Hi Bob:\nI just wanted to follow up to see that your account is ok now.\n\nRegards,\nAlice\n\n",
        "Awesome!\n\n    On Friday, September 23, 2022, 23:34: PM UTC, Bob <b@example.com> wrote:  \n\n  Hi Alice:\n"
        "  All is fine. Thanks.\n  \n      On Friday, September 23, 2022, 23:24:59 PM UTC, Alice <a@example.com> wrote:"
        "  \n   \n    Hi Bob:\n    I just wanted to follow up to see that your account is ok now.\n    \n    Regards,\n"
        "    Alice\n",
        (0, None),
        (793, None),
        "email",
        datetime(2022, 9, 23, 23, 24, 59, tzinfo=UTC),
        "inferred",
    ),
    "vcon/simple-vcon.vcon": Refused(ConversationRejected, "not valid JSON at line 2, column 15"),
}


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items(), ids=EXPECTED)
def test_a_published_sample_imports_right_or_says_why_not(name: str, expected: Imports | Refused) -> None:
    data = shared("data", "formats", *name.split("/")).read_bytes()

    if isinstance(expected, Refused):
        with pytest.raises(ConversationRejected, match=re.escape(expected.reason)) as caught:
            read_conversation(data, name=name)
        assert type(caught.value) is expected.error
        assert caught.value.fix
        return
    conversation = read_conversation(data, name=name)
    turns = conversation.turns
    roles = "".join(conversation.role_of(i)[0] for i in range(len(turns)))
    assert (conversation.source.format, len(turns), roles) == (expected.format, expected.turns, expected.roles)
    assert (turns[0].text, turns[-1].text) == (expected.first, expected.last)
    assert (turns[0].start, turns[0].end) == expected.first_span
    assert (turns[-1].start, turns[-1].end) == expected.last_span
    assert (conversation.channel, conversation.started_at) == (expected.channel, expected.started_at)
    assert {p.role_source for p in conversation.participants} == {expected.role_source}


def test_no_sample_is_forgotten() -> None:
    folder = shared("data", "formats")
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    assert found == set(EXPECTED)


def test_named_formats_read_what_auto_reads() -> None:
    for name, expected in EXPECTED.items():
        if isinstance(expected, Imports):
            data = shared("data", "formats", *name.split("/")).read_bytes()

            assert read_conversation(data, name=name, format=expected.format) == read_conversation(data, name=name)


def test_the_redacted_words_stay_as_the_redaction_wrote_them() -> None:
    data = shared("data", "formats", "amazon_contact_lens_voice_redacted.json").read_bytes()

    assert read_conversation(data).turns[1].text == "Just hello. My name is [PII] and help."


def test_e_mails_of_the_account_thread_read_once_the_caller_says_who_is_who() -> None:
    data = shared("data", "formats", "vcon", "ab_email_acct_prob_thread.vcon").read_bytes()

    thread = read_conversation(data, roles={"a@example.com": "agent", "b@example.com": "customer"})

    assert [(thread.role_of(i), turn.start) for i, turn in enumerate(thread.turns)] == [("customer", 0), ("agent", 34)]
    assert thread.turns[0].text == "Alice:Please find the image attached.\r\n\r\nRegards,Bob\r\n"
    answer = thread.turns[1]
    (history,) = answer.quoted
    assert answer.text[: history.start] == " Hi Bob:Got it. Thanks.\r\n\r\n"
    assert answer.text[history.start :].startswith("    On Friday, September 23, 2022, 9:44:40 PM UTC, Bob")
    assert history.end == len(answer.text)
    assert {p.role_source for p in thread.participants} == {"mapped"}


def test_a_recording_with_one_label_reads_when_the_caller_insists() -> None:
    data = shared("data", "formats", "vcon", "ab_call_ext_rec_analysis.vcon").read_bytes()

    conversation = read_conversation(data, roles={"Speaker 0": "agent"})

    assert len(conversation.turns) == 4
    assert conversation.turns[0].text == "Hello. This is example.com. My name is Bob. How can I help you? Hi."
    assert conversation.turns[0].start == pytest.approx(1.2, abs=1e-5)
    assert conversation.started_at == datetime(2022, 6, 21, 17, 53, 26, tzinfo=UTC)


def test_the_signed_sample_is_checked_before_it_is_read() -> None:
    data = shared("data", "formats", "vcon", "ab_call_ext_rec_signed.vcon").read_bytes()
    chain: list[Any] = json.loads(data)["signatures"][0]["header"]["x5c"]
    signer, other = (f"-----BEGIN CERTIFICATE-----\n{one}\n-----END CERTIFICATE-----\n" for one in chain[:2])

    with pytest.raises(ConversationRejected, match="neither text nor a transcript"):
        read_conversation(data, vcon_key=signer)
    with pytest.raises(ConversationRejected, match="signature does not match"):
        read_conversation(data, vcon_key=other)


def test_thousands_of_real_dialogues_read_in_seconds() -> None:
    data = gzip.decompress(shared("data", "star", "dialogues.jsonl.gz").read_bytes())

    begin = time.perf_counter()
    outcomes = list(read_each(data, name="dialogues.jsonl"))
    took = time.perf_counter() - begin

    assert len(outcomes) == 5710
    assert not [outcome for outcome in outcomes if isinstance(outcome, RejectedRecord)]
    assert took < 20
    first = outcomes[0]
    assert not isinstance(first, RejectedRecord)
    assert (first.id, first.channel, first.metadata["tasks"]) == ("star-1", "chat", ["doctor_followup"])
    assert [turn.start for turn in first.turns][:3] == [0, 17, 39]
    assert first.started_at == datetime(2020, 5, 13, 13, 14, 57, tzinfo=UTC)


def test_banking_dialogues_read_with_their_labels_as_metadata() -> None:
    data = shared("data", "star", "bank_verification.jsonl").read_bytes()

    outcomes = list(read_each(data))

    assert len(outcomes) == 213
    assert {o.metadata["verified_before_action"] for o in outcomes if not isinstance(o, RejectedRecord)} == {
        "pass",
        "fail",
        "not_applicable",
    }
