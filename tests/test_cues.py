"""What can be heard without a model: every kind of cue, its evidence, its absence, and what must not be heard."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.conversation import Conversation, Participant, QuotedSpan, Turn
from service.cues import judge_by_cues
from service.errors import RubricRejected
from service.library import parse_rubric
from service.scorecard import Answered, ItemResult, NotApplicable, Unscored
from tests.builders import a_conversation, a_rubric, an_item


def judged(conversation: Conversation, cue: object, **changes: object) -> ItemResult:
    """The result of one yes/no item that says yes when the cue holds and no otherwise."""
    item = an_item(
        "it", cues={"rules": [{"when": cue, "answer": "yes"}], "otherwise": "no"}, evidence={"quotes_for": ["yes"]}
    )
    rubric = a_rubric(item | changes)
    result = judge_by_cues(conversation, rubric, rubric.items)["it"]
    for evidence in (*result.evidence, *(result.searched.nearest if result.searched else ())):
        assert conversation.turns[evidence.turn].text[evidence.start : evidence.end] == evidence.quote
        assert conversation.turns[evidence.turn].participant == evidence.participant
    return result


def heard(conversation: Conversation, cue: object, **changes: object) -> bool:
    focus = {} if conversation.agents else {"focus": "contact"}
    result = judged(conversation, cue, **(focus | changes))
    assert isinstance(result, Answered)
    return result.answer == "yes"


def said(text: str, phrase: str, **scope: object) -> bool:
    return heard(a_conversation(("agent", text)), {"phrase": [phrase]} | scope)


# ── Phrases ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("I can refund that charge today.", "refund that charge"),
        ("I CAN REFUND that charge", "can refund that"),
        ("I can, um, refund uh that charge", "can refund that charge"),
        ("I I can re- refund that that charge", "i can refund that charge"),
        ("I can I can refund that", "i can refund that"),
        ("I can’t find it", "can't find it"),
        ("I cannot find it", "can't find it"),
        ("I can not find it", "cannot find it"),
        ("We're here to help", "we are here to help"),
        ("I dont know", "i do not know"),
        ("I can refnud that charge", "refund that charge"),
        ("please hold for a momment", "hold for a moment"),
        ("your acount is open", "your account is open"),
        ("Thank you so very much for calling us", "thank you … calling"),
        ("ＲＥＦＵＮＤ that", "refund that"),
        ("el café está listo", "cafe esta listo"),
    ],
)
def test_a_phrase_is_heard_through_case_fillers_stutters_contractions_typography_and_one_typo(
    text: str, phrase: str
) -> None:
    assert said(text, phrase)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("I am unable to refund that", "able to refund"),
        ("I am able to refund that", "unable to refund"),
        ("please enable that setting", "unable that setting"),
        ("a credit of 15 dollars", "credit of 50 dollars"),
        ("a credit of fifteen dollars", "credit of fifty dollars"),
        ("the 24th of May", "the 25th of may"),
        ("I will change it", "i will charge it"),
        ("I think you know", "thank you know"),
        ("I charged your card", "i charge your card"),
        ("este reembolso puede hacerse", "puedo hacerse"),
        ("Welcome to Northwynd", "Welcome to Northwind"),
        ("I saw Poppy", "i saw puppy"),
        ("refund", "refund that"),
        ("prefunded that", "refund that"),
    ],
)
def test_a_typo_that_makes_another_meaning_is_not_forgiven(text: str, phrase: str) -> None:
    assert not said(text, phrase)


@pytest.mark.parametrize(
    ("text", "phrase", "language", "is_heard"),
    [
        ("I wish I could refund your money but that is up to them", "refund your money", "en", False),
        ("Nobody will refund your money", "refund your money", "en", False),
        ("They failed to refund your money", "refund your money", "en", False),
        ("If it fails we'll refund your money", "refund your money", "en", True),
        ("without a receipt we refund your money anyway", "refund your money", "en", True),
        ("Why don't I refund your money", "refund your money", "en", True),
        ("Why don't you refund your money", "refund your money", "en", False),
        ("Thankyou for calling", "thank you for calling", "en", True),
        ("Niemals bekommen Sie das Geld zurück", "das Geld zurück", "de", False),
        ("پول شما را برنمی‌گردانیم", "پول شما را", "fa", False),
        ("پول شما را برمی‌گردانیم", "پول شما را", "fa", True),
    ],
)
def test_a_clause_denies_only_what_it_governs(text: str, phrase: str, language: str, is_heard: bool) -> None:
    assert heard(a_conversation(("agent", text), language=language), {"phrase": [phrase]}) is is_heard


@pytest.mark.parametrize(
    ("pattern", "quote"),
    [(r"balance is \d", "balance is 4,724.50"), (r"\bverif", "verify"), (r"\bin\s", "in")],
)
def test_evidence_of_a_pattern_cuts_no_word_and_no_number(pattern: str, quote: str) -> None:
    call = a_conversation(("agent", "Let me verify that: your balance is 4,724.50 in credit."))

    assert judged(call, {"pattern": [pattern], "speaker": "agent"}).evidence[0].quote == quote


def test_typos_can_be_switched_off() -> None:
    assert not said("I can refnud that charge", "refund that charge", typos=False)
    assert said("I can refund that charge", "refund that charge", typos=False)


def test_the_match_kind_tells_verbatim_from_normalised_from_mistyped() -> None:
    kinds = [
        judged(a_conversation(("agent", text)), {"phrase": ["refund that charge"]}).evidence[0].match
        for text in ("I refund that charge", "I refund, um, that charge", "I refnud that charge")
    ]

    assert kinds == ["exact", "normalized", "fuzzy"]


def test_an_ellipsis_spans_a_few_words_of_one_turn_only() -> None:
    near = a_conversation("agent: thank you so much for calling")
    far = a_conversation("agent: thank you one two three four five six seven eight calling")
    apart = a_conversation("agent: thank you", "agent: for calling")

    assert heard(near, {"phrase": ["thank you … calling"]})
    assert not heard(far, {"phrase": ["thank you … calling"]})
    assert not heard(apart, {"phrase": ["thank you … calling"]})


# ── Negation ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "I am not able to refund that",
        "I'm not, um, able to refund that",
        "I can't refund that",
        "I cannot really refund that",
        "We are unable to refund that",
        "There is no refund that I could offer",
        "I won't be able to refund that",
        "We never refund that",
        "Unfortunately I do not think we can refund that",
        "no puedo hacer el refund that",
    ],
)
def test_a_negated_hit_is_no_hit_and_is_named_as_the_nearest_miss(text: str) -> None:
    result = judged(a_conversation(("agent", text)), {"phrase": ["refund that", "refund"]})

    assert isinstance(result, Answered)
    assert result.answer == "no"
    assert result.searched is not None
    assert "refund" in result.searched.nearest[0].quote


@pytest.mark.parametrize(
    "text",
    [
        "I can refund that",
        "I am not sure why it happened. I can refund that",
        "No problem, I can refund that",
        "no i can refund that",
        "I could not find the order, but I can refund that",
        "I did not see it and I will refund that",
        "Not only can I refund that, I will credit you",
        "Don't worry, I'll refund that",
        "Don't hesitate, we refund that",
        "That is not a problem; I refund that",
        "I never got it, so I refund that",
    ],
)
def test_a_negation_of_another_clause_does_not_reach_the_hit(text: str) -> None:
    assert said(text, "refund that")


def test_a_negation_behind_the_hit_counts_too() -> None:
    assert not said("Your balance is not available", "your balance is")
    assert not said("A refund is not possible", "a refund")
    assert said("A refund, not a credit", "a refund")


def test_negated_hits_can_be_taken_along_or_taken_alone() -> None:
    refused = a_conversation("agent: I am not able to refund that")
    granted = a_conversation("agent: I am able to refund that")
    cue = {"phrase": ["able to refund"]}

    assert heard(refused, cue | {"negated": "accept"})
    assert heard(refused, cue | {"negated": "only"})
    assert not heard(granted, cue | {"negated": "only"})
    assert heard(a_conversation("agent: I am not able to refund that"), {"phrase": ["not able to refund"]})


def test_what_is_only_supposed_promised_or_asked_can_be_left_out() -> None:
    cue = {"phrase": ["report has been submitted"], "hypothetical": "reject"}

    assert heard(a_conversation("agent: Your report has been submitted."), cue)
    assert not heard(a_conversation("agent: Once I have your PIN, your report has been submitted."), cue)
    assert not heard(a_conversation("agent: If you give me that, your report has been submitted"), cue)
    assert not heard(a_conversation("agent: So your report has been submitted?"), cue)
    assert heard(a_conversation("agent: If you wait. Your report has been submitted, anything else?"), cue)


# ── Languages ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_chinese_needs_no_word_breaks_and_keeps_its_negations() -> None:
    cue = {"phrase": ["可以退款", "给您退款"]}

    assert heard(a_conversation("agent: 您好，我们可以退款的。", language="zh"), cue)
    assert heard(a_conversation("agent: 我们 可以 退 款", language="zh"), cue)
    assert not heard(a_conversation("agent: 抱歉，我们不可以退款。", language="zh"), cue)
    assert not heard(a_conversation("agent: 我没办法给您退款", language="zh"), cue)
    assert heard(a_conversation("agent: 不好意思，我给您退款", language="zh"), cue)
    assert heard(a_conversation("agent: 没问题给您退款", language="zh"), cue)
    assert heard(a_conversation("agent: 谢谢您", language="zh"), {"phrase": ["谢谢"]})


def test_chinese_yes_no_questions_are_no_negation() -> None:
    assert heard(a_conversation("customer: 能不能退款？", language="zh"), {"phrase": ["退款"]})


def test_persian_folds_arabic_letters_digits_and_joiners() -> None:
    cue = {"phrase": ["پیگیری می‌کنم", "کمکتان کنم"]}

    assert heard(a_conversation("agent: حتماً پیگیری می‌کنم", language="fa"), cue)
    assert heard(a_conversation("agent: پيگيري مي كنم", language="fa"), cue)
    assert heard(a_conversation("agent: پیگیری میکنم", language="fa"), cue)
    assert not heard(a_conversation("agent: پیگیری نمی‌کنم", language="fa"), cue)


def test_persian_negates_at_the_end_of_the_clause() -> None:
    cue = {"phrase": ["بازپرداخت"]}

    assert heard(a_conversation("agent: بازپرداخت انجام شد.", language="fa"), cue)
    assert not heard(a_conversation("agent: امکان بازپرداخت وجود ندارد.", language="fa"), cue)
    assert not heard(a_conversation("agent: بازپرداخت ممکن نیست.", language="fa"), cue)
    assert heard(a_conversation("agent: مشکلی نیست. بازپرداخت انجام شد", language="fa"), cue)


def test_spanish_no_negates_the_whole_clause() -> None:
    cue = {"phrase": ["devolverle el dinero", "reembolsar"]}

    assert heard(a_conversation("agent: Sí, podemos devolverle el dinero", language="es"), cue)
    assert not heard(a_conversation("agent: No se le va a poder en este caso devolverle el dinero", language="es"), cue)
    assert not heard(a_conversation("agent: No puedo reembolsar", language="es-MX"), cue)
    assert heard(a_conversation("agent: No, sí podemos reembolsar", language="es"), cue)
    assert not heard(a_conversation("agent: Nunca podemos reembolsar", language="es"), cue)


@pytest.mark.parametrize(
    ("language", "text", "phrase"),
    [
        ("ja", "返金できません", "返金"),
        ("ja", "返金には対応しておりません。", "返金"),
        ("ja", "ご返金はいたしかねます", "返金"),
        ("ja", "返金不可です", "返金"),
        ("ko", "환불 해드릴 수 없습니다", "환불"),
        ("ko", "환불 안 됩니다", "환불"),
        ("ko", "환불은 불가능합니다", "환불은"),
        ("tr", "İade yapamıyoruz", "iade"),
        ("tr", "iade edemem", "iade"),
        ("tr", "iade mümkün değil", "iade"),
        ("tr", "Bu ürün için iade kabul etmeyeceğiz", "iade"),
        ("hi", "हम रिफंड नहीं कर सकते", "रिफंड"),
        ("hi", "रिफंड संभव नहीं है", "रिफंड"),
        ("vi", "Chúng tôi không thể hoàn tiền", "hoàn tiền"),
        ("vi", "Tôi chưa hoàn tiền", "hoàn tiền"),
        ("th", "เราไม่สามารถคืนเงินได้", "คืนเงิน"),
        ("th", "คืนเงินให้ไม่ได้ค่ะ", "คืนเงิน"),
        ("he", "אנחנו לא יכולים לתת החזר", "החזר"),
        ("he", "החזר לא אפשרי", "החזר"),
        ("sv", "Vi kan inte göra en återbetalning", "återbetalning"),
        ("nb", "Vi kan ikke refundere det", "refundere"),
        ("pl", "Nie możemy dokonać zwrotu", "zwrotu"),
        ("el", "Δεν μπορούμε να κάνουμε επιστροφή", "επιστροφή"),
        ("id", "Kami tidak bisa refund", "refund"),
    ],
)  # fmt: skip
def test_a_refusal_is_no_promise_in_any_of_the_languages(language: str, text: str, phrase: str) -> None:
    assert not heard(a_conversation(("agent", text), language=language), {"phrase": [phrase]})


@pytest.mark.parametrize(
    ("language", "text", "phrase"),
    [
        ("ja", "申し訳ありませんが返金いたします", "返金"),
        ("ja", "ご不便をおかけしましたので返金します", "返金"),
        ("ja", "返金しなければなりません", "返金"),
        ("ja", "返金しますが、交換はできません", "返金"),
        ("ja", "返金しますので問題ありません", "返金"),
        ("ko", "환불 문제 없습니다", "환불"),
        ("ko", "환불 가능합니다, 교환은 안 됩니다", "환불"),
        ("ko", "안녕하세요 환불 도와드리겠습니다", "환불"),
        ("tr", "Tamam iade ediyoruz", "iade"),
        ("tr", "iade tamam", "iade"),
        ("tr", "iade ediyoruz ama değişim yapamıyoruz", "iade"),
        ("tr", "Sorun değil, iade edeceğim", "iade"),
        ("hi", "कोई बात नहीं, रिफंड कर देंगे", "रिफंड"),
        ("hi", "हम रिफंड कर देंगे लेकिन बदल नहीं सकते", "रिफंड"),
        ("vi", "Bạn có muốn hoàn tiền không?", "hoàn tiền"),
        ("vi", "Không sao, chúng tôi sẽ hoàn tiền", "hoàn tiền"),
        ("th", "คืนเงินไม่เกิน 7 วัน", "คืนเงิน"),
        ("th", "ไม่เป็นไรค่ะ เราจะคืนเงินให้", "คืนเงิน"),
        ("he", "אין בעיה תקבל החזר", "החזר"),
        ("pl", "Nie ma problemu dokonamy zwrotu", "zwrotu"),
        ("de", "wir können das noch erstatten", "erstatten"),
        ("es", "de nada le reembolso hoy", "reembolso"),
        ("en", "plus Ms Chang can refund that", "refund"),
    ],
)  # fmt: skip
def test_a_promise_is_no_refusal_in_any_of_the_languages(language: str, text: str, phrase: str) -> None:
    assert heard(a_conversation(("agent", text), language=language), {"phrase": [phrase]})


def test_reasons_speak_the_rubrics_language() -> None:
    for language, word in (("en", "turn 0"), ("es", "turno 0"), ("fa", "نوبت 0"), ("zh", "第 0 轮"), ("de", "turn 0")):
        rubric = a_rubric(
            an_item("it", cues={"rules": [{"when": {"phrase": ["ok"]}, "answer": "yes"}]}), language=language
        )
        result = judge_by_cues(a_conversation("agent: ok"), rubric, rubric.items)["it"]
        assert word in result.reason


# ── Speakers, turns and order ───────────────────────────────────────────────────────────────────────────────────


def test_the_wrong_speaker_is_a_near_miss() -> None:
    conversation = a_conversation("agent: Hello", "customer: thank you for calling")

    result = judged(conversation, {"phrase": ["thank you for calling"], "speaker": "agent"})

    assert isinstance(result, Answered)
    assert result.answer == "no"
    assert result.searched is not None
    assert result.searched.turns == (0,)
    assert result.searched.nearest[0].participant == "customer"


def test_first_and_last_turns_count_among_the_speakers_own() -> None:
    conversation = a_conversation(
        "customer: hi", "customer: anyone?", "agent: hello", "agent: goodbye", "customer: bye", "customer: bye"
    )

    assert heard(conversation, {"phrase": ["hello"], "speaker": "agent", "first_turns": 1})
    assert not heard(conversation, {"phrase": ["goodbye"], "speaker": "agent", "first_turns": 1})
    assert heard(conversation, {"phrase": ["goodbye"], "speaker": "agent", "last_turns": 1})
    assert not heard(conversation, {"phrase": ["hello"], "speaker": "agent", "last_turns": 1})
    assert not heard(conversation, {"phrase": ["hello"], "first_turns": 2})


def a_transfer(**changes: object) -> Conversation:
    return a_conversation(
        "agent-1: Hello, this is Ana.",
        "customer: Hi",
        "agent-1: I will transfer you.",
        "agent-2: Goodbye and thanks.",
        **changes,
    )


def test_after_a_transfer_only_the_evaluated_agent_counts() -> None:
    greeting = {"phrase": ["hello"], "speaker": "agent"}

    assert heard(a_transfer(evaluated_agent="agent-1"), greeting)
    assert not heard(a_transfer(evaluated_agent="agent-2"), greeting)
    assert heard(a_transfer(evaluated_agent="agent-2"), greeting, focus="contact")
    assert heard(a_transfer(), greeting)
    assert judged(a_transfer(evaluated_agent="agent-2"), greeting).searched.turns == (3,)


@pytest.mark.parametrize(
    "cue",
    [
        {"phrase": ["this is ana"]},
        {"pattern": ["this is \\w+"]},
        {"supplied": "name", "speaker": "any"},
        {"cue": {"phrase": ["hi"]}, "after": {"phrase": ["this is ana"]}},
        {"phrase": ["this is ana"], "first_turns": 1},
        {"all": [{"phrase": ["hi"]}, {"phrase": ["this is ana"]}]},
    ],
    ids=["phrase", "pattern", "supplied", "ordered", "first turns", "joined"],
)
def test_a_colleagues_words_are_nobodys_where_any_speaker_counts(cue: dict[str, object]) -> None:
    words = ["agent-1: Hello, this is Ana.", "customer: Hi", "agent-2: Goodbye and thanks.", "customer: Hi again"]

    assert heard(a_conversation(*words, evaluated_agent="agent-1"), cue)
    assert not heard(a_conversation(*words, evaluated_agent="agent-2"), cue)
    assert heard(a_conversation(*words, evaluated_agent="agent-2"), cue, focus="contact")
    assert heard(a_conversation(*words), cue)


def test_customers_and_bots_are_heard_whoever_is_evaluated() -> None:
    conversation = a_conversation(
        "bot: Welcome to the bank.",
        "customer: Good morning",
        "agent-1: Hello",
        "agent-2: Bye",
        evaluated_agent="agent-2",
    )

    assert heard(conversation, {"phrase": ["welcome"]})
    assert heard(conversation, {"phrase": ["good morning"]})
    assert not heard(conversation, {"phrase": ["hello"]})


def test_a_colleagues_quote_does_not_satisfy_an_evidence_rule_for_any_speaker() -> None:
    result = judged(a_transfer(evaluated_agent="agent-2"), {"phrase": ["hello"]}, evidence={"speaker": "any"})

    assert isinstance(result, Answered)
    assert (result.answer, result.evidence) == ("no", ())
    assert result.searched is not None
    assert result.searched.turns == (1, 3)


@pytest.mark.parametrize("evaluated", ["agent-1", "agent-2"])
def test_joined_turns_are_not_shared_between_whose_agents_count(evaluated: str) -> None:
    words = [f"agent-{1 + number % 2}: word {number}" for number in range(12)]
    pattern = {"pattern": ["word 3$"], "speaker": "agent", "first_turns": 4}
    items = [
        an_item(focus, focus=focus, cues={"rules": [{"when": pattern, "answer": "yes"}], "otherwise": "no"})
        for focus in ("contact", "evaluated_agent")
    ]
    rubric = a_rubric(*items)
    results = judge_by_cues(a_conversation(*words, evaluated_agent=evaluated), rubric, rubric.items)

    assert [result.answer for result in results.values()] == ["yes", "yes" if evaluated == "agent-2" else "no"]


def test_a_bot_is_the_agent_where_no_person_served() -> None:
    conversation = a_conversation("bot: hello", "customer: hi")

    assert heard(conversation, {"phrase": ["hello"], "speaker": "agent"})
    assert heard(conversation, {"phrase": ["hello"], "speaker": "agent"}, focus="contact")
    assert heard(conversation, {"phrase": ["hello"], "speaker": "bot"})


def test_order_counts_only_what_comes_before_or_after_the_anchor() -> None:
    conversation = a_conversation(
        "agent: pin please", "customer: 1234", "agent: your balance is 9", "agent: sorry pin please"
    )
    ask, tell = {"phrase": ["pin please"]}, {"phrase": ["your balance is"]}

    assert heard(conversation, {"cue": ask, "before": tell})
    assert heard(conversation, {"cue": ask, "after": tell})
    assert not heard(conversation, {"cue": tell, "before": ask})
    assert heard(conversation, {"cue": ask, "before": {"phrase": ["never said"]}})
    assert not heard(conversation, {"cue": ask, "after": {"phrase": ["never said"]}})
    assert heard(conversation, {"cue": {"none": [tell]}, "before": tell})


def test_order_within_one_turn_is_order_of_words() -> None:
    conversation = a_conversation("agent: first the pin then the balance")

    assert heard(conversation, {"cue": {"phrase": ["the pin"]}, "before": {"phrase": ["the balance"]}})
    assert not heard(conversation, {"cue": {"phrase": ["the balance"]}, "before": {"phrase": ["the pin"]}})


def test_within_turns_limits_the_distance() -> None:
    conversation = a_conversation(
        "customer: it broke", "agent: ok", "agent: one moment", "agent: so sorry to hear that"
    )
    cue = {"cue": {"phrase": ["sorry"]}, "after": {"phrase": ["broke"]}}

    assert heard(conversation, cue | {"within_turns": 3})
    assert not heard(conversation, cue | {"within_turns": 2})
    assert heard(conversation, {"cue": {"phrase": ["broke"]}, "before": {"phrase": ["sorry"]}, "within_turns": 3})
    assert not heard(conversation, {"cue": {"phrase": ["broke"]}, "before": {"phrase": ["sorry"]}, "within_turns": 2})


def test_an_all_anchor_is_reached_when_its_last_part_is() -> None:
    conversation = a_conversation("customer: name", "agent: early", "customer: number", "agent: late")
    both = {"all": [{"phrase": ["name"]}, {"phrase": ["number"]}]}

    assert not heard(conversation, {"cue": {"phrase": ["early"]}, "after": both})
    assert heard(conversation, {"cue": {"phrase": ["late"]}, "after": both})
    assert heard(conversation, {"cue": {"phrase": ["early"]}, "before": both})


@pytest.mark.parametrize(
    ("cue", "expected"),
    [
        ({"any": [{"phrase": ["red"]}, {"phrase": ["pink"]}]}, True),
        ({"all": [{"phrase": ["red"]}, {"phrase": ["pink"]}]}, False),
        ({"none": [{"phrase": ["pink"]}, {"phrase": ["grey"]}]}, True),
        ({"none": [{"phrase": ["red"]}]}, False),
        ({"at_least": 2, "of": [{"phrase": ["red"]}, {"phrase": ["blue"]}, {"phrase": ["pink"]}]}, True),
        ({"at_least": 3, "of": [{"phrase": ["red"]}, {"phrase": ["blue"]}, {"phrase": ["pink"]}]}, False),
        ({"ref": "colour"}, True),
        ({"all": [{"ref": "colour"}, {"none": [{"ref": "nothing"}]}]}, True),
    ],
)
def test_combinators(cue: dict[str, object], expected: bool) -> None:
    item = an_item(
        "it", evidence={"min_quotes": 0}, cues={"rules": [{"when": cue, "answer": "yes"}], "otherwise": "no"}
    )
    rubric = a_rubric(item, cues={"colour": {"phrase": ["red"]}, "nothing": {"phrase": ["pink"]}})

    result = judge_by_cues(a_conversation("agent: red and blue"), rubric, rubric.items)["it"]

    assert isinstance(result, Answered)
    assert (result.answer == "yes") is expected


def test_nothing_in_quoted_history_counts() -> None:
    text = "I will look into it.\n> I can refund that\n> 1234 is my pin"
    quoted = QuotedSpan(start=text.index(">"), end=len(text))
    conversation = Conversation(
        id="m",
        channel="email",
        participants=(Participant(id="agent", role="agent"),),
        turns=(Turn(participant="agent", text=text, quoted=(quoted,)),),
    )

    assert not heard(conversation, {"phrase": ["refund that"]})
    assert not heard(conversation, {"pattern": ["refund"]})
    assert not heard(conversation, {"pattern": ["it\\..+I can"]})
    assert not heard(conversation, {"supplied": "number", "digits": [4, 4], "speaker": "agent"})
    assert heard(conversation, {"phrase": ["look into it"]})


def test_a_phrase_does_not_join_what_quoted_text_parts() -> None:
    text = "I can > xx refund that"
    conversation = Conversation(
        id="m",
        channel="email",
        participants=(Participant(id="agent", role="agent"),),
        turns=(Turn(participant="agent", text=text, quoted=(QuotedSpan(start=6, end=11),)),),
    )

    assert not heard(conversation, {"phrase": ["can refund"]})


# ── Patterns ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pattern_is_found_with_true_offsets() -> None:
    conversation = a_conversation("customer: hi", "agent: Ticket #12-34 — it’s done", "customer: thanks")

    result = judged(conversation, {"pattern": [r"#\d\d-\d\d", r"it's \w+"], "speaker": "agent"})

    assert [one.quote for one in result.evidence] == ["#12-34", "it’s done"]


def test_anchors_and_lookarounds_see_one_turn_only() -> None:
    conversation = a_conversation("agent: one", "agent: two", "agent: three", "agent: four")

    assert heard(conversation, {"pattern": ["^three$"]})
    assert heard(conversation, {"pattern": [r"^t\w+e$"]})
    assert not heard(conversation, {"pattern": [r"^two\n"]})
    assert heard(a_conversation("agent: a", "agent: two", "agent: b\ntwo"), {"pattern": [r"^two$"], "last_turns": 2})
    assert not heard(a_conversation("agent: a", "agent: b", "agent: b\ntwo\nc"), {"pattern": [r"^two$"]})
    assert heard(conversation, {"pattern": [r"two(?!$)|three"]})
    assert heard(conversation, {"pattern": [r"two(?!.)"]})
    assert heard(conversation, {"pattern": [r"two(?!\s)"]})
    assert not heard(conversation, {"pattern": [r"two\s+three"]})
    assert not heard(conversation, {"pattern": [r"two[\s\S]*three"]})
    assert heard(conversation, {"pattern": [r"t[\s\S]*e"]})
    assert heard(conversation, {"pattern": [r"(?b)(?:thrree){e<=1}"]})


def test_patterns_may_respect_negation() -> None:
    cue = {"pattern": [r"refund \w+"], "negated": "reject"}

    assert heard(a_conversation("agent: I refund that"), cue)
    assert not heard(a_conversation("agent: I don't refund that"), cue)
    assert heard(a_conversation("agent: I don't refund that"), {"pattern": [r"refund \w+"]})


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:a+)+$",
        r"(a|aa)+$",
        r"(\w*\s*)*!x",
        r"(?:.*,){25}x",
        r"(x+x+)+y",
        r"(?:(?:a{1,99}){1,99})$",
        r"(?:aaaaaaaa){e<=7}b{9}$",
    ],
)
def test_a_hostile_pattern_leaves_the_item_unscored_or_answered_but_never_hangs(pattern: str) -> None:
    conversation = a_conversation(*(("agent", "a" * 3000 + "x" * 200 + ", " * 200 + "b") for _ in range(8)))
    started = time.monotonic()

    result = judge_by_cues(conversation, *_with_pattern(pattern))["it"]

    assert time.monotonic() - started < 3
    assert isinstance(result, Answered | Unscored)


@pytest.mark.parametrize(
    "pattern",
    ["(", "[z-a]", r"\p{Nope}", "(?P<n>a)(?P<n", "a{999}{999}{999}", "((a{1,999}){1,999}){1,999}", "x" * 5000],
)
def test_a_pattern_that_cannot_be_used_leaves_only_its_item_unscored(pattern: str) -> None:
    result = judge_by_cues(a_conversation("agent: hello"), *_with_pattern(pattern))["it"]

    assert isinstance(result, Unscored)
    assert result.unscored_reason == "needs_model_or_person"


def test_a_timed_out_pattern_does_not_hide_what_another_cue_proves() -> None:
    conversation = a_conversation("agent: " + "a" * 5000 + "! hello")
    slow, quick = {"pattern": ["(a|a|aa)+$"]}, {"phrase": ["hello"]}

    assert heard(conversation, {"any": [slow, quick]})
    assert isinstance(judged(conversation, {"all": [slow, quick]}), Unscored)
    assert isinstance(judged(conversation, {"none": [slow]}), Unscored)


def test_many_hostile_patterns_share_one_budget() -> None:
    items = [
        an_item(
            f"i{n}", cues={"rules": [{"when": {"pattern": [f"(a|aa|a{n})+$"]}, "answer": "yes"}], "otherwise": "no"}
        )
        for n in range(30)
    ]
    rubric = a_rubric(*items)
    started = time.monotonic()

    results = judge_by_cues(a_conversation("agent: " + "a" * 5000 + "!"), rubric, rubric.items)

    assert time.monotonic() - started < 3
    assert any(isinstance(result, Unscored) for result in results.values())


def _with_pattern(pattern: str):
    item = an_item("it", cues={"rules": [{"when": {"pattern": [pattern]}, "answer": "yes"}], "otherwise": "no"})
    rubric = a_rubric(item)
    return rubric, rubric.items


# ── Values ──────────────────────────────────────────────────────────────────────────────────────────────────────

PIN = {
    "supplied": "number",
    "digits": [4, 6],
    "asked_by": {"phrase": ["your pin"], "speaker": "agent"},
    "said_with": ["pin"],
}


@pytest.mark.parametrize(
    "reply",
    [
        "1234",
        "12 34",
        "it's 1-2-3-4",
        "one two three four",
        "um one, two, three, four",
        "one two... uh three four",
        "12, um, 34",
        "double one three four",
        "twelve thirty four",
        "Sure! It is 1234, keep it secret",
        "It might be 1234",
        "۱۲۳۴",
        "my pin is 1234",
        "[PIN]",
        "****",
    ],
)
def test_a_number_is_given_in_figures_words_groups_or_redacted(reply: str) -> None:
    assert heard(a_conversation("agent: Your PIN please?", ("customer", reply)), PIN)


@pytest.mark.parametrize(
    "reply",
    [
        "I forgot it",
        "why do you ask?",
        "I lost $1234",
        "I am 93 years old",
        "someone took 1500 dollars",
        "it was on 12/04/1990",
        "at 12:30 pm",
        "123456789",
        "I'd rather not say",
        "my account number is 1234567",
    ],
)
def test_refusals_amounts_dates_and_other_numbers_are_no_pin(reply: str) -> None:
    assert not heard(a_conversation("agent: Your PIN please?", ("customer", reply)), PIN)


def test_a_value_may_be_volunteered_or_come_after_a_detour() -> None:
    assert heard(a_conversation("customer: Hi, my PIN is 1234", "agent: thanks"), PIN)
    assert heard(a_conversation("customer: I know it, 1234 is my pin"), PIN)
    assert heard(
        a_conversation("agent: your PIN?", "customer: who are you?", "agent: The bank.", "customer: Oh. It's 1234"), PIN
    )
    assert not heard(a_conversation("customer: I saw 1234 birds"), PIN)


def test_a_value_that_is_labelled_as_something_else_fills_nothing_here() -> None:
    account = PIN | {
        "digits": [4, 12],
        "asked_by": {"phrase": ["account number"]},
        "said_with": ["account number", "account"],
    }
    items = [
        an_item(name, cues={"rules": [{"when": cue, "answer": "yes"}], "otherwise": "no"})
        for name, cue in (("pin", PIN), ("account", account))
    ]
    rubric = a_rubric(*items)

    def given_in(*lines: str) -> set[str]:
        results = judge_by_cues(a_conversation(*lines), rubric, rubric.items)
        return {name for name, result in results.items() if isinstance(result, Answered) and result.answer == "yes"}

    assert given_in("agent: account number?", "customer: I forgot, but my PIN is 7402") == {"pin"}
    assert given_in("agent: account number?", "customer: 740211") == {"account"}
    assert given_in("customer: my account number is 740211, 3100 is my pin") == {"pin", "account"}


def test_the_agent_reading_a_number_is_not_the_customer_giving_it() -> None:
    assert not heard(a_conversation("agent: your PIN is 1234", "customer: ok"), PIN)


DATE = {"supplied": "date", "asked_by": {"phrase": ["date of birth"]}, "said_with": ["born", "birthday", "dob"]}


@pytest.mark.parametrize(
    "reply",
    [
        "29/02/1980", "2-29-80", "1980.02.29", "29 Feb 1980", "February 29th, 1980", "Feb 29 '80", "the 29th of february 1980",
        "february twenty ninth nineteen eighty", "29 de febrero de 1980", "1980年2月29日", "۱۳۵۸/۱۲/۱۰", "10 اسفند 1358",
        "29021980", "sure, 29/02/1980 and my pet was Rex", "29 2 80", "two twenty-nine nineteen eighty", "29. Mai 1980",
    ],
)  # fmt: skip
def test_dates_come_in_many_forms(reply: str) -> None:
    assert heard(a_conversation("agent: Your date of birth?", ("customer", reply)), DATE)


@pytest.mark.parametrize("reply", ["in june", "1980", "29/02", "I am 93", "too long ago, dear", "why?", "77777777"])
def test_half_a_date_is_no_date(reply: str) -> None:
    assert not heard(a_conversation("agent: Your date of birth?", ("customer", reply)), DATE)


def test_a_date_of_something_else_is_not_volunteered_as_a_birthday() -> None:
    assert heard(a_conversation("customer: I was born on 3 May 1980"), DATE)
    assert not heard(a_conversation("customer: It was charged on 3 May 2020"), DATE)


NAME = {"supplied": "name", "words": [2, 5], "asked_by": {"phrase": ["your full name"], "speaker": "agent"}}


@pytest.mark.parametrize(
    "reply",
    [
        "Jane Doe", "jane doe", "JANE DOE", "Sure, it's Jane Doe.", "yes my name is jane doe", "Jane Doe, please help me",
        "Oh, I'm Jane, Jane Doe", "Jane Doe and my account number is 12345", "Jane Marie van der Berg", "Zoë Łukasz-Ñandú",
        "علی رضایی", "李小明", "我叫李小明", "[NAME]", "this is Jane Doe speaking", "Jane doe my pin is 1234",
    ],
)  # fmt: skip
def test_names_are_given_in_many_ways(reply: str) -> None:
    assert heard(a_conversation("agent: May I have your full name?", ("customer", reply)), NAME)


@pytest.mark.parametrize(
    "reply",
    [
        "Why do you need it?",
        "I forgot",
        "My what?",
        "Sorry, wait, let me check",
        "no",
        "who are you",
        "12345",
        "I am so angry",
        "Jane",
        "Monday",
    ],
)
def test_what_is_no_full_name_is_not_taken_for_one(reply: str) -> None:
    assert not heard(a_conversation("agent: May I have your full name?", ("customer", reply)), NAME)


def test_a_name_may_be_volunteered() -> None:
    assert heard(a_conversation("customer: Hi, I'm Jane Doe and I lost my card"), NAME)
    assert not heard(a_conversation("customer: I am losing money"), NAME)


PET = {
    "supplied": "word",
    "asked_by": {"phrase": ["pet you had"], "speaker": "agent"},
    "said_with": ["pet", "pet's name", "dog"],
}


@pytest.mark.parametrize(
    "reply",
    [
        "Nemo", "nemo!", "It was Nemo, rest his soul", "Its Nemo", "Nemo, I think", "I had a goldfish named Nemo", "Nemo is my dog",
        "my pet's name was Nemo", "ha nemo! such a good boi", "Nemo - I miss him", "umm, Nemo maybe", "小白", "اسمش نمو بود",
    ],
)  # fmt: skip
def test_a_word_answers_a_question(reply: str) -> None:
    assert heard(a_conversation("agent: What was the pet you had as a child?", ("customer", reply)), PET)


@pytest.mark.parametrize(
    "reply",
    [
        "I don't remember", "why would you need that?", "Who are you?", "What?", "I have to get to the root of this",
        "Wouldn't it be faster to ask me my PIN?", "no idea", "yes", "My pin is 9503", "I'm confused", "我忘了", "یادم نیست",
        "Could it be something else that I should have told you some years ago",
    ],
)  # fmt: skip
def test_refusals_counter_questions_and_chatter_are_no_answer(reply: str) -> None:
    assert not heard(a_conversation("agent: What was the pet you had as a child?", ("customer", reply)), PET)


@pytest.mark.parametrize(
    "text",
    [
        "12/" * 40_000,
        "nineteen " * 15_000,
        "my pin is 1234 " * 10_000,
        "1 2 3 4 " * 15_000,
        "Jane Doe " * 15_000,
        "is " * 40_000,
    ],
)
def test_a_hostile_turn_is_read_within_bounds(text: str) -> None:
    conversation = a_conversation(("customer", text), "agent: your pin, your full name, date of birth and pet you had?")
    cue = {"at_least": 5, "of": [PIN, DATE, NAME, PET, {"supplied": "email"}, {"supplied": "phone"}]}
    started = time.monotonic()

    judged(conversation, cue)

    assert time.monotonic() - started < 10


def test_what_a_turn_too_long_to_read_does_not_show_is_unknown_and_not_absent() -> None:
    long = a_conversation("agent: your pin?", ("customer", "well " * 5_000 + " 1234"))

    assert isinstance(judged(long, PIN), Unscored)


def test_two_words_asked_for_at_once_are_told_apart_by_order() -> None:
    maiden = {"supplied": "word", "asked_by": {"phrase": ["maiden name"]}, "said_with": ["maiden name"]}
    both = {"all": [maiden, PET]}
    ask = "agent: Your mother's maiden name and the pet you had?"

    assert heard(a_conversation(ask, "customer: Sanchez and Nemo"), both)
    assert heard(a_conversation(ask, "customer: Sanchez Nemo"), both)
    assert not heard(a_conversation(ask, "customer: Nemo"), both)


@pytest.mark.parametrize("between", [None, "ok", "Thanks.", "and?", "Got it, thank you", "mm-hmm"])
@pytest.mark.parametrize(
    "replies",
    [
        ("Jane Doe", "May 5, 1990", "Miller", "Nemo"),
        ("jane doe", "05/05/1990", "miller", "nemo"),
        ("Jane Doe", "5th of May 1990", "Van Buren", "Mr Whiskers"),
        ("Jane Doe", "May 5th 1990", "my pet was Nemo", "Miller"),
        ("Jane Doe, 1990-05-05", "Miller", "Nemo"),
        ("Jane Doe", "1990-05-05", "Miller and Nemo"),
    ],
)
def test_a_combined_question_stays_open_over_several_messages(replies: tuple[str, ...], between: str | None) -> None:
    words = [line for reply in replies for line in (f"customer: {reply}", between and f"agent: {between}") if line]

    assert heard(a_conversation(COMBINED_QUESTION, *words), ALL_FOUR)


@pytest.mark.parametrize("missing", range(4))
@pytest.mark.parametrize("instead", [None, "I forgot that one"])
def test_what_a_combined_question_did_not_get_is_not_made_up(missing: int, instead: str | None) -> None:
    replies: list[str | None] = ["Jane Doe", "May 5, 1990", "Van Buren", "Mr Whiskers"]
    replies[missing] = instead

    assert not heard(a_conversation(COMBINED_QUESTION, *(f"customer: {reply}" for reply in replies if reply)), ALL_FOUR)


COMBINED_QUESTION = "agent: I need your full name, date of birth, mother's maiden name and your pet's name."
ALL_FOUR = {
    "all": [
        {"supplied": "name", "words": [2, 6], "asked_by": {"phrase": ["your full name"]}},
        {"supplied": "date", "asked_by": {"phrase": ["date of birth"]}, "said_with": ["born"]},
        {"supplied": "word", "asked_by": {"phrase": ["maiden name"]}, "said_with": ["maiden name"]},
        {"supplied": "word", "asked_by": {"phrase": ["pet's name"]}, "said_with": ["pet"]},
    ]
}


def test_mail_addresses_and_telephone_numbers() -> None:
    for text in ("it's jane.doe@example.org", "jane dot doe at example dot org", "[EMAIL]"):
        assert heard(a_conversation(("customer", text)), {"supplied": "email"})
    for text in ("+1 (555) 123-4567", "555.123.4567", "five five five one two three four five six seven"):
        assert heard(a_conversation(("customer", text)), {"supplied": "phone"})
    assert not heard(a_conversation("customer: I paid $1,234.50 at noon"), {"supplied": "phone"})
    assert not heard(a_conversation("customer: I am at home"), {"supplied": "email"})


# ── Judging ─────────────────────────────────────────────────────────────────────────────────────────────────────


def result_of(conversation: Conversation, **item: object) -> ItemResult:
    rubric = a_rubric(an_item("it", **item))
    return judge_by_cues(conversation, rubric, rubric.items)["it"]


def test_not_applicable_is_decided_first_and_names_the_searched_turns() -> None:
    cues = {
        "applicable": {"phrase": ["on hold"], "speaker": "agent"},
        "rules": [{"when": {"phrase": ["thank you for holding"]}, "answer": "yes"}],
        "otherwise": "no",
        "reasons": {"not_applicable": "Nobody was put on hold."},
    }

    result = result_of(a_conversation("agent: hi", "customer: thank you for holding"), cues=cues)

    assert isinstance(result, NotApplicable)
    assert (result.decided_by, result.reason) == ("judge", "Nobody was put on hold.")
    assert result.searched is not None
    assert result.searched.turns == (0,)


def test_an_item_that_always_applies_ignores_its_applicability_cue() -> None:
    cues = {"applicable": {"phrase": ["x"]}, "rules": [{"when": {"phrase": ["y"]}, "answer": "yes"}], "otherwise": "no"}

    result = result_of(a_conversation("agent: z"), cues=cues, not_applicable="never")

    assert isinstance(result, Answered)


def test_what_cues_do_not_settle_stays_unscored() -> None:
    bare = result_of(a_conversation("agent: hi"))
    silent = result_of(a_conversation("agent: hi"), cues={"rules": [{"when": {"phrase": ["x"]}, "answer": "yes"}]})
    both_ways = result_of(
        a_conversation("agent: hi"), cues={"rules": [{"when": {"phrase": ["hi"]}, "answer": "unscored"}]}
    )

    assert [r.unscored_reason for r in (bare, silent, both_ways) if isinstance(r, Unscored)] == [
        "needs_model_or_person",
        "needs_model_or_person",
        "undecided",
    ]


def test_an_answer_without_the_quotes_that_its_item_demands_is_unscored_and_proposed() -> None:
    cues = {"rules": [{"when": {"none": [{"phrase": ["rude"]}]}, "answer": "yes"}]}

    result = result_of(a_conversation("agent: hi"), cues=cues)
    allowed = result_of(a_conversation("agent: hi"), cues=cues, evidence={"absence": ["yes"]})

    assert isinstance(result, Unscored)
    assert (result.unscored_reason, result.proposed) == ("evidence_missing", "yes")
    assert isinstance(allowed, Answered)
    assert allowed.searched is not None


def test_quotes_of_the_wrong_speaker_do_not_satisfy_the_evidence_rule() -> None:
    cues = {"rules": [{"when": {"phrase": ["hello"]}, "answer": "yes"}], "otherwise": "no"}

    result = result_of(a_conversation("customer: hello", "agent: hm"), cues=cues, evidence={"speaker": "agent"})

    assert isinstance(result, Unscored)
    assert result.unscored_reason == "evidence_missing"


def test_the_first_rule_that_holds_gives_the_answer() -> None:
    cues = {
        "rules": [
            {"when": {"phrase": ["excellent"]}, "answer": 3},
            {"when": {"phrase": ["good"]}, "answer": 2},
            {"when": {"phrase": ["excellent", "good", "bad"]}, "answer": 1},
        ]
    }
    scale = {"type": "scale", "levels": [{"value": n, "anchor": str(n)} for n in (1, 2, 3)]}

    answers = [
        result_of(a_conversation(("agent", text)), cues=cues, answer=scale)
        for text in ("good", "excellent good", "bad")
    ]

    assert [one.answer for one in answers if isinstance(one, Answered)] == [2, 3, 1]


def test_multi_choice_collects_every_rule_that_holds_in_the_order_of_the_form() -> None:
    options = [{"id": i, "label": i} for i in ("name", "number", "reason")]
    cues = {
        "rules": [
            {"when": {"phrase": ["because"]}, "answer": ["reason"]},
            {"when": {"phrase": ["i am"]}, "answer": ["name"]},
            {"when": {"phrase": ["ticket"]}, "answer": ["number"]},
        ],
        "otherwise": [],
    }
    answer = {"type": "multi_choice", "options": options}

    some = result_of(a_conversation("agent: I am Ana, because"), cues=cues, answer=answer)
    none = result_of(a_conversation("agent: hm"), cues=cues, answer=answer)

    assert isinstance(some, Answered)
    assert some.answer == ("name", "reason")
    assert isinstance(none, Answered)
    assert none.answer == ()


def test_reasons_are_sentences_and_can_be_the_rubrics_own() -> None:
    cues = {"rules": [{"when": {"phrase": ["hello"], "speaker": "agent"}, "answer": "yes"}], "otherwise": "no"}
    own = cues | {"reasons": {"yes": "Greeted."}}

    assert result_of(a_conversation("agent: hello"), cues=cues).reason == "Found “hello” in turn 0 (agent)."
    assert (
        result_of(a_conversation("agent: hm"), cues=cues).reason
        == "What was looked for was not said (cues: 1, turns searched: 1)."
    )
    assert result_of(a_conversation("agent: hello"), cues=own).reason == "Greeted."


def test_confidence_ranks_by_how_well_the_words_fit() -> None:
    cue = {"phrase": ["refund that charge"]}
    exact = judged(a_conversation("agent: refund that charge"), cue)
    typo = judged(a_conversation("agent: refnud that charge"), cue)

    assert isinstance(exact, Answered)
    assert isinstance(typo, Answered)
    assert exact.confidence.raw > typo.confidence.raw
    assert exact.confidence.source == "cue_match"


def test_times_of_the_turn_reach_the_evidence() -> None:
    conversation = Conversation(
        id="v",
        channel="voice",
        participants=(Participant(id="a", role="agent"),),
        turns=(Turn(participant="a", text="hello", start=1.5, end=2.0),),
    )

    evidence = judged(conversation, {"phrase": ["hello"]}).evidence[0]

    assert (evidence.start_seconds, evidence.end_seconds) == (1.5, 2.0)


def test_the_same_conversation_always_gives_the_same_result() -> None:
    conversation = a_conversation("agent: hello there", "customer: my pin is 1234", "agent: your balance is 5")
    rubric = a_rubric(an_item("it", cues={"rules": [{"when": {"any": [PIN, {"phrase": ["hello"]}]}, "answer": "yes"}]}))

    results = [judge_by_cues(conversation, rubric, rubric.items) for _ in range(3)]

    assert results[0] == results[1] == results[2]


@given(
    texts=st.lists(st.text(max_size=60), min_size=1, max_size=5),
    phrase=st.text(min_size=1, max_size=12),
)
def test_whatever_is_said_evidence_is_a_true_slice(texts: list[str], phrase: str) -> None:
    conversation = a_conversation(*[("agent" if n % 2 else "customer", text) for n, text in enumerate(texts)])
    cue = {
        "any": [
            {"phrase": [phrase], "negated": "accept"},
            {"pattern": [r"\w+"]},
            PIN,
            DATE,
            NAME,
            PET,
            {"supplied": "email"},
        ]
    }

    judged(conversation, cue, evidence={"min_quotes": 0})


@given(before=st.text(max_size=30), after=st.text(max_size=30))
def test_a_phrase_said_verbatim_between_sentences_is_always_found(before: str, after: str) -> None:
    conversation = a_conversation(("agent", f"{before}. \nquality assurance matters\n. {after}"))

    assert heard(conversation, {"phrase": ["quality assurance matters"]})


def test_a_cue_that_is_none_of_the_known_kinds_is_refused_with_its_place() -> None:
    raw = a_rubric(an_item()).model_dump(mode="json", exclude_defaults=True)
    raw["sections"][0]["items"][0]["cues"] = {"rules": [{"when": {"sounds_like": "hello"}, "answer": "yes"}]}

    with pytest.raises(RubricRejected):
        parse_rubric(raw)


# ── Silence proves nothing ──────────────────────────────────────────────────────────────────────────────────────


def test_where_the_agent_says_nothing_no_answer_rests_on_that() -> None:
    alone = a_conversation("customer: My order is missing.")

    missed = judged(alone, {"phrase": ["sorry"], "speaker": "agent"})
    kept_out = judged(
        alone,
        {"phrase": ["sorry"]},
        cues={"applicable": {"phrase": ["refund"]}, "rules": [], "reasons": {"unscored": "An apology stands there."}},
    )

    for result in (missed, kept_out):
        assert isinstance(result, Unscored)
        assert (result.unscored_reason, result.reason) == ("undecided", "The agent says nothing in this contact.")


def test_what_had_no_turn_to_stand_in_is_not_missing() -> None:
    alone = a_conversation("agent: Hello?", "agent: Are you there?")

    result = judged(alone, {"phrase": ["yes"], "speaker": "customer"}, focus="contact")

    assert isinstance(result, Unscored)
    assert result.reason == "Nobody spoke in the turns where this could stand."


def test_a_hidden_anchor_is_no_evidence() -> None:
    call = a_conversation("agent: Thank you for calling.", "customer: Hi.", "agent: Thank you, goodbye.")
    cue = {"cue": {"phrase": ["thank you"], "speaker": "agent"}, "after": {"phrase": ["hi"], "speaker": "customer"}}

    shown, hidden = judged(call, cue), judged(call, cue | {"anchors": "hidden"})

    assert [one.turn for one in shown.evidence] == [1, 2]
    assert [one.turn for one in hidden.evidence] == [2]
