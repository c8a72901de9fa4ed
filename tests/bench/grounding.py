"""Recall, false accepts and speed of the verifier beside langextract's aligner and rapidfuzz, on the same quotes.

Run as `python -m tests.bench.grounding`. Conversations and false quotes are written for this file in five languages;
true quotes are made from them the way that models alter what they quote. Real dialogues are added where the measuring
data lies beside the repository. Everything is seeded: two runs see the same quotes.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
import time
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from langextract.core import data
from langextract.resolver import WordAligner
from rapidfuzz import fuzz

from service.conversation import Conversation
from service.folding import squash
from service.grounding import TranscriptIndex
from service.verdict import Quote
from tests.bench.calls import CALLS, a_call

STAR = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "star" / "dialogues.jsonl.gz"
PEER_SAMPLE = 260  # langextract takes milliseconds a quote; its share is drawn from all kinds alike

# False quotes that no rule can make: the sense of a call in other words, and words that nobody said.
PARAPHRASED = {
    "en": ["I'm afraid I cannot give you that money back today", "You should get an email confirmation in about an hour", "I took the premium plan off your account", "We record calls so that we can train people", "Changing the ticket will cost you eighty euros", "My boss agreed to the voucher", "I sent your travel plan to your two addresses", "They billed me two times in March"],
    "es": ["No me es posible reembolsarle todo el dinero", "Un técnico irá a su casa el martes por la mañana", "He anotado su queja en el sistema", "Llevo cuatro días sin conexión a internet", "El seguro solo paga los daños de otras personas", "Puede pagar en seis plazos sin recargo"],
    "fa": ["پول شما را ظرف سه روز پس می‌دهیم", "برای خرید بعد به شما تخفیف دادم", "بسته شما هنوز در تهران است", "سفارشم بعد از ده روز به دستم نرسید", "کارت تازه تا یک هفته دیگر می‌رسد", "فردا به شعبه سر بزنید و کارت موقت را تحویل بگیرید"],
    "ar": ["ليس بإمكاني حذف هذه الفاتورة اليوم", "ستنتهي المراجعة خلال خمسة أيام", "غيرت عنوان بريدك الإلكتروني", "لقد دفعت مبلغاً كبيراً دون استخدام", "بطاقتك تعمل من الآن", "يجب أن أتأكد من شخصيتك"],
    "zh": ["今天没办法派人过去修", "我帮您少收十五块钱月租", "合同期满就能取消", "我家网络三天用不了", "这张票只能改不能退", "飞机今晚快八点起飞"],
}  # fmt: skip
INVENTED = {
    "en": ["I will personally deliver the refund to your house", "Please read me your credit card security code", "Our warehouse in Denver burned down last week", "You are the rudest customer of the month", "I promise that this will never happen again", "Let me play some music while you wait"],
    "es": ["Le regalo un teléfono nuevo por las molestias", "Cuelgue ahora mismo, por favor", "Su contrato fue cancelado por falta de pago", "Le prometo que esto jamás volverá a ocurrir"],
    "fa": ["گوشی تازه‌ای به رایگان برایتان می‌فرستیم", "لطفاً گوشی را قطع کنید", "حساب شما به دلیل بدهی بسته شده است", "قول می‌دهم که دیگر تکرار نشود"],
    "ar": ["سوف أرسل لك هاتفاً مجانياً", "أغلق الخط من فضلك", "تم إيقاف حسابك بسبب عدم السداد", "أعدك بأن هذا لن يتكرر أبداً"],
    "zh": ["我送您一部新手机作为补偿", "请您马上挂断电话", "您的账户因欠费被停用", "我保证以后再也不会发生"],
}  # fmt: skip

# What a model writes when it turns a sentence round: (what is said, what is quoted), both ways.
FLIPS = {
    "en": [("am not able", "am able"), ("can offer", "can't offer"), ("can see", "cannot see"), ("have removed", "have not removed"), ("will receive", "won't receive"), ("never agreed", "agreed"), ("doesn't help", "does help"), ("isn't refundable", "is refundable"), ("can be changed", "can't be changed"), ("can't waive", "can waive"), ("don't want", "want"), ("She approved", "She never approved"), ("without any", "with"), ("nobody has", "somebody has"), ("is still", "is not still"), ("might approve", "might not approve"), ("have removed", "never removed"), ("appreciate it", "don't appreciate it"), ("nothing else", "something else")],
    "es": [("No puedo", "Puedo"), ("le ofrezco", "no le ofrezco"), ("no me parece", "me parece"), ("no incluye", "incluye"), ("cubre los daños a", "no cubre los daños a"), ("Puedo fraccionar", "No puedo fraccionar"), ("sin intereses", "con intereses"), ("nunca he", "he"), ("he registrado", "no he registrado"), ("Recibirá una", "No recibirá una"), ("nadie me ha", "alguien me ha")],
    "fa": [("نمی‌توانیم", "می‌توانیم"), ("نمی‌کنم", "می‌کنم"), ("نمی‌دهد", "می‌دهد"), ("می‌خواهم", "نمی‌خواهم"), ("برمی‌گردد", "برنمی‌گردد"), ("نرسیده", "رسیده"), ("نگرفت", "گرفت"), ("ندارد", "دارد"), ("می‌شود", "نمی‌شود"), ("می‌توانید", "نمی‌توانید"), ("فعال کردم", "فعال نکردم"), ("تأیید شد", "تأیید نشد")],
    "ar": [("لا أستطيع", "أستطيع"), ("لم أستخدم", "أستخدم"), ("يمكنني رفع", "لا يمكنني رفع"), ("وسوف نرسل", "ولن نرسل"), ("لا أريد أن", "أريد أن"), ("تم تحديث", "لم يتم تحديث"), ("ولن تدفع", "وسوف تدفع"), ("مفعلة الآن", "غير مفعلة الآن")],
    "zh": [("不能安排", "能安排"), ("没有人", "有人"), ("可以为您", "不可以为您"), ("不想再", "想再"), ("不是强制", "是强制"), ("可以随时", "不可以随时"), ("不可以退款", "可以退款"), ("可以改签", "不可以改签"), ("没有权限", "有权限"), ("会自动", "不会自动"), ("改签成功", "改签不成功")],
}  # fmt: skip
NAMES = {
    "Priya": ["Sarah", "Pria", "Priyah"], "Caldwell": ["Caldwel", "Colwell", "Cardwell"], "Northwind": ["Southwind", "Northwynd"],
    "Marcus": ["Markus", "Marco"], "Elena": ["Helena", "Elana"], "Lisbon": ["London", "Lisboa"], "Lucía": ["Lucas", "Luciana"],
    "Joaquín": ["Javier", "Joachín"], "Andrés": ["Andrea", "Antonio"], "Carmen": ["Carmela", "Karmen"], "مریم": ["مینا", "مرجان"],
    "کاوه": ["کامران", "کیوان"], "رستگار": ["رستمی", "راستگار"], "امیر": ["امین", "علی"], "سارة": ["سلمى", "هند"], "خالد": ["ماجد", "خليل"],
    "المنصور": ["المنصوري", "الناصر"], "يوسف": ["ياسر", "يونس"], "王丽": ["王莉", "李丽"], "陈志远": ["陈志强", "程志远"], "李明": ["李敏", "黎明"], "成都": ["重庆", "上海"],
}  # fmt: skip
NUMBER_SWAPS = {
    "three to five": "three to nine", "fourteenth": "fortieth", "Eighty": "Eighteen", "terminal two": "terminal ten", "cuatro": "cinco", "quince": "cincuenta", "seis": "siete", "nueve": "diez",
    "ده روز": "دو روز", "سه روز": "شش روز", "پانزده": "پنجاه", "یک هفته": "دو هفته", "خمسة": "خمسين", "الثالث": "الثامن", "三天": "五天", "九点": "六点", "十月三号": "十月二号", "七点": "四点", "八十": "八百",
}  # fmt: skip
FILLERS = {
    "en": ["um,", "uh,", "er", "you know,", "like,", "well,", "hmm"],
    "es": ["eh,", "este,", "pues,", "o sea,", "mmm"],
    "fa": ["امم،", "خب،", "یعنی،", "اوم"],
    "ar": ["امم،", "يعني،", "اه،"],
    "zh": ["嗯，", "呃，", "那个，", "啊"],
}


class Case(NamedTuple):
    """One quote: where it is said to stand, what it is, and whether it is true."""

    kind: str
    true: bool
    language: str
    conversation: Conversation
    turn: int
    text: str


# ── Conversations ───────────────────────────────────────────────────────────────────────────────────────────────


def words_of(text: str, language: str) -> list[str]:
    return re.findall(r"[0-9]+|[^\s]", text) if language == "zh" else text.split()


def joined(words: list[str], language: str) -> str:
    return "".join(words) if language == "zh" else " ".join(words)


def sentences(text: str) -> list[str]:
    """Sentences of at least three words."""
    parts = re.split(r"(?<=[.?!؟])\s+(?!Caldwell)|(?<=[。？！])", text)
    return [part for part in parts if len(part) > 5]


def hesitating(rng: random.Random, text: str, language: str) -> str:
    """The text as speech recognition writes it: fillers between words, now and then a word said twice."""
    out: list[str] = []
    words = words_of(text, language)
    for i, word in enumerate(words):
        before = words[i - 1] if i else ""
        digits = any(c.isdigit() for c in word + before)
        if i and not digits and (language != "zh" or before in "，、" or word in "，我您可这") and rng.random() < 0.22:
            out.append(rng.choice(FILLERS[language]))
        elif (
            language in ("en", "es")
            and word.isalpha()
            and word.islower()
            and word
            not in (
                "not",
                "no",
                "two",
                "three",
                "five",
                "six",
                "nine",
                "cuatro",
                "nadie",
                "nobody",
                "never",
                "nunca",
                "seis",
                "nueve",
            )
            and rng.random() < 0.05
        ):
            out.append(word)  # fmt: skip
        out.append(word)
    return joined(out, language)


# ── True quotes ─────────────────────────────────────────────────────────────────────────────────────────────────


def typed(rng: random.Random, text: str) -> str | None:
    """One slip of the keyboard inside a long lower-case word."""
    spots = [m for m in re.finditer(r"(?<!\S)[^\W\d_]{7,}(?!\S)", text) if not m[0][0].isupper() and "‌" not in m[0]]
    if not spots:
        return None
    spot = rng.choice(spots)
    word = spot[0]
    at = rng.randrange(1, len(word) - 2)
    pair = word[at : at + 2]
    slip = rng.choice([pair[::-1], pair[0], pair[0] + pair[0] + pair[1]])
    changed = word[:at] + slip + word[at + 2 :]
    return None if changed == word else text[: spot.start()] + changed + text[spot.end() :]


def typographic(text: str) -> str:
    return "“" + text.replace("'", "’").replace(" - ", " — ").replace(", ", ",\u00a0") + "”"


def spaced(rng: random.Random, text: str) -> str:
    return re.sub(r"\s", lambda _: rng.choice(["  ", "\n", "\t", " ", "\r\n"]), text) + rng.choice(["", "  ", "\n"])


def cased(rng: random.Random, text: str) -> str:
    return rng.choice([text.upper(), text.lower(), text.capitalize(), text.title().replace("'T ", "'t ")])


def in_other_script(rng: random.Random, text: str, language: str) -> list[str]:
    """Other ways to write the same letters."""
    if language == "fa":
        return [
            text.replace("ی", "ي").replace("ک", "ك"),
            text.replace("\u200c", ""),
            text.translate({ord("۰") + i: str(i) for i in range(10)}),
            text.replace("ٔ", "").replace("أ", "ا"),
        ]
    if language == "ar":
        return [
            text.translate({ord(a): "ا" for a in "أإآ"}),
            "".join(c for c in text if not unicodedata.combining(c)),
            text.replace("ة", "ه").replace("ى", "ي"),
            text.replace("م", "مـ", 2),
            text.translate({ord("0") + i: chr(0x660 + i) for i in range(10)}),
        ]
    if language == "zh":
        return [
            text.translate({ord("0") + i: chr(0xFF10 + i) for i in range(10)}).replace("，", ", "),
            text.replace("，", " ").replace("。", "."),
        ]
    return [
        unicodedata.normalize("NFD", text),
        "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)),
    ]


def elided(rng: random.Random, text: str, language: str) -> str | None:
    """The middle left out, unless that would leave out a negation."""
    words = words_of(text, language)
    least = 4 if language == "zh" else 3
    if len(words) < 2 * least + 2:
        return None
    first = rng.randrange(least, len(words) - least - 1)
    last = rng.randrange(first + 1, min(len(words) - least, first + 8) + 1)
    if any(DENIES[language].search(w) for w in [joined(words[first - 1 : last + 1], language)]):
        return None
    if any(c.isdigit() for c in words[first - 1] + words[last]):
        return None
    mark = rng.choice(["…", " … ", "...", " [...] ", " […] "])
    return joined(words[:first], language) + mark + joined(words[last:], language)


DENIES = {
    "en": re.compile(r"n't|\b(?:not|no|never|nobody|nothing|without|cannot)\b", re.IGNORECASE),
    "es": re.compile(r"\b(?:no|nunca|nadie|sin)\b", re.IGNORECASE),
    "fa": re.compile("نمی|ندا|نرس|نگر|هیچ|ولی"),
    "ar": re.compile(r"\b(?:لا|لم|لن|ولن|غير|ما)\b"),
    "zh": re.compile("不|没|别|无"),
}


def true_quotes(rng: random.Random, language: str, name: str, texts: list[str]) -> Iterator[Case]:
    plain = a_call(name, language, texts)
    spoken = [hesitating(rng, text, language) for text in texts]
    said = a_call(name + "-spoken", language, spoken)
    for turn, text in enumerate(texts):
        for part in dict.fromkeys([text, *sentences(text)]):

            def case(kind: str, quote: str | None, within: Conversation = plain, turn: int = turn) -> Iterator[Case]:
                if quote:
                    yield Case(kind, true=True, language=language, conversation=within, turn=turn, text=quote)

            yield from case("exact", part)
            yield from case("white space", spaced(rng, part))
            if language in ("en", "es"):
                yield from case("case", cased(rng, part))
            yield from case("typography", typographic(part))
            if spoken[turn] != text:
                yield from case("fillers", part, said)
            yield from case("typo", typed(rng, part))
            mistyped = typed(rng, text)
            if mistyped and (part in text):
                slipped = a_call(name + "-typed", language, [*texts[:turn], mistyped, *texts[turn + 1 :]])
                yield from case("typo", part, slipped)
            yield from case("elision", elided(rng, part, language))
            yield from case("elision", elided(rng, part, language))
            if language != "en":
                for variant in in_other_script(rng, part, language):
                    if variant != part:
                        yield from case("script", variant)


# ── False quotes ────────────────────────────────────────────────────────────────────────────────────────────────


def false_quotes(rng: random.Random, language: str, name: str, texts: list[str], others: list[str]) -> Iterator[Case]:
    plain = a_call(name, language, texts)
    everything = "|".join(squash(text).text for text in texts)

    def case(kind: str, turn: int, quote: str) -> Iterator[Case]:
        if squash(quote).text not in everything:
            yield Case(kind, true=False, language=language, conversation=plain, turn=turn, text=quote)

    for quote in PARAPHRASED[language]:
        yield from case("paraphrase", rng.randrange(len(texts)), quote)
    for quote in INVENTED[language]:
        yield from case("invented", rng.randrange(len(texts)), quote)
    for turn, text in enumerate(texts):
        for part in dict.fromkeys([text, *sentences(text)]):
            for said, flipped in FLIPS[language]:
                if said in part:
                    yield from case("negation", turn, part.replace(said, flipped, 1))
            for digits in re.finditer(r"\d+", part):
                wrong = str((int(digits[0]) + rng.choice([1, 3, 5, 9, 10])) % 10 ** len(digits[0])).zfill(
                    len(digits[0])
                )
                yield from case("number", turn, part[: digits.start()] + wrong + part[digits.end() :])
                yield from case("number", turn, part[: digits.end()] + "0" + part[digits.end() :])
            for right, wrong in NUMBER_SWAPS.items():
                if right in part:
                    yield from case("number", turn, part.replace(right, wrong, 1))
            for right, wrongs in NAMES.items():
                for wrong in wrongs if right in part else ():
                    yield from case("name", turn, part.replace(right, wrong, 1))
            away = rng.choice([t for i, t in enumerate(texts) if abs(i - turn) >= 2])
            mine, theirs = words_of(part, language), words_of(away, language)
            if len(mine) >= 4 and len(theirs) >= 4:
                head, tail = joined(mine[: len(mine) // 2], language), joined(theirs[len(theirs) // 2 :], language)
                yield from case("splice", turn, head + ("" if language == "zh" else " ") + tail)
                yield from case("far elision", turn, head + " … " + tail)
            next_text = texts[turn + 1] if turn + 1 < len(texts) else None
            if next_text and text.endswith(part):
                yield from case("splice", turn, part + " " + next_text)
    for other in others:
        for part in sentences(other):
            yield from case("other call", rng.randrange(len(texts)), part)


def written_cases() -> list[Case]:
    rng = random.Random(20)
    cases: list[Case] = []
    for language, calls in CALLS.items():
        for number, texts in enumerate(calls):
            others = [text for i, call in enumerate(calls) if i != number for text in call]
            cases += true_quotes(rng, language, f"{language}-{number}", texts)
            cases += false_quotes(rng, language, f"{language}-{number}", texts, others)
    return cases


def star_cases(count: int = 120) -> list[Case]:
    """True and mechanical false quotes over real dialogues, where they are on this machine."""
    if not STAR.exists():
        return []
    rng = random.Random(7)
    with gzip.open(STAR, "rt", encoding="utf-8") as lines:
        rows = rng.sample([json.loads(line) for line in lines], count)
    dialogues = [[t for turn in row["turns"] if (t := turn["text"].strip())] for row in rows]
    dialogues = [texts for texts in dialogues if len(texts) >= 4]
    cases: list[Case] = []
    for number, whole in enumerate(dialogues):
        texts = whole[:40]
        others = rng.sample(dialogues[(number + 1) % len(dialogues)], 2)
        said = {part for text in texts for part in sentences(text)}
        others = [t for t in others if not any(part in said for part in sentences(t))]
        cases += [c for c in true_quotes(rng, "en", f"star-{number}", texts) if rng.random() < 0.5]
        cases += [
            c
            for c in false_quotes(rng, "en", f"star-{number}", texts, [])
            if c.kind in ("number", "splice") and rng.random() < 0.5
        ]
    return cases


# ── Methods ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Tally(NamedTuple):
    """Accepted of asked per kind, and seconds per quote."""

    accepted: dict[tuple[bool, str], int]
    asked: dict[tuple[bool, str], int]
    seconds: dict[bool, float]
    wrong: list[Case]

    def share(self, *, true: bool, kind: str | None = None) -> float:
        keys = [k for k in self.asked if k[0] is true and (kind is None or k[1] == kind)]
        asked = sum(self.asked[k] for k in keys)
        return 100 * sum(self.accepted[k] for k in keys) / asked if asked else float("nan")

    def microseconds(self, *, true: bool) -> float:
        asked = sum(n for k, n in self.asked.items() if k[0] is true)
        return 1e6 * self.seconds[true] / asked if asked else float("nan")


def run(cases: list[Case], accepts: Callable[[Case], bool]) -> Tally:
    accepted: dict[tuple[bool, str], int] = defaultdict(int)
    asked: dict[tuple[bool, str], int] = defaultdict(int)
    seconds = {True: 0.0, False: 0.0}
    wrong = []
    for case in cases:
        begun = time.thread_time()
        yes = accepts(case)
        seconds[case.true] += time.thread_time() - begun
        asked[case.true, case.kind] += 1
        accepted[case.true, case.kind] += yes
        if yes is not case.true:
            wrong.append(case)
    return Tally(accepted, asked, seconds, wrong)


def by_assay(cases: list[Case]) -> Tally:
    indexes = {id(case.conversation): TranscriptIndex(case.conversation) for case in cases}

    def accepts(case: Case) -> bool:
        found = indexes[id(case.conversation)].locate(Quote(turn=case.turn, text=case.text))
        return isinstance(found, tuple)

    for index in indexes.values():  # what is made on first need is made before the clock starts; it is reported below
        index.locate(Quote(turn=0, text="the quick brown foxes jumped over my lazy dogs"))
    return run(cases, accepts)


def whole_text(conversation: Conversation) -> str:
    return "\n".join(f"{turn.participant}: {turn.text}" for turn in conversation.turns)


def by_rapidfuzz(cases: list[Case]) -> Tally:
    texts = {id(c.conversation): " ".join(whole_text(c.conversation).lower().split()) for c in cases}
    return run(
        cases,
        lambda c: fuzz.partial_ratio(" ".join(c.text.lower().split()), texts[id(c.conversation)]) >= 90,
    )


def by_langextract(cases: list[Case], *, lesser: bool) -> Tally:
    aligner = WordAligner()
    texts = {id(c.conversation): whole_text(c.conversation) for c in cases}

    def accepts(case: Case) -> bool:
        quote = data.Extraction(extraction_class="quote", extraction_text=case.text)
        try:
            groups = aligner.align_extractions([[quote]], texts[id(case.conversation)], accept_match_lesser=lesser)
        except ValueError:  # an empty quote, or one that holds its delimiter
            return False
        return groups[0][0].alignment_status is not None

    return run(cases, accepts)


# ── Report ──────────────────────────────────────────────────────────────────────────────────────────────────────


def index_cost(cases: list[Case]) -> str:
    conversations = list({id(c.conversation): c.conversation for c in cases}.values())
    characters = sum(len(turn.text) for c in conversations for turn in c.turns)
    begun = time.thread_time()
    for conversation in conversations:
        TranscriptIndex(conversation)
    spent = time.thread_time() - begun
    return f"index: {1e6 * spent / len(conversations):,.0f} µs a conversation, {1e9 * spent / characters:,.0f} ns a character"


def table(title: str, rows: list[tuple[str, Tally]]) -> None:
    first = rows[0][1]
    kinds = sorted({k for _, k in first.asked})
    true_kinds = [k for k in kinds if (True, k) in first.asked]
    false_kinds = [k for k in kinds if (False, k) in first.asked]
    print(f"\n{title}")
    print(f"  {'method':<32}{'quotes':>7}{'recall %':>10}{'false %':>9}{'µs true':>10}{'µs false':>10}{'ratio':>9}")
    for name, tally in rows:
        n = sum(tally.asked.values())
        ratio = tally.microseconds(true=True) / first.microseconds(true=True)
        print(
            f"  {name:<32}{n:>7}{tally.share(true=True):>10.1f}{tally.share(true=False):>9.1f}"
            f"{tally.microseconds(true=True):>10.0f}{tally.microseconds(true=False):>10.0f}{ratio:>8.1f}x"
        )
    for label, flag, chosen in (("accepted true %", True, true_kinds), ("accepted false %", False, false_kinds)):
        print(f"  {label:<32}" + "".join(f"{kind:>13}" for kind in chosen))
        for name, tally in rows:
            print(f"  {name:<32}" + "".join(f"{tally.share(true=flag, kind=kind):>13.1f}" for kind in chosen))


def compare(title: str, cases: list[Case], *, peers: bool = True) -> Tally:
    ours = by_assay(cases)
    rows = [("Assay", ours), ("rapidfuzz partial_ratio ≥ 90", by_rapidfuzz(cases))]
    if peers:
        sample = random.Random(3).sample(cases, min(PEER_SAMPLE, len(cases)))
        rows.append(("langextract, as it comes", by_langextract(sample, lesser=True)))
        rows.append(("langextract, no partial match", by_langextract(sample, lesser=False)))
    table(f"{title}: {len(cases)} quotes, {index_cost(cases)}", rows)
    return ours


def main(arguments: list[str]) -> int:
    ours = compare("Written calls in English, Spanish, Persian, Arabic, Chinese", written_cases())
    real = star_cases()
    wrong = list(ours.wrong)
    if real:
        wrong += compare("Real dialogues (STAR)", real, peers=False).wrong
    if "--misses" in arguments:
        for case in wrong:
            print(
                "REFUSED" if case.true else "ACCEPTED",
                case.kind,
                case.language,
                repr(case.text),
                "|",
                repr(case.conversation.turns[case.turn].text),
            )
    return 0 if ours.share(true=True) >= 97 and ours.share(true=False) == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
