"""The offline engine: what can be heard without a model, with the passages that prove it.

Comes in: a conversation, a rubric and those of its items that cues shall judge. Goes out: an `ItemResult` for each.
Deterministic: the same words give the same answer. What the cues of an item do not settle stays unscored; nothing is
guessed. This module knows nothing of models, scores or storage.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Literal

from service.conversation import Conversation
from service.cue_plans import Judge, Node, phrase_count, plan_of, rests_on_absence
from service.cue_rules import NOT_APPLICABLE, UNSCORED, AnswerValue
from service.grounding import Evidence
from service.listening import Listening
from service.passages import EVERYWHERE, Passage, Side
from service.rubric import Item, MultiChoice, Rubric
from service.scorecard import Answered, Confidence, ItemResult, NotApplicable, Searched, Unscored

MOST_EVIDENCE = 6
MOST_NEAREST = 3


def judge_by_cues(conversation: Conversation, rubric: Rubric, items: Iterable[Item]) -> dict[str, ItemResult]:
    """Every given item is answered, not applicable or unscored, as its cues say.

    N/A is decided first. An answer that needs quotes and has none stays unscored ("evidence_missing"); an item
    without cues, or whose cues do not settle it, stays unscored ("needs_model_or_person"); a rule that holds and
    names `unscored` as its answer says that the cues point both ways ("undecided"). Silence proves nothing: where the
    judged agent has no turn, or what is missing had no turn to stand in, the item stays unscored ("undecided").
    """
    plan = plan_of(rubric)
    listening = Listening(plan, conversation)
    return {item.id: _ItemJudgement(listening, item, plan.judges.get(item.id)).result() for item in items}


class _ItemJudgement:
    """One item on its way to a result."""

    def __init__(self, listening: Listening, item: Item, judge: Judge | None) -> None:
        self._listening = listening
        self._item = item
        self._judge = judge
        self._side: Side = item.focus
        self._words = _WORDING.get(listening.plan.rubric.language.split("-")[0].lower(), _WORDING["en"])

    def result(self) -> ItemResult:
        judge = self._judge
        if judge is None:
            return self._unscored("needs_model_or_person", self._words["no_cues"])
        found = self._judged(judge)
        proven = isinstance(found, Answered) and found.evidence
        if not proven and self._side == "evaluated_agent" and not self._listening.turns_of("agent", self._side):
            return self._unheard("no_agent")
        return found

    def _judged(self, judge: Judge) -> ItemResult:
        if judge.applicable is not None and self._item.not_applicable == "allowed":
            found = self._listening.find(judge.applicable, EVERYWHERE, self._side)
            if found.holds is None:
                return self._unscored("needs_model_or_person", self._words["too_slow"])
            if not found.holds:
                hindrance = self._listening.hindrance(judge.applicable, self._side)
                return self._not_applicable(hindrance, [judge.applicable])
        if isinstance(self._item.answer, MultiChoice):
            return self._several_options(judge)
        for node, answer in judge.rules:
            found = self._listening.find(node, EVERYWHERE, self._side)
            if found.holds is None:
                return self._unscored("needs_model_or_person", self._words["too_slow"])
            if found.holds:
                return self._given(answer, found.passages, [node] if rests_on_absence(node) else [])
        return self._given(judge.otherwise, (), [node for node, _ in judge.rules])

    def _several_options(self, judge: Judge) -> ItemResult:
        options: dict[str, None] = {}
        passages: list[Passage] = []
        for node, answer in judge.rules:
            found = self._listening.find(node, EVERYWHERE, self._side)
            if found.holds is None:
                return self._unscored("needs_model_or_person", self._words["too_slow"])
            if not found.holds:
                continue
            if answer in (NOT_APPLICABLE, UNSCORED):
                return self._given(answer, found.passages, [])
            options.update(dict.fromkeys(answer if isinstance(answer, tuple) else (str(answer),)))
            passages.extend(found.passages[:2])
        if not options:
            otherwise = judge.otherwise
            if isinstance(otherwise, str) and otherwise not in (NOT_APPLICABLE, UNSCORED):
                otherwise = (otherwise,)
            return self._given(otherwise, (), [node for node, _ in judge.rules])
        form = [option.id for option in self._item.answer.options] if isinstance(self._item.answer, MultiChoice) else []
        return self._given(tuple(sorted(options, key=form.index)), tuple(passages), [])

    # Results

    def _given(self, answer: AnswerValue, passages: tuple[Passage, ...], absent: list[Node]) -> ItemResult:
        if answer == UNSCORED:
            if passages:
                return self._unscored("undecided", self._words["undecided"], passages=passages)
            return self._unscored("needs_model_or_person", self._words["unsettled"], absent=absent)
        if answer == NOT_APPLICABLE:
            return self._not_applicable(passages, absent)
        shown = self._evidence(passages)
        searched = self._searched(absent)
        if searched is not None and not searched.turns and not shown and self._one_sided():
            return self._unheard("no_turns")
        needed = self._item.quotes_needed(answer)
        if sum(self._counts(passage) for passage in passages) < needed:
            return Unscored(
                item=self._item.id,
                unscored_reason="evidence_missing",
                reason=self._words["no_quote"],
                proposed=answer,
                evidence=shown,
                searched=searched,
                method="cues",
            )
        return Answered(
            item=self._item.id,
            answer=answer,
            reason=self._reason(answer, shown, searched, absent),
            evidence=shown,
            searched=searched,
            confidence=self._confidence(passages, searched),
            method="cues",
        )

    def _not_applicable(self, passages: tuple[Passage, ...], absent: list[Node]) -> NotApplicable | Unscored:
        searched = self._searched(absent)
        if searched is not None and not searched.turns:
            if not passages and self._one_sided():
                return self._unheard("no_turns")
            searched = None
        return NotApplicable(
            item=self._item.id,
            reason=self._why_not_applicable(),
            decided_by="judge",
            evidence=self._evidence(passages),
            searched=searched,
            confidence=self._confidence(passages, searched),
            method="cues",
        )

    def _why_not_applicable(self) -> str:
        if self._judge is not None and (own := self._judge.reasons.get(NOT_APPLICABLE)):
            return own
        if self._item.applicable_when:
            return self._words["not_when"].format(when=self._item.applicable_when.rstrip(".。"))
        return self._words["not_applicable"]

    def _unscored(
        self,
        why: Literal["needs_model_or_person", "undecided"],
        reason: str,
        *,
        passages: tuple[Passage, ...] = (),
        absent: list[Node] | None = None,
    ) -> Unscored:
        override = self._judge.reasons.get(UNSCORED) if self._judge else None
        return Unscored(
            item=self._item.id,
            unscored_reason=why,
            reason=override or reason,
            evidence=self._evidence(passages),
            searched=self._searched(absent or []),
            method="cues",
        )

    def _unheard(self, why: Literal["no_agent", "no_turns"]) -> Unscored:
        """Nobody spoke whose words could decide; the rubric's own reason for `unscored` would be about words."""
        return Unscored(item=self._item.id, unscored_reason="undecided", reason=self._words[why], method="cues")

    def _one_sided(self) -> bool:
        return not all(self._listening.turns_of(speaker, self._side) for speaker in ("agent", "customer"))

    def _counts(self, passage: Passage) -> bool:
        """Whether the passage stands where the item's evidence rule wants its quotes from."""
        speaker = self._item.evidence.speaker
        return passage.turn in self._listening.turns_of(speaker, self._side)

    def _evidence(self, passages: Iterable[Passage]) -> tuple[Evidence, ...]:
        chosen: list[Passage] = []
        for passage in passages:
            if any(passage.turn == c.turn and passage.start < c.end and c.start < passage.end for c in chosen):
                continue
            chosen.append(passage)
            if len(chosen) == MOST_EVIDENCE:
                break
        return tuple(self._listening.evidence(passage) for passage in sorted(chosen))

    def _searched(self, absent: list[Node]) -> Searched | None:
        if not absent:
            return None
        absence = self._listening.absence(absent, self._side)
        nearest = [self._listening.evidence(passage) for passage in islice(absence.nearest, MOST_NEAREST)]
        return Searched(turns=tuple(sorted(absence.turns)), nearest=tuple(nearest))

    def _confidence(self, passages: tuple[Passage, ...], searched: Searched | None) -> Confidence:
        if passages:
            raw = min(passage.fit for passage in passages[:MOST_EVIDENCE])
        else:
            raw = 0.7 if searched is None or not searched.nearest else 0.55
        return Confidence(raw=raw, source="cue_match")

    def _reason(
        self, answer: AnswerValue, shown: tuple[Evidence, ...], searched: Searched | None, absent: list[Node]
    ) -> str:
        key = ", ".join(answer) if isinstance(answer, tuple) else str(answer)
        if self._judge is not None and (override := self._judge.reasons.get(key)):
            return override
        if shown:
            return " ".join(
                self._words["found"].format(
                    quote=_shortened(one.quote),
                    turn=one.turn,
                    speaker=self._words.get(self._listening.conversation.role_of(one.turn), ""),
                )
                for one in shown[:2]
            )
        count = sum(map(phrase_count, absent))
        turns = len(searched.turns) if searched else 0
        return self._words["none"].format(count=count, turns=turns)


def _shortened(quote: str) -> str:
    quote = " ".join(quote.split())
    return quote if len(quote) <= 80 else quote[:77] + "…"


_WORDING: dict[str, dict[str, str]] = {
    "en": {
        "found": "Found “{quote}” in turn {turn} ({speaker}).",
        "none": "What was looked for was not said (cues: {count}, turns searched: {turns}).",
        "no_cues": "This item has no cues; a model or a person must judge it.",
        "unsettled": "The cues settle nothing here; a model or a person must judge it.",
        "undecided": "The cues point both ways; a person must decide.",
        "too_slow": "A pattern of this item could not be evaluated within its limits.",
        "no_quote": "The cues suggest an answer, but the passages that the item demands were not found.",
        "no_agent": "The agent says nothing in this contact.",
        "no_turns": "Nobody spoke in the turns where this could stand.",
        "not_applicable": "What this item asks about did not come up.",
        "not_when": "It was not found that this applies: {when}.",
        "agent": "agent", "customer": "customer", "bot": "bot", "system": "system",
    },
    "es": {
        "found": "Se encontró «{quote}» en el turno {turn} ({speaker}).",
        "none": "No se dijo lo que se buscaba (señales: {count}, turnos revisados: {turns}).",
        "no_cues": "Este criterio no tiene señales; debe juzgarlo un modelo o una persona.",
        "unsettled": "Las señales no deciden aquí; debe juzgarlo un modelo o una persona.",
        "undecided": "Las señales apuntan en ambos sentidos; debe decidir una persona.",
        "too_slow": "Un patrón de este criterio no pudo evaluarse dentro de sus límites.",
        "no_quote": "Las señales sugieren una respuesta, pero faltan las citas que exige el criterio.",
        "no_agent": "El agente no dice nada en este contacto.",
        "no_turns": "Nadie habló en los turnos donde esto podría constar.",
        "not_applicable": "Lo que pregunta este criterio no se presentó.",
        "not_when": "No se encontró que esto se aplique: {when}.",
        "agent": "agente", "customer": "cliente", "bot": "bot", "system": "sistema",
    },
    "fa": {
        "found": "«{quote}» در نوبت {turn} ({speaker}) یافت شد.",
        "none": "آنچه جست‌وجو شد گفته نشد (نشانه‌ها: {count}، نوبت‌های بررسی‌شده: {turns}).",
        "no_cues": "این مورد نشانه‌ای ندارد؛ مدل یا انسان باید آن را بسنجد.",
        "unsettled": "نشانه‌ها در اینجا چیزی را روشن نمی‌کنند؛ مدل یا انسان باید آن را بسنجد.",
        "undecided": "نشانه‌ها به هر دو سو اشاره دارند؛ انسان باید تصمیم بگیرد.",
        "too_slow": "یکی از الگوهای این مورد در مهلت مقرر ارزیابی نشد.",
        "no_quote": "نشانه‌ها پاسخی را پیشنهاد می‌کنند، اما نقل‌قول لازم یافت نشد.",
        "no_agent": "کارشناس در این تماس چیزی نمی‌گوید.",
        "no_turns": "در نوبت‌هایی که این می‌توانست گفته شود کسی سخن نگفته است.",
        "not_applicable": "آنچه این مورد می‌پرسد پیش نیامد.",
        "not_when": "یافت نشد که این مورد صدق کند: {when}.",
        "agent": "کارشناس", "customer": "مشتری", "bot": "ربات", "system": "سامانه",
    },
    "zh": {
        "found": "在第 {turn} 轮（{speaker}）找到“{quote}”。",
        "none": "在检查过的 {turns} 轮中，{count} 个线索均未出现。",
        "no_cues": "该项没有线索，需由模型或人工判断。",
        "unsettled": "线索无法判定该项，需由模型或人工判断。",
        "undecided": "线索相互矛盾，需由人工判断。",
        "too_slow": "该项的一个模式未能在限定时间内完成。",
        "no_quote": "线索提示了一个答案，但未找到该项要求的原话。",
        "no_agent": "客服在本次联系中没有发言。",
        "no_turns": "可能出现该内容的轮次中无人发言。",
        "not_applicable": "该项所问的情况没有出现。",
        "not_when": "未发现适用情形：{when}。",
        "agent": "客服", "customer": "客户", "bot": "机器人", "system": "系统",
    },
}  # fmt: skip
"""Reasons in the rubric's language, for those in which rubrics are shipped; others read English."""
