"""Roles come from what the caller or the document states, or from a rule that is named."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import ConversationRejected, RolesUnknown
from service.ingest import conversation_from
from service.ingest.role_words import role_word
from service.ingest.service_phrases import is_service_phrase

AGENTS = (
    "Agent|AGENT 2|agent_1|Agent #3|Agent-4|CustomerCareRep|customer service representative|Advisor|Agent Mara|"
    "Mara (Agent)|Agent (Mara)|Support|Support Team|[Operator]|Supervisor|wizard|asesora|Operadora 1|Conseillère|Kundenberaterin|"
    "کارشناس|پشتيباني|سرویس|مسئول|اپراتور ۱|客服|客服 2|坐席|オペレーター|상담원|оператор|موظف|Müşteri Temsilcisi"
)
CUSTOMERS = (
    "Customer|CALLER|client|User 1|end_user|Visitor|Cliente|Usuario|Kundin|مشتری|مشتري|کاربر|تماس‌گیرنده|客户|客戶|用户|"
    "お客様|고객|клиент|Customer (Agent's friend)|العميل"
)


@pytest.mark.parametrize(
    ("role", "labels"),
    [
        ("agent", AGENTS),
        ("customer", CUSTOMERS),
        ("bot", "bot|IVR|Virtual Assistant|assistant|ChatBot|ai agent|机器人|ربات"),
        ("system", "system|ACD|سیستم|系统|Sistema"),
    ],
)
def test_role_words_state_their_role(role: str, labels: str) -> None:
    assert {label: role_word(label) for label in labels.split("|")} == dict.fromkeys(labels.split("|"), role)


@pytest.mark.parametrize(
    "label",
    [
        "Speaker 0",
        "SPEAKER_01",
        "A",
        "B",
        "0",
        "Channel 1",
        "Mara",
        "Customer Agent Smith",
        "Agnes",
        "Client Services",
        "张伟",
        "علی",
        "x",
    ],
)
def test_names_and_codes_state_none(label: str) -> None:
    assert role_word(label) is None


def turns(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"turns": [{"speaker": speaker, "text": text} for speaker, text in pairs]}


@pytest.mark.parametrize(
    "phrase",
    [
        "Thank you for calling Northwind.",
        "Good morning, my name is Ann from Northwind, how can I help you?",
        "How may I assist you today",
        "Is there anything else I can help you with?",
        "This call may be recorded for quality.",
        "Gracias por llamar a Northwind.",
        "¿En qué le puedo ayudar?",
        "Obrigado por ligar.",
        "Merci de votre appel, en quoi puis-je vous aider ?",
        "Was kann ich für Sie tun?",
        "Wie kann ich Ihnen helfen?",
        "您好，请问有什么可以帮您？",
        "感谢您的来电",
        "سلام، چطور می‌تونم کمکتون کنم؟",
        "چطور میتونم کمکتون کنم",
        "چه کمکی از دستم برمیاد؟",
        "ممنون از تماس شما",
        "كيف يمكنني مساعدتك؟",
        "Чем могу помочь?",
        "Size nasıl yardımcı olabilirim?",
    ],
)
def test_a_phrase_of_the_serving_side_tells_two_unknown_speakers_apart(phrase: str) -> None:
    conversation = conversation_from(turns(("S1", "..."), ("S2", phrase)))

    assert [(p.id, p.role, p.role_source, p.role_rule) for p in conversation.participants] == [
        ("S1", "customer", "inferred", "service_phrase"),
        ("S2", "agent", "inferred", "service_phrase"),
    ]


@pytest.mark.parametrize(
    "phrase",
    [
        "Hi, my name is Peter from Berlin and I need help.",
        "Can you help me?",
        "I'm following up on my order.",
        "Thanks for your help.",
        "Hello? Is anybody there?",
        "我想问一下有什么优惠",
        "میتونید کمکم کنید؟",
    ],
)
def test_phrases_that_customers_say_tell_nothing(phrase: str) -> None:
    assert not is_service_phrase(phrase)


def test_two_greeters_three_speakers_or_no_greeter_stay_unknown() -> None:
    hello, bill = "How can I help you?", "My bill is wrong."

    for body in (
        turns(("A", hello), ("B", hello)),
        turns(("A", hello), ("B", bill), ("C", bill)),
        turns(("A", bill), ("B", bill)),
    ):
        with pytest.raises(RolesUnknown, match="“A”, “B”"):
            conversation_from(body)


def test_the_only_one_without_a_role_is_the_other_side() -> None:
    for known, expected in (("Agent", "customer"), ("Customer", "agent"), ("Bot", "customer")):
        conversation = conversation_from(turns((known, "x"), ("Jo", "y")))

        assert (conversation.participants[1].role, conversation.participants[1].role_rule) == (expected, "other_side")


def test_a_system_notice_tells_nothing_about_anybody() -> None:
    with pytest.raises(RolesUnknown, match="“Jo”"):
        conversation_from(turns(("System", "Chat started"), ("Jo", "y")))


def test_after_a_transfer_the_one_without_a_role_is_still_the_customer() -> None:
    conversation = conversation_from(turns(("Agent 1", "x"), ("Jo", "y"), ("Agent 2", "z")))

    assert [p.role for p in conversation.participants] == ["agent", "customer", "agent"]


def test_the_role_map_wins_over_what_labels_say() -> None:
    conversation = conversation_from(
        turns(("Agent", "x"), ("Customer", "y")), roles={"agent": "customer", " CUSTOMER ": "agent"}
    )

    assert [(p.role, p.role_source) for p in conversation.participants] == [("customer", "mapped"), ("agent", "mapped")]


def test_a_role_map_with_an_unknown_role_is_refused() -> None:
    with pytest.raises(ConversationRejected, match="“x” a role that does not exist"):
        conversation_from(turns(("x", "y")), roles={"x": "boss"})  # type: ignore[dict-item]


def test_messages_about_many_speakers_stay_short() -> None:
    with pytest.raises(RolesUnknown, match="and 14 more") as caught:
        conversation_from(turns(*((f"{'n' * 150}{i}", "x") for i in range(20))))

    assert len(str(caught.value)) < 1_000


def test_service_mailboxes_of_two_companies_tell_nothing() -> None:
    body = {
        "vcon": "0.4.0",
        "parties": [{"mailto": "support@a.example"}, {"mailto": "help@b.example"}],
        "dialog": [{"type": "text", "parties": [0, 1], "body": "It broke."}],
    }

    with pytest.raises(RolesUnknown, match="“support@a"):
        conversation_from(body)


# ── Notes ───────────────────────────────────────────────────────────────────────────────────────────────────────

SERVED: dict[str, Any] = {
    "channel": "voice",
    "turns": [
        {"speaker": "Tom", "text": "Thank you for calling, how can I help you?"},
        {"speaker": "Lisa", "text": "My parcel is late."},
    ],
}
INFERRED = "Roles inferred: Tom = agent (service_phrase), Lisa = customer (service_phrase)."


def test_inferred_roles_are_noted_with_their_rule() -> None:
    assert conversation_from(SERVED).source.notes == (INFERRED,)


def test_stated_and_mapped_roles_need_no_note() -> None:
    assert conversation_from(SERVED, roles={"tom": "agent", "LISA": "customer"}).source.notes == ()


def test_a_role_map_that_names_nobody_here_is_noted() -> None:
    conversation = conversation_from(SERVED, roles={"Tim": "agent", "@Shop.example": "agent"})

    missed, inferred = conversation.source.notes
    assert missed.startswith("The role map names “Tim”, “@Shop.example”, and nobody in this conversation is called")
    assert missed.endswith("; speakers: “Tom”, “Lisa”.")
    assert inferred == INFERRED


def test_where_roles_stay_unknown_the_fix_says_whom_the_map_missed() -> None:
    unclear = {"turns": [{"speaker": name, "text": "Hello."} for name in ("Tom", "Lisa")]}

    with pytest.raises(RolesUnknown) as caught:
        conversation_from(unclear, roles={"Tim": "agent"})

    assert "names “Tim”, and nobody in this conversation is called that; speakers: “Tom”, “Lisa”" in str(caught.value)
    assert "Pass a role map" in str(caught.value)


def test_notes_are_not_told_twice_when_an_export_comes_back() -> None:
    conversation = conversation_from(SERVED)

    assert conversation_from(conversation.model_dump(mode="json")).source.notes == conversation.source.notes
