from __future__ import annotations

import time

import pytest

from service.errors import ConversationRejected, RolesUnknown
from service.ingest.html_text import words_of_html
from service.ingest.quoting import quoted_spans
from tests.ingest.reading import read, said, spans

MAIL = (
    "Received: from x by y\r\n"
    "Message-ID: <m-1@example.com>\r\n"
    "Date: Sun, 02 Mar 2025 10:15:00 +0330\r\n"
    "From: =?utf-8?b?2YXYsduM2YU=?= <Maryam@example.com>\r\n"
    "To: Northwind Support <support@northwind.example>\r\n"
    "Subject: =?utf-8?q?Rechnung_f=C3=BCr_M=C3=A4rz?=\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: 8bit\r\n"
    "\r\n"
)


def mail(body: str, head: str = MAIL) -> bytes:
    return (head + body).encode()


def test_a_message_is_one_turn_of_its_sender() -> None:
    conversation = read(mail("سلام،\r\nقبض اشتباه است 😕\r\n"))

    assert said(conversation) == [("customer", "سلام،\r\nقبض اشتباه است 😕\r\n")]
    assert [(p.id, p.role, p.name, p.role_rule) for p in conversation.participants] == [
        ("maryam@example.com", "customer", "مریم", "other_side"),
        ("support@northwind.example", "agent", "Northwind Support", "service_mailbox"),
    ]
    assert (conversation.id, conversation.channel) == ("m-1@example.com", "email")
    assert conversation.metadata["subject"] == "Rechnung für März"
    assert str(conversation.started_at) == "2025-03-02 10:15:00+03:30"
    assert spans(conversation) == [(0, None)]


def test_quoted_history_is_marked_and_kept() -> None:
    body = "Still wrong.\r\n\r\nOn Sat, Mar 1, 2025 at 9:00 AM Northwind Support\r\n<support@northwind.example> wrote:\r\n> We fixed it.\r\n>\r\n\r\nPlease call me.\r\n"
    turn = read(mail(body)).turns[0]

    assert turn.text == body
    (span,) = turn.quoted
    assert turn.text[: span.start] == "Still wrong.\r\n\r\n"
    assert turn.text[span.end :] == "\r\nPlease call me.\r\n"


def test_html_only_mail_gives_its_words_and_marks_quotations() -> None:
    head = MAIL.replace("text/plain", "text/html")
    body = (
        "<html><head><style>p{}</style></head><body><p>Still &amp; <b>wrong</b>.</p><div>Bye<br>M.</div>"
        "<div class='gmail_quote'>On Sat, support wrote:<blockquote>We fixed it.</blockquote></div></body></html>"
    )
    conversation = read(mail(body, head))

    turn = conversation.turns[0]
    own = turn.text[: turn.quoted[0].start]
    assert own == "Still & wrong.\nBye\nM.\n"
    assert "We fixed it." in turn.text[turn.quoted[0].start : turn.quoted[0].end]
    assert "taken from HTML" in conversation.source.notes[0]


def test_an_mbox_is_a_thread_by_date() -> None:
    first = mail("It broke.\n")
    second = mail(
        "How can I help?\n",
        "From: Ann <ann@northwind.example>\nTo: Maryam@example.com\nDate: Sun, 02 Mar 2025 11:15:00 +0330\nSubject: Re\n\n",
    )
    conversation = read(
        b"From x@y Sun Mar  2\n" + second + b"\nFrom x@y Sun Mar  2\n" + first, roles={"@northwind.example": "agent"}
    )

    assert said(conversation) == [("customer", "It broke.\n"), ("agent", "How can I help?\n\n")]
    assert spans(conversation) == [(0, None), (3600, None)]


def test_unknown_parties_are_named() -> None:
    with pytest.raises(RolesUnknown, match=r"“maryam@example\.com”"):
        read(mail("Hello", MAIL.replace("support@", "jo@")))


def test_the_role_map_knows_domains() -> None:
    conversation = read(mail("Hello", MAIL.replace("support@", "jo@")), roles={"@northwind.example": "agent"})

    assert said(conversation) == [("customer", "Hello")]


def test_text_in_another_character_set_is_decoded_strictly() -> None:
    head = MAIL.replace("utf-8\r\nContent-Transfer", "iso-8859-1\r\nContent-Transfer")

    assert read(head.encode() + "Grüße".encode("latin-1")).turns[0].text == "Grüße"
    with pytest.raises(ConversationRejected, match="character set"):
        read(MAIL.encode() + b"caf\xe9")
    with pytest.raises(ConversationRejected, match="character set"):
        read(MAIL.replace("charset=utf-8", "charset=klingon").encode() + b"x")


def test_a_message_without_text_is_refused() -> None:
    with pytest.raises(ConversationRejected, match="no text part"):
        read(mail("xx", MAIL.replace("text/plain", "image/png")))


# ── Quoted history ───────────────────────────────────────────────────────────────────────────────────────────────

OWN = "My own words.\n\n"


@pytest.mark.parametrize(
    "history",
    [
        "> one\n> two\n",
        ">one",
        "On Mon, Mar 3, 2025 at 9:00 AM Ann <ann@x.example> wrote:\n> one\n",
        "    On Friday, September 23, 2022, 9:44:40 PM UTC, Bob <b@example.com> wrote:  \n \n one\ntwo",
        "On 3 Mar 2025, at 09:00, A Person With A Long Name\n<a.person@x.example>\nwrote:\n\none",
        "-----Original Message-----\nFrom: Ann\none",
        "---------- Forwarded message ---------\nFrom: Ann\none",
        "From: Ann <ann@x.example>\nSent: Monday, March 3, 2025 9:00 AM\nTo: Bob\nSubject: Bill\n\none",
        "________________________________\nFrom: Ann\nSent: Monday\nTo: Bob\n\none",
        "*From:* Ann <ann@x.example>\n*Date:* Monday, March 3\n*To:* Bob\n\none",
        "El lun, 3 mar 2025 a las 9:00, Ana (<ana@x.example>) escribió:\n> uno\n",
        "-----Mensaje original-----\nDe: Ana\nuno",
        "De: Ana <ana@x.example>\nEnviado: lunes, 3 de marzo de 2025\nPara: Bob\nAsunto: Factura\n\nuno",
        "Le lun. 3 mars 2025 à 09:00, Anne <anne@x.example> a écrit :\n> un\n",
        "De : Anne\nEnvoyé : lundi 3 mars 2025\nÀ : Bob\nObjet : Facture\n\nun",
        "-----Message d'origine-----\nun",
        "Am Mo., 3. März 2025 um 09:00 Uhr schrieb Anna <anna@x.example>:\n> eins\n",
        "Am 03.03.25 um 09:00 schrieb Anna:\neins",
        "-----Ursprüngliche Nachricht-----\neins",
        "Von: Anna <anna@x.example>\nGesendet: Montag, 3. März 2025\nAn: Bob\nBetreff: Rechnung\n\neins",
        "در دوشنبه ۳ مارس ۲۰۲۵ ساعت ۹:۰۰ آنا <anna@x.example> نوشت:\n> یک\n",
        "\u200fاز: آنا\nارسال شده: دوشنبه ۳ مارس\nبه: باب\nموضوع: قبض\n\nیک",
        "----- پیام اصلی -----\nیک",
        "在 2025年3月3日 星期一 09:00，安娜 <anna@x.example> 写道：\n> 一\n",
        "2025年3月3日 09:00，安娜写道：\n一",
        "发件人: 安娜 <anna@x.example>\n发送时间: 2025年3月3日\n收件人: 鲍勃\n主题: 账单\n\n一",
        "------------------ 原始邮件 ------------------\n一",
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_history_is_found_in_many_languages_and_nothing_of_ones_own(history: str, ends: str) -> None:
    text = (OWN + history).replace("\n", ends)

    (span,) = quoted_spans(text)

    assert text[: span.start] == OWN.replace("\n", ends)
    assert span.end == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hello,\nOn the form he wrote: no thanks.\nBye",
        "From: my point of view this is fine.\nTo be sure, call me.",
        "The price is 5 > 3.\nAnd -- so on.",
        "On Monday I called you at 9.\nNobody wrote back.",
        "",
        "Le prix a écrit l'histoire.",
    ],
)
def test_ones_own_words_are_not_history(text: str) -> None:
    assert quoted_spans(text) == ()


def test_answers_between_quotations_stay_ones_own() -> None:
    text = "On 3 Mar 2025 Ann wrote:\n> Is it red?\nYes.\n> Is it broken?\nNo.\n"

    assert [text[s.start : s.end] for s in quoted_spans(text)] == [
        "On 3 Mar 2025 Ann wrote:\n> Is it red?\n",
        "> Is it broken?\n",
    ]


def test_a_long_message_is_searched_in_linear_time() -> None:
    text = "on 1 \n" * 80_000

    begin = time.perf_counter()
    quoted_spans(text)

    assert time.perf_counter() - begin < 5


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>a</p><p>b &lt; c</p>", "a\nb < c\n"),
        ("1 < 2 and <b>bold</b>", "1 < 2 and bold"),
        ('<a title="x > y">link</a>', "link"),
        ("a<!-- no --> b<script>var x = '<p>';</script> c", "a b c"),
        ("<p don't>it's</p>", "it's\n"),
        ("<p>one<br/>two</p>", "one\ntwo\n"),
        ("&#x1F600;&eacute;", "😀é"),
        ("a <b", "a "),
        ("<![CDATA[x]]>y", "y"),
    ],
)
def test_words_of_html_are_what_a_reader_sees(markup: str, text: str) -> None:
    assert words_of_html(markup)[0] == text
