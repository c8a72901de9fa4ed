"""A condition of a form, in words for whoever reads the filled form.

Comes in: a condition and its rubric. Goes out: one sentence, "Asked only by voice.", in English, Spanish, Persian or
Chinese as the rubric is, else in English. Whether the condition holds is `service.conditions`' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from service.cue_rules import NOT_APPLICABLE, AnswerValue
from service.rubric import (
    Choice,
    Condition,
    MultiChoice,
    Rubric,
    WhenAll,
    WhenAny,
    WhenChannel,
    WhenItem,
    WhenMetadata,
    WhenNot,
    YesNo,
)

LONGEST_QUESTION = 70
LONGEST_SENTENCE = 400


class _Words(NamedTuple):
    """One language. Of each pair the second says that it is not so."""

    sentence: str
    both: str
    either: str
    among: str
    comma: str
    quoted: str
    item: tuple[str, str]
    channel: tuple[str, str]
    metadata: tuple[str, str]
    comparisons: Mapping[str, str]
    given: tuple[str, str]
    named: Mapping[str, str]


_ENGLISH = _Words(
    sentence="Asked only {}.",
    both=" and ",
    either=" or ",
    among=" or ",
    comma=", ",
    quoted="“{}”",
    item=("when {} is answered {}", "when {} is not answered {}"),
    channel=("by {}", "by another channel than {}"),
    metadata=("when metadata {} is {}", "when metadata {} is not {}"),
    comparisons={
        "eq": "{}",
        "ne": "other than {}",
        "in": "one of {}",
        "not_in": "none of {}",
        "lt": "less than {}",
        "le": "at most {}",
        "gt": "more than {}",
        "ge": "at least {}",
    },
    given=("when metadata {} is given", "when metadata {} is not given"),
    named={NOT_APPLICABLE: "not applicable", "social": "social media"},
)
_SPANISH = _Words(
    sentence="Solo se pregunta {}.",
    both=" y ",
    either=" o ",
    among=" o ",
    comma=", ",
    quoted="«{}»",
    item=("cuando a {} se responde {}", "cuando a {} no se responde {}"),
    channel=("por {}", "por un canal distinto de {}"),
    metadata=("cuando el metadato {} es {}", "cuando el metadato {} no es {}"),
    comparisons={
        "eq": "{}",
        "ne": "distinto de {}",
        "in": "uno de {}",
        "not_in": "ninguno de {}",
        "lt": "menor que {}",
        "le": "como máximo {}",
        "gt": "mayor que {}",
        "ge": "al menos {}",
    },
    given=("cuando consta el metadato {}", "cuando no consta el metadato {}"),
    named={
        "yes": "sí",
        "no": "no",
        NOT_APPLICABLE: "no aplica",
        "voice": "voz",
        "email": "correo electrónico",
        "social": "redes sociales",
        "True": "verdadero",
        "False": "falso",
    },
)
_PERSIAN = _Words(
    sentence="فقط وقتی پرسیده می‌شود که {}.",
    both=" و ",
    either=" یا ",
    among=" یا ",
    comma="، ",
    quoted="«{}»",
    item=("پاسخ {} «{}» باشد", "پاسخ {} «{}» نباشد"),
    channel=("کانال تماس {} باشد", "کانال تماس {} نباشد"),
    metadata=("مقدار {} {} باشد", "مقدار {} {} نباشد"),
    comparisons={
        "eq": "برابر {}",
        "ne": "چیزی جز {}",
        "in": "یکی از {}",
        "not_in": "هیچ‌یک از {}",
        "lt": "کمتر از {}",
        "le": "حداکثر {}",
        "gt": "بیشتر از {}",
        "ge": "حداقل {}",
    },
    given=("مقدار {} ثبت شده باشد", "مقدار {} ثبت نشده باشد"),
    named={
        "yes": "بله",
        "no": "خیر",
        NOT_APPLICABLE: "نامرتبط",
        "voice": "صوتی",
        "chat": "چت",
        "email": "ایمیل",
        "social": "شبکه‌های اجتماعی",
    },
)
_CHINESE = _Words(
    sentence="仅在以下情况提问：{}。",
    both="，且",
    either="，或",
    among="或",
    comma="、",
    quoted="“{}”",
    item=("{}的回答为“{}”", "{}的回答不为“{}”"),
    channel=("渠道为{}", "渠道不为{}"),
    metadata=("元数据 {} {}", "元数据 {} 并非{}"),
    comparisons={
        "eq": "等于 {}",
        "ne": "不同于 {}",
        "in": "为 {} 之一",
        "not_in": "不属于 {}",
        "lt": "小于 {}",
        "le": "不大于 {}",
        "gt": "大于 {}",
        "ge": "不小于 {}",
    },
    given=("元数据 {} 已提供", "元数据 {} 未提供"),
    named={
        "yes": "是",
        "no": "否",
        NOT_APPLICABLE: "不适用",
        "voice": "语音",
        "chat": "聊天",
        "email": "电子邮件",
        "social": "社交媒体",
    },
)
_LANGUAGES = {"en": _ENGLISH, "es": _SPANISH, "fa": _PERSIAN, "zh": _CHINESE}


def asked_only(condition: Condition, rubric: Rubric) -> str:
    """One sentence that says under which condition the form asks; long ones are cut at a word's end."""
    words = _LANGUAGES.get(rubric.language.lower().replace("_", "-").split("-")[0], _ENGLISH)
    told = _clause(condition, rubric, words, denied=False)
    return words.sentence.format(_shortened(told, LONGEST_SENTENCE))


def _clause(condition: Condition, rubric: Rubric, words: _Words, *, denied: bool) -> str:
    match condition:
        case WhenAll(all=parts):
            return _parts(parts, rubric, words, both=not denied, denied=denied)
        case WhenAny(any=parts):
            return _parts(parts, rubric, words, both=denied, denied=denied)
        case WhenNot(not_=part):
            return _clause(part, rubric, words, denied=not denied)
        case WhenItem(item=item, answers=answers):
            question = words.quoted.format(_shortened(rubric.item(item).question, LONGEST_QUESTION))
            listed = words.among.join(_answer(rubric, item, answer, words) for answer in answers)
            return words.item[denied].format(question, listed)
        case WhenChannel(channel=channels):
            return words.channel[denied].format(words.among.join(_named(one, words) for one in channels))
        case WhenMetadata():
            return _comparison(condition, words, denied=denied)


def _parts(parts: tuple[Condition, ...], rubric: Rubric, words: _Words, *, both: bool, denied: bool) -> str:
    """All or any of the parts; a part that is itself several stands in brackets."""
    clauses = []
    for part in parts:
        clause = _clause(part, rubric, words, denied=denied)
        clauses.append(f"({clause})" if len(parts) > 1 and _is_several(part) else clause)
    return (words.both if both else words.either).join(clauses)


def _is_several(condition: Condition) -> bool:
    match condition:
        case WhenAll(all=parts) | WhenAny(any=parts):
            return len(parts) > 1 or _is_several(parts[0])
        case WhenNot(not_=part):
            return _is_several(part)
        case _:
            return False


def _comparison(condition: WhenMetadata, words: _Words, *, denied: bool) -> str:
    if condition.op in ("exists", "absent"):
        return words.given[(condition.op == "absent") != denied].format(condition.metadata)
    value = condition.value
    listed = value if isinstance(value, (list, tuple)) else (value,)
    told = words.comparisons[condition.op].format(words.comma.join(_value(one, words) for one in listed))
    return words.metadata[denied].format(condition.metadata, told)


def _answer(rubric: Rubric, item: str, answer: AnswerValue, words: _Words) -> str:
    """The answer by its label, as the form's reader knows it."""
    if isinstance(answer, tuple):
        return words.both.join(_answer(rubric, item, one, words) for one in answer)
    if answer == NOT_APPLICABLE:
        return _named(answer, words)
    match rubric.item(item).answer:
        case Choice(options=options) | MultiChoice(options=options):
            return next((option.label for option in options if option.id == answer), str(answer))
        case YesNo():
            return _named(str(answer), words)
        case _:
            return _value(answer, words)


def _named(word: str, words: _Words) -> str:
    return words.named.get(word, word)


def _value(value: Any, words: _Words) -> str:
    if isinstance(value, bool):
        return words.named.get(str(value), str(value).lower())
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)


def _shortened(text: str, longest: int) -> str:
    """The text, cut at a word's end where it is longer."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:") + "…"
