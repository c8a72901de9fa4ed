"""Findings on how an item is judged: its evidence, its metric, its channels and its cues."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from service.conditions import Facts, holds
from service.cue_rules import (
    NOT_APPLICABLE,
    UNSCORED,
    AllOf,
    AnswerValue,
    AnyOf,
    AtLeast,
    Cue,
    NoneOf,
    Ordered,
    Pattern,
    Phrase,
    Ref,
    Supplied,
)
from service.lint.finding import Check, Finding, Place, cues_of, found, places, simple_conditions
from service.lint.phrasing import language_of, voice_only_word
from service.rubric import Condition, Item, MultiChoice, Number, Rubric, WhenMetadata, cue_references


def _check_evidence(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in places(rubric):
        rule = item.evidence
        for answer in set(rule.quotes_for or ()) & set(rule.absence or ()):
            yield found(
                "evidence-contradicts",
                f"{path}.evidence",
                f"The answer {answer!r} of item {item.id!r} needs quotes and may rest on absence; absence wins.",
                "Name the answer in one of the two lists.",
            )
        if rule.min_quotes == 0 and rule.quotes_for:
            yield found(
                "evidence-idle",
                f"{path}.evidence.quotes_for",
                f"Item {item.id!r} names answers that need quotes, but asks for none (min_quotes is 0).",
                "Set min_quotes to 1, or remove quotes_for.",
            )
        if item.cues and item.method in ("llm", "cues"):
            yield from _check_cue_evidence(rubric, path, item)


def _check_cue_evidence(rubric: Rubric, path: str, item: Item) -> Iterator[Finding]:
    """Answers that the cue engine could give only without the quotes that the item demands of them."""
    judge = item.cues
    if judge is None:
        return
    otherwise = judge.otherwise
    if otherwise not in (UNSCORED, NOT_APPLICABLE) and _quotes_needed(item, otherwise):
        yield found(
            "evidence-cannot-be-met",
            f"{path}.cues.otherwise",
            f"Item {item.id!r} answers {otherwise!r} when nothing was found, but demands quotes for this answer.",
            "Name the answer in evidence.absence, or let otherwise be unscored.",
        )
    for index, rule in enumerate(judge.rules):
        if rule.answer in (UNSCORED, NOT_APPLICABLE) or not _quotes_needed(item, rule.answer):
            continue
        speakers = set(_speakers(rubric, rule.when, frozenset()))
        allowed = {item.evidence.speaker, "any"} if item.evidence.speaker != "any" else speakers
        if item.evidence.speaker == "agent":
            allowed |= {"bot"}
        if not speakers or not speakers & allowed:
            why = "finds no passage, only an absence" if not speakers else f"finds words of the {min(speakers)} only"
            yield found(
                "evidence-cannot-be-met",
                f"{path}.cues.rules[{index}]",
                f"The rule {why}; {rule.answer!r} demands quotes (speaker: {item.evidence.speaker}).",
                "Name the answer in evidence.absence, correct the speaker, or add a cue that finds a passage.",
            )


def _quotes_needed(item: Item, answer: AnswerValue) -> int:
    if isinstance(item.answer, MultiChoice) and isinstance(answer, str):
        answer = (answer,)
    return item.quotes_needed(answer) if item.allows(answer) else 0


def _speakers(rubric: Rubric, cue: Cue, seen: frozenset[str]) -> Iterator[str]:
    """Whose words the passages that prove this cue can be."""
    match cue:
        case Phrase(speaker=speaker) | Pattern(speaker=speaker) | Supplied(speaker=speaker):
            yield speaker
        case AnyOf(any=parts) | AllOf(all=parts) | AtLeast(of=parts):
            for part in parts:
                yield from _speakers(rubric, part, seen)
        case Ordered(cue=inner):
            yield from _speakers(rubric, inner, seen)
        case Ref(ref=name) if name not in seen:
            yield from _speakers(rubric, rubric.cues[name], seen | {name})
        case NoneOf() | Ref():
            return


_TIMINGS: Mapping[str, frozenset[str]] = {
    "duration": frozenset({"voice", "chat", "email", "social"}),
    "turns": frozenset({"voice", "chat", "email", "social"}),
    "first_agent_response": frozenset({"voice", "chat", "email", "social"}),
    "longest_agent_silence": frozenset({"voice", "chat"}),
    "longest_pause": frozenset({"voice"}),
    "agent_talk_share": frozenset({"voice", "chat"}),
}


def _check_metrics(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in places(rubric):
        if item.metric is None:
            continue
        of = item.metric.of
        if of not in _TIMINGS and not re.fullmatch(r"metadata:.+", of):
            close = difflib.get_close_matches(of, _TIMINGS, n=1)
            yield found(
                "metric-unknown",
                f"{path}.metric.of",
                f"{of!r} is nothing that can be measured.",
                f"Use {close[0]}." if close else f"Use metadata:KEY or one of: {', '.join(_TIMINGS)}.",
            )
        if isinstance(item.answer, Number) and item.metric.bands:
            yield found(
                "metric-bands-ignored",
                f"{path}.metric.bands",
                f"Item {item.id!r} takes the number itself; the metric's bands are not looked at.",
                "Put the bands under answer.bands, with points.",
            )
        if not isinstance(item.answer, Number) and not item.metric.bands:
            yield found(
                "metric-without-bands",
                f"{path}.metric",
                f"Nothing says which measurement gives which answer of item {item.id!r}.",
                "Add metric.bands, or make it a number item.",
            )


def _check_channels(rubric: Rubric) -> Iterator[Finding]:
    """Items that ask a channel for what it does not have."""
    language = language_of(rubric.language)
    for place in places(rubric):
        path, item = place.path, place.item
        served = [channel for channel in rubric.channels if _may_be_asked(place, channel)]
        fit = _TIMINGS.get(item.metric.of) if item.metric and item.method == "metric" else None
        unfit = [channel for channel in served if fit is not None and channel not in fit]
        if unfit:
            yield found(
                "channel-unfit",
                f"{path}.metric.of",
                f"{item.metric.of if item.metric else ''!r} means nothing in {' and '.join(unfit)}.",
                "Ask the item under a condition on the channel, or narrow the form's channels.",
            )
        word = voice_only_word(item.question, language)
        if word and item.method != "human" and served and "voice" not in served:
            yield found(
                "channel-unfit",
                f"{path}.question",
                f"The question is about something that only a call has ({word!r}).",
                "Remove the item, or let the form serve voice.",
            )


def _may_be_asked(place: Place, channel: str) -> bool:
    facts = Facts.model_validate({"channel": channel})
    conditions = (place.section.when, place.item.when)
    # Conditions on answers and metadata stay open here; only the channel is looked at.
    return all(_holds_for_channel(condition, facts) is not False for condition in conditions)


def _holds_for_channel(condition: Condition | None, facts: Facts) -> bool | None:
    if condition is None or any(isinstance(one, WhenMetadata) for _, one in simple_conditions("", condition)):
        return None
    return holds(condition, {}, facts)


def _check_unused_blocks(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in places(rubric):
        if item.metric and item.method != "metric":
            yield found(
                "block-unused",
                f"{path}.metric",
                f"Item {item.id!r} has a metric, but its method is {item.method}.",
                "Set method to metric, or remove the block.",
            )
        if item.cues and item.method in ("metric", "human"):
            yield found(
                "block-unused",
                f"{path}.cues",
                f"Item {item.id!r} has cues, but its method is {item.method}.",
                "Set method to cues or llm, or remove the block.",
            )


def _check_offline(rubric: Rubric) -> Iterator[Finding]:
    """One finding for the whole form; a form that is half offline was meant so."""
    asks_model = [item for item in rubric.items if item.method == "llm" and item.cues is None]
    if asks_model and not any(item.cues or item.method == "metric" for item in rubric.items):
        yield found(
            "open-without-model",
            "sections",
            "No item has cues or a metric, so without a model every item stays open.",
            "Configure a model when you score, or give items a cues block.",
        )


def _check_cue_use(rubric: Rubric) -> Iterator[Finding]:
    used = {name for _, cue in cues_of(rubric) for name in cue_references(cue)}
    for name in rubric.cues:
        if name not in used:
            yield found("cue-unused", f"cues.{name}", f"No item uses the cue {name!r}.", "Use it by ref, or remove it.")
    for path, item, _ in places(rubric):
        rules = item.cues.rules if item.cues else ()
        several = isinstance(item.answer, MultiChoice)
        for index, rule in enumerate(rules):
            if any(earlier.when == rule.when and (not several or earlier == rule) for earlier in rules[:index]):
                yield found(
                    "cue-rule-shadowed",
                    f"{path}.cues.rules[{index}]",
                    "An earlier rule has the same cue, so this one is never reached.",
                    "Remove one of the two, or make their cues differ.",
                )


CHECKS: tuple[Check, ...] = (
    _check_evidence,
    _check_metrics,
    _check_channels,
    _check_unused_blocks,
    _check_offline,
    _check_cue_use,
)
