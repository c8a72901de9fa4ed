"""Which characters of an e-mail repeat an earlier message.

Comes in: the text of one message. Goes out: spans, in the untouched text. Recognised: lines that begin with `>`,
attribution lines ("On … wrote:"), "Original Message" rules and the header blocks of Outlook, in English, Spanish,
Portuguese, French, German, Italian, Persian, Arabic and Chinese. An attribution followed by `>` lines covers those
lines only, so that an answer below the quotation stays the writer's own; otherwise it covers the rest of the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from service.conversation import QuotedSpan

_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")

_MARKS: Final = "\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069\ufeff"
"""Direction marks, which mail programs put before right-to-left lines."""

_ATTRIBUTIONS: Final = (
    (re.compile(r"(?:on|at)\b"), re.compile(r"\b(?:wrote|writes|said)\s*:$")),
    (re.compile(r"el\b"), re.compile(r"\b(?:escribi[oó]|ha escrito)\s*:$")),
    (re.compile(r"(?:em|a|no dia)\b"), re.compile(r"\b(?:escreveu)\s*:$")),
    (re.compile(r"le\b"), re.compile(r"\ba [eé]crit\s*:$")),
    (re.compile(r"(?:am|um)\b"), re.compile(r"\b(?:schrieb|hat geschrieben)\b.{0,120}:$")),
    (re.compile(r"(?:il|in data)\b"), re.compile(r"\b(?:ha scritto)\s*:$")),
    (re.compile(r"(?:در|به|روز)\s"), re.compile(r"(?:نوشت|نوشته است|نوشته)\s*:$")),
    (re.compile(r"(?:في|بتاريخ)\s"), re.compile(r"كتب\b.{0,120}:$")),
    (re.compile(r"(?:在|于|於|\d{4}\s?年|\d{4}[-/])"), re.compile(r"(?:写道|寫道|写到|写入)\s*[：:]$")),
)
_NUMBER: Final = re.compile(r"\d")

_RULE: Final = re.compile(
    r"-{2,}\s*(?:original message|forwarded message|mensaje original|mensaje reenviado|mensagem original|"
    r"message d['’]origine|message original|message transf[eé]r[eé]|urspr[uü]ngliche (?:nachricht|e-?mail)|"
    r"weitergeleitete nachricht|messaggio originale|پیام اصلی|پیام ارسال\s?شده|الرسالة الأصلية|"
    r"原始邮件|原始郵件|原邮件|邮件原件|转发的邮件)\s*-{2,}"
)
_UNDERSCORES: Final = re.compile(r"_{20,}")

_FROM: Final = re.compile(r"\*?(?:from|de|von|da|از|فرستنده|من|发件人|寄件者|寄件人)\s?\*?\s?[:：]\*?\s*\S")
_SENT: Final = re.compile(
    r"\*?(?:sent|date|enviado(?: el| em)?|fecha|envoy[eé]|date d['’]envoi|gesendet|datum|inviato|data|ارسال(?: شده)?|"
    r"تاریخ|تم الإرسال|أرسلت|التاريخ|发送时间|发送日期|日期|寄件日期|傳送時間|时间)\s?\*?\s?[:：]"
)
_TO: Final = re.compile(
    r"\*?(?:to|cc|subject|para|asunto|assunto|à|a|objet|an|betreff|oggetto|به|گیرنده|موضوع|إلى|الموضوع|收件人|主题|主旨|"
    r"抄送)\s?\*?\s?[:：]"
)


def quoted_spans(text: str) -> tuple[QuotedSpan, ...]:
    """The parts of the message that quote earlier ones, in order and without overlap."""
    lines = [(found.start(), found.end(), _bare(found[0])) for found in _LINE.finditer(text) if found[0]]
    spans: list[tuple[int, int]] = []
    index = 0
    while index < len(lines):
        start, end, bare = lines[index]
        if bare.startswith(">"):
            spans.append((start, end))
            index += 1
            continue
        after = _attribution_end(lines, index)
        if after is None and _begins_history(lines, index):
            after = len(lines)
        if after is None:
            index += 1
            continue
        stop = _history_end(lines, after)
        spans.append((start, lines[stop - 1][1]))
        index = stop
    return merged(QuotedSpan(start=start, end=end) for start, end in spans)


def _bare(line: str) -> str:
    return line.strip().lstrip(_MARKS).strip().casefold()


_Lines = Sequence[tuple[int, int, str]]


def _attribution_end(lines: _Lines, index: int) -> int | None:
    """The line after an attribution that begins at `index`; mail programs wrap it over up to three lines."""
    first = lines[index][2].lstrip("> ")
    for opening, closing in _ATTRIBUTIONS:
        if not opening.match(first):
            continue
        joined = ""
        for last in range(index, min(index + 3, len(lines))):
            joined = f"{joined} {lines[last][2]}".strip()
            if len(joined) > 400:
                break
            # A date makes it an attribution; without one, "On the form he wrote:" would swallow the message.
            if closing.search(joined.rstrip(_MARKS)) and _NUMBER.search(joined):
                return last + 1
    return None


def _begins_history(lines: _Lines, index: int) -> bool:
    """Whether everything from here on is an earlier message: a rule, or Outlook's From/Sent/To block."""
    bare = lines[index][2]
    if _RULE.fullmatch(bare):
        return True
    following = [line for _, _, line in lines[index + 1 : index + 6]]
    if _UNDERSCORES.fullmatch(bare):
        return bool(following) and bool(_FROM.match(following[0]))
    if not _FROM.match(bare):
        return False
    return any(_SENT.match(line) for line in following[:3]) and any(_TO.match(line) for line in following)


def _history_end(lines: _Lines, after: int) -> int:
    """Where the history that was introduced before line `after` ends."""
    next_full = next((i for i in range(after, len(lines)) if lines[i][2]), None)
    if next_full is None or not lines[next_full][2].startswith(">"):
        return len(lines)
    stop = next_full
    while stop < len(lines) and lines[stop][2].startswith(">"):
        stop += 1
    return stop


def merged(spans: Iterable[QuotedSpan]) -> tuple[QuotedSpan, ...]:
    """The spans in order, those that touch joined."""
    found: list[QuotedSpan] = []
    for span in sorted(spans, key=lambda span: span.start):
        if found and span.start <= found[-1].end:
            found[-1] = QuotedSpan(start=found[-1].start, end=max(span.end, found[-1].end))
        else:
            found.append(span)
    return tuple(found)
