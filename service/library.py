"""Rubric files → `Rubric` values, found by name and version.

Comes in: YAML or JSON, as bytes, text or plain data, and the folder rubrics/<id>/<version>.yaml. Goes out: a `Rubric`,
or `RubricRejected` with every place and reason. The YAML read here is the small, safe part that a form needs: only
`true` and `false` are booleans (`yes`, `no`, `on`, `off` stay words, for they are answers), dates stay text, a key
stands once, and anchors, aliases and tags are refused. This module does not judge whether a form is wise; that is
`service.lint`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from service.complaints import problems_of
from service.errors import Problem, RubricAlreadyPublished, RubricNotFound, RubricRejected
from service.rubric import Rubric
from service.value import digest_of

MAX_ITEMS = 500
MAX_CHARACTERS = 2_000_000
MAX_DEPTH = 64
MAX_PROBLEMS = 50
MANIFEST = "MANIFEST.json"

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_CONSTANTS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_MAX_DIGITS = 18
"""More digits than this in an unquoted number is an account number or an attack, never a weight."""


# ── Text → data ─────────────────────────────────────────────────────────────────────────────────────────────────


def read_data(data: bytes | str) -> Any:
    """The plain data of a YAML or JSON text. Raises RubricRejected with the line where reading stopped."""
    text = _decoded(data)
    if len(text) > MAX_CHARACTERS:
        raise RubricRejected(
            f"the rubric has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read.", fix="Split the form."
        )
    if text.lstrip().startswith("{"):
        try:
            return _read_json(text)
        except json.JSONDecodeError:
            pass  # `{id: x}` is YAML's flow style; its reader has the better complaint about anything else
    return _read_yaml(text)


def _decoded(data: bytes | str) -> str:
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RubricRejected(f"byte {error.start} is not UTF-8.", fix="Save the file as UTF-8.") from error


def _read_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except RecursionError as error:
        raise _too_deep() from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # a number with thousands of digits
        raise RubricRejected("a number has too many digits.", fix="Quote it if it is text.") from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise RubricRejected(f"the key {twice[0]!r} stands twice in one object.", field=twice[0], fix="Keep one.")
    return found


def _no_constant(name: str) -> Any:
    raise RubricRejected(f"{name} is not a number that a form can use.", fix="Write a plain number.")


def _too_deep() -> RubricRejected:
    return RubricRejected(f"the rubric nests deeper than {MAX_DEPTH} levels.", fix="Name inner cues and use `ref`.")


def _read_yaml(text: str) -> Any:
    try:
        events = _document(text)
        value = _node(next(events), events, depth=0)
        for _ in events:  # read to the end, where a second document would begin
            pass
        return value
    except StopIteration as error:
        raise RubricRejected("the rubric is empty.", fix="Begin with `id:`, `version:`, `title:`.") from error
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else None
        raise RubricRejected(
            f"this is not YAML: {error.problem}.", field=place, fix="Check indents and quotes."
        ) from error
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise RubricRejected("the text has characters that YAML forbids.", fix="Remove control characters.") from error


def _document(text: str) -> Iterator[yaml.Event]:
    """The events of the one document in `text`, read as they are asked for, so that a bomb is met before it opens."""
    documents = 0
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same events; a PyYAML without libyaml is slower
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _at(event, "a second document begins", "Put one rubric in each file.")
        elif isinstance(event, yaml.NodeEvent):
            if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
                raise _at(event, "anchors and aliases (& and *) are not read", "Use the rubric's `cues:` and `ref`.")
            yield event
        elif isinstance(event, yaml.CollectionEndEvent):
            yield event


def _at(event: yaml.Event, what: str, fix: str) -> RubricRejected:
    mark: Any = event.start_mark
    return RubricRejected(f"{what}.", field=f"line {mark.line + 1}", fix=fix)


def _node(event: yaml.Event, events: Iterator[yaml.Event], *, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _too_deep()
    tag = getattr(event, "tag", None)
    if tag not in (None, "!"):
        raise _at(event, f"the tag {tag} is not read", "Remove it; quotes make text of anything.")
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events, depth)
    if isinstance(event, yaml.SequenceStartEvent):
        return [_node(inner, events, depth=depth + 1) for inner in _until_end(events)]
    return _scalar(event)


def _until_end(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            return
        yield event


def _mapping(events: Iterator[yaml.Event], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_event in _until_end(events):
        if not isinstance(key_event, yaml.ScalarEvent):
            raise _at(key_event, "a key must be a word", "Write `key: value`.")
        key = key_event.value  # `yes: …` and `5: …` are keys as written; JSON knows no others
        if key in found:
            raise _at(key_event, f"the key {key!r} stands twice in one block", "Keep one.")
        found[key] = _node(next(events), events, depth=depth + 1)
    return found


def _scalar(event: Any) -> Any:
    text: str = event.value
    if not event.implicit[0]:  # quoted or a block: text as it stands
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text) or _FLOAT.fullmatch(text):
        if sum(character.isdigit() for character in text) > _MAX_DIGITS:
            raise _at(event, "a number has too many digits", "Quote it if it is text.")
        return int(text) if _INTEGER.fullmatch(text) else _finite(event)
    return text


def _finite(event: Any) -> float:
    value = float(event.value)
    if value in (float("inf"), float("-inf")):
        raise _at(event, f"{event.value} is too large a number", "Write a plain number.")
    return value


# ── Data → Rubric ───────────────────────────────────────────────────────────────────────────────────────────────


def parse_rubric(data: bytes | str | Any, *, max_items: int = MAX_ITEMS) -> Rubric:
    """The rubric that `data` (YAML or JSON text, or plain data) describes, whole and consistent.

    Raises RubricRejected; its `problems` say where, what and how to mend it, such as
    `("sections[0].items[2].answer.options[1].id", "'id' is missing (item empathy)", "Add id.", "field-missing")`.
    """
    raw = read_data(data) if isinstance(data, (bytes, str)) else data
    if not isinstance(raw, dict):
        raise RubricRejected("the rubric is not an object with fields.", fix="Begin with `id:`, `version:`, `title:`.")
    if _depth_exceeds(raw, MAX_DEPTH):
        raise _too_deep()
    if (count := _count_items(raw)) > max_items:
        raise RubricRejected(
            f"the rubric has {count} items; at most {max_items} are accepted.", field="sections", fix="Split the form."
        )
    try:
        return Rubric.model_validate(raw)
    except ValidationError as error:
        raise _rejected(problems_of(raw, error)) from error


def _depth_exceeds(raw: Any, limit: int) -> bool:
    """Whether plain data nests deeper than `limit`; walks level by level, so depth costs no stack."""
    level = [raw]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list, tuple))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _count_items(raw: dict[str, Any]) -> int:
    sections = raw.get("sections")
    if not isinstance(sections, Sequence):
        return 0
    lists = [section.get("items") for section in sections if isinstance(section, Mapping)]
    return sum(len(items) for items in lists if isinstance(items, (list, tuple)))


def _rejected(problems: tuple[Problem, ...]) -> RubricRejected:
    first, *rest = problems
    also = "; ".join(f"{one.path}: {one.reason}" if one.path else one.reason for one in rest[:3])
    more = f" {len(rest)} more: {also}{' …' if len(rest) > 3 else '.'}" if rest else ""
    return RubricRejected(
        f"{first.reason}.{more}", field=first.path or None, fix=first.fix, problems=problems[:MAX_PROBLEMS]
    )


# ── The folder ──────────────────────────────────────────────────────────────────────────────────────────────────


def version_order(version: str) -> tuple[tuple[int, ...], str]:
    """The key that sorts 1 < 1.1 < 2 < 10."""
    return tuple(int(part) for part in version.split(".")), version


class RubricLibrary:
    """The rubrics of one folder, read when first asked for and kept for the life of the library."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loaded: dict[str, Rubric] = {}

    def names(self) -> tuple[str, ...]:
        """`id@version` of every rubric, by id, versions ascending."""
        return tuple(self._files)

    def get(self, name: str) -> Rubric:
        """The rubric of this `id@version`, or the newest version of this `id`.

        Raises RubricNotFound, listing what exists; RubricRejected when the file is not a usable rubric.
        """
        full = name if "@" in name else self._newest(name)
        if full not in self._files:
            raise RubricNotFound(
                f"no rubric {name!r} is shipped.",
                field="rubric",
                fix=f"Use one of: {', '.join(self.names()) or 'none'}.",
            )
        if full not in self._loaded:
            self._loaded[full] = self._load(full)
        return self._loaded[full]

    def all(self) -> tuple[Rubric, ...]:
        """Every version of every rubric, in the order of `names`."""
        return tuple(self.get(name) for name in self.names())

    def newest(self) -> tuple[Rubric, ...]:
        """The newest version of every rubric."""
        return tuple(self.get(rubric_id) for rubric_id in dict.fromkeys(name.split("@")[0] for name in self.names()))

    @property
    def path(self) -> Path:
        """The folder that this library reads."""
        return self._path

    @cached_property
    def _files(self) -> dict[str, Path]:
        found = [(file.parent.name, file.stem, file) for file in self._path.glob("*/*.yaml")]
        for _, version, file in found:
            if not re.fullmatch(r"[0-9]+(\.[0-9]+){0,2}", version):
                raise RubricRejected(
                    f"{_short(file)} is not named for a version.", fix="Name it 1.yaml, 1.1.yaml, 2.yaml …"
                )
        found.sort(key=lambda entry: (entry[0], version_order(entry[1])))
        return {f"{rubric_id}@{version}": file for rubric_id, version, file in found}

    def _newest(self, rubric_id: str) -> str:
        return next((name for name in reversed(self.names()) if name.split("@")[0] == rubric_id), rubric_id)

    def _load(self, name: str) -> Rubric:
        file = self._files[name]
        try:
            rubric = parse_rubric(file.read_bytes())
        except RubricRejected as error:
            raise RubricRejected(
                f"{_short(file)}: {error.message}", field=error.field, fix=error.fix, problems=error.problems
            ) from error
        if rubric.name != name:
            raise RubricRejected(
                f"{_short(file)} calls itself {rubric.name}.",
                field="id",
                fix=f"Its place says {name}; make them agree.",
            )
        return rubric

    def _content_digest(self, name: str) -> str:
        return digest_of(read_data(self._files[name].read_bytes()))


def _short(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


# ── The manifest: what was published stays as it was ────────────────────────────────────────────────────────────


def manifest_problems(library: RubricLibrary) -> tuple[str, ...]:
    """One sentence for each version that changed since its publication, vanished, or is not listed yet.

    The digest is over the file's data (keys sorted, comments and layout apart), not over the `Rubric`: a new field
    with a default must not look like a changed form.
    """
    listed, present = _listed(library.path), library.names()
    return (
        *(f"{name} was published and is gone: restore its file." for name in listed if name not in present),
        *(
            f"{name} changed after publication: restore it and add the next version instead."
            for name in present
            if name in listed and listed[name] != library._content_digest(name)  # noqa: SLF001 - one subject, one module
        ),
        *(f"{name} is not in {MANIFEST}: run `assay rubric manifest`." for name in present if name not in listed),
    )


def add_to_manifest(library: RubricLibrary) -> tuple[str, ...]:
    """Every version that the manifest lacked is listed now; returns their names.

    Raises RubricAlreadyPublished when a listed version changed or vanished; RubricRejected when a new one is unusable.
    """
    listed = _listed(library.path)
    broken = [problem for problem in manifest_problems(library) if MANIFEST not in problem]
    if broken:
        raise RubricAlreadyPublished(" ".join(broken))
    added = tuple(name for name in library.names() if name not in listed)
    for name in added:
        library.get(name)
    digests = listed | {name: library._content_digest(name) for name in added}  # noqa: SLF001
    ordered = {name: digests[name] for name in library.names()}
    (library.path / MANIFEST).write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")
    return added


def _listed(path: Path) -> dict[str, str]:
    file = path / MANIFEST
    if not file.exists():
        return {}
    found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return found
