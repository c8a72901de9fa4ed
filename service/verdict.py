"""What the model said, before anything of it is believed, and the shape in which it must say it.

Comes in: a rubric's items. Goes out: a `ReplyShape`, which is a pydantic model with one required field per item, the
strict JSON schema of it, and a reader that takes a raw reply apart item by item, so that one bad item never costs the
others. A `Verdict` is one item's raw reply. Quotes here are claims; `service.grounding` turns them into evidence or
into named misses. This module knows neither transcripts nor endpoints.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, ValidationError, create_model
from pydantic_core import from_json

from service.cue_rules import NOT_APPLICABLE, AnswerValue
from service.rubric import Choice, FreeText, Item, MultiChoice, Number, Rubric, Scale, YesNo
from service.value import Value

SUMMARY = "summary"
"""The field of a reply that holds the conversation's summary; no item's field may take its name."""

REASON_LIMIT = 2_000
SUMMARY_LIMIT = 4_000
QUOTES_LIMIT = 40
_PREPARED_LIMIT = 512
"""How many shapes and models are kept; beyond it the oldest go, for rubrics may come inline by the thousand."""


class Quote(Value):
    """A passage that somebody claims stands in turn `turn`. Turn numbers are indexes from 0; None: anywhere."""

    turn: Annotated[int, Field(ge=0)] | None
    text: str


class Verdict(Value):
    """One item's reply. `answer` is None exactly when `applicable` is false."""

    item: str
    applicable: bool
    quotes: tuple[Quote, ...] = ()
    reason: str = ""
    answer: AnswerValue | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None


@dataclass(frozen=True)
class RawReply:
    """One reply taken apart: the verdicts that have the right shape, and for the other items what was wrong.

    `whole` says what was wrong with the reply as such (not JSON at all); then every item is faulty.
    """

    verdicts: Mapping[str, Verdict]
    faults: Mapping[str, str]
    summary: str | None = None
    whole: str | None = None


# ── Fields that forgive what is unambiguous ─────────────────────────────────────────────────────────────────────


def _turn_number(raw: Any) -> Any:
    """`12`, `"12"`, `"[12]"` and `"turn 12"` are one turn; anything else is none, and grounding looks everywhere."""
    if isinstance(raw, bool):
        return -1
    if isinstance(raw, str):
        digits = re.fullmatch(r"\D{0,8}(\d{1,6})\D?", raw.strip())
        return int(digits[1]) if digits else -1
    if isinstance(raw, float):
        return int(raw) if raw.is_integer() else -1
    return raw if isinstance(raw, int) else -1


def _share(raw: Any) -> Any:
    """A confidence between 0 and 1; percentages are taken as such, and nonsense as not stated (-1)."""
    try:
        value = (
            float(raw.strip().rstrip("%")) / (100 if raw.strip().endswith("%") else 1) if isinstance(raw, str) else raw
        )
    except ValueError:
        return -1.0
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return -1.0
    if 1 < value <= 100:
        value /= 100
    return float(value) if 0 <= value <= 1 else -1.0


def _text(raw: Any) -> Any:
    return "" if raw is None else raw


def _claims(raw: Any) -> Any:
    """A single quote may come without its list, and no quote as null."""
    if raw is None:
        return []
    return [raw] if isinstance(raw, dict) else raw


def _token(raw: Any) -> Any:
    """The words of a literal answer: `True`, `4`, `" Yes "` are `yes`, `4`, `yes`."""
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, int) or (isinstance(raw, float) and raw.is_integer()):
        return str(int(raw))
    return raw.strip() if isinstance(raw, str) else raw


def _nothing(raw: Any) -> Any:
    """No answer, however it is spelled; none of these words can be an option's id."""
    return None if isinstance(raw, str) and raw.strip().casefold() in _NOTHING else raw


_NOTHING = frozenset({"", "n/a", "<null>", NOT_APPLICABLE, "not applicable"})


def _yes_no(raw: Any) -> Any:
    word = _token(raw)
    return word.casefold() if isinstance(word, str) else word


def _several(raw: Any) -> Any:
    """One chosen option may come without its list."""
    return [raw] if isinstance(raw, str) else raw


class Claim(BaseModel):
    """A quote as the model gives it. `turn` -1: the number was unusable."""

    model_config = ConfigDict(extra="ignore")

    turn: Annotated[int, BeforeValidator(_turn_number)]
    quote: Annotated[str, BeforeValidator(_text)]


class _ItemReply(BaseModel):
    """What every item's reply has in common; the fields themselves are laid out by `_item_model`."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())


def _answer_type(item: Item) -> Any:
    """The literal answers of this item as a type. Levels are words, for some endpoints take no other enumerations."""
    match item.answer:
        case YesNo():
            return Annotated[Literal["yes", "no"], BeforeValidator(_yes_no)]
        case Choice(options=options):
            return Annotated[Literal[tuple(option.id for option in options)], BeforeValidator(_token)]
        case MultiChoice(options=options):
            return Annotated[
                list[Annotated[Literal[tuple(option.id for option in options)], BeforeValidator(_token)]],  # type: ignore[misc]  # a type made at run time
                BeforeValidator(_several),
            ]
        case Scale(levels=levels):
            return Annotated[Literal[tuple(str(level.value) for level in levels)], BeforeValidator(_token)]
        case Number():
            return FiniteFloat
        case FreeText():
            return str


_MODELS: dict[tuple[str, ...], type[BaseModel]] = {}


def _item_model(item: Item) -> type[BaseModel]:
    """The model of one item's reply, shared by all items whose answers are the same.

    Its fields stand in the order in which a careful reader decides: does it apply, what was said, why, the answer.
    """
    may_not_apply = item.not_applicable == "allowed"
    key = ("or_na" if may_not_apply else "always", *_answer_key(item))
    if key in _MODELS:
        return _MODELS[key]
    answer = _answer_type(item)
    fields: dict[str, Any] = {"applicable": (bool, ...)} if may_not_apply else {}
    fields["evidence"] = (Annotated[list[Claim], BeforeValidator(_claims)], ...)
    fields["reason"] = (Annotated[str, BeforeValidator(_text)], ...)
    fields["answer"] = (Annotated[answer | None, BeforeValidator(_nothing)], ...) if may_not_apply else (answer, ...)
    fields["confidence"] = (Annotated[float, BeforeValidator(_share)], ...)
    if len(_MODELS) >= _PREPARED_LIMIT:
        _MODELS.clear()
    name = f"{item.answer.type}{'_or_na' if may_not_apply else ''}"
    model: type[BaseModel] = create_model(name, __base__=_ItemReply, **fields)
    return _MODELS.setdefault(key, model)


def _answer_key(item: Item) -> tuple[str, ...]:
    match item.answer:
        case Choice(options=options) | MultiChoice(options=options):
            return (item.answer.type, *(option.id for option in options))
        case Scale(levels=levels):
            return ("scale", *(str(level.value) for level in levels))
        case _:
            return (item.answer.type,)


# ── The whole reply ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, eq=False)
class ReplyShape:
    """What one reply must hold: every item exactly once. Lives as long as the process; made once per set of items.

    `fields`: name of the JSON field → item. `model`: the pydantic model of the whole reply. `schema`: its strict JSON
    schema, within the keywords that providers accept (type, properties, required, additionalProperties, items, enum,
    anyOf, $defs, $ref).
    """

    name: str
    fields: Mapping[str, Item]
    model: type[BaseModel]
    schema: Mapping[str, Any]
    with_summary: bool

    @functools.cached_property
    def field_of(self) -> Mapping[str, str]:
        """Item id → the name of its field."""
        return {item.id: field for field, item in self.fields.items()}

    @functools.cached_property
    def _models(self) -> Mapping[str, type[BaseModel]]:
        return {field: _item_model(item) for field, item in self.fields.items()}

    def only(self, item_ids: Iterable[str]) -> ReplyShape:
        """The shape that answers these of the items alone, under the same field names; prepared once."""
        wanted = set(item_ids)
        fields = tuple(field for field, item in self.fields.items() if item.id in wanted)
        return self if len(fields) == len(self.fields) else self._narrowed(fields)

    def _narrowed(self, fields: tuple[str, ...]) -> ReplyShape:
        shape = self._narrower.get(fields)
        if shape is None:
            if len(self._narrower) >= _PREPARED_LIMIT:
                self._narrower.clear()
            kept = {field: self.fields[field] for field in fields}
            shape = self._narrower[fields] = _shape_of_fields(kept, with_summary=False)
        return shape

    @functools.cached_property
    def _narrower(self) -> dict[tuple[str, ...], ReplyShape]:
        return {}

    def read(self, raw: str | None, *, cut_off: bool = False) -> RawReply:
        """Every item's verdict, or what is wrong with it. Never raises, whatever the text.

        A code fence or thinking text around the JSON is passed over. Of a reply that was cut off, the items that
        were complete are read: the answer stands near the end of each item's fields, so a half item is never one.
        """
        try:
            content = _json_object(raw or "", cut_off=cut_off)
        except ValueError as unreadable:
            whole = f"the reply is not one JSON object: {unreadable}"
            return RawReply({}, {item.id: whole for item in self.fields.values()}, whole=whole)
        content = self._unwrapped(content)
        verdicts: dict[str, Verdict] = {}
        faults: dict[str, str] = {}
        for field, item in self.fields.items():
            try:
                verdicts[item.id] = _verdict(item, self._validated(field, content))
            except _Unusable as fault:
                faults[item.id] = str(fault)
        summary = content.get(SUMMARY)
        return RawReply(
            verdicts, faults, summary=summary.strip()[:SUMMARY_LIMIT] or None if isinstance(summary, str) else None
        )

    def _unwrapped(self, content: dict[str, Any]) -> dict[str, Any]:
        """The object that holds the items, where a model wrapped it once, as in `{"form": {…}}`."""
        for _ in range(2):
            if any(field in content for field in self.fields):
                break
            inner = [value for value in content.values() if isinstance(value, dict)]
            if len(inner) != 1:
                break
            content = inner[0]
        return content

    def _validated(self, field: str, content: dict[str, Any]) -> BaseModel:
        if field not in content:
            raise _Unusable("is missing")
        value = content[field]
        if isinstance(value, _Twice):
            raise _Unusable("is answered twice")
        try:
            return self._models[field].model_validate(value)
        except ValidationError as invalid:
            raise _Unusable(_problems(invalid)) from None


class _Unusable(Exception):
    """One item's reply cannot be used; the text says why, without repeating the reply."""


class _Twice:
    """Stands where a JSON object named the same key twice."""


def _json_object(raw: str, *, cut_off: bool) -> dict[str, Any]:
    """The JSON object in this text. Raises ValueError in plain words."""
    text = raw.strip().removeprefix("\ufeff")
    if not text:
        raise ValueError("it is empty")
    if cut_off:
        start = text.find("{")
        content = from_json(text[start:], allow_partial=True) if start >= 0 else None
    else:
        content = _decoded(text)
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if not isinstance(content, dict):
        raise ValueError(f"it is {'a list' if isinstance(content, list) else 'a bare value'}")  # noqa: TRY004 - bad JSON
    return content


def _decoded(text: str) -> Any:
    """The whole text as JSON, else the last whole object in it: what a model concludes stands last."""
    decoder = json.JSONDecoder(object_pairs_hook=_pairs)
    try:
        return decoder.decode(text)
    except (ValueError, RecursionError):
        pass
    found, index, work = None, text.find("{"), 64
    while index >= 0 and work:
        work -= 1
        try:
            found, end = decoder.raw_decode(text, index)
        except (ValueError, RecursionError):
            end = index + 1
        index = text.find("{", end)
    if found is None:
        raise ValueError("no JSON object can be read from it")
    return found


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        content[key] = _Twice() if key in content else value
    return content


def _problems(invalid: ValidationError) -> str:
    """What is wrong, field by field, without the values: they may repeat the transcript."""
    parts = []
    for error in invalid.errors(include_url=False, include_input=False, include_context=False)[:5]:
        place = ".".join(str(part) for part in error["loc"])
        parts.append(f"{place}: {error['msg']}" if place else error["msg"])
    return "; ".join(parts)


def _verdict(item: Item, reply: Any) -> Verdict:
    """The item's reply as a value. Raises _Unusable where its parts contradict each other."""
    applicable = getattr(reply, "applicable", True)
    answer = _answer_value(item, reply.answer)
    if applicable and answer is None:
        raise _Unusable("answer: it is null although the item applies")
    if not applicable and answer is not None and answer != ():
        raise _Unusable("answer: it must be null when applicable is false")
    if answer is not None and applicable and not item.allows(answer):
        raise _Unusable(f"answer: {_allowed_range(item)}")
    return Verdict(
        item=item.id,
        applicable=applicable,
        quotes=tuple(
            Quote(turn=claim.turn if claim.turn >= 0 else None, text=claim.quote)
            for claim in reply.evidence[:QUOTES_LIMIT]
        ),
        reason=reply.reason.strip()[:REASON_LIMIT],
        answer=answer if applicable else None,
        confidence=reply.confidence if reply.confidence >= 0 else None,
    )


def _answer_value(item: Item, raw: Any) -> AnswerValue | None:
    """The answer in the rubric's own terms: levels are numbers again, options a tuple in the form's order."""
    if raw is None:
        return None
    match item.answer:
        case Scale():
            return int(raw)
        case MultiChoice(options=options):
            return tuple(option.id for option in options if option.id in raw)
        case Number():
            return int(raw) if float(raw).is_integer() else float(raw)
        case FreeText(max_length=limit):
            return str(raw).strip()[:limit]
        case _:
            return str(raw)


def _allowed_range(item: Item) -> str:
    if isinstance(item.answer, Number):
        low, high = item.answer.min, item.answer.max
        return f"it must lie within [{'-∞' if low is None else low}, {'∞' if high is None else high}]"
    return "it is not an answer of this item"


# ── Making shapes ───────────────────────────────────────────────────────────────────────────────────────────────

_PREPARED: dict[tuple[str, tuple[str, ...], bool], ReplyShape] = {}


def reply_shape(rubric: Rubric, items: Iterable[Item], *, with_summary: bool = True) -> ReplyShape:
    """The shape of a reply that answers exactly these items, prepared once per rubric content and set of items."""
    chosen = tuple(items)
    key = (rubric.digest, tuple(item.id for item in chosen), with_summary)
    shape = _PREPARED.get(key)
    if shape is None:
        # Long conversations are drafted in threads: another one may be making room at this moment.
        for oldest in list(_PREPARED)[: len(_PREPARED) - _PREPARED_LIMIT + 1]:
            _PREPARED.pop(oldest, None)
        shape = _PREPARED[key] = _make_shape(chosen, with_summary=with_summary)
    return shape


def _make_shape(items: tuple[Item, ...], *, with_summary: bool) -> ReplyShape:
    names = field_names(item.id for item in items)
    return _shape_of_fields(dict(zip(names, items, strict=True)), with_summary=with_summary)


def _shape_of_fields(fields: Mapping[str, Item], *, with_summary: bool) -> ReplyShape:
    columns: dict[str, Any] = {
        f"f{index}": (_item_model(item), Field(alias=field)) for index, (field, item) in enumerate(fields.items())
    }
    if with_summary:
        columns["f_summary"] = (str, Field(alias=SUMMARY))
    model: type[BaseModel] = create_model(
        "scorecard", __config__=ConfigDict(extra="ignore", protected_namespaces=()), **columns
    )
    return ReplyShape(
        "scorecard", MappingProxyType(dict(fields)), model, _strict(model.model_json_schema()), with_summary
    )


def field_names(ids: Iterable[str]) -> tuple[str, ...]:
    """A JSON field name for every item id: letters, digits and underscores, at most 48, unlike every other.

    Ids may hold dots and dashes, which some endpoints refuse in property names.
    """
    taken: dict[str, None] = {SUMMARY: None}
    names = []
    for item_id in ids:
        stem = re.sub(r"[^a-z0-9]+", "_", item_id).strip("_")[:48].rstrip("_") or "item"
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem[:44]}_{number}", number + 1
        taken[name] = None
        names.append(name)
    return tuple(names)


_KEYWORDS = {"type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "$defs", "$ref"}


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema within the keywords of strict structured output: all required, nothing additional, no titles."""
    if "const" in schema:
        schema = {**schema, "enum": [schema["const"]]}
    kept: dict[str, Any] = {key: value for key, value in schema.items() if key in _KEYWORDS}
    for key in ("properties", "$defs"):
        if key in kept:
            kept[key] = {name: _strict(part) for name, part in kept[key].items()}
    if "items" in kept:
        kept["items"] = _strict(kept["items"])
    if "anyOf" in kept:
        kept["anyOf"] = [_strict(part) for part in kept["anyOf"]]
    if kept.get("type") == "object":
        kept["required"] = list(kept.get("properties", {}))
        kept["additionalProperties"] = False
    return kept
