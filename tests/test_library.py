"""Rubric files become rubrics, strictly; published versions stay as they were; every shipped form is fit for use."""

from __future__ import annotations

import importlib
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.conversation import Conversation
from service.cue_rules import RESERVED_ANSWERS
from service.errors import RubricAlreadyPublished, RubricNotFound, RubricRejected
from service.library import (
    MANIFEST,
    RubricLibrary,
    add_to_manifest,
    manifest_problems,
    parse_rubric,
    read_data,
    version_order,
)
from service.rubric import Choice, FreeText, MultiChoice, Number, Rubric, Scale, YesNo
from tests.builders import a_conversation, a_rubric, an_item
from tests.conftest import ROOT

SHIPPED = RubricLibrary(ROOT / "rubrics")
OURS = [name for name in SHIPPED.names() if not name.startswith("identity-verification@")]

SMALL = """
id: small
version: "1"
title: Small form
sections:
  - id: main
    title: Main
    items:
      - {id: greeting, question: "Did the agent greet?"}
      - {id: sold, question: "Did the agent sell?", when: {item: greeting, answers: [yes]}}
"""


def problems_of(data: object) -> dict[str, str]:
    with pytest.raises(RubricRejected) as caught:
        parse_rubric(data)  # type: ignore[arg-type]
    return {one.path: one.reason for one in caught.value.problems}


# ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_yaml_json_and_plain_data_give_the_same_rubric():
    data = yaml.load(SMALL, Loader=yaml.BaseLoader)

    assert parse_rubric(SMALL) == parse_rubric(SMALL.encode()) == parse_rubric(json.dumps(data)) == parse_rubric(data)


def test_yes_no_on_off_are_words_and_only_true_and_false_are_switches():
    read = read_data("a: yes\nb: no\nc: on\nd: off\ne: true\nf: false\ng: Yes\nh: True\ny: n")

    assert read == {
        "a": "yes",
        "b": "no",
        "c": "on",
        "d": "off",
        "e": True,
        "f": False,
        "g": "Yes",
        "h": "True",
        "y": "n",
    }


def test_dates_times_and_odd_numbers_stay_text():
    read = read_data("a: 2024-01-02\nb: 12:30\nc: 1_000\nd: 0x1F\ne: .inf\nf: .nan\ng: 2024-01-02 10:00:00")

    assert read == {
        "a": "2024-01-02",
        "b": "12:30",
        "c": "1_000",
        "d": "0x1F",
        "e": ".inf",
        "f": ".nan",
        "g": "2024-01-02 10:00:00",
    }


def test_numbers_and_nothing_are_read_as_such():
    assert read_data("a: 1\nb: -2.5\nc: 1e3\nd: null\ne: ~\nf:\ng: '1'") == {
        "a": 1,
        "b": -2.5,
        "c": 1000.0,
        "d": None,
        "e": None,
        "f": None,
        "g": "1",
    }


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("id: a\ntitle: x\nid: b", "line 3", "'id' stands twice"),
        ("a: {b: 1, b: 2}", "line 1", "'b' stands twice"),
        ("a: 1\nb: &x [1]", "line 2", "anchors"),
        ("a: 1\nb:\n  *x : 1", "line 3", "anchors"),
        ("a: !!python/object:os.system ls", "line 1", "tag"),
        ("a: 1\nb: !thing x", "line 2", "tag"),
        ("a: 1\n---\nb: 2", "line 2", "second document"),
        ("a: 1\n[x]: 2", "line 2", "key must be a word"),
        ("a: 1\nb: 1234567890123456789012", "line 2", "too many digits"),
        ("a: 1e999", "line 1", "too large"),
        ("a: 1\nb: [1, 2", "line 3", "not YAML"),
    ],
)
def test_what_a_form_never_needs_is_refused_with_its_line(text: str, line: str, said: str):
    with pytest.raises(RubricRejected) as caught:
        read_data(text)

    assert caught.value.field is not None
    assert caught.value.field.startswith(line)
    assert said in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "- 1",
        "42",
        "{",
        b"\xff\xfe\x00",
        "a: \x01",
        '{"id": NaN}',
        '{"a": 1, "a": 2}',
        "{" * 5000,
    ],
)
def test_what_is_no_rubric_at_all_is_refused_and_never_crashes(text: str | bytes):
    with pytest.raises(RubricRejected):
        parse_rubric(text)


@pytest.mark.parametrize(
    "bomb", ["[" * 100_000, '{"a":' * 100_000, "a:\n" + "".join(f"{' ' * n}- \n" for n in range(1, 90))]
)
def test_depth_is_limited_before_it_hurts(bomb: str):
    with pytest.raises(RubricRejected):
        parse_rubric(bomb)


def test_depth_of_plain_data_is_limited_too():
    cue: object = {"phrase": ["x"]}
    for _ in range(50):
        cue = {"any": [cue]}
    data = yaml.load(SMALL, Loader=yaml.BaseLoader) | {"cues": {"deep": cue}}

    with pytest.raises(RubricRejected, match="nests deeper"):
        parse_rubric(data)


def test_an_alias_bomb_is_refused_at_its_first_anchor():
    bomb = "a: &a [x,x]\n" + "\n".join(f"b{n}: &b{n} [*a,*a]" for n in range(9))

    with pytest.raises(RubricRejected, match="anchors"):
        read_data(bomb)


def test_size_is_limited():
    with pytest.raises(RubricRejected, match="characters"):
        read_data("a: " + "x" * 2_000_001)


def test_more_items_than_allowed_are_refused_before_they_are_read():
    form = a_rubric(*[an_item(f"i{n}") for n in range(4)]).model_dump(mode="json")

    assert parse_rubric(form, max_items=4).items
    with pytest.raises(RubricRejected, match="4 items; at most 3"):
        parse_rubric(form, max_items=3)


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_short_text_is_refused_with_words_and_nothing_else_is_raised(text: str | bytes):
    with pytest.raises(RubricRejected) as refusal:  # nothing so short is a whole form
        parse_rubric(text)

    assert refusal.value.message


_plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=6), _plain, min_size=1, max_size=4))
def test_json_reads_back_as_it_was(data: dict[str, object]):
    assert read_data(json.dumps(data)) == data


# ── Complaints ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_problem_names_its_place_in_the_authors_words_and_its_item():
    broken = SMALL.replace('question: "Did the agent sell?"', 'qestion: "Did the agent sell?"')

    found = problems_of(broken)

    assert found == {
        "sections[0].items[1].question": "'question' is missing (item sold)",
        "sections[0].items[1].qestion": "there is no field 'qestion' here (item sold)",
    }


def test_names_of_union_members_are_left_out_of_paths():
    cues = {"rules": [{"when": {"all": [{"phrase": ["x"], "spekaer": "agent"}]}, "answer": "yes"}]}
    form = {
        "sections": [{"id": "s", "title": "S", "items": [an_item(cues=cues)]}],
        "id": "a",
        "version": "1",
        "title": "A",
    }

    assert list(problems_of(form)) == ["sections[0].items[0].cues.rules[0].when.all[0].spekaer"]


def test_an_unknown_cue_or_condition_is_answered_with_the_known_ones():
    form = {
        "id": "a",
        "version": "1",
        "title": "A",
        "cues": {"x": {"phrse": ["x"]}},
        "sections": [{"id": "s", "title": "S", "items": [an_item(when={"itm": "greeting"})]}],
    }

    found = problems_of(form)

    assert "phrase, pattern, supplied" in found["cues.x"]
    assert "item, channel, metadata" in found["sections[0].items[0].when"]


def test_an_unquoted_version_is_explained():
    with pytest.raises(RubricRejected) as caught:
        parse_rubric(SMALL.replace('"1"', "1"))

    assert 'version: "1"' in str(caught.value)


def test_an_answer_that_the_item_does_not_have_is_found():
    assert "maybe" in str(problems_of(SMALL.replace("answers: [yes]", "answers: [maybe]")))


def test_a_form_with_hundreds_of_problems_lists_the_first_fifty():
    form = a_rubric().model_dump(mode="json") | {f"extra{n}": n for n in range(300)}

    with pytest.raises(RubricRejected) as caught:
        parse_rubric(form)

    assert len(caught.value.problems) == 50
    assert "299 more" in caught.value.message


# ── The folder ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for version in ("1", "1.1", "2", "10"):
        file = tmp_path / "small" / f"{version}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(SMALL.replace('"1"', f'"{version}"'), encoding="utf-8")
    return tmp_path


def test_versions_are_ordered_as_numbers(folder: Path):
    assert sorted(["10", "2", "1.1", "1", "1.10", "1.9"], key=version_order) == ["1", "1.1", "1.9", "1.10", "2", "10"]
    assert RubricLibrary(folder).names() == ("small@1", "small@1.1", "small@2", "small@10")


def test_an_id_alone_means_the_newest_version(folder: Path):
    library = RubricLibrary(folder)

    assert library.get("small").version == "10"
    assert library.get("small@1.1").version == "1.1"
    assert [rubric.name for rubric in library.newest()] == ["small@10"]
    assert [rubric.name for rubric in library.all()] == list(library.names())


def test_a_rubric_is_read_once_and_only_when_asked_for(folder: Path):
    (folder / "small" / "2.yaml").write_text("broken: [", encoding="utf-8")
    library = RubricLibrary(folder)

    assert library.get("small") is library.get("small@10")
    with pytest.raises(RubricRejected, match=r"small/2\.yaml"):
        library.get("small@2")


@pytest.mark.parametrize("name", ["large", "small@3", "small@", "@1", "", "../small@1", "small@1/../2"])
def test_an_unknown_name_is_answered_with_what_exists(folder: Path, name: str):
    with pytest.raises(RubricNotFound) as caught:
        RubricLibrary(folder).get(name)

    assert "small@1.1" in str(caught.value)


def test_a_missing_folder_holds_nothing(tmp_path: Path):
    library = RubricLibrary(tmp_path / "nowhere")

    assert library.names() == ()
    with pytest.raises(RubricNotFound):
        library.get("small")


def test_a_file_must_agree_with_its_place(folder: Path):
    shutil.copy(folder / "small" / "1.yaml", folder / "small" / "3.yaml")

    with pytest.raises(RubricRejected, match="calls itself small@1"):
        RubricLibrary(folder).get("small@3")


def test_a_file_name_must_be_a_version(folder: Path):
    (folder / "small" / "draft.yaml").write_text(SMALL, encoding="utf-8")

    with pytest.raises(RubricRejected, match=r"small/draft\.yaml is not named for a version"):
        RubricLibrary(folder).names()


# ── The manifest ────────────────────────────────────────────────────────────────────────────────────────────────


def test_new_versions_are_added_and_then_hold(folder: Path):
    assert add_to_manifest(RubricLibrary(folder)) == ("small@1", "small@1.1", "small@2", "small@10")
    assert add_to_manifest(RubricLibrary(folder)) == ()
    assert manifest_problems(RubricLibrary(folder)) == ()


def test_comments_and_layout_may_change_but_not_a_word(folder: Path):
    add_to_manifest(RubricLibrary(folder))
    file = folder / "small" / "1.yaml"

    file.write_text("# a comment\n" + file.read_text(encoding="utf-8").replace("\n", "\r\n"), encoding="utf-8")
    assert manifest_problems(RubricLibrary(folder)) == ()

    file.write_text(file.read_text(encoding="utf-8").replace("greet?", "greet warmly?"), encoding="utf-8")
    assert manifest_problems(RubricLibrary(folder)) == (
        "small@1 changed after publication: restore it and add the next version instead.",
    )
    with pytest.raises(RubricAlreadyPublished, match="small@1 changed"):
        add_to_manifest(RubricLibrary(folder))


def test_a_published_version_may_not_vanish_nor_a_new_one_stay_unlisted(folder: Path):
    add_to_manifest(RubricLibrary(folder))
    (folder / "small" / "2.yaml").rename(folder / "small" / "3.yaml")
    file = folder / "small" / "3.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace('"2"', '"3"'), encoding="utf-8")

    gone, unlisted = manifest_problems(RubricLibrary(folder))

    assert gone.startswith("small@2 was published and is gone")
    assert unlisted.startswith(f"small@3 is not in {MANIFEST}")


def test_an_unusable_version_is_not_published(folder: Path):
    (folder / "small" / "3.yaml").write_text("id: small\nversion: '3'", encoding="utf-8")

    with pytest.raises(RubricRejected):
        add_to_manifest(RubricLibrary(folder))
    assert not (folder / MANIFEST).exists()


def test_no_published_rubric_has_changed():
    """Scores refer to versions: to change a form, add its next version and run `assay rubric manifest`."""
    assert manifest_problems(SHIPPED) == ()


# ── What is shipped ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=SHIPPED.names())
def shipped(request: pytest.FixtureRequest) -> Rubric:
    return SHIPPED.get(request.param)


@pytest.fixture(params=OURS)
def form(request: pytest.FixtureRequest) -> Rubric:
    return SHIPPED.get(request.param)


def test_at_least_eight_rubrics_are_shipped():
    assert len({rubric.id for rubric in SHIPPED.all()}) >= 8


def test_a_shipped_rubric_has_twelve_to_forty_items(shipped: Rubric):
    assert 12 <= len(shipped.items) <= 40


def test_a_shipped_rubric_survives_json(shipped: Rubric):
    again = parse_rubric(json.dumps(shipped.model_dump(mode="json", by_alias=True), ensure_ascii=False))

    assert again == shipped
    assert again.digest == shipped.digest


def test_a_shipped_rubric_has_no_lint(shipped: Rubric):
    lint = pytest.importorskip("service.lint")

    found = [finding for finding in lint.lint(shipped) if finding.severity == "error"]

    assert found == []


def test_our_forms_show_the_linter_clean(form: Rubric):
    """They are what authors copy from: not even a warning may stand in them."""
    lint = pytest.importorskip("service.lint")

    assert [(finding.code, finding.path) for finding in lint.lint(form)] == []


def test_the_examples_of_the_guide_are_read_as_they_stand():
    guide = (ROOT / "rubrics" / "README.md").read_text(encoding="utf-8")
    first, *others = re.findall(r"```yaml\n(.*?)```", guide, flags=re.DOTALL)

    assert parse_rubric(first).name == "my-form@1"
    for example in others:
        for part in re.split(r"\n(?=when:)", example):  # a block of alternatives repeats its key on purpose
            assert read_data(part)


def test_the_guide_lists_every_shipped_rubric():
    guide = (ROOT / "rubrics" / "README.md").read_text(encoding="utf-8")

    assert [rubric.id for rubric in SHIPPED.newest() if f"| `{rubric.id}` |" not in guide] == []


def test_every_item_helps_the_evaluator_and_the_agent(shipped: Rubric):
    for item in shipped.items:
        assert item.guidance, item.id
        assert item.coaching_tip, item.id
        assert item.tags, item.id


def test_every_item_says_when_it_applies(shipped: Rubric):
    for item in shipped.items:
        assert item.not_applicable == "never" or item.applicable_when, item.id


FAULTS = {
    "abuse",
    "blame",
    "canned-mismatch",
    "false-statement",
    "misleading-claim",
    "pressure",
    "secret-asked",
    "threat",
    "verification-hints",
}
"""Ids that name something bad: there, and only there, a yes is the worse answer."""


def test_an_id_never_names_the_good_thing_where_its_question_asks_for_the_bad_one(shipped: Rubric):
    yes_no = [(item.id, item.answer) for item in shipped.items if isinstance(item.answer, YesNo)]

    asked_as_fault = {item_id for item_id, answer in yes_no if answer.yes_points < answer.no_points}

    assert asked_as_fault == {item_id for item_id, _ in yes_no if item_id in FAULTS}


def test_the_middle_of_a_scale_of_manner_may_rest_on_the_whole_contact(shipped: Rubric):
    """What is ordinary throughout has no passage that shows it."""
    scales = [item for item in shipped.items if item.id in {"tone", "polite-address", "plain-writing", "structure"}]

    assert {item.id: item.evidence.absence for item in scales} == {item.id: (1,) for item in scales}


def test_a_shipped_rubric_names_its_sources_and_its_pass_mark(shipped: Rubric):
    assert shipped.sources
    assert shipped.description
    assert shipped.pass_mark
    assert shipped.bands


def test_a_shipped_rubric_counts_critical_errors_and_shows_examples(shipped: Rubric):
    assert sum(item.critical is not None for item in shipped.items) >= 3
    assert sum(bool(item.exemplars) for item in shipped.items) >= 2


def test_every_cue_of_a_form_is_used(form: Rubric):
    written = json.dumps(form.model_dump(mode="json", by_alias=True), ensure_ascii=False)

    unused = [name for name in form.cues if f'"ref": "{name}"' not in written]

    assert unused == []


def test_every_pattern_of_a_form_compiles_and_matches_no_empty_text(form: Rubric):
    regex = importlib.import_module("regex")

    for pattern in _patterns(form.model_dump(mode="json", by_alias=True)):
        compiled = regex.compile(pattern, regex.IGNORECASE | regex.V1)
        assert compiled.search("") is None, pattern


def _patterns(data: object) -> list[str]:
    if isinstance(data, dict):
        own = list(data["pattern"]) if isinstance(data.get("pattern"), list) else []
        return own + [found for value in data.values() for found in _patterns(value)]
    if isinstance(data, list):
        return [found for value in data for found in _patterns(value)]
    return []


def test_a_form_leaves_what_words_cannot_settle_to_a_model_or_a_person(form: Rubric):
    """Tone and fit are not in phrase lists: some items must stay without cues, and most must have them."""
    judged = [item for item in form.items if item.method == "llm"]

    assert any(item.cues is None for item in judged)
    assert sum(item.cues is not None for item in judged) >= len(judged) / 2


def test_the_forms_together_use_the_whole_language():
    written = json.dumps([rubric.model_dump(mode="json", by_alias=True) for rubric in SHIPPED.all()])
    items = [item for rubric in SHIPPED.all() for item in rubric.items]

    assert {type(item.answer) for item in items} == {YesNo, Choice, MultiChoice, Scale, Number, FreeText}
    assert {item.method for item in items} >= {"llm", "metric", "human"}
    assert {item.focus for item in items} == {"contact", "evaluated_agent"}
    assert {item.critical.auto_fail for item in items if item.critical} == {"form", "section", "none"}
    assert {rubric.auto_fail for rubric in SHIPPED.all()} == {"zero", "flag"}
    assert {item.critical.family for item in items if item.critical} == {"customer", "business", "compliance"}
    assert any(item.bonus for item in items)
    assert any(item.points_range[0] < 0 for item in items)
    assert any(item.excluded_from_score for item in items)
    assert any(item.evidence.min_quotes == 2 for item in items)
    assert any(section.when for rubric in SHIPPED.all() for section in rubric.sections)
    for word in ("all", "any", "not", "channel", "metadata", "none", "supplied", "at_least", "ref", "before", "after"):
        assert f'"{word}"' in written
    assert set(re.findall(r"\w+", written)) >= RESERVED_ANSWERS


def test_no_pattern_of_a_form_is_slow_on_a_long_turn(form: Rubric):
    """A pattern that backtracks would make every draft of that form late."""
    cues = pytest.importorskip("service.cues")
    conversation: Conversation = a_conversation(
        ("agent", "your account number the total is not a price and so on to you, please hold the line, " * 120),
        ("customer", "I want to cancel my plan because it is not what you said it would be and I am upset " * 120),
        language=form.language,
    )

    results = cues.judge_by_cues(conversation, form, [item for item in form.items if item.cues])

    assert not [
        result.item for result in results.values() if "too long" in result.reason or "time limit" in result.reason
    ]


def test_a_list_that_is_too_short_is_said_even_when_its_only_entry_is_right() -> None:
    one = {"type": "choice", "options": [{"id": "a", "label": "A"}]}
    rubric = a_rubric().model_dump(mode="json") | {
        "sections": [{"id": "s", "title": "S", "items": [an_item("x", answer=one)]}]
    }

    with pytest.raises(RubricRejected) as rejected:
        parse_rubric(rubric)

    assert [one.path for one in rejected.value.problems] == ["sections[0].items[0].answer.options"]
