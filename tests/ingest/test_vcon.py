from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from service.errors import ConversationEncrypted, ConversationRejected, RolesUnknown, SignatureInvalid
from service.ingest import conversation_from
from tests.ingest.reading import read, said, spans

ALICE: dict[str, Any] = {"name": "Alice", "mailto": "a@example.com", "tel": "+12345678901"}
BOB: dict[str, Any] = {"name": "Bob", "mailto": "b@shop.example"}
START = "2025-03-02T10:00:00+00:00"


def text(words: Any, *parties: Any, at: str = START, **more: Any) -> dict[str, Any]:
    return {
        "type": "text",
        "start": at,
        "parties": list(parties),
        "mediatype": "text/plain",
        "encoding": "none",
        "body": words,
    } | more


def vcon(*dialog: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "vcon": "0.4.0",
        "uuid": "0195544a",
        "created_at": START,
        "parties": [ALICE, BOB | {"role": "agent"}],
        "dialog": list(dialog),
        "analysis": [],
    } | changes


def recording(**more: Any) -> dict[str, Any]:
    return {
        "type": "recording",
        "start": START,
        "duration": 30,
        "parties": [0, 1],
        "url": "https://example.com/a.mp3",
    } | more


def transcript(body: Any, **more: Any) -> dict[str, Any]:
    return {"type": "transcript", "dialog": 0, "vendor": "v", "encoding": "json", "body": body} | more


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_text_dialogs_are_a_chat_in_the_order_of_time() -> None:
    conversation = read(
        vcon(
            text("Second 👋🏽", 1, 0, at="2025-03-02T10:00:09.500+00:00"),
            text("First\r\n", 0, 1, at="2025-03-02T13:30:00+03:30"),
            subject="Bill",
        )
    )

    assert said(conversation) == [("customer", "First\r\n"), ("agent", "Second 👋🏽")]
    assert spans(conversation) == [(0, None), (9.5, None)]
    assert (conversation.id, conversation.channel) == ("0195544a", "chat")
    assert conversation.started_at == datetime(2025, 3, 2, 10, tzinfo=UTC)
    assert conversation.metadata == {"subject": "Bill"}
    assert conversation.source.verified is None


def test_the_originator_speaks_when_one_is_named() -> None:
    assert said(read(vcon(text("hi", 0, 1, originator=1)))) == [("agent", "hi")]


def test_bodies_in_base64url_are_decoded_by_their_character_set() -> None:
    body = b64("Grüße".encode("latin-1"))

    conversation = read(vcon(text(body, 0, 1, encoding="base64url", mediatype="text/plain; charset=iso-8859-1")))

    assert said(conversation) == [("customer", "Grüße")]


MULTIPART = (
    "--b1\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n"
    "--b2\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: {cte}\r\n\r\n{text}\r\n"
    "--b2\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n<p>other</p>\r\n--b2--\r\n"
    "--b1\r\nContent-Type: image/png\r\nContent-Disposition: attachment\r\n\r\nxx\r\n--b1--\r\n"
)


@pytest.mark.parametrize(
    ("cte", "written"),
    [
        ("8bit", "Größe 📦\r\n\r\n> alt\r\n"),
        ("quoted-printable", "Gr=C3=B6=C3=9Fe =F0=9F=93=A6\r\n\r\n> alt\r\n"),
        ("base64", base64.b64encode("Größe 📦\r\n\r\n> alt\r\n".encode()).decode()),
    ],
)
def test_e_mails_with_parts_give_their_plain_text_and_mark_history(cte: str, written: str) -> None:
    body = MULTIPART.format(cte=cte, text=written)
    conversation = read(vcon(text(body, 0, 1, mediatype='multipart/mixed;\n\tboundary="b1"', message_id="<1@x>")))

    turn = conversation.turns[0]
    assert turn.text.startswith("Größe 📦\r\n\r\n> alt")
    assert [turn.text[s.start : s.end].strip() for s in turn.quoted] == ["> alt"]
    assert conversation.channel == "email"
    assert "1 attachment(s) were left out." in conversation.source.notes


def test_parties_without_roles_need_a_rule_or_the_caller() -> None:
    thread = vcon(text("It broke.", 0, 1), text("Sorry to hear.", 1, 0), parties=[ALICE, BOB])

    with pytest.raises(RolesUnknown, match="“Alice”, “Bob”"):
        read(thread)


@pytest.mark.parametrize("key", ["Bob", "b@shop.example", "mailto:B@SHOP.example", "@shop.example", "party 1"])
def test_the_role_map_may_name_a_party_in_any_way(key: str) -> None:
    thread = vcon(text("It broke.", 0, 1), text("Sorry to hear.", 1, 0), parties=[ALICE, BOB])

    conversation = read(thread, roles={key: "agent"})

    assert [(p.id, p.role, p.role_source, p.role_rule) for p in conversation.participants] == [
        ("Alice", "customer", "inferred", "other_side"),
        ("Bob", "agent", "mapped", None),
    ]


def test_a_service_mailbox_is_the_agents_side() -> None:
    parties = [ALICE, {"mailto": "support@shop.example"}]

    conversation = read(vcon(text("It broke.", 0, 1), parties=parties))

    assert said(conversation) == [("customer", "It broke.")]
    assert conversation.participants[1].role_rule == "service_mailbox"


def test_a_greeting_that_is_only_quoted_makes_nobody_an_agent() -> None:
    quoting = "No.\n\nOn Mon, Mar 3, 2025 at 9:00 Bob <b@shop.example> wrote:\n> How can I help you?\n"
    thread = vcon(text("Yes?", 1, 0, message_id="1"), text(quoting, 0, 1, message_id="2"), parties=[ALICE, BOB])

    with pytest.raises(RolesUnknown):
        read(thread)


UTTERANCES = [
    {"parties": 1, "start": "2025-03-02T10:00:01.200000+00:00", "duration": 4.5, "text": "Hello.  {{URL}}"},
    {"parties": [0], "start": 8, "end": 9.25, "text": "Hi."},
]


def test_a_list_of_utterances_names_parties_by_index() -> None:
    conversation = read(vcon(recording(), analysis=[transcript(UTTERANCES, type="transcript-redacted")]))

    assert said(conversation) == [("agent", "Hello.  {{URL}}"), ("customer", "Hi.")]
    assert spans(conversation) == [(1.2, 5.7), (8, 9.25)]
    assert conversation.channel == "voice"


DEEPGRAM = {
    "results": {
        "channels": [{}],
        "utterances": [
            {"speaker": 0, "start": 1, "end": 2, "transcript": "How can I help you?"},
            {"speaker": 1, "start": 3, "end": 4, "transcript": "My bill."},
        ],
    }
}


@pytest.mark.parametrize(
    "analysis",
    [
        transcript(DEEPGRAM),
        transcript(json.dumps(DEEPGRAM)),
        transcript(b64(json.dumps(DEEPGRAM).encode()), encoding="base64url"),
        transcript(
            "WEBVTT\n\n00:01.000 --> 00:02.000\n<v S0>How can I help you?\n\n00:03.000 --> 00:04.000\n<v S1>My bill.",
            encoding="none",
        ),
        transcript(
            [
                {"speaker": "0", "start": 1, "end": 2, "text": "How can I help you?"},
                {"speaker": "1", "start": 3, "end": 4, "message": "My bill."},
            ]
        ),
    ],
    ids=["object", "json text", "base64url", "webvtt", "utterances with speakers"],
)
def test_transcripts_of_vendors_read_from_the_analysis(analysis: dict[str, Any]) -> None:
    conversation = read(vcon(recording(), analysis=[analysis], parties=[ALICE, BOB]))

    assert said(conversation) == [("agent", "How can I help you?"), ("customer", "My bill.")]
    assert spans(conversation) == [(1, 2), (3, 4)]


def test_each_dialog_gives_one_transcript_and_several_dialogs_follow_each_other() -> None:
    later = recording(start="2025-03-02T10:01:00+00:00")
    said_later = [UTTERANCES[1] | {"text": "After the transfer."}]
    conversation = read(
        vcon(
            recording(),
            later,
            analysis=[
                transcript(UTTERANCES, type="transcript-redacted"),
                transcript({"odd": 1}),
                transcript([one | {"text": "Original."} for one in UTTERANCES]),
                transcript(said_later, dialog=1),
                {"type": "summary", "body": "…"},
            ],
        )
    )

    assert [turn.text for turn in conversation.turns] == ["Original.", "Original.", "After the transfer."]
    assert conversation.turns[2].start == 68
    assert "Of 3 transcripts" in conversation.source.notes[0]


def test_a_machines_labels_mean_somebody_else_in_each_recording() -> None:
    def part(first: str, second: str, dialog: int) -> dict[str, Any]:
        return transcript(
            [{"speaker": 0, "start": 1, "text": first}, {"speaker": 1, "start": 2, "text": second}], dialog=dialog
        )

    later = recording(start="2025-03-02T10:01:00+00:00")
    conversation = read(
        vcon(
            recording(),
            later,
            analysis=[part("How can I help you?", "My bill.", 0), part("Hello again.", "How may I assist you?", 1)],
        )
    )

    assert said(conversation) == [
        ("agent", "How can I help you?"),
        ("customer", "My bill."),
        ("customer", "Hello again."),
        ("agent", "How may I assist you?"),
    ]
    assert conversation.turns[0].participant == "0 (part 1)"
    assert {p.role_rule for p in conversation.participants} == {"service_phrase"}


def test_each_recording_must_tell_its_speakers_apart() -> None:
    def part(dialog: int, *said: str) -> dict[str, Any]:
        return transcript([{"speaker": 0, "start": 1, "text": words} for words in said], dialog=dialog)

    document = vcon(
        recording(),
        recording(),
        analysis=[part(0, "How can I help you?", "My bill."), part(1, "It is wrong.", "Sorry.")],
    )

    with pytest.raises(RolesUnknown, match="all 2 lines carry the one label"):
        read(document)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (vcon(), "no text dialog and no transcript"),
        (vcon(recording()), "1 recording"),
        (vcon(text(None, 0, 1, url="https://example.com/x")), "stored elsewhere"),
        (vcon(text("x", 7)), "index of one of 2 parties"),
        (vcon(text("x", 0, at="yesterday")), "ISO 8601"),
        (vcon(text("%%%", 0, encoding="base64url")), "not base64url"),
        (vcon(text({"a": 1}, 0, encoding="json")), "needed text, found an object"),
        (vcon(recording(), analysis=[transcript({"odd": 1})]), "shape that is not known"),
        (vcon(recording(), analysis=[transcript([{"parties": 9, "text": "x"}])]), "index of one of 2 parties"),
        (vcon(text("x", 0, mediatype="multipart/mixed; boundary=q")), "no text part"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConversationRejected, match=reason):
        read(document)


# ── Signed and encrypted ─────────────────────────────────────────────────────────────────────────────────────────

RSA = RSAKey.generate_key(2048)
OTHER = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")
PAYLOAD = vcon(text("hi", 0, 1))


def signed(key: Any, algorithm: str = "RS256", payload: Any = PAYLOAD) -> dict[str, Any]:
    member = {"protected": {"alg": algorithm}, "header": {"uuid": "x", "x5c": ["abc"]}}
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return dict(jws.serialize_json([member], json.dumps(payload), key, registry=registry))  # type: ignore[arg-type, list-item]


def pem(key: Any) -> str:
    return str(key.as_pem(private=False).decode())


def test_a_signed_container_reads_unverified_without_a_key() -> None:
    conversation = read(signed(RSA))

    assert said(conversation) == [("customer", "hi")]
    assert conversation.source.verified is False
    assert "not checked" in conversation.source.notes[0]


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS512"), (EC, "ES256")])
def test_a_signed_container_is_verified_with_the_signers_key(key: Any, algorithm: str) -> None:
    conversation = read(signed(key, algorithm), vcon_key=pem(key))

    assert conversation.source.verified is True


def test_a_signed_body_that_was_parsed_already_is_verified_too() -> None:
    assert conversation_from(signed(RSA), vcon_key=pem(RSA)).source.verified is True
    with pytest.raises(SignatureInvalid):
        conversation_from(signed(RSA), vcon_key=pem(OTHER))


def test_the_wrong_key_and_an_altered_payload_are_refused() -> None:
    altered = signed(RSA) | {"payload": b64(json.dumps(vcon(text("bye", 0, 1))).encode())}

    with pytest.raises(SignatureInvalid):
        read(signed(RSA), vcon_key=pem(OTHER))
    with pytest.raises(SignatureInvalid):
        read(signed(RSA), vcon_key=pem(EC))
    with pytest.raises(SignatureInvalid):
        read(altered, vcon_key=pem(RSA))
    with pytest.raises(SignatureInvalid):
        read(signed(RSA) | {"signatures": []}, vcon_key=pem(RSA))


def test_a_public_key_is_no_shared_secret() -> None:
    forged = signed(RSA)
    protected = b64(b'{"alg":"HS256"}')
    tag = hmac.new(pem(RSA).encode(), f"{protected}.{forged['payload']}".encode(), "sha256").digest()
    forged["signatures"] = [{"protected": protected, "signature": b64(tag)}]
    unsigned = signed(RSA)
    unsigned["signatures"] = [{"protected": b64(b'{"alg":"none"}'), "signature": ""}]

    for container in (forged, unsigned):
        with pytest.raises(SignatureInvalid):
            read(container, vcon_key=pem(RSA))


@pytest.mark.filterwarnings("ignore")
def test_one_of_several_signatures_is_enough() -> None:
    container = signed(RSA)
    container["signatures"] = [*signed(OTHER)["signatures"], *container["signatures"]]

    assert read(container, vcon_key=pem(RSA)).source.verified is True


def test_the_compact_form_reads_too() -> None:
    compact = jws.serialize_compact({"alg": "RS256"}, json.dumps(PAYLOAD), RSA)

    assert read(compact, vcon_key=pem(RSA)).source.verified is True
    assert read(compact).source.verified is False
    with pytest.raises(ConversationEncrypted):
        read("eyJhbGciOiJSU0EtT0FFUCJ9.abc.def.ghi.jkl")


def test_encrypted_containers_and_bad_keys_are_refused_clearly() -> None:
    with pytest.raises(ConversationEncrypted, match="Decrypt it"):
        read({"protected": "x", "iv": "y", "ciphertext": "z", "tag": "t", "recipients": []})
    with pytest.raises(ConversationRejected, match="neither a PEM public key nor") as caught:
        read(signed(RSA), vcon_key="secret")
    assert caught.value.field == "vcon_key"


def test_a_signed_payload_that_is_no_vcon_is_refused() -> None:
    with pytest.raises(ConversationRejected, match="not a vCon"):
        read(signed(RSA, payload={"sub": "someone"}))
    with pytest.raises(ConversationRejected, match="not JSON"):
        read({"payload": b64(b"hello"), "signatures": []})
