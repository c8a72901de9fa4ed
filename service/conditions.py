"""Which items a form asks of this contact.

Comes in: conditions, the results known so far, and the contact's channel and metadata. Goes out: true, false or
undetermined, and the results with every item that is not asked marked as not applicable. The logic is Kleene's: an
unscored item makes a condition undetermined only where its answer would matter. This module refuses to know what an
answer earns and never reads a transcript.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from service.condition_words import asked_only
from service.conversation import Channel, Conversation
from service.cue_rules import NOT_APPLICABLE, AnswerValue
from service.rubric import (
    Condition,
    Item,
    Rubric,
    WhenAll,
    WhenAny,
    WhenChannel,
    WhenItem,
    WhenMetadata,
    WhenNot,
)
from service.scorecard import Answered, ItemResult, NotApplicable, Unscored
from service.value import Value


class Facts(Value):
    """What conditions may look at besides answers. Lives as long as one draft or review is computed."""

    channel: Channel
    metadata: dict[str, Any] = Field(default_factory=dict)


def facts_of(conversation: Conversation) -> Facts:
    """The channel and the metadata of this conversation."""
    return Facts(channel=conversation.channel, metadata=conversation.metadata)


def holds(condition: Condition | None, results: Mapping[str, ItemResult], facts: Facts) -> bool | None:
    """Whether the condition holds; None while it hangs on an item that is unscored or has no result yet.

    No condition at all holds. `all` fails as soon as one part fails, `any` holds as soon as one part holds, also
    when other parts are undetermined.
    """
    match condition:
        case None:
            return True
        case WhenAll(all=parts):
            return every(holds(part, results, facts) for part in parts)
        case WhenAny(any=parts):
            return _negated(every(_negated(holds(part, results, facts)) for part in parts))
        case WhenNot(not_=part):
            return _negated(holds(part, results, facts))
        case WhenItem(item=item, answers=answers):
            return _item_answered(results.get(item), answers)
        case WhenChannel(channel=channels):
            return facts.channel in channels
        case WhenMetadata():
            return _compares(condition, metadata_value(facts.metadata, condition.metadata))


def every(truths: Iterable[bool | None]) -> bool | None:
    """Kleene's conjunction: false when one is false, else undetermined when one is, else true."""
    seen = set(truths)
    if False in seen:
        return False
    return None if None in seen else True


def _negated(truth: bool | None) -> bool | None:  # noqa: FBT001 - a truth value is what it is about
    return None if truth is None else not truth


def _item_answered(result: ItemResult | None, answers: tuple[AnswerValue, ...]) -> bool | None:
    match result:
        case Answered(answer=answer):
            return is_among(answer, answers)
        case NotApplicable():
            return NOT_APPLICABLE in answers
        case _:
            return None


def is_among(answer: AnswerValue, answers: tuple[AnswerValue, ...]) -> bool:
    """Whether a condition that names `answers` is met by `answer`.

    Of several chosen options one named is enough; a tuple of options is met when exactly these were chosen.
    """
    if not isinstance(answer, tuple):
        return answer in answers
    chosen = set(answer)
    return any(chosen == set(one) if isinstance(one, tuple) else one in chosen for one in answers)


# ── Metadata ────────────────────────────────────────────────────────────────────────────────────────────────────


def metadata_value(metadata: Mapping[str, Any], key: str) -> Any:
    """The value under `key`, None when there is none.

    A key that is spelled exactly so wins; otherwise the text before each dot names an object to descend into.
    """
    if key in metadata:
        return metadata[key]
    head, dot, rest = key.partition(".")
    while dot:
        inner = metadata.get(head)
        if isinstance(inner, Mapping) and (found := metadata_value(inner, rest)) is not None:
            return found
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return None


def _compares(condition: WhenMetadata, actual: Any) -> bool:
    """Whether the metadata value passes. Never raises: values that cannot be compared do not pass."""
    if condition.op in ("exists", "absent"):
        return (actual is not None) == (condition.op == "exists")
    if actual is None:
        return False
    match condition.op:
        case "eq":
            return _same(actual, condition.value)
        case "ne":
            return not _same(actual, condition.value)
        case "in":
            return _common(actual, condition.value)
        case "not_in":
            return not _common(actual, condition.value)
        case order:
            return _in_order(order, actual, condition.value)


def _same(one: Any, other: Any) -> bool:
    """Equal and of one kind: `true` is not 1, and the text "5" is not the number 5."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return _kind(one) == _kind(other) and bool(one == other)


def _common(actual: Any, listed: Any) -> bool:
    actuals = actual if isinstance(actual, (list, tuple)) else (actual,)
    wanted = listed if isinstance(listed, (list, tuple)) else (listed,)
    return any(_same(one, other) for one in actuals for other in wanted)


def _in_order(order: str, actual: Any, limit: Any) -> bool:
    """Numbers compare by size, texts by code points, which puts ISO dates in their order."""
    if _kind(actual) != _kind(limit) or _kind(actual) not in ("number", "text"):
        return False
    match order:
        case "lt":
            return bool(actual < limit)
        case "le":
            return bool(actual <= limit)
        case "gt":
            return bool(actual > limit)
        case _:
            return bool(actual >= limit)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "text"
    return type(value).__name__


# ── Results ─────────────────────────────────────────────────────────────────────────────────────────────────────


def apply_conditions(rubric: Rubric, results: Mapping[str, ItemResult], facts: Facts) -> dict[str, ItemResult]:
    """The results, in form order, with every item settled that the form itself decides.

    - The condition fails (the item's own or its section's): not applicable, decided by the condition, whatever
      was answered; the reason names the condition. Later conditions see it as not applicable.
    - It is undetermined: unscored with `condition_undetermined`; an answer given so far becomes `proposed`. A judge's
      "not applicable" stays, for it is right either way, and so does an item that is unscored for a reason of its own.
    - It holds: the result stays. One that the form had left out earlier becomes unscored, because nobody judged it.

    Items without a result get one only in the first two cases. Applying twice changes nothing more.
    """
    settled: dict[str, ItemResult] = {}
    for section in rubric.sections:
        for item in section.items:
            known = [(one, holds(one, settled, facts)) for one in (section.when, item.when) if one is not None]
            failing = next((condition for condition, truth in known if truth is False), None)
            if failing is not None:
                settled[item.id] = _left_out(item, asked_only(failing, rubric))
                continue
            result = _settled(item, results.get(item.id), every(truth for _, truth in known))
            if result is not None:
                settled[item.id] = result
    return settled


def _settled(item: Item, result: ItemResult | None, truth: bool | None) -> ItemResult | None:  # noqa: FBT001
    left_out = isinstance(result, NotApplicable) and result.decided_by == "condition"
    if truth is None:
        return _undetermined(item, None if left_out else result)
    if left_out or (isinstance(result, Unscored) and result.unscored_reason == "condition_undetermined"):
        return _not_yet_judged(item, result)
    return result


def _left_out(item: Item, reason: str) -> NotApplicable:
    return NotApplicable(
        item=item.id,
        reason=reason,
        decided_by="condition",
        method=item.method,
    )


def _undetermined(item: Item, result: ItemResult | None) -> ItemResult:
    if isinstance(result, (NotApplicable, Unscored)):
        return result
    return Unscored(
        item=item.id,
        unscored_reason="condition_undetermined",
        reason="Whether the form asks this depends on an item that is unscored.",
        proposed=result.answer if result else None,
        evidence=result.evidence if result else (),
        searched=result.searched if result else None,
        method=item.method,
    )


def _not_yet_judged(item: Item, result: ItemResult | None) -> Unscored:
    before = result if isinstance(result, Unscored) else None
    return Unscored(
        item=item.id,
        unscored_reason="needs_model_or_person",
        reason="The form asks this now; it was left open while its condition did not hold or was undetermined.",
        proposed=before.proposed if before else None,
        evidence=before.evidence if before else (),
        unlocated=before.unlocated if before else (),
        searched=before.searched if before else None,
        method=item.method,
    )
