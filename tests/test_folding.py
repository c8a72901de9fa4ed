"""Folded words keep their place in the untouched text, and only typography is folded away."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.folding import fold_word, squash, tokens
from service.lexicon import NUMBER_WORDS, lexicon_for


def words(text: str) -> list[str]:
    return [token.text for token in tokens(text)]


def denying(text: str, language: str | None = None) -> list[str]:
    found = tokens(text)
    return [found[i].text for i in lexicon_for(language).negations(found)]


def filling(text: str, language: str | None = "en") -> list[str]:
    found = tokens(text)
    lexicon = lexicon_for(language)
    return [token.text for i, token in enumerate(found) if lexicon.filler_at(found, i, text)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I can’t — really", "i cant really"),
        ("STRASSE", "straße"),
        ("cafe\u0301", "CAFÉ"),
        ("ﬁne", "fine"),
        ("１２３ＡＢＣ", "123abc"),
        ("كتاب علي", "کتاب علی"),
        ("مدرسة", "مدرسه"),
        ("أإآٱا", "ااااا"),
        ("مسؤول", "مسوول"),
        ("كِتَـــابٌ", "کتاب"),
        ("می\u200cشود", "می شود"),
        ("۱۲٫۵ ٪", "12.5%"),
        ("٣٤", "34"),
        ("1,500", "1500"),
        ("1'500'000", "1500000"),
        ("“Hello”, she said", "hello she said"),
        ("한국어", unicodedata.normalize("NFD", "한국어")),
        ("が", "か\u3099"),
        ("ｶﾞ", "ガ"),
        ("我，不 行。", "我不行"),
    ],
)
def test_typography_folds_away(one, other):
    assert squash(one).text == squash(other).text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1 5", "15"),
        ("1.50", "150"),
        ("1,50", "150"),
        ("12/05", "1205"),
        ("3:30", "330"),
        ("$5", "€5"),
        ("5%", "5"),
        ("-5", "5"),
        ("10²", "102"),
        ("5½", "5"),
        ("мой", "мои"),
        ("か", "が"),
        ("नहीं", "नह"),
        ("ไม่", "ไม"),
    ],
)
def test_what_makes_another_word_or_number_does_not_fold(one, other):
    assert squash(one).text != squash(other).text


def test_contractions_are_one_word_with_or_without_their_apostrophe():
    assert words("I can't, won’t, isn't and dont") == ["i", "cant", "wont", "isnt", "and", "dont"]


def test_spaceless_scripts_give_one_token_per_character_with_its_marks():
    assert words("我不行15元") == ["我", "不", "行", "15", "元"]
    assert words("ไม่ได้") == ["ไ", "ม่", "ไ", "ด้"]


def test_numbers_keep_what_belongs_to_their_value():
    found = tokens("It is $1,500.50, at 3:30pm on 12/05 or -5 or the 15th, 5.")

    assert [token.text for token in found if token.kind == "number"] == [
        "1500.50",
        "3:30pm",
        "12/05",
        "-5",
        "15th",
        "5",
    ]
    assert [token.text for token in found if token.kind == "sign"] == ["$"]


def test_a_lone_surrogate_emoji_and_crlf_do_not_move_offsets():
    text = "\ud800 Hi 👍🏽\r\nthere\x00 you"

    assert [text[token.start : token.end] for token in tokens(text)] == ["Hi", "there", "you"]


TEXTS = st.text(
    st.sampled_from("aBé’'.,- \r\n15$%٫۱۲نمیكةـ\u200c\u0301ßﬁﷺ한か\u3099我不👍\ud800ไม่½²\x00") | st.characters(),
    max_size=60,
)


@given(TEXTS)
@settings(deadline=None)
def test_every_token_stands_where_it_says(text):
    found = tokens(text)
    places = [token.start for token in found]

    assert places == sorted(places)
    for token in found:
        assert 0 <= token.start < token.end <= len(text)
        assert token.text


@given(TEXTS)
@settings(deadline=None)
def test_squash_maps_every_letter_back_and_reads_like_the_tokens(text):
    squashed = squash(text)

    assert len(squashed.text) == len(squashed.starts) == len(squashed.ends)
    assert all(0 <= s < e <= len(text) for s, e in zip(squashed.starts, squashed.ends, strict=True))
    assert squashed.text.replace(" ", "") == "".join(token.text for token in tokens(text)).replace(" ", "")


@given(TEXTS)
@settings(deadline=None)
def test_canonically_equal_texts_have_equal_words(text):
    assert words(unicodedata.normalize("NFD", text)) == words(unicodedata.normalize("NFC", text))


def test_find_respects_words_and_numbers():
    squashed = squash("He is unable to pay 1,500 or 150 but able to pay 15.")

    assert [squashed.original(*span) for span in squashed.find("able")] == [(37, 41)]
    assert [squashed.original(*span) for span in squashed.find("15")] == [(49, 51)]
    assert not squashed.whole_words(0, 1)


# ── Lexicon ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("language", "text", "negators"),
    [
        ("en", "I can't, dont, cannot, won’t and isnt but not able", ["cant", "dont", "cannot", "wont", "isnt", "not"]),
        ("en", "I can do n't", ["nt"]),
        ("es", "No puedo, nunca, tampoco", ["no", "nunca", "tampoco"]),
        ("fr", "je ne peux pas", ["ne", "pas"]),
        ("de", "das geht leider nicht, keine Chance", ["nicht", "keine"]),
        ("pt-BR", "não posso", ["nao"]),
        ("fa", "نمی‌شود، نمی شود، برنمی‌گردد، نیست", ["نمیشود", "نمی", "برنمیگردد", "نیست"]),
        ("ar", "لا أستطيع ولم أفعل", ["لا", "ولم"]),
        ("zh", "不能，没有，无法，未收到", ["不", "没", "无", "未"]),
        ("zh", "对不起，特别好，没问题，不过差不多，未来，区别", []),
        ("th", "ไม่ได้", ["ไ"]),
        (None, "no puedo, I can't, نمی‌شود, 不能", ["no", "cant", "نمیشود", "不"]),
    ],
)
def test_negators_are_known_in_each_language(language, text, negators):
    assert denying(text, language) == negators


@pytest.mark.parametrize(
    ("language", "text", "fillers"),
    [
        ("en", "Um, I was, uh, charged", ["um", "uh"]),
        ("en", "I would like help, there were like twelve", ["like"]),
        ("en", "you know, I paid. Do you know why?", ["you"]),
        ("es", "Eh, mira, este pago, este, no es mío", ["eh", "este"]),
        ("fa", "خب، من امم پرداخت کردم", ["خب", "امم"]),
        ("zh", "嗯，那个，我的余额", ["嗯", "那"]),
        ("de", "er kann um fünf", []),
    ],
)
def test_fillers_are_fillers_only_where_they_fill(language, text, fillers):
    assert filling(text, language) == fillers


def test_number_words_have_values():
    assert NUMBER_WORDS["en"]["fifteen"] == 15
    assert NUMBER_WORDS["en"]["fifty"] == 50
    assert NUMBER_WORDS["es"][fold_word("dieciséis")] == 16
    assert NUMBER_WORDS["fa"]["پنجاه"] == 50
    assert NUMBER_WORDS["zh"]["万"] == 10_000


@pytest.mark.parametrize(
    ("before", "after", "goes_on"),
    [
        ("one hundred", "and six dollars", True),
        ("twenty", "five", True),
        ("fifteen", "hundred", True),
        ("5", "million", True),
        ("two", "point five", True),
        ("fifteen", "dollars", False),
        ("the fee", "of five", False),
        ("二", "十", True),
    ],
)
def test_a_number_is_known_to_go_on(before, after, goes_on):
    assert lexicon_for("en" if before.isascii() else "zh").continues_number(tokens(before), tokens(after)) is goes_on
