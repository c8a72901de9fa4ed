"""Findings on how a question is put: one act, one meaning, one language, and when it applies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.lint.finding import Check, Finding, found, places, sections
from service.lint.phrasing import (
    joining_word,
    language_of,
    main_script,
    manner_word,
    outside_word,
    proviso_word,
    scripts_of,
)
from service.rubric import Choice, Item, MultiChoice, Rubric, Scale


def _check_questions(rubric: Rubric) -> Iterator[Finding]:
    language = language_of(rubric.language)
    for path, item, _ in places(rubric):
        if joined := joining_word(item.question, language):
            yield found(
                "question-double-barrelled",
                f"{path}.question",
                f"The question asks two things at once ({joined!r}); one answer cannot say which of them was missed.",
                "Make two items of it, or one item with an option for each case.",
            )
        if item.method not in ("human", "metric") and (outside := outside_word(item.question, language)):
            yield found(
                "not-in-transcript",
                f"{path}.question",
                f"A transcript does not show this ({outside!r}).",
                "Set method to human, take it from metadata with a metric, or ask for what is said.",
            )
        yield from _check_manner(path, item, language)


def _check_manner(path: str, item: Item, language: str) -> Iterator[Finding]:
    manner = manner_word(item.question, language)
    anchored = isinstance(item.answer, (Choice, MultiChoice)) and all(o.anchor for o in item.answer.options)
    if manner and item.method != "human" and not item.guidance and not anchored and not isinstance(item.answer, Scale):
        yield found(
            "manner-without-anchors",
            f"{path}.guidance",
            f"{manner!r} means something else to every evaluator, and nothing here says which behaviour shows it.",
            "Say in guidance, or in an anchor for every option, what a listener would hear.",
        )
    if isinstance(item.answer, Scale):
        for index, level in enumerate(item.answer.levels):
            if main_script(level.anchor) in (None, "latin") and len(level.anchor.split()) < 3:
                yield found(
                    "anchor-too-thin",
                    f"{path}.answer.levels[{index}].anchor",
                    f"{level.anchor!r} names level {level.value}, but does not say which behaviour earns it.",
                    "Describe what the agent says or does at this level.",
                )


def _check_repetition(rubric: Rubric) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path, item, _ in places(rubric):
        words = re.sub(r"\W+", " ", item.question.casefold()).strip()
        if words in seen:
            yield found(
                "question-repeated",
                f"{path}.question",
                f"Item {item.id!r} asks the same as item {seen[words]!r}.",
                "Remove one, or say in the question where they differ.",
            )
        seen.setdefault(words, item.id)


def _check_applicability(rubric: Rubric) -> Iterator[Finding]:
    language = language_of(rubric.language)
    for path, item, section in places(rubric):
        proviso = proviso_word(item.question, language)
        if item.not_applicable == "never" and item.when is None and section.when is None and proviso:
            yield found(
                "proviso-without-na",
                f"{path}.not_applicable",
                f"The question does not always apply ({proviso!r}), but N/A is not allowed, so it will be scored No.",
                "Allow not_applicable and say in applicable_when when the question arises.",
            )
        stated = item.applicable_when or item.when or section.when or (item.cues and item.cues.applicable)
        if item.not_applicable == "allowed" and not stated and item.method in ("llm", "cues"):
            yield found(
                "applicability-missing",
                f"{path}.applicable_when",
                f"Item {item.id!r} may be not applicable, but nothing says when; every judge will decide differently.",
                "Say in applicable_when when the question arises, or set not_applicable to never.",
            )


def _check_guidance(rubric: Rubric) -> Iterator[Finding]:
    for path, item, _ in places(rubric):
        if item.method != "llm":
            continue
        if not item.guidance:
            yield found(
                "guidance-missing",
                f"{path}.guidance",
                f"Item {item.id!r} is answered by a model that is not told what good looks like.",
                "Write one or two sentences on what earns which answer.",
            )
        if isinstance(item.answer, Scale) and not item.exemplars:
            yield found(
                "exemplars-missing",
                f"{path}.exemplars",
                f"Item {item.id!r} asks for a level, but shows no example of one.",
                "Add a quote for at least the lowest and the highest level.",
            )


def _check_language(rubric: Rubric) -> Iterator[Finding]:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", rubric.language):
        yield found(
            "language-tag-invalid", "language", f"{rubric.language!r} is no language tag.", "Write en, es-MX, fa or zh."
        )
        return
    expected = scripts_of(language_of(rubric.language))
    for path, item, _ in places(rubric):
        script = main_script(item.question)
        if expected and script is not None and script not in expected:
            yield found(
                "language-mismatch",
                f"{path}.question",
                f"The form's language is {rubric.language}, but this question is written in {script} letters.",
                "Translate the question, or correct the form's language.",
            )


def _check_ids(rubric: Rubric) -> Iterator[Finding]:
    named = [("id", rubric.id)]
    named += [(f"{path}.id", section.id) for path, section in sections(rubric)]
    for path, item, _ in places(rubric):
        named.append((f"{path}.id", item.id))
        if isinstance(item.answer, (Choice, MultiChoice)):
            named += [(f"{path}.answer.options[{n}].id", option.id) for n, option in enumerate(item.answer.options)]
    odd = [(path, name) for path, name in named if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)]
    if odd:
        # One finding for the whole form: ids of another system are odd all alike, and nobody changes them.
        more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
        yield found(
            "id-not-kebab-case",
            odd[0][0],
            f"The id {odd[0][1]!r}{more}: not lower-case words joined by hyphens.",
            "Choose one style before the form is first published; afterwards ids stay for ever.",
        )


CHECKS: tuple[Check, ...] = (
    _check_questions,
    _check_repetition,
    _check_applicability,
    _check_guidance,
    _check_language,
    _check_ids,
)
