"""The shipped rubrics do offline what a QA lead expects of them: no absurd No, N/A where nothing arose, proof of absence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.conversation import Conversation
from service.drafting import draft_by_cues
from service.ingest import read_conversation
from service.library import RubricLibrary
from service.scorecard import Draft, ItemResult
from tests.builders import a_conversation
from tests.conftest import ROOT

LIBRARY = RubricLibrary(ROOT / "rubrics")
NA, OPEN = "not applicable", "unscored"


def drafted(rubric: str, *lines: str, **changes: Any) -> Draft:
    return draft_by_cues(a_conversation(*lines, **changes), LIBRARY.get(rubric))


def result(draft: Draft, item: str) -> ItemResult:
    return next(one for one in draft.items if one.item == item)


def answer(draft: Draft, item: str) -> Any:
    """The answer, or `NA`, or `OPEN`."""
    one = result(draft, item)
    return one.answer if one.state == "answered" else NA if one.state == "not_applicable" else OPEN


def voice(rubric: str, *lines: str, **changes: Any) -> Draft:
    return drafted(rubric, *lines, **({"channel": "voice"} | changes))


# ── Support by voice ────────────────────────────────────────────────────────────────────────────────────────────

CALL = (
    "agent: Thank you for calling Northwind, my name is Mara, this call is recorded. How can I help?",
    "customer: Hi, my bill is too high this month.",
    "agent: Before I look, could you confirm your date of birth and your account number?",
    "customer: The fourth of May 1980, and it is 4471 9902.",
    "agent: Thank you. Your balance is eighty dollars, and there is a late fee in it.",
    "customer: Okay, can you take it off?",
    "agent: I've removed it. You will receive a new bill within three days. Is there anything else I can help with?",
    "customer: No, that's all, thanks.",
    "agent: Thank you for calling, have a great day.",
)


def test_a_good_call_earns_its_answers_with_their_passages():
    draft = voice("support-voice", *CALL)

    for item in ("greeting", "agent-named", "recording-notice", "verified-before-data", "next-step-stated"):
        assert answer(draft, item) == "yes", item
    for item in ("next-step-dated", "further-help", "farewell"):
        assert answer(draft, item) == "yes", item
    assert result(draft, "recording-notice").evidence[0].turn == 0
    assert result(draft, "next-step-dated").evidence[0].turn == 6


def test_what_did_not_arise_in_a_good_call_is_not_applicable():
    draft = voice("support-voice", *CALL)

    for item in ("card-data-protected", "hold-asked", "hold-thanked", "transfer-quality", "hold-length"):
        assert answer(draft, item) == NA, item


def test_what_words_cannot_settle_waits_for_a_model_or_a_person():
    draft = voice("support-voice", *CALL)

    for item in ("probing", "tone", "ownership", "accuracy", "contact-reason"):
        assert answer(draft, item) == OPEN, item
    assert draft.breakdown.score.percent is None
    assert draft.breakdown.score.low is not None
    assert draft.breakdown.score.low < draft.breakdown.score.high


def test_a_recording_notice_that_was_never_given_is_a_no_with_the_searched_turns():
    draft = voice(
        "support-voice", "agent: Hello, this is Mara from Northwind.", "customer: Hi, my bill is too high.", *CALL[2:]
    )

    notice = result(draft, "recording-notice")

    assert answer(draft, "recording-notice") == "no"
    assert set(notice.searched.turns) >= {0, 2, 4, 6}


def test_a_recording_notice_at_the_end_is_too_late():
    late = [*CALL[:-1], "agent: By the way, this call is recorded. Have a great day."]
    late[0] = "agent: Hello, this is Mara from Northwind, how can I help you?"
    padding = [
        line for n in range(4) for line in (f"agent: And what about item {n}, is it right for you?", "customer: Yes.")
    ]

    draft = voice("support-voice", *late[:4], *padding, *late[4:])

    assert answer(draft, "recording-notice") == "no"


def test_a_recording_notice_is_not_asked_where_an_announcement_played():
    draft = voice("support-voice", "agent: Hello, you are speaking with Mara.", metadata={"recording_announced": True})

    assert answer(draft, "recording-notice") == NA


def test_account_data_before_any_question_of_identity_fails_the_form():
    draft = voice(
        "support-voice",
        "agent: Hello, how can I help you today?",
        "customer: What do I owe?",
        "agent: Your balance is eighty dollars. And what is your account number, please?",
        "customer: 4471 9902.",
    )

    assert answer(draft, "verified-before-data") == "no"
    assert "verified-before-data" in [failed.item for failed in draft.breakdown.score.auto_failed]
    assert draft.breakdown.score.high == 0


def test_verification_is_not_applicable_to_a_general_question():
    draft = voice(
        "support-voice",
        "agent: Hello, this is Mara, how can I help you?",
        "customer: When do you open on Sunday?",
        "agent: We are open from ten to four on Sundays.",
    )

    assert answer(draft, "verified-before-data") == NA


def test_announcing_a_hold_is_not_asking_for_it():
    def held(line: str) -> Draft:
        return voice(
            "support-voice", "agent: Hello, how can I help you?", "customer: My bill.", line, "customer: Okay."
        )

    assert answer(held("agent: May I put you on a brief hold while I check that for you?"), "hold-asked") == "yes"
    assert answer(held("agent: I'll put you on hold while I check that for you."), "hold-asked") == "no"
    assert answer(held("agent: Would you mind holding for a minute?"), "hold-asked") == "yes"
    assert answer(held("agent: Let me look at your bill."), "hold-asked") == NA


def test_a_hold_without_thanks_is_a_no():
    lines = (
        "agent: Hello, how can I help you?",
        "customer: My bill.",
        "agent: Can I put you on hold?",
        "customer: Sure.",
    )

    assert answer(voice("support-voice", *lines, "agent: So, it is the late fee."), "hold-thanked") == "no"
    assert answer(voice("support-voice", *lines, "agent: Thanks so much for your patience."), "hold-thanked") == "yes"
    assert answer(voice("support-voice", *lines, "agent: Sorry that you had to wait so long."), "hold-thanked") == "yes"


def test_the_card_code_is_asked_or_protected_or_never_came_up():
    pay = ("agent: Hello, how can I help you?", "customer: I want to pay by card.")

    assert (
        answer(voice("support-voice", *pay, "agent: What are the three digits on the back?"), "card-data-protected")
        == "no"
    )
    assert answer(voice("support-voice", *pay, "agent: I have paused the recording."), "card-data-protected") == "yes"
    assert answer(voice("support-voice", *pay, "agent: Let me see what we can do."), "card-data-protected") == OPEN


def test_the_parts_of_a_warm_transfer_are_ticked():
    draft = voice(
        "support-voice",
        "agent: Hello, how can I help you?",
        "customer: It is about a wrong invoice.",
        "agent: I'd like to transfer you to our billing team because they can correct it. Is it okay if I transfer you now?",
        "customer: Yes.",
        "agent: I'll explain everything so you don't have to repeat yourself.",
    )

    assert answer(draft, "transfer-quality") == ("destination-named", "reason-given", "agreed", "context-passed")


def test_empathy_is_never_guessed_but_its_absence_of_cause_is_seen():
    calm = voice(
        "support-voice", "agent: Hello, how can I help you?", "customer: When do you open?", "agent: We open at ten."
    )
    upset = voice(
        "support-voice", "agent: Hello, how can I help you?", "customer: I am furious.", "agent: What is your number?"
    )

    assert answer(calm, "empathy") == NA
    assert answer(upset, "empathy") == OPEN


def test_an_insult_fails_the_form_and_a_quoted_complaint_does_not():
    rude = voice(
        "support-voice", "agent: Hello, how can I help you?", "customer: Again!", "agent: Are you stupid? I told you."
    )
    meek = voice(
        "support-voice",
        "agent: Hello, how can I help you?",
        "customer: Are you stupid?",
        "agent: I am sorry to hear that.",
    )

    assert answer(rude, "respectful-words") == "no"
    assert draft_failed(rude) == {"respectful-words"}
    assert answer(meek, "respectful-words") == "yes"


def draft_failed(draft: Draft) -> set[str]:
    return {failed.item for failed in draft.breakdown.score.auto_failed}


@pytest.mark.parametrize(
    "promise",
    [
        "We will refund you within 24 hours.",
        "The engineer will call you by Friday.",
        "You'll get an email tomorrow morning.",
        "I've scheduled it, the technician comes in three to five business days.",
        "Someone will call you between two and four.",
    ],
)
def test_a_next_step_with_a_date_in_any_wording(promise: str):
    draft = voice("support-voice", "agent: Hello, how can I help you?", "customer: My bill.", f"agent: {promise}")

    assert (answer(draft, "next-step-stated"), answer(draft, "next-step-dated")) == ("yes", "yes")


def test_soon_is_not_a_date():
    draft = voice(
        "support-voice", "agent: Hello, how can I help you?", "customer: Bill.", "agent: We will contact you shortly."
    )

    assert (answer(draft, "next-step-stated"), answer(draft, "next-step-dated")) == ("yes", "no")


def test_a_caller_who_closes_first_does_not_cost_the_agent_the_further_help():
    start = ("agent: Hello, how can I help you?", "customer: When do you open?", "agent: We open at ten.")

    done = voice("support-voice", *start, "customer: That's all I needed.", "agent: You're welcome, have a good day.")
    closed = voice("support-voice", *start, "agent: Have a good day.", "customer: You too.")
    cut_off = voice("support-voice", *start)

    assert answer(done, "further-help") == NA
    assert answer(closed, "further-help") == "no"
    assert answer(cut_off, "further-help") == OPEN
    assert answer(cut_off, "farewell") == OPEN


def test_hold_length_and_silence_are_measured_not_guessed():
    draft = voice("support-voice", *CALL, metadata={"longest_hold_seconds": 200, "holds": 1})

    assert answer(draft, "hold-length") == "long"
    assert result(draft, "dead-air").state == "unscored"


def test_a_call_without_hold_and_transfer_drops_the_whole_section():
    draft = voice("support-voice", *CALL, metadata={"holds": 0, "transfers": 0})

    section = next(one for one in draft.breakdown.sections if one.section == "hold-and-transfer")
    assert section.percent is None
    assert answer(draft, "hold-thanked") == NA


ENGLISH = ("support-voice", "support-chat", "support-email", "sales-outbound", "collections", "retention")


@pytest.mark.parametrize("rubric", ENGLISH)
def test_an_english_form_claims_no_absence_in_a_spanish_conversation(rubric: str):
    form = LIBRARY.get(rubric)
    draft = draft_by_cues(
        a_conversation(
            "agent: Buenos días, le atiende Lucía de Northwind, esta llamada se graba. ¿En qué puedo ayudarle?",
            "customer: Hola, no me funciona internet desde el lunes y estoy muy enfadado.",
            "agent: Lamento lo ocurrido. ¿Me facilita su número de cliente, por favor?",
            "customer: 4471 9902.",
            "agent: Gracias. Le llamará un técnico mañana. ¿Algo más?",
            "customer: No, gracias, adiós.",
            "agent: Gracias por llamar, adiós.",
            channel=form.channels[0],
            language="es",
        ),
        form,
    )

    claimed = [
        (one.item, one.state)
        for one in draft.items
        if one.method != "metric"
        and not one.evidence
        and (one.state == "answered" or (one.state == "not_applicable" and one.decided_by == "judge"))
    ]
    assert claimed == []


# ── Chat ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "opening",
    [
        "Hi there!",
        "Good morning, Kestrel support here.",
        "Thanks for reaching out to us.",
        "Welcome! What can I do for you?",
        "Hey 👋",
    ],
)
def test_greetings_of_many_kinds_count(opening: str):
    assert answer(drafted("support-chat", "customer: help", f"agent: {opening}"), "greeting") == "yes"


def test_a_chat_that_starts_with_a_question_has_no_greeting():
    draft = drafted(
        "support-chat", "customer: my order", "agent: Could I have your order number, please?", "customer: 4471"
    )

    assert answer(draft, "greeting") == "no"
    assert result(draft, "greeting").searched.turns == (1,)


@pytest.mark.parametrize("name", ["I'm Bastian.", "My name is Ola.", "Ola here.", "You're chatting with Ola.", "^Milo"])
def test_names_of_many_kinds_count(name: str):
    assert (
        answer(drafted("support-chat", "customer: help", f"agent: Hello, how can I help you? {name}"), "agent-named")
        == "yes"
    )


def test_i_am_sorry_is_not_a_name():
    draft = drafted(
        "support-chat", "customer: help", "agent: I'm sorry to hear that. This is about the order that you have?"
    )

    assert answer(draft, "agent-named") == "no"


def test_a_customer_who_leaves_after_the_last_offer_is_owed_no_goodbye():
    draft = drafted(
        "support-chat",
        "customer: when do you open",
        "agent: We open at ten. Is there anything else that I can do for you?",
    )

    assert answer(draft, "further-help") == "yes"
    assert answer(draft, "farewell") == NA


def test_a_customer_who_says_goodbye_last_is_owed_none_and_mere_thanks_is_no_goodbye():
    start = ("customer: when do you open", "agent: We open at ten, and there is free parking for you.")

    left = drafted("support-chat", *start, "customer: ok bye")
    thanked = drafted("support-chat", *start, "customer: thanks")
    ignored = drafted("support-chat", *start, "customer: ok bye", "agent: The car park is on the left of it.")

    assert answer(left, "farewell") == NA
    assert answer(thanked, "farewell") == "no"
    assert answer(ignored, "farewell") == "no"


def test_confirming_a_routine_detail_is_not_taken_for_clearing_up():
    start = ("customer: a table for two on friday at eight",)

    routine = drafted("support-chat", *start, "agent: Just to confirm, that is Friday at eight, is that right?")
    unclear = drafted("support-chat", *start, "agent: Do you mean the terrace or the room inside?")

    assert answer(routine, "clarified") == OPEN
    assert answer(unclear, "clarified") == "yes"


def test_a_time_that_the_customer_named_may_date_the_next_step():
    start = ("customer: could you call me on Friday at ten?", "agent: Yes, we will call you then.")

    assert answer(drafted("support-chat", *start), "next-step-dated") == OPEN
    assert answer(drafted("support-chat", "customer: call me?", start[1]), "next-step-dated") == "no"


def test_card_numbers_in_chat():
    asked = drafted(
        "support-chat", "customer: can I pay by card?", "agent: Sure, please type your full card number and the CVV."
    )
    refused = drafted(
        "support-chat", "customer: my card number is 4111 1111 1111 1111", "agent: Please don't share your card here."
    )

    assert answer(asked, "card-data-protected") == "no"
    assert answer(refused, "card-data-protected") == "yes"
    assert answer(drafted("support-chat", "customer: hi", "agent: Hello, how are you?"), "card-data-protected") == NA


def test_solved_needs_the_customer_and_not_the_agent():
    says = ("customer: it is broken", "agent: Please restart it. That fixed it for you, I hope?")

    assert answer(drafted("support-chat", *says, "customer: yes, it works now"), "outcome") == "solved"
    assert answer(drafted("support-chat", *says, "customer: no, it still doesn't work"), "outcome") == OPEN
    assert answer(drafted("support-chat", *says), "outcome") == OPEN


def test_a_bot_must_say_that_it_is_one():
    def bot(line: str) -> Draft:
        return drafted(
            "support-chat", f"bot: {line}", "customer: hi", "agent: Hello, how are you?", metadata={"bot": True}
        )

    assert answer(bot("Hi, I'm the virtual assistant of Northwind."), "machine-disclosed") == "yes"
    assert answer(bot("Hi, this is Nora. What do you need?"), "machine-disclosed") == "no"
    assert answer(drafted("support-chat", "customer: hi", "agent: Hello, how are you?"), "machine-disclosed") == NA


# ── E-mail ──────────────────────────────────────────────────────────────────────────────────────────────────────


def mail(*lines: tuple[str, str], **changes: Any) -> Draft:
    conversation = a_conversation(*lines, channel="email", **changes)
    return draft_by_cues(conversation, LIBRARY.get("support-email"))


def test_an_email_with_salutation_date_and_sign_off():
    draft = mail(
        ("customer", "Hello,\nmy parcel is late. Where is it?\nAna"),
        ("agent", "Dear Ana,\n\nit is on its way and will be delivered by Friday 6 March.\n\nKind regards,\nTobias"),
    )

    assert [answer(draft, item) for item in ("salutation", "next-step-dated", "sign-off", "data-protected")] == [
        "yes",
        "yes",
        "yes",
        "yes",
    ]


def test_as_soon_as_possible_is_no_date():
    draft = mail(
        ("customer", "Where is my parcel?"),
        ("agent", "Dear Ana,\nwe will look into it and get back as soon as possible."),
    )

    assert answer(draft, "next-step-dated") == "no"


def test_placeholders_and_full_card_numbers_are_found():
    draft = mail(
        ("customer", "Where is my parcel?"),
        ("agent", "Dear [Name],\nyour card 4111 1111 1111 1111 was charged for this."),
    )

    assert (answer(draft, "canned-mismatch"), answer(draft, "data-protected")) == ("yes", "no")
    assert draft.breakdown.score.high == 0


def test_what_stands_in_quoted_history_is_nobodys_word():
    text = "Dear Ana,\nit is on its way to you.\n\n> my card is 4111 1111 1111 1111\n"
    start = text.index(">")
    base = a_conversation(("customer", "Where is it?"), ("agent", text), channel="email").model_dump(mode="json")
    base["turns"][1]["quoted"] = [{"start": start, "end": len(text)}]

    draft = draft_by_cues(Conversation.model_validate(base), LIBRARY.get("support-email"))

    assert answer(draft, "data-protected") == "yes"


def test_the_first_reply_is_measured_in_hours():
    draft = mail(("customer", "Where is it?"), ("agent", "Dear Ana, it is here."), metadata={"first_reply_hours": 20})

    assert answer(draft, "response-time") == 20
    assert next(one for one in draft.breakdown.items if one.item == "response-time").points == 1


# ── Outbound sales ──────────────────────────────────────────────────────────────────────────────────────────────

PITCH = (
    "agent: Hi, my name is Dana, I'm calling from Brightwave Energy on a recorded line. Do you have a minute?",
    "customer: Okay.",
    "agent: The reason for my call is our new offer for your street.",
)


def test_the_opening_disclosures_of_a_sales_call():
    draft = voice(
        "sales-outbound", *PITCH, "customer: Not interested, thanks.", "agent: I understand. Have a good day."
    )

    for item in ("seller-named", "agent-named", "purpose-disclosed", "recording-notice", "time-asked", "farewell"):
        assert answer(draft, item) == "yes", item
    assert answer(draft, "call-outcome") == "declined"
    assert answer(draft, "total-cost") == NA
    assert draft_failed(draft) == set()


def test_a_sale_without_any_price_fails_on_the_total_cost():
    draft = voice(
        "sales-outbound", *PITCH, "customer: Sounds good, sign me up.", "agent: Great, you are all signed up for it."
    )

    assert answer(draft, "call-outcome") == "sale"
    assert answer(draft, "total-cost") == "no"
    assert set(result(draft, "total-cost").searched.turns) == {0, 2, 4}
    assert {"total-cost", "cancellation-terms"} <= draft_failed(draft)


def test_a_monthly_price_alone_is_left_to_a_reader():
    draft = voice(
        "sales-outbound", *PITCH, "customer: Sign me up.", "agent: It is 49 dollars a month. You can cancel anytime."
    )

    assert answer(draft, "total-cost") == OPEN
    assert answer(draft, "cancellation-terms") == "yes"


def test_the_total_and_the_conditions_are_heard():
    draft = voice(
        "sales-outbound",
        *PITCH,
        "customer: Sign me up.",
        "agent: That is a twelve month contract, 588 dollars in total, with no hidden fees. It renews automatically unless you cancel.",
    )

    assert answer(draft, "total-cost") == "yes"
    assert answer(draft, "conditions-disclosed") == ("term", "renewal", "fees")


def test_a_do_not_call_request_is_honoured_or_argued_with():
    asked = (*PITCH, "customer: Take me off your list and don't call me again.")

    honoured = voice("sales-outbound", *asked, "agent: Of course, I am removing your number right now. Goodbye.")
    argued = voice("sales-outbound", *asked, "agent: May I ask why? What if I could save you more?")
    ignored = voice("sales-outbound", *asked, "agent: But it is green energy for your home.")

    assert answer(honoured, "do-not-call-honoured") == "yes"
    assert answer(argued, "do-not-call-honoured") == "no"
    assert answer(ignored, "do-not-call-honoured") == "no"
    assert "do-not-call-honoured" in draft_failed(ignored)
    assert answer(voice("sales-outbound", *PITCH), "do-not-call-honoured") == NA


def test_consent_to_the_charge_needs_question_and_yes():
    sale = (*PITCH, "customer: Sign me up.", "agent: Do you authorize us to charge 588 dollars to your card?")

    assert answer(voice("sales-outbound", *sale, "customer: Yes, I do."), "express-consent") == "yes"
    assert answer(voice("sales-outbound", *sale, "customer: Hmm, wait a second."), "express-consent") == OPEN


def test_calls_at_night_fail_by_the_diallers_clock():
    assert answer(voice("sales-outbound", *PITCH, metadata={"customer_local_hour": 22}), "permitted-hour") == "no"
    assert answer(voice("sales-outbound", *PITCH, metadata={"customer_local_hour": 15}), "permitted-hour") == "yes"
    assert answer(voice("sales-outbound", *PITCH), "permitted-hour") == NA


# ── Collections ─────────────────────────────────────────────────────────────────────────────────────────────────

RIGHT_PARTY = (
    "agent: Hello, may I speak with Ana Ruiz? My name is Dale, on a recorded line.",
    "customer: Speaking.",
    "agent: Could you confirm your date of birth for me?",
    "customer: May fourth, 1980.",
)
DISCLOSURE = "agent: This is an attempt to collect a debt, and any information obtained will be used for that purpose."


def test_the_debt_collectors_disclosure_is_complete_open_or_missing():
    owed = "agent: Your balance of 400 dollars with Halden Bank is past due."

    complete = voice("collections", *RIGHT_PARTY, DISCLOSURE, owed)
    partial = voice("collections", *RIGHT_PARTY, "agent: This call is from a debt collector.", owed)
    missing = voice("collections", *RIGHT_PARTY, owed)

    assert answer(complete, "mini-miranda") == "complete"
    assert answer(complete, "disclosure-before-amount") == "yes"
    assert answer(partial, "mini-miranda") == OPEN  # enough on a later contact, too little on a first one
    assert answer(missing, "mini-miranda") == "missing"
    assert set(result(missing, "mini-miranda").searched.turns) >= {0, 2, 4}


def test_a_missing_disclosure_is_flagged_and_keeps_the_score():
    draft = voice("collections", *RIGHT_PARTY, "agent: Your balance of 400 dollars with Halden Bank is past due.")

    flagged = {failed.item: failed.policy for failed in draft.breakdown.score.auto_failed}
    assert flagged["mini-miranda"] == "flag"
    assert draft.breakdown.score.high > 0


def test_identity_comes_before_the_debt():
    early = voice(
        "collections",
        "agent: Is this Ana Ruiz?",
        "customer: Speaking.",
        "agent: You owe 400 dollars, your debt is overdue.",
    )

    assert answer(voice("collections", *RIGHT_PARTY, DISCLOSURE), "identity-before-debt") == "yes"
    assert answer(early, "identity-before-debt") == "no"
    section = next(one for one in early.breakdown.sections if one.section == "right-party")
    assert "identity-before-debt" in section.zeroed_by


def test_a_third_party_learns_nothing():
    def told(line: str) -> Draft:
        return voice(
            "collections", "agent: Hello, is Ana Ruiz there?", "customer: She's not here, I'm her roommate.", line
        )

    silent = told("agent: When could I reach her, please? My name is Dale.")
    loose = told("agent: Tell her that her debt is past due.")

    assert answer(silent, "party-reached") == "third-party"
    assert answer(silent, "third-party-silence") == "yes"
    assert answer(loose, "third-party-silence") == "no"
    assert answer(silent, "mini-miranda") == NA
    assert answer(silent, "hardship-options") == NA


def test_threats_are_found_doubted_or_ruled_out():
    def said(line: str) -> Any:
        return answer(voice("collections", *RIGHT_PARTY, line), "threat")

    assert said("agent: If you do not pay, you will be arrested.") == "yes"
    assert said("agent: No, nobody goes to jail over a credit card.") == OPEN
    assert said("agent: What could you pay this month?") == "no"


@pytest.mark.parametrize(
    ("words", "item", "good", "bad"),
    [
        (
            "That is not my debt.",
            "dispute-respected",
            "I've noted your dispute and the account is placed on hold.",
            "It doesn't matter, you have to pay anyway.",
        ),
        (
            "Stop calling me at work.",
            "stop-contact-respected",
            "I will not call you there, I've noted that.",
            "We will keep calling until you pay.",
        ),
    ],
)
def test_what_the_consumer_asks_for_is_respected(words: str, item: str, good: str, bad: str):
    assert answer(voice("collections", *RIGHT_PARTY, f"customer: {words}", f"agent: {good}"), item) == "yes"
    assert answer(voice("collections", *RIGHT_PARTY, f"customer: {words}", f"agent: {bad}"), item) == "no"
    assert answer(voice("collections", *RIGHT_PARTY, f"customer: {words}", "agent: Hmm, let me see."), item) == OPEN
    assert answer(voice("collections", *RIGHT_PARTY, DISCLOSURE), item) == NA


def test_an_attorney_ends_the_negotiation():
    lawyer = (*RIGHT_PARTY, "customer: You have to talk to my lawyer about this.")

    assert (
        answer(
            voice("collections", *lawyer, "agent: What is your attorney's name and phone number?"), "attorney-respected"
        )
        == "yes"
    )
    assert answer(voice("collections", *lawyer, "agent: Can you pay today?"), "attorney-respected") == OPEN


def test_hardship_is_met_with_an_option():
    lost = (*RIGHT_PARTY, DISCLOSURE, "customer: I lost my job in March.")

    assert (
        answer(voice("collections", *lost, "agent: Would a smaller payment help you for now?"), "hardship-options")
        == "yes"
    )
    assert answer(voice("collections", *lost, "agent: The whole amount is due."), "hardship-options") == OPEN


def test_the_dispute_right_is_asked_for_only_where_no_notice_went_out():
    new = {"first_contact": True, "validation_notice_sent": False}

    assert answer(voice("collections", *RIGHT_PARTY, DISCLOSURE, metadata=new), "dispute-right-told") == "no"
    told = voice(
        "collections", *RIGHT_PARTY, "agent: You have the right to dispute the debt within thirty days.", metadata=new
    )
    assert answer(told, "dispute-right-told") == "yes"
    assert answer(voice("collections", *RIGHT_PARTY, DISCLOSURE), "dispute-right-told") == NA


def test_the_eighth_attempt_in_a_week_is_an_error():
    draft = voice("collections", *RIGHT_PARTY, metadata={"attempts_7_days": 8})

    assert answer(draft, "attempts-last-week") == 8
    assert "attempts-last-week" in draft_failed(draft)


# ── Retention ───────────────────────────────────────────────────────────────────────────────────────────────────

LEAVING = (
    "agent: Hello, how can I help you today?",
    "customer: I would like to cancel my subscription.",
    "agent: Of course. May I ask what made you decide that?",
    "customer: I moved. Just cancel it, please.",
)


def test_a_clean_goodbye_scores_as_well_as_a_save():
    draft = drafted(
        "retention",
        *LEAVING,
        "agent: Your plan is cancelled as of the 30th, there is nothing more to pay, and I'll email you a confirmation today.",
        "customer: Great, bye.",
        "agent: Thank you for being a customer. Goodbye!",
    )

    assert answer(draft, "outcome") == "leaves"
    for item in (
        "reason-asked",
        "cancellation-done",
        "end-date-told",
        "consequences-told",
        "confirmation-promised",
        "way-back",
    ):
        assert answer(draft, item) == "yes", item
    assert answer(draft, "offer-fits") == NA
    assert draft.breakdown.score.high == 100


def test_refusing_to_cancel_fails_the_form():
    draft = drafted("retention", *LEAVING, "agent: I can't cancel that here, you have to visit one of our shops.")

    assert answer(draft, "cancellation-done") == "no"
    assert "cancellation-done" in draft_failed(draft)


def test_a_cancellation_without_confirmation_is_a_no_with_the_searched_turns():
    draft = drafted("retention", *LEAVING, "agent: It is cancelled now.", "customer: Thanks, bye.")

    assert answer(draft, "confirmation-promised") == "no"
    assert set(result(draft, "confirmation-promised").searched.turns) == {0, 2, 4}


def test_who_never_wanted_to_leave_is_not_judged_on_leaving():
    draft = drafted(
        "retention", "agent: Hello, how can I help you?", "customer: When do you open?", "agent: We open at ten."
    )

    assert answer(draft, "outcome") == NA
    assert answer(draft, "cancellation-done") == NA
    assert answer(draft, "end-date-told") == NA


@pytest.mark.parametrize("rubric", ["support-fa", "support-zh"])
def test_a_persian_or_chinese_form_claims_no_absence_in_an_english_conversation(rubric: str):
    draft = draft_by_cues(a_conversation(*CALL, channel="voice"), LIBRARY.get(rubric))

    claimed = [
        one.item for one in draft.items if one.method != "metric" and one.state == "answered" and not one.evidence
    ]
    assert claimed == []


def test_a_name_in_a_transcript_without_capitals_is_heard_or_left_open():
    named = voice("support-voice", "agent: hello i'm mara from northwind how can i help you", "customer: my bill")
    unclear = voice("support-voice", "agent: hello mara at your service how can i help you", "customer: my bill")

    assert answer(named, "agent-named") == "yes"
    assert answer(unclear, "agent-named") == OPEN


def test_words_that_merely_resemble_a_threat_or_an_insult_are_none():
    depart = voice("collections", *RIGHT_PARTY, "agent: What day do you depart, so that I can note it?")

    assert answer(depart, "threat") == "no"


def test_an_account_number_in_international_form_is_no_card():
    draft = mail(
        ("customer", "Where is my money?"),
        ("agent", "Dear Ana,\nwe sent it to DE89 3704 0044 0532 0130 00 as you asked."),
    )

    assert answer(draft, "data-protected") == "yes"


def test_asking_for_help_today_is_no_date():
    draft = voice(
        "support-voice",
        "agent: Hello, how can I help you today?",
        "customer: Bill.",
        "agent: We will contact you shortly.",
    )

    assert answer(draft, "next-step-dated") == "no"


def test_a_past_date_before_the_promise_is_left_to_a_reader():
    draft = voice(
        "support-voice",
        "agent: You were charged on Monday.",
        "customer: Yes.",
        "agent: We will contact you shortly about it.",
    )

    assert answer(draft, "next-step-dated") == OPEN


def test_the_evaluated_agent_alone_is_judged_after_a_transfer():
    draft = voice(
        "support-voice",
        "agent-mara: Hello, this is Mara from Northwind, how can I help you?",
        "customer: It is about my bill.",
        "agent-mara: I'll connect you with our billing team.",
        "agent-bram: Billing. What is it?",
        "customer: My bill is wrong.",
        evaluated_agent="agent-bram",
    )

    assert answer(draft, "greeting") == "no"
    assert answer(draft, "agent-named") == "no"


# ── Identity verification ───────────────────────────────────────────────────────────────────────────────────────


def bank(*lines: str) -> Draft:
    return drafted("identity-verification", *lines)


ASKED = (
    "customer: What is my balance?",
    "agent: Hello, may I have your full name and your PIN?",
    "customer: Mary Poole. I forgot it.",
)


def test_a_pin_that_was_asked_for_is_missed_also_where_no_account_number_was_given():
    assert answer(bank(*ASKED), "pin-obtained") == "no"
    assert answer(bank("customer: My PIN is 8823, what is my balance?"), "pin-obtained") == "yes"
    assert answer(bank("customer: When do you open?", "agent: Hello, we open at ten."), "pin-obtained") == NA


def test_an_action_without_verification_is_a_refusal_that_was_not_made_even_where_nothing_was_asked():
    unasked = bank("customer: I'm Mary Poole, what is my balance?", "agent: Your balance is 5 dollars.")

    assert answer(unasked, "refused-when-unverified") == "no"
    assert answer(unasked, "path-forward") == NA


def test_a_way_forward_counts_before_a_refusal_and_without_one():
    before = bank(*ASKED, "agent: You can visit a branch.", "agent: I cannot verify you today.")
    without = bank(*ASKED, "agent: You can visit a branch with your passport.")
    bare = bank(*ASKED, "agent: I cannot verify you.")
    silent = bank(*ASKED, "agent: I see.")

    assert [answer(draft, "path-forward") for draft in (before, without, bare, silent)] == ["yes", "yes", "no", OPEN]


def test_a_balance_told_too_early_is_no_identifier_read_out():
    named = bank("customer: What is my balance?", "agent: Your name, please?", "customer: Mary Poole.")

    assert answer(named, "no-data-read-out") == NA


def test_a_confirmation_that_is_put_in_doubt_is_left_to_a_reader():
    filed = (*ASKED, "agent: I've filed the fraud report for you.")

    assert answer(bank(*filed), "outcome-stated") == "yes"
    assert answer(bank(*filed, "agent: Hm, there was an error with the report."), "outcome-stated") == OPEN


def test_the_closing_of_a_bank_contact_asks_who_left_first():
    told = (*ASKED, "agent: I cannot verify you without it.")

    left = bank(*told, "customer: ok bye")
    thanked = bank(*told, "customer: ok thanks")
    unanswered = bank(*told, "customer: hm", "agent: Do you have your account number there?")
    closed = bank(*told, "customer: that's all then", "agent: Goodbye.")

    assert (answer(left, "further-help-offered"), answer(left, "courteous-close")) == (NA, NA)
    assert (answer(thanked, "further-help-offered"), answer(thanked, "courteous-close")) == ("no", "no")
    assert (answer(unanswered, "further-help-offered"), answer(unanswered, "courteous-close")) == (NA, NA)
    assert (answer(closed, "further-help-offered"), answer(closed, "courteous-close")) == (NA, "yes")


# ── Persian ─────────────────────────────────────────────────────────────────────────────────────────────────────


def fa(*lines: str, **changes: Any) -> Draft:
    return drafted("support-fa", *lines, **({"channel": "voice", "language": "fa"} | changes))


@pytest.mark.parametrize(
    "greeting",
    ["سلام وقتتون بخیر", "درود بر شما", "روز بخیر، بفرمایید", "چطور می‌تونم کمکتون کنم؟", "چطور ميتونم كمكتون كنم؟"],
)
def test_persian_greetings_formal_and_spoken_with_either_keyboard(greeting: str):
    assert answer(fa(f"agent: {greeting}", "customer: سلام"), "greeting") == "yes"


def test_a_good_persian_call():
    draft = fa(
        "agent: سلام، وقتتون بخیر، رضایی هستم از پشتیبانی. این مکالمه ضبط می‌شود.",
        "customer: سلام، اینترنتم قطع شده و واقعا کلافه شدم.",
        "agent: حق دارید. لطفاً کد ملی و تاریخ تولدتون رو بفرمایید.",
        "customer: ۰۰۱۲۳۴۵۶۷۸، سوم مهر شصت.",
        "agent: ممنون. تکنسین فردا بین ۸ تا ۱۰ میاد. سوال دیگه‌ای هست؟",
        "customer: نه ممنون.",
        "agent: روز خوبی داشته باشید، خدانگهدار.",
    )

    for item in (
        "greeting",
        "introduced",
        "recording-notice",
        "next-step-stated",
        "next-step-dated",
        "further-help",
        "farewell",
    ):
        assert answer(draft, item) == "yes", item
    assert answer(draft, "secret-asked") == "no"
    assert answer(draft, "empathy") == OPEN
    assert answer(draft, "hold-asked") == NA


def test_a_persian_recording_notice_that_was_never_given():
    draft = fa("agent: سلام، بفرمایید.", "customer: قبضم زیاد اومده.", "agent: بررسی می‌کنم.")

    assert answer(draft, "recording-notice") == "no"
    assert set(result(draft, "recording-notice").searched.turns) == {0, 1, 2}
    assert answer(fa("agent: سلام، بفرمایید.", "customer: سلام", channel="chat"), "recording-notice") == NA


def test_asking_for_the_secret_code_in_persian():
    assert answer(fa("agent: لطفا رمز دوم کارتتون رو بفرمایید.", "customer: چرا؟"), "secret-asked") == "yes"
    assert answer(fa("agent: رمزتان را به هیچ‌کس نگویید.", "customer: چشم"), "secret-asked") == OPEN


def test_a_persian_customer_may_leave_first_or_name_the_time():
    left = fa("agent: سلام، بفرمایید.", "customer: ساعت کاری چنده؟", "agent: هشت تا دو است.", "customer: خداحافظ")
    named = fa("agent: سلام، بفرمایید.", "customer: فردا زنگ بزنید.", "agent: چشم، با شما تماس می‌گیریم.")

    assert answer(left, "farewell") == NA
    assert (answer(named, "next-step-stated"), answer(named, "next-step-dated")) == ("yes", OPEN)


def test_an_insult_in_persian_is_the_no_of_respectful_words():
    assert answer(fa("agent: سلام، مگه کری؟", "customer: بله؟"), "respectful-words") == "no"
    assert answer(fa("agent: سلام، بفرمایید.", "customer: سلام"), "respectful-words") == "yes"


def test_very_soon_is_no_date_in_persian():
    draft = fa("agent: سلام، در اسرع وقت با شما تماس می‌گیریم.", "customer: باشه")

    assert (answer(draft, "next-step-stated"), answer(draft, "next-step-dated")) == ("yes", "no")


def test_account_data_before_identity_in_persian():
    draft = fa("agent: سلام بفرمایید.", "customer: موجودیم چنده؟", "agent: موجودی شما دو میلیون تومان است.")

    assert answer(draft, "verified-before-data") == "no"
    assert (
        answer(fa("agent: سلام بفرمایید.", "customer: شعبه کی بازه؟", "agent: از هشت صبح."), "verified-before-data")
        == NA
    )


def test_persian_customers_who_are_calm_need_no_empathy():
    assert answer(fa("agent: سلام بفرمایید.", "customer: ساعت کاری شعبه چنده؟", "agent: هشت تا دو."), "empathy") == NA


# ── Chinese ─────────────────────────────────────────────────────────────────────────────────────────────────────


def zh(*lines: str, **changes: Any) -> Draft:
    return drafted("support-zh", *lines, **({"channel": "voice", "language": "zh"} | changes))


@pytest.mark.parametrize("greeting", ["您好，请问有什么可以帮您？", "你好", "歡迎致電", "下午好，很高兴为您服务"])
def test_chinese_greetings_need_no_word_breaks(greeting: str):
    assert answer(zh(f"agent: {greeting}", "customer: 喂"), "greeting") == "yes"


def test_a_good_chinese_call():
    draft = zh(
        "agent: 您好，我是客服小王，本次通话会被录音，请问有什么可以帮您？",
        "customer: 我的快递还没到，急死了。",
        "agent: 非常抱歉，请您提供一下订单号和手机后四位。",
        "customer: 44719902，后四位 1234。",
        "agent: 谢谢。我们会在24小时内给您回电。还有其他可以帮您的吗？",
        "customer: 没有了，谢谢。",
        "agent: 感谢您的来电，再见。",
    )

    for item in (
        "greeting",
        "introduced",
        "recording-notice",
        "next-step-stated",
        "next-step-dated",
        "further-help",
        "farewell",
    ):
        assert answer(draft, item) == "yes", item
    assert answer(draft, "secret-asked") == "no"
    assert answer(draft, "empathy") == OPEN
    assert answer(draft, "hold-asked") == NA


def test_a_chinese_recording_notice_that_was_never_given():
    draft = zh("agent: 您好，请讲。", "customer: 账单不对。", "agent: 我查一下。")

    assert answer(draft, "recording-notice") == "no"
    assert answer(zh("agent: 您好，请讲。", "customer: 你好", channel="chat"), "recording-notice") == NA


def test_asking_for_the_password_in_chinese():
    assert answer(zh("agent: 请告诉我您的支付密码。", "customer: 为什么？"), "secret-asked") == "yes"
    assert answer(zh("agent: 请不要告诉任何人您的密码。", "customer: 好的"), "secret-asked") == OPEN


def test_a_chinese_customer_may_leave_first_or_name_the_time():
    left = zh("agent: 您好，请讲。", "customer: 几点开门？", "agent: 我们九点开门。", "customer: 好的，再见")
    named = zh("agent: 您好，请讲。", "customer: 明天联系我吧。", "agent: 好的，我们会联系您。")

    assert answer(left, "farewell") == NA
    assert (answer(named, "next-step-stated"), answer(named, "next-step-dated")) == ("yes", OPEN)


def test_an_insult_in_chinese_is_the_no_of_respectful_words():
    assert answer(zh("agent: 您好，你有病吧。", "customer: 什么？"), "respectful-words") == "no"
    assert answer(zh("agent: 您好，请讲。", "customer: 你好"), "respectful-words") == "yes"


def test_as_soon_as_possible_is_no_date_in_chinese():
    draft = zh("agent: 您好，我们会尽快联系您。", "customer: 好")

    assert (answer(draft, "next-step-stated"), answer(draft, "next-step-dated")) == ("yes", "no")


def test_account_data_before_identity_in_chinese():
    draft = zh("agent: 您好，请讲。", "customer: 我还有多少钱？", "agent: 您的余额是三百元。")

    assert answer(draft, "verified-before-data") == "no"
    assert answer(zh("agent: 您好，请讲。", "customer: 几点开门？", "agent: 九点开门。"), "verified-before-data") == NA


# ── Contacts too small to judge ─────────────────────────────────────────────────────────────────────────────────

LANGUAGES = {"support-fa": "fa", "support-zh": "zh"}
TINY: dict[str, dict[str, tuple[str, ...]]] = {
    "two turns": {
        "en": ("agent: Thank you for calling Northwind, how can I help?", "customer: My internet is down."),
        "fa": ("agent: از تماس شما متشکرم، چطور می‌توانم کمکتان کنم؟", "customer: اینترنت من قطع است."),
        "zh": ("agent: 感谢您的来电，请问有什么可以帮您？", "customer: 我的网络断了。"),
    },
    "only the agent": {
        "en": ("agent: Thank you for calling Northwind, how can I help?", "agent: Are you there? Goodbye then."),
        "fa": ("agent: سلام، بفرمایید.", "agent: صدای مرا دارید؟ خدانگهدار."),
        "zh": ("agent: 您好，请讲。", "agent: 您还在吗？再见。"),
    },
    "only the customer": {
        "en": ("customer: I can't log in, and the order that I paid for is missing. Please help!",),
        "fa": ("customer: نمی‌توانم وارد حسابم شوم و سفارشم نرسیده است.",),
        "zh": ("customer: 我登录不了账号，订单也没有收到。",),
    },
    "abandoned": {
        "en": ("agent: Thank you for calling Northwind, how can I help?",),
        "fa": ("agent: از تماس شما متشکرم، چطور می‌توانم کمکتان کنم؟",),
        "zh": ("agent: 感谢您的来电，请问有什么可以帮您？",),
    },
    "another language": {
        "en": ("agent: Gracias por llamar, ¿en qué le ayudo?", "customer: No funciona.", "agent: Lo siento. Adiós."),
        "fa": ("agent: Thank you for calling, how can I help?", "customer: It is down.", "agent: I am sorry. Goodbye."),
        "zh": ("agent: Thank you for calling, how can I help?", "customer: It is down.", "agent: I am sorry. Goodbye."),
    },
}
CLOSINGS = {"further-help", "further-help-offered", "farewell", "courteous-close"}
COMPASSION = {"empathy", "complaint-acknowledged"}
GOOD_WHEN_ABSENT = {"threat", "abuse", "secret-asked", "respectful-words", "respectful-throughout", "data-protected"}
SEEN_IN_THE_FIRST_TURN = {"greeting", "salutation"}


@pytest.mark.parametrize("rubric", sorted(path.parent.name for path in (ROOT / "rubrics").glob("*/1.yaml")))
@pytest.mark.parametrize("contact", TINY)
def test_nothing_absurd_comes_of_a_contact_too_small_to_judge(rubric: str, contact: str):
    lines = TINY[contact][LANGUAGES.get(rubric, "en")]
    draft = drafted(rubric, *lines, channel=LIBRARY.get(rubric).channels[0])

    judged = [one for one in draft.items if one.method == "cues" and one.state != "unscored"]

    settled = {one.item for one in judged if one.state == "answered"}
    not_applicable = {one.item for one in judged if one.state == "not_applicable" and one.decided_by == "judge"}
    assert settled <= GOOD_WHEN_ABSENT | SEEN_IN_THE_FIRST_TURN
    assert not not_applicable & COMPASSION
    if contact in ("only the customer", "another language"):
        assert settled | not_applicable == set()
    if contact == "two turns":
        assert not not_applicable & CLOSINGS


@pytest.mark.parametrize("trouble", ["My internet is down.", "It keeps crashing.", "I can't log in."])
@pytest.mark.parametrize(
    ("rubric", "item"),
    [("support-voice", "empathy"), ("support-chat", "empathy"), ("support-email", "complaint-acknowledged")],
)
def test_trouble_told_without_a_word_of_feeling_is_trouble(rubric: str, item: str, trouble: str):
    lines = ("agent: Hello, how can I help you?", f"customer: {trouble}", "agent: What do you see on the screen?")

    assert answer(drafted(rubric, *lines), item) == OPEN


@pytest.mark.parametrize("rubric", ["support-voice", "support-chat"])
def test_are_you_all_set_is_an_offer_of_further_help(rubric: str):
    lines = (
        "agent: Thank you for calling Northwind, how can I help?",
        "customer: When do you open?",
        "agent: We open at ten. Are you all set, or is there something more?",
        "customer: That was it.",
        "agent: Have a lovely day.",
    )

    draft = drafted(rubric, *lines)

    assert answer(draft, "further-help") == "yes"
    assert answer(draft, "farewell") == "yes"


def test_a_date_without_a_commitment_beside_it_proves_no_next_step():
    draft = voice(
        "support-voice",
        "agent: Hello, how can I help you?",
        "customer: I was born on the 4th of March and was charged twice.",
        "agent: I see the payment of March 3rd. I'll send you a letter about it.",
        "customer: Thanks.",
        "agent: Goodbye.",
    )

    assert answer(draft, "next-step-stated") == "yes"
    assert answer(draft, "next-step-dated") == OPEN
    assert result(draft, "next-step-dated").evidence == ()


def test_a_dated_next_step_is_proven_by_the_promise_and_its_time():
    proof = result(voice("support-voice", *CALL), "next-step-dated").evidence

    assert [one.quote for one in proof] == ["You will receive a new bill within three days"]


# ── The bundled samples ─────────────────────────────────────────────────────────────────────────────────────────


def test_every_sample_is_drafted_and_every_quote_stands_where_it_says():
    samples = ROOT / "eval" / "samples"
    index = samples / "index.json"
    if not index.exists():
        pytest.skip("no samples are bundled")

    for entry in json.loads(index.read_text(encoding="utf-8"))["samples"]:
        conversation = read_conversation(Path(samples, entry["file"]).read_bytes(), name=entry["file"])
        draft = draft_by_cues(conversation, LIBRARY.get(entry["rubric"]))

        for one in draft.items:
            for evidence in one.evidence:
                assert conversation.turns[evidence.turn].text[evidence.start : evidence.end] == evidence.quote
