"""Answers that are computed from what surrounds the words: metadata and timing.

Comes in: a conversation and an item with a `metric` block. Goes out: its `ItemResult`. What the conversation does not
carry stays unscored ("metadata_missing"); nothing is estimated. This module reads no words and knows no model.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

from service.conditions import metadata_value
from service.conversation import Conversation, Turn
from service.cue_rules import NOT_APPLICABLE, AnswerValue
from service.rubric import FreeText, Item, Metric, MetricBand, MultiChoice, Number, YesNo
from service.scorecard import Answered, Confidence, ItemResult, NotApplicable, Unscored, UnscoredReason

METADATA = "metadata:"


class Measurement(NamedTuple):
    """What was measured and, for the reader, how to say it."""

    value: Any
    said: str


class _Missing(Exception):
    """The conversation does not carry what the measurement needs."""


def measure(conversation: Conversation, item: Item) -> ItemResult:
    """The item is answered by its metric, or unscored because the conversation does not carry what it needs.

    Seconds count from the end of one turn to the start of the next; a turn without an end ends where it starts, as
    messages do. A measurement that no band and no answer covers is unscored ("undecided").
    """
    if item.metric is None:
        return _unscored(item, "needs_model_or_person", "This item has no metric; a model or a person must judge it.")
    try:
        measured = _measured(conversation, item.metric.of, item)
    except _Missing as missing:
        return _unscored(item, "metadata_missing", str(missing))
    answer = _answer(item, item.metric, measured.value)
    if answer is None:
        return _unscored(item, "undecided", f"{measured.said} No answer of this item covers that.")
    confidence = Confidence(raw=1, source="metric")
    if answer == NOT_APPLICABLE:
        return NotApplicable(
            item=item.id, reason=measured.said, decided_by="judge", confidence=confidence, method="metric"
        )
    return Answered(item=item.id, answer=answer, reason=measured.said, confidence=confidence, method="metric")


def _unscored(item: Item, why: UnscoredReason, reason: str) -> Unscored:
    return Unscored(item=item.id, unscored_reason=why, reason=reason, method="metric")


# ── Measuring ───────────────────────────────────────────────────────────────────────────────────────────────────


def _measured(conversation: Conversation, of: str, item: Item) -> Measurement:
    if of.startswith(METADATA):
        return _metadata(conversation, of.removeprefix(METADATA))
    match of:
        case "turns":
            count = len(conversation.turns)
            return Measurement(count, f"The conversation has {count} turns.")
        case "duration":
            return _duration(conversation)
        case "first_agent_response":
            return _first_response(conversation, item)
        case "longest_agent_silence":
            return _longest(
                conversation, _waits_for_agent(conversation, item), "The customer's longest wait for the agent"
            )
        case "longest_pause":
            return _longest(conversation, list(pairwise(range(len(conversation.turns)))), "The longest pause")
        case "agent_talk_share":
            return _talk_share(conversation, item)
        case _:
            raise _Missing(f"There is no measurement named {of!r}.")


def _metadata(conversation: Conversation, key: str) -> Measurement:
    value = metadata_value(conversation.metadata, key)
    if value is None:
        raise _Missing(f"The conversation carries no metadata {key!r}.")
    return Measurement(value, f"The metadata {key!r} is {value}.")


def _start(turn: Turn) -> float:
    if turn.start is None:
        raise _Missing("The turns carry no times.")
    return turn.start


def _end(turn: Turn) -> float:
    return _start(turn) if turn.end is None else max(turn.end, _start(turn))


def _duration(conversation: Conversation) -> Measurement:
    seconds = max(map(_end, conversation.turns)) - min(map(_start, conversation.turns))
    return Measurement(_rounded(seconds), f"The conversation lasted {_seconds(seconds)}.")


def _agents(conversation: Conversation, item: Item) -> frozenset[str]:
    if item.focus == "evaluated_agent":
        return frozenset(conversation.agents)
    people = frozenset(p.id for p in conversation.participants if p.role == "agent")
    return people or frozenset(p.id for p in conversation.participants if p.role == "bot")


def _waits_for_agent(conversation: Conversation, item: Item) -> list[tuple[int, int]]:
    """The customers' turns that an agent's follows, and those: a notice of the system between them ends no wait."""
    agents = _agents(conversation, item)
    spoken = [index for index in range(len(conversation.turns)) if conversation.role_of(index) != "system"]
    return [
        (before, index)
        for before, index in pairwise(spoken)
        if conversation.turns[index].participant in agents and conversation.role_of(before) == "customer"
    ]


def _first_response(conversation: Conversation, item: Item) -> Measurement:
    agents = _agents(conversation, item)
    asked = next((i for i in range(len(conversation.turns)) if conversation.role_of(i) == "customer"), None)
    if asked is None:
        raise _Missing("No customer turn stands in the conversation.")
    reply = next(
        (i for i in range(asked + 1, len(conversation.turns)) if conversation.turns[i].participant in agents), None
    )
    if reply is None:
        raise _Missing("No agent turn follows the customer's first.")
    seconds = max(0.0, _start(conversation.turns[reply]) - _end(conversation.turns[asked]))
    return Measurement(_rounded(seconds), f"The agent first replied after {_seconds(seconds)}, in turn {reply}.")


def _longest(conversation: Conversation, pairs: list[tuple[int, int]], what: str) -> Measurement:
    if not pairs:
        raise _Missing(f"{what} does not exist: no turn follows on another in that way.")
    turns = conversation.turns
    gaps = {index: max(0.0, _start(turns[index]) - _end(turns[before])) for before, index in pairs}
    longest = max(gaps, key=lambda index: (gaps[index], -index))
    return Measurement(_rounded(gaps[longest]), f"{what} was {_seconds(gaps[longest])}, before turn {longest}.")


def _talk_share(conversation: Conversation, item: Item) -> Measurement:
    """Talk of the agents over talk of all but the system: by time where every turn has it, else by characters."""
    agents = _agents(conversation, item)
    spoken = [turn for index, turn in enumerate(conversation.turns) if conversation.role_of(index) != "system"]
    timed = all(turn.start is not None and turn.end is not None for turn in spoken)
    amounts = [(_end(t) - _start(t)) if timed else float(_own_characters(t)) for t in spoken]
    total = sum(amounts)
    if total <= 0:
        raise _Missing("Nobody's talk could be measured.")
    share = sum(amount for turn, amount in zip(spoken, amounts, strict=True) if turn.participant in agents) / total
    by = "time" if timed else "characters"
    return Measurement(round(share, 4), f"The agent has {share:.0%} of the talk, by {by}.")


def _own_characters(turn: Turn) -> int:
    return len(turn.text) - sum(span.end - span.start for span in turn.quoted)


def _rounded(seconds: float) -> float:
    return round(seconds, 3)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} seconds"


# ── From measurement to answer ──────────────────────────────────────────────────────────────────────────────────


def _answer(item: Item, metric: Metric, value: Any) -> AnswerValue | None:
    """The answer that the measurement gives; None when none does."""
    number = _number(value)
    if metric.bands:
        if number is None:
            return None
        return next((band.answer for band in metric.bands if _within(number, band)), None)
    answer = _plain_answer(item, value, number)
    return answer if answer is not None and item.allows(answer) else None


def _within(number: float, band: MetricBand) -> bool:
    return (band.min is None or number >= band.min) and (band.max is None or number <= band.max)


def _plain_answer(item: Item, value: Any, number: float | None) -> AnswerValue | None:
    match item.answer:
        case Number():
            return int(number) if number is not None and number.is_integer() else number
        case YesNo() if isinstance(value, bool):
            return "yes" if value else "no"
        case FreeText():
            return str(value)
        case MultiChoice() if isinstance(value, (list, tuple)):
            return tuple(str(one) for one in value)
        case MultiChoice():
            return (str(value),)
        case _:
            return value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    """A finite number, also one that was written as text; anything else is None, truth values included."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
