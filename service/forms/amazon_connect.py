"""Amazon Connect evaluation forms → rubrics.

Comes in: the JSON of CreateEvaluationForm or DescribeEvaluationForm. Goes out: an `ImportedForm`. Sections are one
level deep here, so nested ones are laid side by side with their share of the weight; single-select questions whose
options read Yes and No become yes_no items; numeric properties become metrics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

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

_REASONS = {
    "AIVersion": "The scoring model is chosen by the service that drafts and is recorded in every draft.",
    "AsDraft": "A rubric is a draft until it is published.",
    "Automation": "Rules on categories and default answers of the contact center have no counterpart; "
    "give the item cues, or leave it to the model.",
    "AutoEvaluationConfiguration": "Which drafts run unattended is decided by certification, not by the form.",
    "ClientToken": "It belongs to the request, not to the form.",
    "DisplayAs": "How options are drawn is the screen's business.",
    "Instructions": "Sections have no guidance of their own; move it to the items that it concerns.",
    "MetricConfiguration": "Outcomes are compared with scores outside the form.",
    "ReviewConfiguration": "Who may dispute a score, and for how long, is no part of a rubric.",
    "ScoreThresholds": "Only the whole form has bands.",
    "Tags": "Tags of the account are no part of a rubric.",
    "TargetConfiguration": "Whose work is scored is said by each conversation.",
}
_BOOKKEEPING = (
    "EvaluationFormArn",
    "Locked",
    "Status",
    "CreatedTime",
    "CreatedBy",
    "LastModifiedTime",
    "LastModifiedBy",
)
_TIMINGS = {"CONTACT_DURATION": "duration"}


def is_amazon_connect(raw: Raw) -> bool:
    """Whether this looks like a form of Amazon Connect."""
    form = raw.get("EvaluationForm", raw)
    return (
        isinstance(form, dict)
        and isinstance(items := form.get("Items"), list)
        and all(isinstance(item, dict) and ("Section" in item or "Question" in item) for item in items)
    )


def from_amazon_connect(raw: Raw) -> ImportedForm:
    """The form as a rubric. Raises RubricRejected where its shape is not that of a form."""
    form = an_object(raw, "EvaluationForm", "") or raw
    return _Import(form).result()


@dataclass
class _Part:
    """A section to be: the questions that stand directly in it, and what it takes over from around it."""

    id: str
    title: str
    weight: float
    excluded: bool
    conditions: list[tuple[str, Raw]]
    refs: tuple[str, ...]
    questions: list[tuple[str, Raw]] = field(default_factory=list)


@dataclass
class _Known:
    """A question that later conditions may name: its item's id and what its options are called there."""

    item: str
    options: dict[str, str]
    several: bool


class _Import:
    """One form on its way. Lives as long as one import."""

    def __init__(self, form: Raw) -> None:
        self.form = form
        self.ledger = Ledger(_REASONS)
        self.section_names = Names()
        self.item_names = Names()
        self.known: dict[str, _Known] = {}
        strategy = an_object(form, "ScoringStrategy", "")
        self.mode = words(strategy, "Mode", "ScoringStrategy") or "QUESTION_ONLY"
        self.unscored = words(strategy, "Status", "ScoringStrategy") == "DISABLED"

    def result(self) -> ImportedForm:
        title = words(self.form, "Title", "") or "Untitled form"
        language = words(an_object(self.form, "LanguageConfiguration", ""), "FormLanguage", "LanguageConfiguration")
        rubric: Raw = {
            "id": slug(title) or slug(words(self.form, "EvaluationFormId", "")) or "imported-form",
            "version": str(int(number(self.form, "EvaluationFormVersion", "") or 1)),
            "title": title,
            "description": words(self.form, "Description", "") or None,
            "language": language or "en",
            "scoring": self._scoring(),
            "bands": self._bands(),
            "sections": [self._section(part) for part in self._parts()],
        }
        self.ledger.rest(
            "", self.form, *_BOOKKEEPING, "Title", "Description", "Items", "ScoringStrategy", "LanguageConfiguration",
            "EvaluationFormVersion", "EvaluationFormId",
        )  # fmt: skip
        rubric["sections"] = [section for section in rubric["sections"] if section["items"]]
        return ImportedForm(rubric=as_rubric(rubric), not_carried=self.ledger.entries)

    # ── The form ──

    def _scoring(self) -> Raw:
        if self.unscored:
            self.ledger.note("ScoringStrategy.Status", "DISABLED", "Every item is excluded from the score instead.")
        match self.mode:
            case "SECTION_ONLY":
                return {"method": "weighted_percentage", "over": "sections"}
            case "POINTS_BASED":
                return {"method": "points"}
            case "QUESTION_ONLY":
                pass
            case other:
                self.ledger.note("ScoringStrategy.Mode", other, "The mode is not known; items are weighted instead.")
        return {"method": "weighted_percentage"}

    def _bands(self) -> list[Raw]:
        strategy = an_object(self.form, "ScoringStrategy", "")
        self.ledger.rest("ScoringStrategy", strategy, "Mode", "Status", "ScoreThresholds")
        names = Names()
        bands: list[Raw] = []
        path = "ScoringStrategy.ScoreThresholds"
        thresholds = objects(strategy, "ScoreThresholds", "ScoringStrategy")
        for index, threshold in enumerate(thresholds):
            title = words(threshold, "PerformanceCategory", path) or f"Band {index + 1}"
            start = number(threshold, "MinScorePercentage", path) or 0
            bands.append(
                {"id": names.name(title, otherwise=f"band-{index + 1}"), "title": title, "from_percent": start}
            )
            self.ledger.rest(
                join(path, index), threshold, "PerformanceCategory", "MinScorePercentage", "MaxScorePercentage"
            )
        bands.sort(key=lambda band: float(band["from_percent"]))
        ends = sorted(number(one, "MaxScorePercentage", path) or 100 for one in thresholds)
        starts = [band["from_percent"] for band in bands]
        if any(abs(start - end) > 1 for end, start in zip(ends, starts[1:], strict=False)):
            self.ledger.note(path, "MaxScorePercentage", "A band reaches up to the next one; gaps are not kept.")
        return bands

    def _parts(self) -> list[_Part]:
        loose = _Part(
            id="", title=words(self.form, "Title", "") or "Questions", weight=1, excluded=False, conditions=[], refs=()
        )
        parts: list[_Part] = []
        for path, kind, raw in _entries(self.form, ""):
            if kind == "Question":
                loose.questions.append((path, raw))
            else:
                parts.extend(self._parts_of(path, raw, None, None))
        if loose.questions:
            loose.id = self.section_names.name("questions", otherwise="questions")
            parts.insert(0, loose)
        return parts

    def _parts_of(self, path: str, raw: Raw, around: _Part | None, share: float | None) -> Iterator[_Part]:
        """The section itself where questions stand directly in it, then the sections within."""
        part = self._part(path, raw, around, share)
        inner = list(_entries(raw, path))
        part.questions = [(place, one) for place, kind, one in inner if kind == "Question"]
        sections = [(place, one) for place, kind, one in inner if kind == "Section"]
        pieces = len(sections) + bool(part.questions)
        whole = part.weight
        if sections:
            self.ledger.note(
                path, "sections within a section", "Sections are one level deep; these stand side by side with a share."
            )
            part.weight = self._share(whole, pieces)
        if part.questions:
            yield part
        for place, one in sections:
            given = number(one, "Weight", place)
            yield from self._parts_of(
                place, one, part, self._share(whole, pieces) if given is None else whole * given / 100
            )

    def _share(self, whole: float, pieces: int) -> float:
        return round(whole / pieces, 4) if self.mode == "SECTION_ONLY" else 1

    def _part(self, path: str, raw: Raw, around: _Part | None, share: float | None) -> _Part:
        title = words(raw, "Title", path) or "Untitled section"
        ref = words(raw, "RefId", path)
        weight = number(raw, "Weight", path)
        if weight is not None and self.mode != "SECTION_ONLY":
            self.ledger.note(join(path, "Weight"), "Weight", "Section weights count only where sections are scored.")
        if self.mode != "SECTION_ONLY":
            weight, share = 1, None
        identity = self._id(self.section_names, ref or title, path, ref=bool(ref))
        self.ledger.rest(path, raw, "Title", "RefId", "Weight", "Items", "IsExcludedFromScoring", "Enablement")
        own = [(join(path, "Enablement"), raw["Enablement"])] if raw.get("Enablement") else []
        return _Part(
            id=identity,
            title=f"{around.title} / {title}" if around else title,
            weight=share if share is not None else 1 if weight is None else weight,
            excluded=bool(raw.get("IsExcludedFromScoring")) or (around.excluded if around else False),
            conditions=[*(around.conditions if around else []), *own],
            refs=(*(around.refs if around else ()), ref),
        )

    def _id(self, names: Names, original: str, path: str, *, ref: bool) -> str:
        found = names.name(original, otherwise=slug(path) or "part")
        if ref and found != original.lower():
            self.ledger.note(join(path, "RefId"), original, f"Ids differ in what they may hold; here it is {found}.")
        return found

    def _section(self, part: _Part) -> Raw:
        conditions = [self._condition(path, raw) for path, raw in part.conditions]
        held = [condition for condition in conditions if condition is not None]
        return {
            "id": part.id,
            "title": part.title,
            "weight": part.weight,
            "when": held[0] if len(held) == 1 else {"all": held} if held else None,
            "items": [self._item(path, raw, part) for path, raw in part.questions],
        }

    # ── Questions ──

    def _item(self, path: str, raw: Raw, part: _Part) -> Raw:
        ref, title = words(raw, "RefId", path), words(raw, "Title", path) or "Untitled question"
        item: Raw = {
            "id": self._id(self.item_names, ref or title, path, ref=bool(ref)),
            "question": title,
            "guidance": words(raw, "Instructions", path) or None,
            "not_applicable": "allowed" if raw.get("NotApplicableEnabled") else "never",
            "excluded_from_score": part.excluded or self.unscored,
        }
        if raw.get("Enablement"):
            item["when"] = self._condition(join(path, "Enablement"), an_object(raw, "Enablement", path))
        if (weight := number(raw, "Weight", path)) is not None:
            if self.mode == "QUESTION_ONLY":
                item["weight"] = weight
            else:
                self.ledger.note(join(path, "Weight"), "Weight", "Question weights count only where questions are.")
        self._scoring_of(item, path, raw)
        options = self._answer(item, path, raw, part)
        if ref:
            self.known[ref] = _Known(item["id"], options, several=item["answer"]["type"] == "multi_choice")
        self.ledger.rest(
            path, raw, "Title", "RefId", "Instructions", "NotApplicableEnabled", "Enablement", "Weight",
            "QuestionType", "QuestionTypeProperties", "ScoringConfiguration",
        )  # fmt: skip
        return item

    def _scoring_of(self, item: Raw, path: str, raw: Raw) -> None:
        place = join(path, "ScoringConfiguration")
        scoring = an_object(raw, "ScoringConfiguration", path)
        points = an_object(scoring, "PointsConfiguration", place)
        item["excluded_from_score"] |= bool(scoring.get("IsExcludedFromScoring"))
        item["bonus"] = bool(points.get("IsBonus")) and self.mode == "POINTS_BASED"
        self.ledger.rest(place, scoring, "PointsConfiguration", "IsExcludedFromScoring")
        # The least and most points follow from the options, save where several are chosen at once.
        self.ledger.rest(join(place, "PointsConfiguration"), points, "IsBonus", "MinPointValue", "MaxPointValue")

    def _answer(self, item: Raw, path: str, raw: Raw, part: _Part) -> dict[str, str]:
        """The item gets its answers; returns what each option of the form is called there."""
        kind = words(raw, "QuestionType", path)
        shapes = an_object(raw, "QuestionTypeProperties", path)
        names = {"SINGLESELECT": "SingleSelect", "MULTISELECT": "MultiSelect", "NUMERIC": "Numeric", "TEXT": "Text"}
        name = names.get(kind, "")
        place = join(join(path, "QuestionTypeProperties"), name)
        shape = an_object(shapes, name, join(path, "QuestionTypeProperties"))
        self._source(item, place, an_object(shape, "Automation", place))
        match kind:
            case "SINGLESELECT":
                return self._single(item, place, shape, part)
            case "MULTISELECT":
                return self._multi(item, place, raw, shape, part)
            case "NUMERIC":
                self._numeric(item, place, shape)
            case "TEXT":
                item["answer"] = {"type": "text"}
                self.ledger.rest(place, shape, "Automation")
            case other:
                item["answer"] = {"type": "text"}
                self.ledger.note(join(path, "QuestionType"), other or "none", "It became a text.")
                self.ledger.rest(join(path, "QuestionTypeProperties"), shapes)
        return {}

    def _source(self, item: Raw, place: str, automation: Raw) -> None:
        place = join(place, "Automation")
        source = an_object(automation, "AnswerSource", place)
        if words(source, "SourceType", place) == "CONDITION":
            item["method"] = "human"
            self.ledger.note(join(place, "AnswerSource"), "CONDITION", "Answers by rule have no counterpart.")
        for key in ("Options", "DefaultOptionRefId", "DefaultOptionRefIds"):
            if automation.get(key):
                self.ledger.note(join(place, key), key, _REASONS["Automation"])
        self.ledger.rest(
            place, automation, "AnswerSource", "Options", "DefaultOptionRefId", "DefaultOptionRefIds", "PropertyValue"
        )

    def _options(self, place: str, shape: Raw) -> list[Raw]:
        found = objects(shape, "Options", place)
        for index, option in enumerate(found):
            here = join(join(place, "Options"), index)
            points = an_object(option, "PointsConfiguration", here)
            if points.get("IsBonus"):
                self.ledger.note(join(here, "PointsConfiguration"), "IsBonus", "Bonus is a matter of the whole item.")
            self.ledger.rest(
                here, option, "RefId", "Text", "Score", "AutomaticFail", "AutomaticFailConfiguration",
                "PointsConfiguration",
            )  # fmt: skip
        self.ledger.rest(place, shape, "Options", "Automation")
        return found

    def _points(self, option: Raw, path: str) -> float:
        if self.mode == "POINTS_BASED":
            points = number(an_object(option, "PointsConfiguration", path), "PointValue", path)
            if points is not None:
                return points
        return number(option, "Score", path) or 0

    def _single(self, item: Raw, place: str, shape: Raw, part: _Part) -> dict[str, str]:
        options = self._options(place, shape)
        named = yes_no_order(words(option, "Text", place) for option in options)
        if named is not None:
            points = {name: self._points(option, place) for name, option in zip(named, options, strict=True)}
            item["answer"] = {"type": "yes_no", "yes_points": points["yes"], "no_points": points["no"]}
            ids = dict(zip((words(option, "RefId", place) for option in options), named, strict=True))
        else:
            ids = self._choice(item, place, options, "choice")
        self._critical(item, place, options, ids, part)
        return ids

    def _multi(self, item: Raw, place: str, raw: Raw, shape: Raw, part: _Part) -> dict[str, str]:
        options = self._options(place, shape)
        ids = self._choice(item, place, options, "multi_choice")
        limits = an_object(an_object(raw, "ScoringConfiguration", place), "PointsConfiguration", place)
        if self.mode == "POINTS_BASED":
            item["answer"]["min_points"] = number(limits, "MinPointValue", place)
            item["answer"]["max_points"] = number(limits, "MaxPointValue", place)
        self._critical(item, place, options, ids, part)
        return ids

    def _choice(self, item: Raw, place: str, options: list[Raw], kind: str) -> dict[str, str]:
        names, ids, listed = option_names(), {}, []
        for index, option in enumerate(options):
            ref, label = words(option, "RefId", place), words(option, "Text", place) or f"Option {index + 1}"
            found = self._id(names, ref or label, join(join(place, "Options"), index), ref=bool(ref))
            ids[ref] = found
            listed.append({"id": found, "label": label, "points": self._points(option, place)})
        item["answer"] = {"type": kind, "options": listed}
        return ids

    def _critical(self, item: Raw, place: str, options: list[Raw], ids: dict[str, str], part: _Part) -> None:
        """Options that fail become the item's critical error, as far as they all reach."""
        failing: dict[str, list[str]] = {}
        for option in options:
            if option.get("AutomaticFail"):
                target = an_object(option, "AutomaticFailConfiguration", place).get("TargetSection")
                reach = "form" if not target else "section" if target == part.refs[-1:][0] else "none"
                failing.setdefault(reach, []).append(ids[words(option, "RefId", place)])
                if reach == "none":
                    self.ledger.note(
                        place, f"automatic fail of section {target}", "An error reaches its own section or the form."
                    )
        if not failing:
            return
        reach = next(one for one in ("form", "section", "none") if one in failing)
        if len(failing) > 1:
            self.ledger.note(place, "automatic fails of different reach", f"Only those that reach {reach} are kept.")
        item["critical"] = {"family": "compliance", "fails_on": failing[reach], "auto_fail": reach, "policy": "zero"}
        self.ledger.note(place, "family of the critical error", "The form names none; compliance is assumed.")

    def _numeric(self, item: Raw, place: str, shape: Raw) -> None:
        low, high = number(shape, "MinValue", place), number(shape, "MaxValue", place)
        options = objects(shape, "Options", place)
        bands = [
            {
                "min": number(option, "MinValue", place),
                "max": number(option, "MaxValue", place),
                "points": self._points(option, place),
            }
            for option in options
        ]
        for before, after in pairwise(bands):
            # Whole-number bands such as 0–120 and 121–600 leave no gap for 120.5 seconds: the first fit counts.
            if before["max"] is not None and after["min"] == before["max"] + 1:
                after["min"] = before["max"]
        item["answer"] = {"type": "number", "min": low, "max": high, "bands": bands}
        label = words(an_object(an_object(shape, "Automation", place), "PropertyValue", place), "Label", place)
        if label:
            item["method"] = "metric"
            item["metric"] = {"of": _TIMINGS.get(label, f"metadata:{label.lower()}")}
            if label not in _TIMINGS:
                self.ledger.note(
                    join(place, "Automation"),
                    label,
                    f"The number is taken from the conversation's metadata; send it as {label.lower()}.",
                )
        self._numeric_fails(item, place, options, bands)
        for index, option in enumerate(options):
            self.ledger.rest(
                join(join(place, "Options"), index), option,
                "MinValue", "MaxValue", "Score", "AutomaticFail", "PointsConfiguration",
            )  # fmt: skip
        self.ledger.rest(place, shape, "MinValue", "MaxValue", "Options", "Automation")

    def _numeric_fails(self, item: Raw, place: str, options: list[Raw], bands: list[Raw]) -> None:
        """Ranges that fail are kept when they are just those that earn less than the most."""
        failing = [bool(option.get("AutomaticFail")) for option in options]
        if not any(failing):
            return
        most = max(float(band["points"]) for band in bands)
        if failing == [float(band["points"]) < most for band in bands]:
            item["critical"] = {"family": "compliance", "auto_fail": "form", "policy": "zero"}
            self.ledger.note(place, "family of the critical error", "The form names none; compliance is assumed.")
        else:
            self.ledger.note(place, "automatic fail of a range", "A number fails by earning less than the most.")

    # ── Conditions ──

    def _condition(self, path: str, raw: Any) -> Raw | None:
        """The condition, or None when some part of it cannot be said here: the item is then always asked."""
        enablement = raw if isinstance(raw, dict) else {}
        action, default = words(enablement, "Action", path), words(enablement, "DefaultAction", path)
        found = self._tree(join(path, "Condition"), an_object(enablement, "Condition", path), 0)
        if found is None:
            self.ledger.note(path, "condition", "It is left out as a whole, so the question is always asked.")
            return None
        if default and default == action:
            self.ledger.note(path, f"DefaultAction {default}", "Otherwise is always the opposite here.")
        return {"not": found} if action == "DISABLE" else found

    def _tree(self, path: str, raw: Raw, depth: int) -> Raw | None:
        operands = objects(raw, "Operands", path)
        if not operands or depth > 8:
            self.ledger.note(path, "condition without operands", "Nothing says when it holds.")
            return None
        parts = []
        for index, operand in enumerate(operands):
            here = join(join(path, "Operands"), index)
            if "Condition" in operand:
                parts.append(self._tree(join(here, "Condition"), an_object(operand, "Condition", here), depth + 1))
            else:
                parts.append(self._expression(join(here, "Expression"), an_object(operand, "Expression", here)))
        held = [part for part in parts if part is not None]
        if len(held) < len(parts):
            return None
        if len(held) == 1:
            return held[0]
        return {"any" if words(raw, "Operator", path) == "OR" else "all": held}

    def _expression(self, path: str, raw: Raw) -> Raw | None:
        source = an_object(raw, "Source", path)
        kind, ref = words(source, "Type", path), words(source, "RefId", path)
        if kind != "QUESTION_REF_ID":
            self.ledger.note(path, f"condition on {kind or 'nothing'}", "Its values are not known here.")
            return None
        known = self.known.get(ref)
        if known is None:
            self.ledger.note(path, f"condition on {ref}", "A condition may only name a question that stands before it.")
            return None
        answers: list[Any] = []
        for value in objects(raw, "Values", path):
            given = next((value[key] for key in ("RefId", "Value", "NumericValue") if key in value), None)
            answers.append(known.options.get(given, given) if isinstance(given, str) else given)
        if not answers or (known.options and not set(answers) <= set(known.options.values())) or None in answers:
            self.ledger.note(path, f"condition on {ref}", "It names an option that the question does not have.")
            return None
        return self._compared(path, words(raw, "Comparator", path), known, answers)

    def _compared(self, path: str, comparator: str, known: _Known, answers: list[Any]) -> Raw | None:
        match comparator:
            case "IN" | "EQUAL_TO":
                return {"item": known.item, "answers": answers}
            case "NOT_IN" | "NOT_EQUAL_TO":
                return {"not": {"item": known.item, "answers": answers}}
            case "ALL_IN":
                return {"all": [{"item": known.item, "answers": [answer]} for answer in answers]}
            case "EXACT":
                return {"item": known.item, "answers": [answers] if known.several else answers}
            case other:
                self.ledger.note(path, f"comparator {other}", "Answers are compared by equality only.")
                return None


def _entries(raw: Raw, path: str) -> Iterator[tuple[str, str, Raw]]:
    """Place, kind and body of every section and question that stands directly here."""
    for index, entry in enumerate(objects(raw, "Items", path)):
        here = join(join(path, "Items"), index)
        for kind in ("Section", "Question"):
            if kind in entry:
                yield join(here, kind), kind, an_object(entry, kind, here)
