"""Genesys Cloud evaluation forms → rubrics.

Comes in: the JSON of the quality API, or the Terraform resource `genesyscloud_quality_forms_evaluation`. Goes out: an
`ImportedForm`. A Genesys group scores the points of its answers out of the most that its questions give, and the
form the mean of its groups by their weights; here an item weighs what its best answer is worth, which comes to
the same.
"""

from __future__ import annotations

import re
from typing import Any

from service.errors import RubricRejected
from service.forms.imported import (
    ImportedForm,
    Ledger,
    Names,
    Raw,
    an_object,
    as_rubric,
    join,
    number,
    objects,
    option_names,
    slug,
    words,
    yes_no_order,
)
from service.forms.terraform import read_resources

RESOURCE = "genesyscloud_quality_forms_evaluation"

_REASONS = {
    "aiScoring": "Which questions a model may answer is kept as each item's method; other settings are not.",
    "assistanceConditions": "Topics of the contact center have no counterpart; give the item cues instead.",
    "builtInType": "It only marks the two sides of a ticked option.",
    "commentsRequired": "Every answer here carries a reason; a person's comment cannot be demanded by the form.",
    "defaultAnswer": "No item has an answer before somebody judged it.",
    "defaultAnswersTo": "No item has an answer before somebody judged it.",
    "evaluationSettings": "Disputes and revisions are no part of a rubric.",
    "manualWeight": "Weights stand as they are; none is worked out from others.",
    "published": "A rubric is published by the service that keeps it.",
    "visibilityCondition": "It is left out as a whole, so the question is always asked.",
}
_BOOKKEEPING = (
    "modifiedDate",
    "publishedVersions",
    "selfUri",
    "latestVersionFormName",
    "division",
)
_PREDICATE = re.compile(r"/form/questionGroup/(\d+)/question/(\d+)/answer/(\d+)")


def is_genesys(raw: Raw) -> bool:
    """Whether this looks like an evaluation form of the Genesys API."""
    return isinstance(raw.get("questionGroups"), list)


def is_genesys_terraform(text: str) -> bool:
    """Whether this looks like a Terraform file with a Genesys evaluation form."""
    return re.search(rf'^\s*resource\s+"{RESOURCE}"', text, re.MULTILINE) is not None


def from_genesys(raw: Raw) -> ImportedForm:
    """The form as a rubric. Raises RubricRejected where its shape is not that of a form."""
    return _Import(raw).result()


def from_genesys_terraform(text: str) -> ImportedForm:
    """The one evaluation form that the Terraform file declares, as a rubric.

    Only literal values are read: a file that computes values (variables, functions, templates, dynamic blocks) is
    refused with the line, because a guess at its result would be a form that nobody wrote.
    """
    forms = [body for kind, _, body in read_resources(text) if kind == RESOURCE]
    if len(forms) != 1:
        raise RubricRejected(
            f"The file declares {len(forms)} resources of type {RESOURCE}.", fix="Send a file with exactly one."
        )
    return from_genesys(_as_api(forms[0]))


# ── Terraform's spelling ────────────────────────────────────────────────────────────────────────────────────────

_LISTS = {"question_groups", "questions", "answer_options", "assistance_conditions", "multiple_select_option_questions"}
_DEFAULTS = {
    "default_answers_to_highest": "highestScore",
    "default_answers_to_na": "notApplicable",
    "default_answers_to_lowest": "lowestScore",
}


def _as_api(block: Raw) -> Raw:
    """The resource's body in the API's shape: camel case, repeated blocks as lists, single blocks as objects."""
    found: Raw = {}
    for key, value in block.items():
        if key in _DEFAULTS:
            if value:
                found.setdefault("defaultAnswersTo", {})[_DEFAULTS[key]] = value
        elif isinstance(value, list) and all(isinstance(one, dict) for one in value) and value:
            inner = [_as_api(one) for one in value]
            found[_camel(key)] = inner if key in _LISTS or len(inner) > 1 else inner[0]
        else:
            found[_camel(key)] = value
    return found


def _camel(key: str) -> str:
    head, *rest = key.split("_")
    return head + "".join(part.capitalize() for part in rest)


# ── The form ────────────────────────────────────────────────────────────────────────────────────────────────────


class _Import:
    """One form on its way. Lives as long as one import."""

    def __init__(self, form: Raw) -> None:
        self.form = form
        self.ledger = Ledger(_REASONS)
        self.section_names = Names()
        self.item_names = Names()
        self.answers: dict[tuple[int, int, int], Raw] = {}
        self.modelled = self._modelled()

    def result(self) -> ImportedForm:
        title = words(self.form, "name", "") or "Untitled form"
        groups = objects(self.form, "questionGroups", "")
        sections = [self._section(index, group) for index, group in enumerate(groups)]
        rubric = {
            "id": slug(words(self.form, "contextId", "")) or slug(title) or "imported-form",
            "version": "1",
            "title": title,
            "language": words(self.form, "dialect", "") or "en",
            "scoring": self._scoring(),
            "sections": [section for section in sections if section["items"]],
        }
        self.ledger.rest(
            "", self.form, *_BOOKKEEPING, "id", "contextId", "name", "questionGroups", "weightMode", "dialect",
            "aiScoring",
        )  # fmt: skip
        return ImportedForm(rubric=as_rubric(rubric), not_carried=self.ledger.entries)

    def _scoring(self) -> Raw:
        """SCALED: the mean of groups. OFF: all points of all points, whatever group they stand in."""
        off = words(self.form, "weightMode", "") == "OFF"
        return {"method": "weighted_percentage", "over": "items" if off else "sections"}

    def _modelled(self) -> dict[str, bool]:
        """A question's contextId → whether the form lets a model answer it."""
        found: dict[str, bool] = {}
        scoring = an_object(self.form, "aiScoring", "")
        for group in objects(scoring, "questionGroupSettings", "aiScoring"):
            path = "aiScoring.questionGroupSettings"
            for question in objects(group, "questionSettings", path):
                settings = an_object(question, "settings", path)
                found[words(question, "questionContextId", path)] = settings.get("enabled") is not False
        self.ledger.rest("aiScoring", scoring, "questionGroupSettings")
        return found

    def _section(self, index: int, raw: Raw) -> Raw:
        path = join("questionGroups", index)
        title = words(raw, "name", path) or f"Group {index + 1}"
        weight = number(raw, "weight", path)
        questions = objects(raw, "questions", path)
        section: Raw = {
            "id": self.section_names.name(words(raw, "contextId", path) or title, otherwise=f"group-{index + 1}"),
            "title": title,
            "weight": 1 if weight is None else weight,
            "when": self._condition(path, raw),
        }
        section["items"] = [
            item
            for place, question in enumerate(questions)
            if (item := self._item((index, place), question, group=raw)) is not None
        ]
        if not section["items"]:
            self.ledger.note(path, "group without questions", "A section needs an item.")
        self.ledger.rest(
            path, raw, "id", "contextId", "name", "type", "weight", "naEnabled", "questions", "visibilityCondition"
        )
        return section

    # ── Questions ──

    def _item(self, place: tuple[int, int], raw: Raw, *, group: Raw) -> Raw | None:
        path = join(join("questionGroups", place[0]) + ".questions", place[1])
        kind = words(raw, "type", path) or "multipleChoiceQuestion"
        text = words(raw, "text", path)
        if kind == "readOnlyTextBlockQuestion":
            self.ledger.note(path, "text block", "It asks nothing; say it in the items' guidance.")
            return None
        context = words(raw, "contextId", path)
        otherwise = f"question-{place[0] + 1}-{place[1] + 1}"
        item: Raw = {
            "id": self.item_names.name(context or text, otherwise=otherwise),
            "question": text or otherwise,
            "guidance": words(raw, "helpText", path) or None,
            "not_applicable": "allowed" if raw.get("naEnabled") or group.get("naEnabled") else "never",
            "focus": "contact" if words(raw, "automatedScoringFocus", path) == "FullInteraction" else "evaluated_agent",
            "when": self._condition(path, raw),
            "method": "llm" if self.modelled.get(context, True) else "human",
        }
        options = self._answer(item, path, kind, raw)
        for index, answer in enumerate(options):
            self.answers[(*place, index)] = {"item": item["id"], "answers": [answer]}
        self._critical(item, path, raw)
        self.ledger.rest(
            path, raw, "id", "contextId", "text", "helpText", "type", "naEnabled", "isKill", "isCritical",
            "automatedScoringFocus", "answerOptions", "multipleSelectOptionQuestions", "visibilityCondition",
        )  # fmt: skip
        return item

    def _answer(self, item: Raw, path: str, kind: str, raw: Raw) -> list[str]:
        """The item gets its answers; returns what each option of the form is called there, in the form's order."""
        match kind:
            case "multipleChoiceQuestion":
                return self._choice(item, path, raw)
            case "multipleSelectQuestion":
                return self._several(item, path, raw)
            case "npsQuestion":
                item["answer"] = {"type": "number", "min": 0, "max": 10}
                item["excluded_from_score"] = True
            case "freeTextQuestion":
                item["answer"] = {"type": "text"}
            case other:
                item["answer"] = {"type": "text"}
                self.ledger.note(join(path, "type"), other, "The type is not known; it became a text.")
        self._options(path, raw, "answerOptions")
        return []

    def _options(self, path: str, raw: Raw, key: str) -> list[Raw]:
        options = objects(raw, key, path)
        for index, option in enumerate(options):
            self.ledger.rest(
                join(join(path, key), index), option, "id", "text", "value", "builtInType", "answerOptions", "type",
                "contextId",
            )  # fmt: skip
        return options

    def _choice(self, item: Raw, path: str, raw: Raw) -> list[str]:
        options = self._options(path, raw, "answerOptions")
        points = [number(option, "value", path) or 0 for option in options]
        item["weight"] = max([0, *points])
        named = yes_no_order(words(option, "text", path) for option in options)
        if named is not None:
            worth = dict(zip(named, points, strict=True))
            item["answer"] = {"type": "yes_no", "yes_points": worth["yes"], "no_points": worth["no"]}
            return list(named)
        listed = self._listed(path, options, points)
        item["answer"] = {"type": "choice", "options": listed}
        return [option["id"] for option in listed]

    def _several(self, item: Raw, path: str, raw: Raw) -> list[str]:
        """Each option is a question of its own, selected or not; it is worth what selecting it is worth."""
        ticks = self._options(path, raw, "multipleSelectOptionQuestions") or self._options(path, raw, "answerOptions")
        points = []
        for tick in ticks:
            sides = {words(side, "builtInType", path): number(side, "value", path) or 0 for side in
                     objects(tick, "answerOptions", path)}  # fmt: skip
            points.append(sides.get("Selected", number(tick, "value", path) or 0))
            if sides.get("Unselected"):
                self.ledger.note(
                    path, f"points for not selecting {words(tick, 'text', path)!r}", "Only chosen options earn points."
                )
        item["weight"] = sum(max(0, one) for one in points)
        listed = self._listed(path, ticks, points)
        item["answer"] = {"type": "multi_choice", "options": listed}
        return [option["id"] for option in listed]

    def _listed(self, path: str, options: list[Raw], points: list[float]) -> list[Raw]:
        names = option_names()
        found = []
        for index, (option, worth) in enumerate(zip(options, points, strict=True)):
            label = words(option, "text", path) or f"Option {index + 1}"
            known = words(option, "contextId", path) or words(option, "id", path)
            found.append(
                {"id": names.name(known or label, otherwise=f"option-{index + 1}"), "label": label, "points": worth}
            )
        return found

    def _critical(self, item: Raw, path: str, raw: Raw) -> None:
        """A fatal question fails the form on every answer below its best; a critical one is counted apart."""
        if not raw.get("isKill") and not raw.get("isCritical"):
            return
        item["critical"] = {"family": "compliance", "auto_fail": "form" if raw.get("isKill") else "none"}
        flag = "isKill" if raw.get("isKill") else "isCritical"
        self.ledger.note(
            join(path, flag), "family of the critical error", "The form names none; compliance is assumed."
        )

    # ── Conditions ──

    def _condition(self, path: str, raw: Raw) -> Raw | None:
        """The condition, or None when it cannot be said here: the question is then always asked."""
        condition = an_object(raw, "visibilityCondition", path)
        place = join(path, "visibilityCondition")
        predicates = condition.get("predicates") or []
        if not condition or not isinstance(predicates, list):
            return None
        parts = [self._predicate(one) for one in predicates]
        held = [part for part in parts if part is not None]
        if not held or len(held) < len(parts):
            lost = [str(one) for one, part in zip(predicates, parts, strict=True) if part is None]
            self.ledger.note(place, ", ".join(lost) or "no predicate", _REASONS["visibilityCondition"])
            return None
        self.ledger.rest(place, condition, "predicates", "combiningOperation")
        if len(held) == 1:
            return held[0]
        return {"any" if words(condition, "combiningOperation", place) == "OR" else "all": held}

    def _predicate(self, predicate: Any) -> Raw | None:
        """`/form/questionGroup/G/question/Q/answer/A`, counted from 0, of a question that stands earlier."""
        found = _PREDICATE.fullmatch(predicate) if isinstance(predicate, str) else None
        if found is None:
            return None
        group, question, answer = map(int, found.groups())
        return self.answers.get((group, question, answer))
