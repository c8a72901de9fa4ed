"""Forms of other products: what becomes a rubric, and that the rest is listed."""

from __future__ import annotations

import doctest
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import service.forms.imported
from service.conditions import Facts
from service.errors import RubricRejected
from service.forms import FORM_FORMATS, ImportedForm, import_form
from service.scorecard import Answered
from service.scoring import score
from tests.conftest import shared


def imported(form: dict[str, Any], **how: Any) -> ImportedForm:
    return import_form(json.dumps(form).encode(), **how)


def lost(form: ImportedForm) -> set[tuple[str, str]]:
    return {(entry.path, entry.what) for entry in form.not_carried}


def total(form: ImportedForm, **answers: Any) -> float | None:
    """The percentage of these answers; underscores stand for hyphens in ids."""
    named = {name.replace("_", "-"): answer for name, answer in answers.items()}
    results = {i: Answered(item=i, answer=a, reason="", method="llm") for i, a in named.items()}
    return score(form.rubric, results, Facts(channel="voice")).score.percent


# ── Amazon Connect ──────────────────────────────────────────────────────────────────────────────────────────────


def option(ref: str, text: str, points: float = 0, **more: Any) -> dict[str, Any]:
    return {"RefId": ref, "Text": text, "Score": points} | more


def question(
    ref: str, *options: dict[str, Any], kind: str = "SINGLESELECT", shape: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    names = {"SINGLESELECT": "SingleSelect", "MULTISELECT": "MultiSelect", "NUMERIC": "Numeric", "TEXT": "Text"}
    properties = ({"Options": list(options)} if options else {}) | (shape or {})
    return {
        "Question": {"Title": f"About {ref}?", "RefId": ref, "QuestionType": kind}
        | ({"QuestionTypeProperties": {names[kind]: properties}} if kind in names and properties else {})
        | more
    }


def section(ref: str, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Section": {"Title": f"The {ref}", "RefId": ref, "Items": list(items)} | more}


def connect(*items: dict[str, Any], mode: str = "QUESTION_ONLY", **more: Any) -> dict[str, Any]:
    return {
        "Title": "Retail support QA",
        "EvaluationFormVersion": 3,
        "Items": list(items),
        "ScoringStrategy": {"Mode": mode, "Status": "ENABLED"},
    } | more


YES, NO = option("y", "Yes", 10), option("n", "No", 0)


def asked_when(ref: str, *values: str, comparator: str = "IN", action: str = "ENABLE") -> dict[str, Any]:
    return {
        "Condition": {"Operator": "AND", "Operands": [{"Expression": expression(ref, *values, comparator=comparator)}]},
        "Action": action,
        "DefaultAction": "DISABLE" if action == "ENABLE" else "ENABLE",
    }


def expression(ref: str, *values: str, comparator: str = "IN") -> dict[str, Any]:
    return {
        "Source": {"Type": "QUESTION_REF_ID", "RefId": ref},
        "Values": [{"Type": "OPTION_REF_ID", "RefId": value} for value in values],
        "Comparator": comparator,
    }


class TestAmazonConnect:
    def test_the_published_example_becomes_a_rubric(self):
        form = import_form(shared("data", "formats", "amazon_connect_evaluation_form.json").read_bytes())

        assert form.rubric.name == "form-title@1"
        assert form.rubric.scoring.method == "weighted_percentage"
        assert [(s.id, s.weight, len(s.items)) for s in form.rubric.sections] == [
            ("section-1", 50, 2),
            ("section-2", 50, 2),
        ]
        choice = form.rubric.item("question-1-222")
        assert choice.critical is not None
        assert choice.critical.fails_on == ("option-1-2-1", "option-1-2-3")
        assert form.rubric.item("question-2-222").metric is not None
        assert {entry.what for entry in form.not_carried} >= {
            "Instructions",
            "Options",
            "DefaultOptionRefId",
            "DisplayAs",
        }

    def test_yes_and_no_options_become_a_yes_no_item(self):
        item = imported(
            connect(section("s", question("greet", option("n", "No", 0), option("y", "Yes", 10), Weight=50.0)))
        ).rubric.item("greet")

        assert (item.answer.type, item.points_for("yes"), item.points_for("no"), item.weight) == ("yes_no", 10, 0, 50)

    def test_guidance_title_language_and_applicability_are_carried(self):
        form = imported(
            connect(
                section(
                    "s",
                    question("greet", YES, NO, Instructions="Name and company.", NotApplicableEnabled=True),
                    question("bye", YES, NO),
                ),
                LanguageConfiguration={"FormLanguage": "de-DE"},
            )
        )
        greet, bye = form.rubric.items

        assert (greet.guidance, greet.not_applicable, bye.not_applicable) == ("Name and company.", "allowed", "never")
        assert (form.rubric.title, form.rubric.version, form.rubric.language) == ("Retail support QA", "3", "de-DE")

    def test_the_answer_of_a_describe_call_is_unwrapped(self):
        assert imported({"EvaluationForm": connect(section("s", question("q", YES, NO)))}).rubric.items[0].id == "q"

    def test_section_scoring_weighs_sections(self):
        """Half of the first (Yes and No), all of the second: 0.2 · 50 + 0.8 · 100 = 90."""
        form = imported(
            connect(
                section("a", question("a1", YES, NO), question("a2", YES, NO), Weight=20),
                section("b", question("b1", YES, NO), Weight=80),
                mode="SECTION_ONLY",
            )
        )

        assert total(form, a1="yes", a2="no", b1="yes") == 90.0

    def test_nested_sections_stand_side_by_side_with_their_share(self):
        """The outer section weighs 60: its own question a half of it, the inner section the other."""
        form = imported(
            connect(
                section("outer", question("q1", YES, NO), section("inner", question("q2", YES, NO)), Weight=60),
                section("other", question("q3", YES, NO), Weight=40),
                mode="SECTION_ONLY",
            )
        )

        assert [(s.id, s.title, s.weight) for s in form.rubric.sections] == [
            ("outer", "The outer", 30),
            ("inner", "The outer / The inner", 30),
            ("other", "The other", 40),
        ]
        assert ("Items[0].Section", "sections within a section") in lost(form)

    def test_points_mode_takes_point_values_and_bonus(self):
        worth = {"PointsConfiguration": {"PointValue": 40, "IsBonus": False}}
        extra = {
            "ScoringConfiguration": {"PointsConfiguration": {"MinPointValue": 0, "MaxPointValue": 5, "IsBonus": True}}
        }
        form = imported(
            connect(
                section(
                    "s",
                    question("base", option("y", "Yes") | worth, option("n", "No")),
                    question(
                        "extra",
                        option("y", "Yes") | {"PointsConfiguration": {"PointValue": 5}},
                        option("n", "No"),
                        **extra,
                    ),
                ),
                mode="POINTS_BASED",
            )
        )

        assert form.rubric.scoring.method == "points"
        assert form.rubric.item("extra").bonus
        assert total(form, base="no", extra="yes") == 12.5

    def test_an_automatic_fail_reaches_the_form_or_its_own_section(self):
        fatal = option("n", "No", AutomaticFail=True)
        here = fatal | {"AutomaticFailConfiguration": {"TargetSection": "s"}}
        elsewhere = fatal | {"AutomaticFailConfiguration": {"TargetSection": "t"}}
        form = imported(
            connect(
                section("s", question("q1", YES, fatal), question("q2", YES, here), question("q3", YES, elsewhere)),
                section("t", question("q4", YES, NO)),
            )
        )
        reach = {item.id: item.critical.auto_fail for item in form.rubric.items if item.critical}

        assert reach == {"q1": "form", "q2": "section", "q3": "none"}
        assert any(entry.what == "automatic fail of section t" for entry in form.not_carried)
        assert total(form, q1="no", q2="yes", q3="yes", q4="yes") == 0.0

    def test_an_enabling_condition_names_the_earlier_items_answers(self):
        form = imported(
            connect(
                section(
                    "s",
                    question("reason", option("Acct", "Account"), option("Other", "Other")),
                    question("verify", YES, NO, Enablement=asked_when("reason", "Acct")),
                )
            )
        )

        assert form.rubric.item("verify").when.model_dump(by_alias=True) == {"item": "reason", "answers": ("acct",)}

    def test_disabling_and_the_comparators_are_said_in_conditions(self):
        several = question("topics", option("a", "A", 1), option("b", "B", 1), kind="MULTISELECT")
        cases = {
            "not-in": (asked_when("topics", "a", comparator="NOT_IN"), {"not": {"item": "topics", "answers": ("a",)}}),
            "all-in": (
                asked_when("topics", "a", "b", comparator="ALL_IN"),
                {"all": ({"item": "topics", "answers": ("a",)}, {"item": "topics", "answers": ("b",)})},
            ),
            "exact": (asked_when("topics", "a", "b", comparator="EXACT"), {"item": "topics", "answers": (("a", "b"),)}),
            "off": (asked_when("topics", "a", action="DISABLE"), {"not": {"item": "topics", "answers": ("a",)}}),
        }
        form = imported(
            connect(
                section(
                    "s", several, *[question(name, YES, NO, Enablement=given) for name, (given, _) in cases.items()]
                )
            )
        )

        assert {name: form.rubric.item(name).when.model_dump(by_alias=True) for name in cases} == {
            name: expected for name, (_, expected) in cases.items()
        }

    def test_conditions_nest(self):
        nested = {
            "Condition": {
                "Operator": "OR",
                "Operands": [
                    {"Expression": expression("q1", "y")},
                    {
                        "Condition": {
                            "Operator": "AND",
                            "Operands": [{"Expression": expression("q1", "n")}, {"Expression": expression("q2", "y")}],
                        }
                    },
                ],
            },
            "Action": "ENABLE",
        }
        form = imported(
            connect(
                section("s", question("q1", YES, NO), question("q2", YES, NO)),
                section("t", question("q3", YES, NO), Enablement=nested),
            )
        )

        assert form.rubric.sections[1].when.model_dump(by_alias=True) == {
            "any": (
                {"item": "q1", "answers": ("yes",)},
                {"all": ({"item": "q1", "answers": ("no",)}, {"item": "q2", "answers": ("yes",)})},
            )
        }

    @pytest.mark.parametrize(
        "given",
        [
            asked_when("later", "y"),
            asked_when("q1", "unknown"),
            asked_when("q1", "y", comparator="GREATER_THAN"),
            {
                "Condition": {
                    "Operands": [{"Expression": {"Source": {"Type": "CONTACT"}, "Values": [], "Comparator": "IN"}}]
                },
                "Action": "ENABLE",
            },
            {"Action": "ENABLE"},
        ],
    )
    def test_a_condition_that_cannot_be_said_is_left_out_and_listed(self, given: dict[str, Any]):
        form = imported(
            connect(
                section(
                    "s", question("q1", YES, NO), question("q2", YES, NO, Enablement=given), question("later", YES, NO)
                )
            )
        )

        assert form.rubric.item("q2").when is None
        assert ("Items[0].Section.Items[1].Question.Enablement", "condition") in lost(form)

    def test_numbers_get_bands_without_gaps_and_a_metric(self):
        ranges = [
            {"MinValue": 0, "MaxValue": 120, "Score": 10},
            {"MinValue": 121, "MaxValue": 3600, "Score": 0, "AutomaticFail": True},
        ]
        hold = {
            "MinValue": 0,
            "MaxValue": 3600,
            "Options": ranges,
            "Automation": {"PropertyValue": {"Label": "LONGEST_HOLD_DURATION"}},
        }
        form = imported(connect(section("s", question("hold", kind="NUMERIC", shape=hold))))
        item = form.rubric.item("hold")

        assert [item.points_for(seconds) for seconds in (0, 120, 120.5, 121, 3600)] == [10, 10, 0, 0, 0]
        assert (item.method, item.metric.of) == ("metric", "metadata:longest_hold_duration")
        assert item.fails(121)
        assert not item.fails(100)

    def test_texts_and_dates_become_texts(self):
        form = imported(connect(section("s", question("note", kind="TEXT"), question("day", kind="DATETIME"))))

        assert [item.answer.type for item in form.rubric.items] == ["text", "text"]
        assert ("Items[0].Section.Items[1].Question.QuestionType", "DATETIME") in lost(form)

    def test_exclusions_hold_for_the_question_or_the_whole_section(self):
        out = {"ScoringConfiguration": {"IsExcludedFromScoring": True}}
        form = imported(
            connect(
                section("s", question("q1", YES, NO, **out), question("q2", YES, NO)),
                section("t", question("q3", YES, NO), IsExcludedFromScoring=True),
            )
        )

        assert [item.excluded_from_score for item in form.rubric.items] == [True, False, True]

    def test_thresholds_become_bands(self):
        thresholds = [
            {"PerformanceCategory": "MEETS_EXPECTATIONS", "MinScorePercentage": 70, "MaxScorePercentage": 100},
            {"PerformanceCategory": "NEEDS_IMPROVEMENT", "MinScorePercentage": 0, "MaxScorePercentage": 70},
        ]
        form = imported(
            connect(
                section("s", question("q", YES, NO)),
                ScoringStrategy={"Mode": "QUESTION_ONLY", "ScoreThresholds": thresholds},
            )
        )

        assert [(band.id, band.from_percent) for band in form.rubric.bands] == [
            ("needs_improvement", 0),
            ("meets_expectations", 70),
        ]

    def test_whatever_nobody_knows_is_listed(self):
        form = imported(
            connect(section("s", question("q", YES, NO, Novelty={"a": 1}), Mood="sunny"), AIVersion="v9", Surprise=[1])
        )

        assert lost(form) >= {
            ("AIVersion", "AIVersion"),
            ("Surprise", "Surprise"),
            ("Items[0].Section.Mood", "Mood"),
            ("Items[0].Section.Items[0].Question.Novelty", "Novelty"),
        }

    def test_ids_are_made_legal_and_unlike(self):
        form = imported(
            connect(section("S", question("Q.1", YES, NO), question("q.1", YES, NO), question("__", YES, NO)))
        )

        assert [item.id for item in form.rubric.items][:2] == ["q.1", "q.1-2"]
        assert any(entry.what == "q.1" for entry in form.not_carried)

    def test_importing_twice_gives_the_same_rubric(self):
        form = connect(section("s", question("q", YES, NO)))

        assert imported(form).rubric.digest == imported(form).rubric.digest


# ── Genesys ─────────────────────────────────────────────────────────────────────────────────────────────────────


def answers(*pairs: tuple[str, float]) -> list[dict[str, Any]]:
    return [{"id": f"id-{text}", "text": text, "value": value} for text, value in pairs]


def asks(context: str, **more: Any) -> dict[str, Any]:
    return {
        "contextId": context,
        "text": f"About {context}?",
        "type": "multipleChoiceQuestion",
        "answerOptions": answers(("Yes", 10), ("No", 0)),
    } | more


def group(context: str, *questions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"contextId": context, "name": f"Group {context}", "weight": 1, "questions": list(questions)} | more


def genesys(*groups: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "changes",
        "contextId": "stays",
        "name": "Support form",
        "weightMode": "SCALED",
        "questionGroups": list(groups),
    } | more


class TestGenesys:
    def test_the_terraform_example_becomes_a_rubric(self):
        form = import_form(shared("data", "formats", "genesys_evaluation_form.tf").read_bytes())
        first, second, third = form.rubric.items

        assert [(s.title, s.weight) for s in form.rubric.sections] == [
            ("Question Group 1", 1),
            ("Question Group with Visibility Condition", 1.5),
        ]
        assert (first.guidance, first.critical.auto_fail) == ("A simple question.", "form")
        assert (
            second.when.model_dump()
            == form.rubric.sections[1].when.model_dump()
            == {"item": first.id, "answers": ("yes",)}
        )
        assert third.points_for("3") == 3
        assert {entry.what for entry in form.not_carried} >= {"defaultAnswersTo", "manualWeight", "published"}

    def test_groups_score_points_of_most_points_and_weigh_in_the_mean(self):
        """Group a: (10 + 2) of (10 + 5) = 80 %, weight 1; group b: 0 %, weight 3. In the mean 20 %."""
        scale = answers(("Poor", 0), ("Fair", 2), ("Good", 5))
        form = imported(
            genesys(group("a", asks("q1"), asks("q2", answerOptions=scale)), group("b", asks("q3"), weight=3))
        )

        assert total(form, q1="yes", q2="id-fair", q3="no") == 20.0

    def test_without_weights_all_points_are_one_sum(self):
        """10 of 10 + 10 + 10."""
        form = imported(genesys(group("a", asks("q1"), asks("q2")), group("b", asks("q3"), weight=3), weightMode="OFF"))

        assert total(form, q1="yes", q2="no", q3="no") == 33.33

    def test_a_fatal_question_fails_on_anything_below_its_best(self):
        scale = answers(("Poor", 0), ("Fair", 2), ("Good", 5))
        item = imported(genesys(group("a", asks("q", isKill=True, answerOptions=scale)))).rubric.item("q")

        assert [item.fails(f"id-{answer}") for answer in ("poor", "fair", "good")] == [True, True, False]
        assert item.critical.auto_fail == "form"

    def test_a_critical_question_is_counted_and_fails_nothing(self):
        assert imported(genesys(group("a", asks("q", isCritical=True)))).rubric.item("q").critical.auto_fail == "none"

    def test_applicability_comes_from_the_question_or_its_group(self):
        form = imported(
            genesys(group("a", asks("q1", naEnabled=True), asks("q2")), group("b", asks("q3"), naEnabled=True))
        )

        assert [item.not_applicable for item in form.rubric.items] == ["allowed", "never", "allowed"]

    def test_visibility_joins_predicates(self):
        both = {
            "combiningOperation": "OR",
            "predicates": ["/form/questionGroup/0/question/0/answer/1", "/form/questionGroup/0/question/1/answer/0"],
        }
        form = imported(genesys(group("a", asks("q1"), asks("q2")), group("b", asks("q3"), visibilityCondition=both)))

        assert form.rubric.sections[1].when.model_dump() == {
            "any": ({"item": "q1", "answers": ("no",)}, {"item": "q2", "answers": ("yes",)})
        }

    @pytest.mark.parametrize(
        "predicate",
        ["/form/questionGroup/9/question/0/answer/0", "/form/questionGroup/0/question/1/answer/0", "else", 7],
    )
    def test_a_predicate_that_points_nowhere_or_forward_is_listed(self, predicate: Any):
        form = imported(genesys(group("a", asks("q1", visibilityCondition={"predicates": [predicate]}), asks("q2"))))

        assert form.rubric.item("q1").when is None
        assert ("questionGroups[0].questions[0].visibilityCondition", str(predicate)) in lost(form)

    def test_the_other_question_types(self):
        ticks = [
            {
                "text": "Greeted",
                "answerOptions": [{"builtInType": "Selected", "value": 3}, {"builtInType": "Unselected", "value": 0}],
            },
            {
                "text": "Thanked",
                "answerOptions": [{"builtInType": "Selected", "value": 2}, {"builtInType": "Unselected", "value": 1}],
            },
        ]
        form = imported(
            genesys(
                group(
                    "a",
                    asks("text", type="freeTextQuestion", answerOptions=[]),
                    asks("nps", type="npsQuestion", answerOptions=[]),
                    asks("block", type="readOnlyTextBlockQuestion", answerOptions=[]),
                    asks("ticks", type="multipleSelectQuestion", answerOptions=[], multipleSelectOptionQuestions=ticks),
                )
            )
        )

        assert {item.id: item.answer.type for item in form.rubric.items} == {
            "text": "text",
            "nps": "number",
            "ticks": "multi_choice",
        }
        assert form.rubric.item("ticks").points_for(("greeted", "thanked")) == 5
        assert lost(form) >= {
            ("questionGroups[0].questions[2]", "text block"),
            ("questionGroups[0].questions[3]", "points for not selecting 'Thanked'"),
        }

    def test_focus_and_the_models_part_are_carried(self):
        scoring = {
            "questionGroupSettings": [
                {"questionSettings": [{"questionContextId": "q2", "settings": {"enabled": False}}]}
            ]
        }
        form = imported(
            genesys(group("a", asks("q1", automatedScoringFocus="FullInteraction"), asks("q2")), aiScoring=scoring)
        )

        assert [(item.focus, item.method) for item in form.rubric.items] == [
            ("contact", "llm"),
            ("evaluated_agent", "human"),
        ]

    def test_ids_are_the_ones_that_stay(self):
        form = imported(genesys(group("a", asks("q1")), id="another"))

        assert (form.rubric.id, form.rubric.items[0].id) == ("stays", "q1")

    def test_comments_topics_and_settings_are_listed(self):
        topics = [
            answers(("Yes", 1))[0] | {"assistanceConditions": [{"operator": "EXISTS", "topicIds": ["t"]}]},
            *answers(("No", 0)),
        ]
        form = imported(
            genesys(
                group("a", asks("q", commentsRequired=True, answerOptions=topics)),
                evaluationSettings={"disputesEnabled": True},
            )
        )

        assert lost(form) >= {
            ("questionGroups[0].questions[0].commentsRequired", "commentsRequired"),
            ("questionGroups[0].questions[0].answerOptions[0].assistanceConditions", "assistanceConditions"),
            ("evaluationSettings", "evaluationSettings"),
        }


class TestTerraform:
    def form(self, inside: str = "", before: str = "") -> bytes:
        return f"""{before}
# A form.
resource "genesyscloud_quality_forms_evaluation" "one" {{
  name = "One" /* its
  name */
  question_groups {{
    name   = "Group"
    weight = 2.5
    questions {{
      text = "Was it \\"good\\"?" // perhaps
      {inside}
      answer_options {{
        text  = "Fine"
        value = 1
      }}
      answer_options {{
        text  = "Poor"
        value = -1
      }}
    }}
  }}
}}
""".encode()

    def test_comments_escapes_and_signs_are_read(self):
        form = import_form(self.form())
        item = form.rubric.items[0]

        assert item.question == 'Was it "good"?'
        assert (item.points_for("fine"), item.points_for("poor")) == (1, -1)
        assert form.rubric.sections[0].weight == 2.5

    def test_other_blocks_are_passed_over(self):
        before = 'variable "x" {\n  default = merge({ a = "}" }, var.y)\n}\nresource "other" "r" {\n  name = "n"\n}'

        assert import_form(self.form(before=before)).rubric.title == "One"

    @pytest.mark.parametrize(
        "inside",
        [
            "help_text = var.help",
            'help_text = "Hello ${var.name}"',
            'help_text = join("", [])',
            'dynamic "x" {\n}',
            "help_text = <<EOT\nhi\nEOT",
            'help_text = "a"\nhelp_text = "b"',
            "help_text",
            "x = [1, 2",
        ],
    )
    def test_what_would_have_to_be_computed_is_refused_with_its_line(self, inside: str):
        with pytest.raises(RubricRejected, match=r"line \d+: The Terraform file cannot be read"):
            import_form(self.form(inside))

    def test_a_literal_dollar_brace_stays(self):
        assert import_form(self.form('help_text = "costs $${5}"')).rubric.items[0].guidance == "costs ${5}"

    def test_two_forms_in_one_file_are_refused(self):
        with pytest.raises(RubricRejected, match="declares 2 resources"):
            import_form(self.form() + self.form())


# ── Bad input ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b'{"Items": [], "EvaluationFormVersion": NaN}', "not valid JSON"),
        (b'{"Items": [], "EvaluationFormVersion": 1e999}', "EvaluationFormVersion: .* where a number belongs"),
        (b"\xff", "not UTF-8"),
        (b"{}", "neither an Amazon Connect nor a Genesys"),
        (b" " * 2_000_001, "at most 2,000,000"),
        (b'{"Items": []}', "no question that can be asked"),
        (b'{"questionGroups": []}', "no question that can be asked"),
        (b'{"questionGroups": [7]}', "questionGroups: The form has something else where a list of objects belongs"),
        (b'{"questionGroups": [{"questions": [{"text": 5}]}]}', r"questions\[0\].text: .* where a text belongs"),
        (b'{"Items": [{"Section": {"RefId": "s", "Weight": "heavy", "Items": []}}]}', r"Section.Weight: .* a number"),
        (b'{"Items": [{"Section": 5}]}', r"Items\[0\].Section: .* an object"),
        (
            b'{"questionGroups": [{"questions": [{"text": "q", "answerOptions": [{"text": "only"}]}]}]}',
            "at least 2 entries",
        ),
    ],
)
def test_bad_input_is_refused_with_its_place(data: bytes, reason: str):
    with pytest.raises(RubricRejected, match=reason):
        import_form(data)


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(RubricRejected, match="amazon_connect, genesys, genesys_terraform"):
        import_form(b"{}", format="excel")


def test_a_named_format_is_believed():
    with pytest.raises(RubricRejected, match="declares 0 resources"):
        import_form(b"", format="genesys_terraform")
    assert set(FORM_FORMATS) == {"amazon_connect", "genesys", "genesys_terraform"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Items",
                    "Section",
                    "Question",
                    "Title",
                    "RefId",
                    "QuestionType",
                    "QuestionTypeProperties",
                    "SingleSelect",
                    "Options",
                    "Enablement",
                    "Condition",
                    "Operands",
                    "questionGroups",
                    "questions",
                    "answerOptions",
                    "type",
                    "text",
                    "value",
                    "visibilityCondition",
                    "predicates",
                    "weight",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(json_values)
@settings(max_examples=200, deadline=None)
def test_nonsense_is_refused_and_never_crashes(value: Any):
    for name in ("amazon_connect", "genesys"):
        try:
            form = import_form(json.dumps(value).encode(), format=name)
        except RubricRejected:
            continue
        assert form.rubric.items


def test_examples_in_docstrings_hold():
    outcome = doctest.testmod(service.forms.imported)

    assert (outcome.attempted, outcome.failed) == (1, 0)
