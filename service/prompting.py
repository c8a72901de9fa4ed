"""Prompt files + rubric + conversation → the messages that are sent, with a digest.

Comes in: a prompt file (prompts/<name>/<version>.md), the items that a model shall answer, a conversation. Goes out:
a `Rendered` prompt whose first message is the same, byte for byte, for every conversation that is asked the same
items in the same language, so that endpoints can cache it; the transcript comes last. Turn labels carry the turns'
own indexes, from 0, so that a quote's turn, a reason that names a turn and the draft's evidence all say the same
number.

Transcript text is data. It is put in by plain substitution that never looks at what it put in; the marks that fence
it are neutralised inside it. Participants' names, metadata and anything about past work stay outside. This module
knows no model, no endpoint and no points: weights and points never enter a prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml

from service.conversation import Conversation, Role, Turn
from service.cue_rules import AnswerValue
from service.errors import BadInput, PromptNotFound
from service.rubric import Choice, FreeText, Item, MultiChoice, Number, Rubric, Scale, YesNo
from service.value import Value, digest_of
from service.verdict import ReplyShape

MANIFEST = "MANIFEST.json"


class PromptRejected(BadInput):
    """A prompt file is not well formed: `field` names the file."""


class Message(Value):
    """One message of a prompt."""

    role: Literal["system", "user"]
    content: str


@dataclass(frozen=True)
class Rendered:
    """What is sent for one question."""

    messages: tuple[Message, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all messages, each as its role on a line, its text, and a line feed."""
        return digest_of("".join(f"{message.role}\n{message.content}\n" for message in self.messages))


# ── Prompt files ────────────────────────────────────────────────────────────────────────────────────────────────

_FRONT = re.compile(r"\A---\n(?P<front>.*?)\n---\n(?P<body>.*)\Z", re.DOTALL)
_PART = re.compile(r"^@@ (\w+)\n", re.MULTILINE)
_VARIABLE = re.compile(r"\{\{ *([a-z_]+) *\}\}")
_KEYS = {"title", "why", "variables"}
_PARTS: dict[str, frozenset[str]] = {
    # The first message may not depend on the conversation: that is what makes it a prefix worth caching.
    "system": frozenset({"language", "form", "fields"}),
    "user": frozenset({"conversation", "transcript"}),
}


@dataclass(frozen=True)
class Prompt:
    """One version of one prompt. Lives as long as the library that read it."""

    name: str
    version: str
    title: str
    why: str
    parts: Mapping[str, str]
    digest: str
    _prefixes: dict[tuple[str, tuple[str, ...], str], str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def label(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    def render(self, rubric: Rubric, shape: ReplyShape, conversation: Conversation, *, language: str) -> Rendered:
        """The messages that ask for `shape` about `conversation`, reasons to be written in `language`."""
        return Rendered(
            (
                Message(role="system", content=self._prefix(rubric, shape, language)),
                Message(
                    role="user",
                    content=_substituted(
                        self.parts["user"],
                        {"conversation": describe(conversation), "transcript": transcript_text(conversation)},
                    ),
                ),
            )
        )

    def _prefix(self, rubric: Rubric, shape: ReplyShape, language: str) -> str:
        key = (rubric.digest, (*shape.fields, str(shape.with_summary)), language)
        prefix = self._prefixes.get(key)
        if prefix is None:
            if len(self._prefixes) >= 256:
                self._prefixes.clear()
            names = ", ".join([*(f"`{name}`" for name in shape.fields), *(["`summary`"] if shape.with_summary else [])])
            values = {"form": form_text(rubric, shape), "language": language_name(language), "fields": names}
            prefix = self._prefixes[key] = _substituted(self.parts["system"], values)
        return prefix


class PromptLibrary:
    """The prompts in a folder, read and checked when they are first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: dict[tuple[str, str], Prompt] = {}

    def names(self) -> tuple[str, ...]:
        """The names of all prompts, sorted."""
        return tuple(
            sorted(folder.name for folder in self.path.iterdir() if folder.is_dir() and any(folder.glob("*.md")))
        )

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions of one prompt, oldest first."""
        numbers = [
            file.stem for file in (self.path / name).glob("*.md") if re.fullmatch(r"[0-9]+(\.[0-9]+)*", file.stem)
        ]
        return tuple(sorted(numbers, key=lambda version: [int(part) for part in version.split(".")]))

    def get(self, name: str, version: str | None = None) -> Prompt:
        """The prompt of this name, the newest version unless one is named. Raises PromptNotFound, PromptRejected."""
        known = self.versions(name) if re.fullmatch(r"[a-z0-9_-]+", name) else ()
        chosen = version or (known[-1] if known else None)
        if chosen is None or chosen not in known:
            wanted = f"{name}@{version}" if version else name
            raise PromptNotFound(f"no prompt {wanted} in {self.path.name}/; there are: {', '.join(known) or 'none'}")
        if (name, chosen) not in self._read:
            self._read[name, chosen] = read_prompt(self.path / name / f"{chosen}.md")
        return self._read[name, chosen]

    def digests(self) -> dict[str, str]:
        """`name/version` → digest of every prompt in the folder, in order: what the manifest holds."""
        return {
            f"{name}/{version}": self.get(name, version).digest
            for name in self.names()
            for version in self.versions(name)
        }

    def manifest(self) -> dict[str, str]:
        """The digests of the published versions. A published version never changes; a change is a new version."""
        return dict(json.loads((self.path / MANIFEST).read_text(encoding="utf-8")))


def normalised(text: str) -> str:
    """The text as it is digested: line ends as line feeds, the end trimmed."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").rstrip() + "\n"


def read_prompt(path: Path) -> Prompt:
    """The prompt in this file. Raises PromptRejected for unknown keys, parts or variables, and for unused ones."""
    text = normalised(path.read_text(encoding="utf-8"))
    where = f"{path.parent.name}/{path.name}"
    if not (layout := _FRONT.match(text)):
        raise PromptRejected("a prompt begins with front matter between two lines of ---", field=where)
    front = _front_matter(layout["front"], where)
    parts = _parts(layout["body"], where)
    used = {name for part in parts.values() for name in _VARIABLE.findall(part)}
    if used != set(front["variables"]):
        odd = ", ".join(sorted(used.symmetric_difference(front["variables"])))
        raise PromptRejected(f"variables and text disagree about: {odd}", field=where)
    return Prompt(path.parent.name, path.stem, front["title"], front["why"], parts, digest_of(text))


def _front_matter(text: str, where: str) -> dict[str, Any]:
    try:
        front = yaml.safe_load(text)
    except yaml.YAMLError:
        raise PromptRejected("the front matter is not YAML", field=where) from None
    if not isinstance(front, dict) or set(front) != _KEYS:
        found = sorted(set(front) ^ _KEYS) if isinstance(front, dict) else ["everything"]
        raise PromptRejected(f"front matter holds title, why and variables; check: {', '.join(found)}", field=where)
    if not isinstance(front["variables"], list) or not all(isinstance(front[key], str) for key in ("title", "why")):
        raise PromptRejected("title and why are texts, variables is a list", field=where)
    return front


def _parts(body: str, where: str) -> dict[str, str]:
    pieces = _PART.split(body)
    parts = dict(zip(pieces[1::2], (text.strip() for text in pieces[2::2]), strict=True))
    if pieces[0].strip() or list(parts) != list(_PARTS) or len(pieces) != 2 * len(_PARTS) + 1:
        raise PromptRejected("the text is one part `@@ system` and then one part `@@ user`", field=where)
    for name, text in parts.items():
        if misplaced := set(_VARIABLE.findall(text)) - _PARTS[name]:
            raise PromptRejected(f"part {name} may not use: {', '.join(sorted(misplaced))}", field=where)
    return parts


def _substituted(template: str, values: Mapping[str, str]) -> str:
    """The template with its variables filled in. One pass: what was put in is never looked at again."""
    return _VARIABLE.sub(lambda found: values[found[1]], template)


# ── The form ────────────────────────────────────────────────────────────────────────────────────────────────────


def form_text(rubric: Rubric, shape: ReplyShape) -> str:
    """The items of `shape` as a person would read them, section by section, without points or weights."""
    lines = [f"Form: {_one_line(rubric.title)}"]
    if rubric.description:
        lines.append(_one_line(rubric.description))
    for section in rubric.sections:
        asked = [item for item in section.items if item.id in shape.field_of]
        if asked:
            lines += ["", f"## {_one_line(section.title)}"]
        for item in asked:
            lines += ["", *_item_lines(item, shape.field_of[item.id])]
    return "\n".join(lines)


def _item_lines(item: Item, name: str) -> Iterable[str]:
    yield f"### `{name}`"
    yield f"Question: {_one_line(item.question)}"
    if item.guidance:
        yield f"Guidance: {_one_line(item.guidance)}"
    yield from _answer_lines(item)
    yield f"Applies: {_applies(item)}"
    yield f"Focus: {'evaluated agent' if item.focus == 'evaluated_agent' else 'whole contact'}"
    yield f"Quotes: {_quotes_rule(item)}"
    if item.exemplars:
        yield "Examples from other contacts:"
        for one in item.exemplars:
            why = f" ({_one_line(one.why)})" if one.why else ""
            yield f"- “{_one_line(one.quote)}” → {_spoken(one.answer)}{why}"


def _answer_lines(item: Item) -> Iterable[str]:
    match item.answer:
        case YesNo():
            yield "Answer: `yes` or `no`"
        case Choice(options=options):
            yield "Answer: exactly one of"
            yield from (_option_line(option.id, option.label, option.anchor) for option in options)
        case MultiChoice(options=options):
            yield "Answer: a list of all that fit, possibly empty, of"
            yield from (_option_line(option.id, option.label, option.anchor) for option in options)
        case Scale(levels=levels):
            yield "Answer: the level whose description fits best"
            yield from (_option_line(str(level.value), level.label, level.anchor) for level in levels)
        case Number(min=low, max=high, unit=unit):
            limits = [f"at least {low:g}"] if low is not None else []
            limits += [f"at most {high:g}"] if high is not None else []
            measured = f" of {_one_line(unit)}" if unit else ""
            yield f"Answer: a number{measured}{', ' if limits else ''}{' and '.join(limits)}"
        case FreeText(max_length=limit):
            yield f"Answer: a text of at most {limit} characters"


def _option_line(option: str, label: str | None, anchor: str | None) -> str:
    said = [_one_line(text) for text in (label, anchor) if text]
    return f"- `{option}`{': ' if said else ''}{' – '.join(said)}"


def _applies(item: Item) -> str:
    if item.not_applicable == "never":
        return "always" if not item.applicable_when else f"always. {_one_line(item.applicable_when)}"
    if item.applicable_when:
        return _one_line(item.applicable_when)
    return "whenever the situation that the question speaks of came up"


_WHO = {"agent": "the agent", "customer": "the customer", "any": "any speaker"}


def _quotes_rule(item: Item) -> str:
    """Whose words prove which answers, and which answers may rest on absence."""
    who = _WHO[item.evidence.speaker]
    if item.evidence.speaker == "agent" and item.focus == "evaluated_agent":
        who = "the evaluated agent"
    answers = _literal_answers(item)
    if not answers:
        needed = item.quotes_needed(0 if isinstance(item.answer, Number) else "")
        return f"from {who}; {f'at least {needed}' if needed else 'only where they help'}"
    absent = [answer for answer in answers if item.may_rest_on_absence(answer)]
    proven: dict[int, list[AnswerValue]] = {}
    for answer in answers:
        if needed := item.quotes_needed(answer):
            proven.setdefault(needed, []).append(answer)
    rule = f"from {who}"
    for needed, demanding in proven.items():
        rule += f"; at least {needed} for {_listed(demanding)}"
    if absent:
        rule += f"; {_listed(absent)} may rest on absence"
    if isinstance(item.answer, MultiChoice):
        rule += "; the empty list may rest on absence"
    if not proven and not absent:
        rule += ", only where they help"
    return rule


def _literal_answers(item: Item) -> tuple[AnswerValue, ...]:
    match item.answer:
        case YesNo():
            return ("yes", "no")
        case Choice(options=options):
            return tuple(option.id for option in options)
        case MultiChoice(options=options):
            return tuple((option.id,) for option in options)
        case Scale(levels=levels):
            return tuple(level.value for level in levels)
        case _:
            return ()


def _listed(answers: Iterable[AnswerValue]) -> str:
    return ", ".join(f"`{_spoken(answer)}`" for answer in answers)


def _spoken(answer: AnswerValue) -> str:
    return ", ".join(answer) if isinstance(answer, tuple) else _one_line(str(answer))


def _one_line(text: str) -> str:
    """Form texts on one line each, so that what stands at the beginning of a line is always ours."""
    return " ".join(text.split())


# ── The conversation ────────────────────────────────────────────────────────────────────────────────────────────

_CHANNELS = {
    "voice": "voice call, written down by speech recognition or by hand: expect recognition errors",
    "chat": "chat",
    "email": "email",
    "social": "social media messages",
}


def describe(conversation: Conversation) -> str:
    """Channel, language, speakers and length: what a reader must know, and no name."""
    labels = speaker_labels(conversation)
    lines = [f"Channel: {_CHANNELS[conversation.channel]}"]
    if conversation.language:
        lines.append(f"Language of the transcript: {language_name(conversation.language)}")
    lines.append(f"Speakers: {', '.join(labels.values())}")
    lines.append(f"Turns: {len(conversation.turns)}, numbered 0 to {len(conversation.turns) - 1}")
    return "\n".join(lines)


def speaker_labels(conversation: Conversation) -> dict[str, str]:
    """Participant id → "customer", "agent 1", "agent 2 (evaluated)". Numbered where a role has several participants.

    The order is that of their first turns. Whoever is under evaluation is marked; silent participants are left out.
    """
    speaking = list(dict.fromkeys(turn.participant for turn in conversation.turns))
    by_role: dict[Role, list[str]] = {}
    for one in speaking:
        by_role.setdefault(conversation.roles[one], []).append(one)
    evaluated = set(conversation.agents)
    labels = {}
    for one in speaking:
        role = conversation.roles[one]
        number = f" {by_role[role].index(one) + 1}" if len(by_role[role]) > 1 else ""
        labels[one] = f"{role}{number}{' (evaluated)' if one in evaluated else ''}"
    return labels


def transcript_text(conversation: Conversation) -> str:
    """All turns, one block each: `[12] agent (evaluated) 01:23: text`, further lines of a turn indented.

    Only labels stand at the beginning of a line, so that no text can pass for a turn of somebody else.
    """
    labels = speaker_labels(conversation)
    blocks = []
    for index, turn in enumerate(conversation.turns):
        time = f" {_clock(turn.start)}" if turn.start is not None else ""
        text = neutralised(_with_history_marked(turn))
        blocks.append(f"[{index}] {labels[turn.participant]}{time}: " + "\n    ".join(_LINE_ENDS.split(text)))
    return "\n".join(blocks)


_LINE_ENDS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_HISTORY_BEGINS, _HISTORY_ENDS = "[quoted history, not this speaker's words:]", "[end of quoted history]"


def _with_history_marked(turn: Turn) -> str:
    """The turn's text with its quoted spans on lines of their own between two marks."""
    if not turn.quoted:
        return turn.text
    pieces, position = [], 0
    for span in sorted(turn.quoted, key=lambda one: one.start):
        if span.start < position:
            continue
        pieces += [turn.text[position : span.start], _HISTORY_BEGINS, turn.text[span.start : span.end], _HISTORY_ENDS]
        position = span.end
    pieces.append(turn.text[position:])
    return "\n".join(piece.strip("\r\n") for piece in pieces if piece.strip())


# The fence, however it is spelled: spaces, a slash, case, attributes. Only its `<` is changed, to its full-width
# twin, which every Unicode folding takes for the same character: a quote copied from here is still found.
_FENCE = re.compile(r"<(?=[\s/]*transcript)", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")


def neutralised(text: str) -> str:
    """The same text, unable to close the fence around it; doing it twice changes nothing more.

    A lone surrogate, which is legal in JSON and in no encoding, becomes the replacement character.
    """
    return _SURROGATE.sub("\ufffd", _FENCE.sub("＜", text))


def _clock(seconds: float) -> str:
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    clock = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{hours}:{clock}" if hours else clock


# fmt: off
_LANGUAGES = {
    "ar": "Arabic", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew",
    "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean",
    "ms": "Malay", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sv": "Swedish", "th": "Thai", "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian",
    "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}
# fmt: on


def language_name(tag: str) -> str:
    """`fa` → "Persian (fa)"; a tag that is not known here stands for itself, on one short line."""
    short = _one_line(tag)[:35]
    name = _LANGUAGES.get(re.split(r"[-_]", short)[0].lower())
    return f"{name} ({short})" if name else short


__all__ = ["Message", "Prompt", "PromptLibrary", "PromptRejected", "Rendered", "read_prompt"]
