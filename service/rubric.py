"""What is asked, which answers exist, what each is worth.

Comes in: YAML or JSON as plain data. Goes out: a `Rubric` that is whole in itself: ids unique, references known,
answers of the kind that their item allows. What is merely unwise is the linter's business (`service.lint`); what
an answer earns in total is `service.scoring`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cached_property
from itertools import combinations, pairwise
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from service.conversation import Channel
from service.cue_rules import NOT_APPLICABLE, RESERVED_ANSWERS, UNSCORED, AnswerValue, Cue, CueJudge
from service.value import Value, canonical_json, digest_of

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,79}$")]
Version = Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9}){0,2}$")]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Weight = Annotated[float, Field(ge=0, le=10_000)]
Family = Literal["customer", "business", "compliance"]
Method = Literal["llm", "cues", "metric", "human"]


# ── Answer types ────────────────────────────────────────────────────────────────────────────────────────────────


class YesNo(Value):
    """Two answers, `yes` and `no`. An undesirable behaviour ("Did the agent interrupt?") gives `no` the points."""

    type: Literal["yes_no"] = "yes_no"
    yes_points: float = 1
    no_points: float = 0


class Option(Value):
    """One answer option; `anchor` says what behaviour earns it."""

    id: Id
    label: Text
    points: float = 0
    anchor: Text | None = None


class Choice(Value):
    """Exactly one of the options."""

    type: Literal["choice"] = "choice"
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=50)]


class MultiChoice(Value):
    """Any number of the options, none included; points add up and are held within [min_points, max_points].

    The limits default to what the options allow: the sum of the negative and the sum of the positive points.
    """

    type: Literal["multi_choice"] = "multi_choice"
    options: Annotated[tuple[Option, ...], Field(min_length=1, max_length=50)]
    min_points: float | None = None
    max_points: float | None = None


class Level(Value):
    """One level of a scale and the behaviour that marks it. `points` defaults to the distance from the lowest level."""

    value: int
    anchor: Text
    label: str | None = None
    points: float | None = None


class Scale(Value):
    """An ordered scale; every level has an anchor, for a bare 1-to-5 means something else to everyone."""

    type: Literal["scale"] = "scale"
    levels: Annotated[tuple[Level, ...], Field(min_length=2, max_length=11)]

    @model_validator(mode="after")
    def _levels_ascend(self) -> Self:
        values = [level.value for level in self.levels]
        if values != sorted(set(values)):
            raise ValueError("levels must ascend without repeats")
        return self


class NumberBand(Value):
    """Points for numbers in [min, max]; an open end is unlimited. The first band that fits counts."""

    min: float | None = None
    max: float | None = None
    points: float


class Number(Value):
    """A number within [min, max]; points by band, none when there are no bands."""

    type: Literal["number"] = "number"
    min: float | None = None
    max: float | None = None
    unit: str | None = None
    bands: tuple[NumberBand, ...] = ()


class FreeText(Value):
    """Words for the reader; never worth points."""

    type: Literal["text"] = "text"
    max_length: Annotated[int, Field(ge=1, le=10_000)] = 1000


Answers = Annotated[YesNo | Choice | MultiChoice | Scale | Number | FreeText, Field(discriminator="type")]


# ── Conditions ──────────────────────────────────────────────────────────────────────────────────────────────────


class WhenAll(Value):
    """Every condition holds."""

    all: Annotated[tuple[Condition, ...], Field(min_length=1)]


class WhenAny(Value):
    """At least one condition holds."""

    any: Annotated[tuple[Condition, ...], Field(min_length=1)]


class WhenNot(Value):
    """The condition does not hold."""

    not_: Annotated[Condition, Field(alias="not")]
    model_config: ClassVar[ConfigDict] = {**Value.model_config, "populate_by_name": True, "serialize_by_alias": True}


class WhenItem(Value):
    """Another item was answered with one of `answers`.

    For multi_choice an option is met when it is among the chosen ones, a list of options when exactly these were
    chosen. `not_applicable` may stand among the answers. While the other item is unscored, the condition is
    undetermined.
    """

    item: Id
    answers: Annotated[tuple[AnswerValue, ...], Field(min_length=1)]


class WhenChannel(Value):
    """The conversation came by one of these channels."""

    channel: Annotated[tuple[Channel, ...], Field(min_length=1)]


class WhenMetadata(Value):
    """A metadata value compares as asked.

    A value that is missing or null satisfies `absent` and nothing else: also `ne` and `not_in` fail. Values of
    different kinds (a text and a number) are unequal and have no order. `in` and `not_in` take a list; of a
    metadata value that is itself a list, `in` asks for one common value, `not_in` for none.
    """

    metadata: Annotated[str, Field(min_length=1, description="Key; dots descend into objects.")]
    op: Literal["eq", "ne", "in", "not_in", "lt", "le", "gt", "ge", "exists", "absent"] = "eq"
    value: Any = None

    @field_validator("value")
    @classmethod
    def _value_is_json(cls, value: Any) -> Any:
        """A date or a NaN would make the rubric undigestible, long after it was written."""
        try:
            canonical_json(value)
        except (TypeError, ValueError) as error:
            raise ValueError("a value is text, a number, true, false, or a list of these; quote dates") from error
        return value


_CONDITIONS = {
    "all": WhenAll,
    "any": WhenAny,
    "not": WhenNot,
    "item": WhenItem,
    "channel": WhenChannel,
    "metadata": WhenMetadata,
}


def _condition_tag(raw: Any) -> str | None:
    if isinstance(raw, dict):
        return next((tag for tag in _CONDITIONS if tag in raw or (tag == "not" and "not_" in raw)), None)
    return next((tag for tag, shape in _CONDITIONS.items() if isinstance(raw, shape)), None)


Condition = Annotated[
    Annotated[WhenAll, Tag("all")]
    | Annotated[WhenAny, Tag("any")]
    | Annotated[WhenNot, Tag("not")]
    | Annotated[WhenItem, Tag("item")]
    | Annotated[WhenChannel, Tag("channel")]
    | Annotated[WhenMetadata, Tag("metadata")],
    Discriminator(
        _condition_tag,
        custom_error_type="condition_unknown",
        custom_error_message="a condition is one of: all, any, not, item, channel, metadata",
    ),
]


# ── Items ───────────────────────────────────────────────────────────────────────────────────────────────────────


class EvidenceRule(Value):
    """Which answers need quotes, from whom, and which may rest on the absence of what was asked for.

    `quotes_for`: answers that need `min_quotes` located quotes; the default is every answer that `absence` does
    not list. `absence`: answers that need no quote; the draft then names the searched turns. The default is
    `no` for yes_no items and nothing otherwise. `speaker`: whose words count; `agent` means the agents under
    evaluation where the item's focus is on them.
    """

    speaker: Literal["agent", "customer", "any"] = "any"
    min_quotes: Annotated[int, Field(ge=0, le=20)] = 1
    quotes_for: tuple[AnswerValue, ...] | None = None
    absence: tuple[AnswerValue, ...] | None = None


class Critical(Value):
    """An error here is critical in the sense of COPC's families, whatever the total.

    `fails_on`: the answers that are the error; default: every answer that earns less than the most. `auto_fail`:
    how far the failure reaches; what it does there (zero or flag) is the rubric's policy, unless `policy` says
    otherwise for this item.
    """

    family: Family
    fails_on: tuple[AnswerValue, ...] | None = None
    auto_fail: Literal["form", "section", "none"] = "form"
    policy: Literal["zero", "flag"] | None = None


class MetricBand(Value):
    """`answer` for measurements in [min, max]; an open end is unlimited. The first band that fits counts."""

    min: float | None = None
    max: float | None = None
    answer: AnswerValue


class Metric(Value):
    """An answer computed from what surrounds the words.

    `of`: `metadata:KEY` (dots descend), or a timing in seconds: `duration`, `first_agent_response`,
    `longest_agent_silence` (customer waits for the agent), `longest_pause`; or `agent_talk_share` (0 to 1, by time
    where turns have it, else by characters), `turns`. `number` items take the value itself, others answer by band.
    """

    of: Annotated[str, Field(min_length=1)]
    bands: tuple[MetricBand, ...] = ()


class Exemplar(Value):
    """A labelled quote that shows what an answer looks like."""

    quote: Text
    answer: AnswerValue
    why: Text | None = None


class Item(Value):
    """One line of the form."""

    id: Id
    question: Text
    guidance: Text | None = Field(default=None, description="What good looks like; feeds the prompt.")
    answer: Answers = YesNo()
    weight: Weight = 1
    bonus: bool = Field(default=False, description="Points scoring only: earns on top, never counts against.")
    not_applicable: Literal["allowed", "never"] = "allowed"
    applicable_when: Text | None = Field(default=None, description="In words, when the question applies at all.")
    when: Condition | None = Field(
        default=None, description="The item is asked only when this holds; otherwise it is not applicable."
    )
    critical: Critical | None = None
    evidence: EvidenceRule = EvidenceRule()
    focus: Literal["contact", "evaluated_agent"] = "evaluated_agent"
    method: Method = "llm"
    cues: CueJudge | None = None
    metric: Metric | None = None
    exemplars: tuple[Exemplar, ...] = ()
    coaching_tip: Text | None = None
    tags: tuple[str, ...] = ()
    excluded_from_score: bool = False

    @model_validator(mode="after")
    def _method_has_its_part(self) -> Self:
        if self.method == "cues" and self.cues is None:
            raise ValueError("method is cues, but there is no cues block")
        if self.method == "metric" and self.metric is None:
            raise ValueError("method is metric, but there is no metric block")
        return self

    @model_validator(mode="after")
    def _answers_named_are_answers(self) -> Self:
        if isinstance(self.answer, (Choice, MultiChoice)):
            ids = [option.id for option in self.answer.options]
            if len(set(ids)) != len(ids):
                raise ValueError("answer.options: two options share an id")
            if taken := RESERVED_ANSWERS.intersection(ids):
                raise ValueError(f"answer.options: {sorted(taken)} are reserved words")
        for place, named in self._named_answers():
            self._check_named(place, named)
        return self

    def _named_answers(self) -> Iterator[tuple[str, AnswerValue]]:
        """Every answer that the item's other fields mention, with its place."""
        for answer in self.evidence.quotes_for or ():
            yield "evidence.quotes_for", answer
        for answer in self.evidence.absence or ():
            yield "evidence.absence", answer
        if self.critical:
            for answer in self.critical.fails_on or ():
                yield "critical.fails_on", answer
        for exemplar in self.exemplars:
            yield "exemplars.answer", exemplar.answer
        if self.metric:
            for band in self.metric.bands:
                yield "metric.bands.answer", band.answer
        if self.cues:
            for rule in self.cues.rules:
                yield "cues.rules.answer", rule.answer
            yield "cues.otherwise", self.cues.otherwise

    def _check_named(self, place: str, named: AnswerValue) -> None:
        if named == UNSCORED and place.startswith("cues"):
            return
        if named == NOT_APPLICABLE:
            if self.not_applicable == "never":
                raise ValueError(f"{place}: not_applicable is named, but the item never allows it")
            return
        one = named[0] if isinstance(named, tuple) and len(named) == 1 else named
        if not (
            self.allows(named)
            or (isinstance(self.answer, MultiChoice) and self.allows((one,) if isinstance(one, str) else one))
        ):
            raise ValueError(f"{place}: {named!r} is not an answer of this item")

    def allows(self, answer: AnswerValue) -> bool:
        """Whether `answer` is one of the answers that this item's type admits (N/A aside)."""
        match self.answer:
            case YesNo():
                return answer in ("yes", "no")
            case Choice(options=options):
                return isinstance(answer, str) and any(answer == option.id for option in options)
            case MultiChoice(options=options):
                ids = {option.id for option in options}
                return isinstance(answer, tuple) and len(set(answer)) == len(answer) and ids.issuperset(answer)
            case Scale(levels=levels):
                return isinstance(answer, int) and any(answer == level.value for level in levels)
            case Number(min=low, max=high):
                if isinstance(answer, bool) or not isinstance(answer, (int, float)):
                    return False
                return (low is None or answer >= low) and (high is None or answer <= high)
            case FreeText(max_length=limit):
                return isinstance(answer, str) and len(answer) <= limit

    def points_for(self, answer: AnswerValue) -> float:
        """What `answer` earns before weights. Raises ValueError for an answer that the item does not allow."""
        if not self.allows(answer):
            raise ValueError(f"{self.id}: {answer!r} is not an answer of this item")
        match self.answer:
            case YesNo(yes_points=yes, no_points=no):
                return yes if answer == "yes" else no
            case Choice(options=options):
                return next(option.points for option in options if option.id == answer)
            case MultiChoice(options=options):
                chosen = _decimal_sum(o.points for o in options if isinstance(answer, tuple) and o.id in answer)
                low, high = self.points_range
                return min(max(chosen, low), high)
            case Scale(levels=levels):
                return next(_level_points(level, levels[0]) for level in levels if level.value == answer)
            case Number(bands=bands) if isinstance(answer, (int, float)):
                return next((band.points for band in bands if _within(answer, band.min, band.max)), 0.0)
            case _:
                return 0.0

    @cached_property
    def points_range(self) -> tuple[float, float]:
        """The least and the most points that any answer can earn."""
        match self.answer:
            case YesNo(yes_points=yes, no_points=no):
                return min(yes, no), max(yes, no)
            case Choice(options=options):
                return min(o.points for o in options), max(o.points for o in options)
            case MultiChoice(options=options, min_points=low, max_points=high):
                least = _decimal_sum(o.points for o in options if o.points < 0)
                most = _decimal_sum(o.points for o in options if o.points > 0)
                return _held(least, low, high), _held(most, low, high)
            case Scale(levels=levels):
                points = [_level_points(level, levels[0]) for level in levels]
                return min(points), max(points)
            case Number(bands=bands) if bands:
                points = [self.points_for(probe) for probe in number_probes(self.answer)]
                return (min(points), max(points)) if points else (0.0, 0.0)
            case _:
                return 0.0, 0.0

    @property
    def scored(self) -> bool:
        """Whether the item can move the total."""
        return not self.excluded_from_score and self.points_range != (0.0, 0.0)

    def fails(self, answer: AnswerValue) -> bool:
        """Whether `answer` is the critical error of this item."""
        if self.critical is None:
            return False
        if self.critical.fails_on is None:
            return self.points_for(answer) < self.points_range[1]
        return _is_named(answer, self.critical.fails_on)

    def may_rest_on_absence(self, answer: AnswerValue) -> bool:
        """Whether `answer` needs no quote, because what was asked for was nowhere said."""
        if answer == ():
            return True  # no option chosen: there is nothing to quote
        if self.evidence.absence is None:
            return answer == "no" and isinstance(self.answer, YesNo)
        if isinstance(answer, tuple):
            return all(_is_named((one,), self.evidence.absence) for one in answer)
        return answer in self.evidence.absence

    def quotes_needed(self, answer: AnswerValue) -> int:
        """How many located quotes `answer` must show."""
        if isinstance(self.answer, FreeText) and self.evidence.quotes_for is None:
            return 0
        if self.may_rest_on_absence(answer):
            return 0
        if self.evidence.quotes_for is not None and not _is_named(answer, self.evidence.quotes_for):
            return 0
        return self.evidence.min_quotes


def _level_points(level: Level, lowest: Level) -> float:
    return level.points if level.points is not None else float(level.value - lowest.value)


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _held(value: float, low: float | None, high: float | None) -> float:
    value = value if low is None else max(value, low)
    return value if high is None else min(value, high)


def _decimal_sum(points: Iterable[float]) -> float:
    """The sum as written in decimals: 0.1 and 0.2 are 0.3."""
    return float(sum((Decimal(repr(one)) for one in points), Decimal(0)))


def _is_named(answer: AnswerValue, names: tuple[AnswerValue, ...]) -> bool:
    """Whether `answer` is among `names`; several options at once are, when one of them is, or all of them together."""
    if isinstance(answer, tuple):
        return answer in names or any(one in names or (one,) in names for one in answer)
    return answer in names


def sample_answers(item: Item, *named: AnswerValue) -> tuple[AnswerValue, ...] | None:
    """Answers that stand for all that the item allows: whatever can be earned, failed or named is by one of them.

    `named` are answers that conditions ask for; what no condition names is represented too. None when they would be
    too many to list, which takes a multi_choice of more than eight options.
    """
    wanted = (*named, *(item.critical.fails_on or () if item.critical else ()))
    match item.answer:
        case YesNo():
            return ("yes", "no")
        case Choice(options=options):
            return tuple(option.id for option in options)
        case Scale(levels=levels):
            return tuple(level.value for level in levels)
        case MultiChoice(options=options) if len(options) <= 8:
            ids = [option.id for option in options]
            return tuple(combination for size in range(len(ids) + 1) for combination in combinations(ids, size))
        case MultiChoice():
            return None
        case Number():
            numbers = (one for one in wanted if isinstance(one, (int, float)) and item.allows(one))
            return tuple(dict.fromkeys((*number_probes(item.answer), *numbers)))
        case FreeText():
            texts = tuple(one for one in wanted if isinstance(one, str) and item.allows(one))
            return (*texts, next(mark for mark in map(chr, range(0x2E, 0x10000)) if mark not in texts))


def number_probes(number: Number) -> tuple[float, ...]:
    """Numbers that together fall into every band, every gap between bands and every open end that an answer can reach.

    They are the ends of the bands and of the allowed range, one number between each two of them and one beyond
    the outermost, as far as the allowed range admits them.
    """
    edges = {edge for band in number.bands for edge in (band.min, band.max) if edge is not None}
    ends = sorted(edges | {end for end in (number.min, number.max) if end is not None} | (set() if edges else {0.0}))
    between = [(low + high) / 2 for low, high in pairwise(ends)]
    probes = {*ends, *between, ends[0] - 1, ends[-1] + 1}
    return tuple(sorted(probe for probe in probes if _within(probe, number.min, number.max)))


# ── The form ────────────────────────────────────────────────────────────────────────────────────────────────────


class Section(Value):
    """Items that belong together. A section whose condition fails is not applicable as a whole."""

    id: Id
    title: Text
    weight: Weight = 1
    when: Condition | None = None
    items: Annotated[tuple[Item, ...], Field(min_length=1)]


class WeightedPercentage(Value):
    """Percent of what could be earned; N/A leaves both sides. `over` says whose weights count."""

    method: Literal["weighted_percentage"] = "weighted_percentage"
    over: Literal["items", "sections"] = "items"


class Points(Value):
    """Points earned of points that could be earned; bonus items only ever add, negative points only ever take.

    The percentage is held within [0, cap]; `cap` None lets a bonus pass 100.
    """

    method: Literal["points"] = "points"
    cap: Annotated[float, Field(ge=100)] | None = 100


class Band(Value):
    """A name for totals from `from_percent` upwards, up to the next band."""

    id: Id
    title: Text
    from_percent: Annotated[float, Field(ge=0, le=100)]


class Rubric(Value):
    """A form with predefined criteria. A published version never changes; ids stay the same across versions."""

    id: Id
    version: Version
    title: Text
    description: Text | None = None
    language: str = Field(default="en", description="BCP 47 tag of the rubric's own words.")
    channels: tuple[Channel, ...] = ("voice", "chat", "email", "social")
    kpis: tuple[str, ...] = Field(
        default=(), description="Families of KPIs that the form speaks to, such as FCR or CSAT."
    )
    sources: tuple[str, ...] = Field(default=(), description="The practice, standard or regulation behind the form.")
    scoring: Annotated[WeightedPercentage | Points, Field(discriminator="method")] = WeightedPercentage()
    pass_mark: Annotated[float, Field(ge=0, le=100)] | None = None
    bands: tuple[Band, ...] = ()
    auto_fail: Literal["zero", "flag"] = "zero"
    cues: dict[str, Cue] = Field(default_factory=dict, description="Cues that items use by `ref`.")
    sections: Annotated[tuple[Section, ...], Field(min_length=1)]

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """All items in the order of the form."""
        return tuple(item for section in self.sections for item in section.items)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of the whole rubric, defaults filled in."""
        return digest_of(self)

    @property
    def name(self) -> str:
        """`id@version`."""
        return f"{self.id}@{self.version}"

    def item(self, item_id: str) -> Item:
        """The item of this id. Raises KeyError when there is none."""
        return self._by_id[item_id]

    @cached_property
    def _by_id(self) -> dict[str, Item]:
        return {item.id: item for item in self.items}

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        for what, ids in (("section", [s.id for s in self.sections]), ("item", [i.id for i in self.items])):
            if doubled := sorted({one for one in ids if ids.count(one) > 1}):
                raise ValueError(f"{what} ids must be unique; used twice: {', '.join(doubled)}")
        return self

    @model_validator(mode="after")
    def _references_are_known(self) -> Self:
        position = {item.id: index for index, item in enumerate(self.items)}
        for section in self.sections:
            self._check_condition(
                section.when, f"sections.{section.id}.when", position, before=position[section.items[0].id]
            )
            for item in section.items:
                self._check_condition(item.when, f"items.{item.id}.when", position, before=position[item.id])
        known = set(self.cues)
        for place, cue in self._all_cues():
            for name in cue_references(cue):
                if name not in known:
                    raise ValueError(f"{place}: ref {name!r} is not among the rubric's cues")
        _forbid_circles({name: set(cue_references(cue)) for name, cue in self.cues.items()})
        return self

    def _check_condition(self, condition: Condition | None, place: str, position: dict[str, int], before: int) -> None:
        """Conditions look back, never forward: that keeps the form free of circles and readable from top to bottom."""
        for named in conditions_on_items(condition):
            if named.item not in position:
                raise ValueError(f"{place}: no item has the id {named.item!r}")
            if position[named.item] >= before:
                raise ValueError(
                    f"{place}: {named.item!r} comes later in the form; a condition may only name earlier items"
                )
            other = self.items[position[named.item]]
            for answer in named.answers:
                if answer == NOT_APPLICABLE and self._is_conditional(other):
                    continue  # `never` binds whoever judges; the form's own condition can still leave the item out
                other._check_named(f"{place}.answers", answer)  # noqa: SLF001 - same module, one rule for all places

    def _is_conditional(self, item: Item) -> bool:
        home = next(section for section in self.sections if any(one.id == item.id for one in section.items))
        return item.when is not None or home.when is not None

    def _all_cues(self) -> Iterator[tuple[str, Cue]]:
        for name, cue in self.cues.items():
            yield f"cues.{name}", cue
        for item in self.items:
            if item.cues is None:
                continue
            if item.cues.applicable is not None:
                yield f"items.{item.id}.cues.applicable", item.cues.applicable
            for index, rule in enumerate(item.cues.rules):
                yield f"items.{item.id}.cues.rules.{index}", rule.when


def conditions_on_items(condition: Condition | None) -> Iterator[WhenItem]:
    """Every condition on another item's answer, however deep."""
    match condition:
        case WhenAll(all=parts) | WhenAny(any=parts):
            for part in parts:
                yield from conditions_on_items(part)
        case WhenNot(not_=part):
            yield from conditions_on_items(part)
        case WhenItem():
            yield condition
        case _:
            return


def cue_references(cue: Any) -> Iterator[str]:
    """Every name that a cue uses by `ref`, however deep."""
    if isinstance(cue, Value):
        if (name := getattr(cue, "ref", None)) is not None:
            yield name
        for field in type(cue).model_fields:
            value = getattr(cue, field)
            for part in value if isinstance(value, tuple) else (value,):
                yield from cue_references(part)


def _forbid_circles(uses: dict[str, set[str]]) -> None:
    """Raise when named cues use each other in a circle."""
    done: set[str] = set()
    while remaining := {name: refs - done for name, refs in uses.items() if name not in done}:
        free = {name for name, refs in remaining.items() if not refs}
        if not free:
            raise ValueError(f"cues use each other in a circle: {', '.join(sorted(remaining))}")
        done |= free


for _shape in (WhenAll, WhenAny, WhenNot, Item, Section, Rubric):
    _shape.model_rebuild()


SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


def rubric_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a rubric as plain data, the same for YAML files and for the API.

    It states shapes only. That ids are unique, that references are known and that named answers exist is beyond
    JSON Schema; `Rubric.model_validate` checks these too.
    """
    schema = Rubric.model_json_schema(by_alias=True, mode="validation")
    for shape in schema["$defs"].values():
        # pydantic reads a union by its tag, so the tag is required even where the single shape has a default.
        tags = [name for name, rule in shape.get("properties", {}).items() if "const" in rule]
        if tags:
            shape["required"] = sorted({*shape.get("required", ()), *tags})
    return {
        "$schema": SCHEMA_ID,
        "$id": "urn:assay:schema:rubric",
        **schema,
        "title": "Assay rubric",
        "description": "A contact-center QA form: what is asked, which answers exist, what each is worth.",
    }


def rubric_document(rubric: Rubric) -> dict[str, Any]:
    """The rubric as the shortest plain data that means the same: what has its default is left out, tags are not.

    `Rubric.model_validate` of it gives the same rubric; it is what a person would write in YAML.
    """
    short = rubric.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    document = _with_tags(rubric, short)
    return {key: document[key] for key in type(rubric).model_fields if key in document}


def _with_tags(value: Any, short: Any) -> Any:
    """`short` with the `type` or `method` by which a union tells its shapes apart, which are defaults themselves."""
    if isinstance(value, Value):
        fields = type(value).model_fields.items()
        tags = {name: getattr(value, name) for name, field in fields if len(get_args(field.annotation)) == 1}
        named = {field.alias or name: name for name, field in fields}
        parts = {key: _with_tags(getattr(value, named[key]), part) for key, part in short.items()}
        return {name: tag for name, tag in tags.items() if isinstance(tag, str)} | parts
    if isinstance(value, tuple):
        return [_with_tags(one, part) for one, part in zip(value, short, strict=True)]
    if isinstance(value, dict):
        return {key: _with_tags(value[key], part) for key, part in short.items()}
    return short
