"""Plan, ask, prove, score: one draft, whoever judges which item, and nothing lost when a judge fails."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from service import __version__
from service.drafting import Drafter, ModelIdentity, Question, draft_by_cues, new_draft_id, parts_of, plan
from service.errors import (
    ModelMisconfigured,
    ModelNotConfigured,
    ModelRefused,
    ModelUnavailable,
    PromptNotFound,
    ReplyCutOff,
    ReplyRejected,
)
from service.library import RubricLibrary
from service.prompting import PromptLibrary
from service.rubric import Rubric
from service.scorecard import Draft
from tests.builders import a_conversation, a_rubric, an_item
from tests.conftest import ROOT
from tests.scripted_model import ScriptedModel, judged

PROMPTS = PromptLibrary(ROOT / "prompts")
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
GREETS = {"rules": [{"when": {"phrase": ["hello"], "speaker": "agent"}, "answer": "yes"}], "otherwise": "no"}
HELLO = (0, "Hello, this is Mara from Northwind.")


def drafter(*lines: Any, **identity: Any) -> Drafter:
    model = ScriptedModel(*lines, **identity) if lines else None
    return Drafter(model=model, prompts=PROMPTS, clock=lambda: NOON, new_id=lambda: "d-1")


def mixed_rubric() -> Rubric:
    """One item per method, and an LLM item that has cues to fall back on when there is no model."""
    return a_rubric(
        an_item("by_cues", method="cues", cues=GREETS),
        an_item("by_metric", method="metric", metric={"of": "metadata:csat"}, answer={"type": "number"}),
        an_item("by_person", method="human"),
        an_item("by_model"),
        an_item("by_either", cues=GREETS),
    )


def states(draft: Draft) -> dict[str, str]:
    return {item.item: getattr(item, "unscored_reason", item.state) for item in draft.items}


# ── Plan ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("engine", "has_model", "by_model", "by_cues", "by_nobody"),
    [
        ("auto", True, {"by_model", "by_either"}, {"by_cues"}, set()),
        ("llm", True, {"by_model", "by_either"}, {"by_cues"}, set()),
        ("auto", False, set(), {"by_cues", "by_either"}, {"by_model"}),
        ("cues", True, set(), {"by_cues", "by_either"}, {"by_model"}),
    ],
)
def test_each_item_has_one_judge(engine, has_model: bool, by_model: set, by_cues: set, by_nobody: set) -> None:
    planned = plan(mixed_rubric(), engine=engine, has_model=has_model)

    assert {item.id for item in planned.by_model} == by_model
    assert {item.id for item in planned.by_cues} == by_cues
    assert {item.id for item in planned.by_nobody} == by_nobody
    assert {item.id for item in planned.by_metric} == {"by_metric"}
    assert {item.id for item in planned.by_person} == {"by_person"}


def sections(*sizes: int) -> Rubric:
    made = [
        {"id": f"s{number}", "title": f"S{number}", "items": [an_item(f"s{number}_i{index}") for index in range(size)]}
        for number, size in enumerate(sizes)
    ]
    return Rubric.model_validate({"id": "t", "version": "1", "title": "T", "sections": made})


@pytest.mark.parametrize(
    ("sizes", "most", "expected"),
    [
        ((3, 4), 7, [("form", 7)]),
        ((3, 4), 6, [("section:s0", 3), ("section:s1", 4)]),
        ((2, 2, 2), 4, [("section:s0+s1", 4), ("section:s2", 2)]),
        ((5,), 3, [("section:s0/1", 2), ("section:s0/2", 3)]),
        ((1, 9, 1), 4, [("section:s0+s1/1", 4), ("section:s1/2", 3), ("section:s1/3+s2", 4)]),
        ((60,), 40, [("section:s0/1", 30), ("section:s0/2", 30)]),
    ],
)
def test_a_form_beyond_the_budget_is_cut_at_sections(sizes: tuple[int, ...], most: int, expected: list) -> None:
    rubric = sections(*sizes)

    parts = parts_of(rubric, rubric.items, most=most)

    assert [(purpose, len(items)) for purpose, items in parts] == expected
    assert [item.id for _, items in parts for item in items] == [item.id for item in rubric.items]


def test_no_item_to_ask_is_no_question() -> None:
    assert parts_of(sections(2), [], most=3) == ()


# ── Draft ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_one_draft_mixes_all_methods() -> None:
    replies = {"by_model": judged("yes", HELLO), "by_either": judged("no"), "summary": "A greeting."}
    conversation = a_conversation(metadata={"csat": 4})

    draft = await drafter(replies).draft(conversation, mixed_rubric())

    assert states(draft) == {
        "by_cues": "answered",
        "by_metric": "answered",
        "by_person": "needs_person",
        "by_model": "answered",
        "by_either": "answered",
    }
    assert [item.method for item in draft.items] == ["cues", "metric", "human", "llm", "llm"]
    assert (draft.id, draft.created_at, draft.conversation, draft.summary) == ("d-1", NOON, "c-1", "A greeting.")


async def test_without_a_model_cues_judge_what_they_can_and_the_rest_waits() -> None:
    draft = await drafter().draft(a_conversation(metadata={"csat": 4}), mixed_rubric())

    assert states(draft)["by_model"] == "needs_model_or_person"
    assert states(draft)["by_either"] == "answered"
    assert draft.provenance.model is None
    assert draft.provenance.prompt is None
    assert draft.provenance.calls == ()


async def test_the_engine_cues_never_asks_the_model() -> None:
    asked = drafter({"never": "asked"})

    draft = await asked.draft(a_conversation(), mixed_rubric(), engine="cues")

    assert asked.model.questions == []
    assert draft.provenance.engine == "cues"


async def test_the_engine_llm_without_a_model_says_what_to_set() -> None:
    with pytest.raises(ModelNotConfigured, match="ASSAY_LLM_MODEL"):
        await drafter().draft(a_conversation(), mixed_rubric(), engine="llm")


async def test_drafting_by_cues_is_the_same_with_and_without_a_loop() -> None:
    waited = await drafter().draft(a_conversation(), mixed_rubric(), engine="cues")
    plain = draft_by_cues(a_conversation(), mixed_rubric(), clock=lambda: NOON, new_id=lambda: "d-1")

    assert waited == plain


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (ModelUnavailable("down"), "model_unavailable"),
        (ModelMisconfigured("wrong key", fix="Check it."), "model_misconfigured"),
        (ModelRefused("no"), "model_refused"),
        (ReplyCutOff("cut"), "reply_cut_off"),
        (ReplyRejected("bad"), "reply_invalid"),
    ],
)
async def test_a_model_that_fails_leaves_its_items_unscored_and_no_other_judge_steps_in(failure, reason: str) -> None:
    draft = await drafter(failure).draft(a_conversation(metadata={"csat": 4}), mixed_rubric())

    assert states(draft) == {
        "by_cues": "answered",
        "by_metric": "answered",
        "by_person": "needs_person",
        "by_model": reason,
        "by_either": reason,
    }
    assert draft.items[3].reason == str(failure)
    assert [call.outcome for call in draft.provenance.calls] == [type(failure).__name__]
    assert draft.breakdown.score.percent is None
    assert draft.breakdown.score.low < draft.breakdown.score.high


async def test_unscored_items_leave_a_range_and_no_score() -> None:
    rubric = a_rubric(an_item("a"), an_item("b"))

    draft = await drafter({"a": judged("yes", HELLO), "b": judged("yes")}).draft(a_conversation(), rubric)

    score = draft.breakdown.score
    assert (score.percent, score.low, score.high) == (None, 50, 100)


# ── Conditions ──────────────────────────────────────────────────────────────────────────────────────────────────


def questions_of(made: Drafter) -> list[str]:
    return [item.id for question in made.model.questions for item in question.shape.fields.values()]


async def test_an_item_whose_condition_fails_is_not_asked() -> None:
    rubric = a_rubric(
        an_item("chat_only", when={"channel": ["chat"]}), an_item("voice_only", when={"channel": ["voice"]})
    )
    made = drafter({"chat_only": judged("no")})

    draft = await made.draft(a_conversation(), rubric)

    assert questions_of(made) == ["chat_only"]
    assert draft.items[1].state == "not_applicable"
    assert draft.items[1].decided_by == "condition"


async def test_an_item_whose_section_fails_is_not_asked() -> None:
    rubric = Rubric.model_validate(
        {
            "id": "t",
            "version": "1",
            "title": "T",
            "sections": [
                {"id": "s0", "title": "A", "items": [an_item("a")]},
                {"id": "s1", "title": "B", "when": {"channel": ["email"]}, "items": [an_item("b")]},
            ],
        }
    )
    made = drafter({"a": judged("no")})

    draft = await made.draft(a_conversation(), rubric)

    assert questions_of(made) == ["a"]
    assert draft.items[1].state == "not_applicable"


@pytest.mark.parametrize(("first", "state"), [("no", "not_applicable"), ("yes", "answered")])
async def test_an_item_that_hangs_on_the_models_own_answer_is_asked_and_settled_afterwards(
    first: str, state: str
) -> None:
    rubric = a_rubric(an_item("first"), an_item("second", when={"item": "first", "answers": ["yes"]}))
    made = drafter({"first": judged(first, *([HELLO] if first == "yes" else [])), "second": judged("no")})

    draft = await made.draft(a_conversation(), rubric)

    assert questions_of(made) == ["first", "second"]
    assert draft.items[1].state == state


async def test_an_item_that_hangs_on_an_unscored_one_is_undetermined_and_keeps_its_answer_as_proposal() -> None:
    rubric = a_rubric(an_item("first"), an_item("second", when={"item": "first", "answers": ["yes"]}))

    draft = await drafter({"first": judged("yes"), "second": judged("no")}).draft(a_conversation(), rubric)

    assert states(draft) == {"first": "evidence_missing", "second": "condition_undetermined"}
    assert draft.items[1].proposed == "no"


async def test_a_condition_on_cues_spares_the_model_a_question() -> None:
    rubric = a_rubric(
        an_item("greeted", method="cues", cues=GREETS), an_item("b", when={"item": "greeted", "answers": ["no"]})
    )
    made = drafter({"b": judged("no")})

    draft = await made.draft(a_conversation(), rubric)

    assert made.model.questions == []
    assert draft.items[1].state == "not_applicable"


# ── Asking ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_parts_of_a_long_form_are_asked_at_the_same_time_and_all_count() -> None:
    rubric = a_rubric(*(an_item(f"i{number}") for number in range(10)))
    made = drafter(lambda question: {name: judged("no") for name in question.shape.fields}, output_tokens=1100)

    draft = await made.draft(a_conversation(), rubric)

    assert [len(question.shape.fields) for question in made.model.questions] == [3, 3, 4]
    assert [question.shape.with_summary for question in made.model.questions] == [True, False, False]
    assert states(draft) == {f"i{number}": "answered" for number in range(10)}
    assert len(draft.provenance.calls) == 3


async def test_parts_run_concurrently() -> None:
    class Slow(ScriptedModel):
        async def ask(self, question: Question):
            await asyncio.sleep(0.3)
            return await super().ask(question)

    model = Slow(lambda question: {name: judged("no") for name in question.shape.fields}, output_tokens=300)
    rubric = a_rubric(*(an_item(f"i{number}") for number in range(6)))
    started = time.perf_counter()

    await Drafter(model=model, prompts=PROMPTS).draft(a_conversation(), rubric)

    assert len(model.questions) == 6
    assert time.perf_counter() - started < 1.5


async def test_the_reask_goes_to_the_model_once_with_the_complaint() -> None:
    made = drafter({"greeting": judged("yes", (0, "Good evening to you"))}, {"greeting": judged("yes", HELLO)})

    draft = await made.draft(a_conversation(), a_rubric())

    assert draft.items[0].state == "answered"
    assert "Good evening to you" in made.model.complaints[0]
    assert [call.outcome for call in draft.provenance.calls] == ["reasked", "ok"]


@pytest.mark.parametrize(
    ("asked_for", "setting", "rubric_language", "expected"),
    [("es", "fr", "de", "Spanish (es)"), (None, "fr", "de", "French (fr)"), (None, None, "de", "German (de)")],
)
async def test_reasons_are_asked_for_in_the_callers_the_settings_or_the_rubrics_language(
    asked_for: str | None, setting: str | None, rubric_language: str, expected: str
) -> None:
    made = drafter({"greeting": judged("no")}, answer_language=setting)

    draft = await made.draft(a_conversation(), a_rubric(language=rubric_language), language=asked_for)

    assert expected in made.model.questions[0].messages[0].content
    assert draft.language == (asked_for or setting or rubric_language)


async def test_a_prompt_that_does_not_exist_is_an_error_and_no_draft() -> None:
    with pytest.raises(PromptNotFound):
        await drafter({"greeting": judged("no")}, prompt="absent").draft(a_conversation(), a_rubric())


async def test_provenance_is_whole() -> None:
    rubric, conversation = a_rubric(), a_conversation()

    made = (await drafter({"greeting": judged("no")}).draft(conversation, rubric)).provenance

    assert made.rubric == "test@1"
    assert made.rubric_digest == rubric.digest
    assert made.conversation_digest == conversation.digest
    assert made.software == f"assay {__version__}"
    assert made.prompt == "score@1"
    assert made.prompt_digest == PROMPTS.get("score").digest
    assert (made.model, made.model_reported, made.endpoint) == ("scripted", "scripted-1", "nowhere")
    assert made.parameters == {"temperature": 0}
    assert made.rendered_digest.startswith("sha256:")


async def test_the_rendered_digest_follows_the_transcript() -> None:
    one = await drafter({"greeting": judged("no")}).draft(a_conversation(), a_rubric())
    same = await drafter({"greeting": judged("no")}).draft(a_conversation(), a_rubric())
    other = await drafter({"greeting": judged("no")}).draft(a_conversation("agent: Bye"), a_rubric())

    assert one.provenance.rendered_digest == same.provenance.rendered_digest
    assert one.provenance.rendered_digest != other.provenance.rendered_digest


async def test_coaching_notes_are_the_tips_of_what_lost_points_or_failed() -> None:
    rubric = a_rubric(
        an_item("lost", coaching_tip="Say hello."),
        an_item("kept", coaching_tip="Well done."),
        an_item(
            "failed",
            coaching_tip="Never again.",
            answer={"type": "yes_no", "yes_points": 0},
            critical={"family": "customer", "fails_on": ["no"]},
        ),
        an_item("silent"),
        an_item("off", coaching_tip="Does not count.", excluded_from_score=True),
    )
    replies = {
        "lost": judged("no"),
        "kept": judged("yes", HELLO),
        "failed": judged("no"),
        "silent": judged("no"),
        "off": judged("no"),
    }

    draft = await drafter(replies).draft(a_conversation(), rubric)

    assert [(note.item, note.note) for note in draft.coaching] == [("lost", "Say hello."), ("failed", "Never again.")]


def test_ids_are_uuids_of_version_7_and_sort_by_time() -> None:
    first = new_draft_id()
    time.sleep(0.003)
    second = new_draft_id()

    assert first < second
    assert first[14] == "7"
    assert first[19] in "89ab"
    assert len({new_draft_id() for _ in range(1000)}) == 1000


# ── What is shipped ─────────────────────────────────────────────────────────────────────────────────────────────

LIBRARY = RubricLibrary(ROOT / "rubrics")


@pytest.mark.parametrize("name", sorted(path.parent.name for path in (ROOT / "rubrics").glob("*/*.yaml")))
async def test_every_shipped_rubric_is_drafted_by_cues_and_asked_of_a_model(name: str) -> None:
    rubric = LIBRARY.get(name)
    made = drafter(lambda question: {field: judged("no", confidence=0.5) for field in question.shape.fields})

    asked = await made.draft(a_conversation(channel=rubric.channels[0]), rubric)
    spotted = draft_by_cues(a_conversation(channel=rubric.channels[0]), rubric)

    assert (
        [item.item for item in asked.items]
        == [item.item for item in spotted.items]
        == [item.id for item in rubric.items]
    )
    assert isinstance(made.model.identity, ModelIdentity)


@pytest.mark.parametrize(
    ("language", "said"), [("fa", "انسان"), ("zh-CN", "人工"), ("es", "persona"), ("sv", "person")]
)
def test_items_left_open_say_so_in_the_language_of_the_form(language: str, said: str) -> None:
    rubric = a_rubric(an_item("tone"), an_item("accuracy", method="human"), language=language)

    draft = draft_by_cues(a_conversation(), rubric)

    assert all(said in result.reason for result in draft.items)
