"""Files and folders on the command line → conversations, one by one, with every rejection kept and named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, cast, get_args

from service.api.evaluating import ingest_limits
from service.conversation import Channel, Conversation, Role
from service.errors import BadInput, ConversationRejected
from service.ingest import FORMATS, RejectedRecord, read_each
from service.library import RubricLibrary, parse_rubric
from service.rubric import Rubric
from service.settings import Limits

SUFFIXES = frozenset({".json", ".ndjson", ".jsonl", ".txt", ".vtt", ".vcon", ".eml", ".mbox"})
RUBRIC_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


class Rejection(NamedTuple):
    """A conversation that could not be read: where it stood and why."""

    place: str
    error: ConversationRejected


class Found(NamedTuple):
    """The files to read, and what of a named folder is not read because its name ends in none of `SUFFIXES`."""

    files: list[Path]
    passed_over: list[Path]


def files_in(paths: list[Path]) -> Found:
    """The files themselves; a folder stands for the conversation files directly in it, sorted. Raises BadInput."""
    found = Found([], [])
    for path in paths:
        if path.is_dir():
            for one in sorted(path.iterdir()):
                (found.files if one.is_file() and one.suffix in SUFFIXES else found.passed_over).append(one)
        elif path.is_file():
            found.files.append(path)
        else:
            raise BadInput(f"no such file: {path}")
    if not found.files:
        raise BadInput("no conversation files found", fix=f"Files end in one of {', '.join(sorted(SUFFIXES))}.")
    return found


def roles_from(pairs: list[str]) -> dict[str, Role]:
    """`["Speaker 0=agent"]` → a role map. Raises BadInput for anything else."""
    roles: dict[str, Role] = {}
    for pair in pairs:
        label, _, role = pair.rpartition("=")
        if not label:
            raise BadInput(f"{pair!r} is not LABEL=ROLE", field="--role", fix="Write it as 'Speaker 0=agent'.")
        if role not in get_args(Role):
            raise BadInput(f"{role!r} is not a role", field="--role", fix=f"Roles: {', '.join(get_args(Role))}.")
        roles[label] = cast("Role", role)
    return roles


def is_rubric_file(name: str) -> bool:
    """Whether the name is that of a rubric's file and not a rubric's id."""
    return Path(name).suffix in RUBRIC_SUFFIXES


def rubric_bytes(name: str) -> bytes:
    """What stands in a rubric's file. Raises BadInput when there is none."""
    path = Path(name)
    if not path.is_file():
        raise BadInput(f"no such file: {path}", field="rubric")
    return path.read_bytes()


def open_rubric(name: str, library: RubricLibrary) -> Rubric:
    """The rubric in the file of this name, else the library's. Raises BadInput, RubricRejected, RubricNotFound."""
    return parse_rubric(rubric_bytes(name)) if is_rubric_file(name) else library.get(name)


def read_files(
    files: list[Path],
    *,
    form: str,
    roles: Mapping[str, Role],
    channel: Channel | None,
    limits: Limits,
    vcon_key: str | None,
) -> Iterator[Conversation | Rejection]:
    """Every conversation of every file, or why it could not be read; one bad line does not cost its neighbours."""
    if form != "auto" and form not in FORMATS:
        raise BadInput(f"{form!r} is not a format.", field="--format", fix=f"Formats: auto, {', '.join(FORMATS)}.")
    for path in files:
        for line, data in _pieces(path, form):
            for one in read_each(
                data,
                format="auto" if form == "ndjson" else form,
                roles=roles,
                limits=ingest_limits(limits),
                channel=channel,
                name=path.stem if line is None else f"{path.stem}-{line}",
                vcon_key=vcon_key,
            ):
                yield _named(path, line, one) if isinstance(one, RejectedRecord) else one


def _pieces(path: Path, form: str) -> Iterator[tuple[int | None, bytes]]:
    """A newline-delimited file line by line, so that its size does not matter; any other file whole."""
    if form != "ndjson" and path.suffix not in {".ndjson", ".jsonl"}:
        yield None, path.read_bytes()
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, line


def _named(path: Path, line: int | None, rejected: RejectedRecord) -> Rejection:
    number = line if line is not None else rejected.line
    return Rejection(str(path) if number is None else f"{path}:{number}", rejected.error)
