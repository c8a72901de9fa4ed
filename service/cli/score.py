"""`assay score`: conversations in, drafts out, in the order of the input and with bounded memory."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from service.api.shapes import evaluation_json
from service.cli import wiring
from service.cli.inputs import Rejection, files_in, open_rubric, read_files, roles_from
from service.cli.render import reading_console, scorecard_table
from service.conversation import Conversation
from service.drafting import Drafter, Engine
from service.errors import BadInput
from service.library import RubricLibrary
from service.rubric import Rubric
from service.scorecard import Draft, Unscored
from service.settings import Settings
from service.value import canonical_json


class Output(StrEnum):
    """How drafts are written."""

    table = "table"
    json = "json"
    ndjson = "ndjson"


class EngineName(StrEnum):
    """Which judge answers the items that a model or cues could answer."""

    auto = "auto"
    cues = "cues"
    llm = "llm"


class ChannelName(StrEnum):
    """How the contact came."""

    voice = "voice"
    chat = "chat"
    email = "email"
    social = "social"


def score_files(
    files: list[Path] = typer.Argument(help="Conversation files, or folders of them."),
    rubric: str | None = typer.Option(
        None, "--rubric", "-r", help="id, id@version or a YAML/JSON file. Default: what metadata.rubric names."
    ),
    form: str = typer.Option("auto", "--format", "-f", help="Input format; recognised when not given."),
    engine: EngineName = typer.Option(EngineName.auto, "--engine", "-e", help="auto: the model when one is set."),
    output: Output = typer.Option(Output.table, "--output", "-o", help="table, json (one array) or ndjson."),
    out: Path | None = typer.Option(None, "--out", help="Write to this file instead of standard output."),
    role: list[str] = typer.Option([], "--role", help="Speaker label to role, as 'Speaker 0=agent'; repeatable."),
    channel: ChannelName | None = typer.Option(None, "--channel", help="Where the files do not say it."),
    language: str | None = typer.Option(None, "--language", help="Language of reasons; default: the rubric's."),
) -> None:
    """Draft a scorecard for every conversation."""
    settings = wiring.load_settings()
    choose = RubricChoice(RubricLibrary(settings.rubrics_path), rubric)
    wiring.settle_memory()
    found = files_in(files)
    for path in found.passed_over:
        typer.secho(f"assay: not read, no conversation by its name: {path}", err=True, fg=typer.colors.YELLOW)
    conversations = read_files(
        found.files,
        form=form,
        roles=roles_from(role),
        channel=channel.value if channel else None,
        limits=settings.limits,
        vcon_key=settings.vcon_key,
    )
    rejected = asyncio.run(_score(conversations, choose, settings, engine.value, language, output, out))
    if rejected:
        raise typer.Exit(2)


class RubricChoice:
    """Which rubric a conversation is scored with: the one that was named, else the one its metadata names."""

    def __init__(self, library: RubricLibrary, named: str | None) -> None:
        self._library = library
        self._named = open_rubric(named, library) if named is not None else None

    def __call__(self, conversation: Conversation) -> Rubric:
        """The rubric. Raises BadInput when nothing names one, RubricNotFound when there is none of that name."""
        if self._named is not None:
            return self._named
        wanted = conversation.metadata.get("rubric")
        if not isinstance(wanted, str):
            raise BadInput(
                f"conversation {conversation.id!r} names no rubric.", field="--rubric", fix="Pass --rubric ID."
            )
        return self._library.get(wanted)


async def _score(
    conversations: Iterable[Conversation | Rejection],
    choose: RubricChoice,
    settings: Settings,
    engine: Engine,
    language: str | None,
    output: Output,
    out: Path | None,
) -> int:
    """Write every draft; say every rejection on standard error; return how many there were."""
    rejected = 0
    failures: Counter[str] = Counter()
    with _sink(out) as stream, progress_bar() as progress:
        task = progress.add_task("Scoring", total=None)
        write = _Writer(output, stream)
        async with wiring.drafter(settings) as drafter:
            order = Order(drafter, engine, language, settings.llm_concurrency)
            async for one in drafts_in_order(conversations, choose, order):
                if isinstance(one, Rejection):
                    rejected += 1
                    progress.console.print(
                        f"assay: {one.place}: {one.error}", style="red", markup=False, soft_wrap=True
                    )
                else:
                    write(*one)
                    failures.update(model_failures(one[0]))
                progress.advance(task)
        write.close()
    for reason, items in failures.items():
        typer.secho(f"assay: {items} items are open: {reason} Engine cues (-e cues) needs no model.", err=True)
    return rejected


def model_failures(draft: Draft) -> Iterator[str]:
    """The reason of each item that is open because the model failed, not because of what it answered."""
    for one in draft.items:
        if isinstance(one, Unscored) and one.unscored_reason.startswith("model_"):
            yield one.reason


class Order(NamedTuple):
    """How drafts are wanted: by which drafter and engine, in which language, at most `window` in the making."""

    drafter: Drafter
    engine: Engine
    language: str | None
    window: int


async def drafts_in_order(
    conversations: Iterable[Conversation | Rejection], choose: Callable[[Conversation], Rubric], order: Order
) -> AsyncIterator[tuple[Draft, Rubric, Conversation] | Rejection]:
    """Drafts in the order of their conversations; a rejection keeps its place."""

    async def make(one: Conversation | Rejection) -> tuple[Draft, Rubric, Conversation] | Rejection:
        if isinstance(one, Rejection):
            return one
        rubric = choose(one)
        return await order.drafter.draft(one, rubric, engine=order.engine, language=order.language), rubric, one

    making: deque[asyncio.Task[tuple[Draft, Rubric, Conversation] | Rejection]] = deque()
    try:
        for one in conversations:
            making.append(asyncio.create_task(make(one)))
            if len(making) >= order.window:
                yield await making.popleft()
        while making:
            yield await making.popleft()
    finally:
        for task in making:
            task.cancel()


class _Writer:
    """Writes drafts one by one in the wished form; `close` ends a JSON array."""

    def __init__(self, output: Output, stream: TextIO) -> None:
        self._output = output
        self._stream = stream
        self._count = 0
        self._console = reading_console(stream)

    def __call__(self, draft: Draft, rubric: Rubric, conversation: Conversation) -> None:
        if self._output is Output.table:
            self._console.print(scorecard_table(draft, rubric, conversation))
        else:
            lead = "" if self._output is Output.ndjson else ("[\n" if self._count == 0 else ",\n")
            tail = "\n" if self._output is Output.ndjson else ""
            self._stream.write(lead + canonical_json(evaluation_json(draft)) + tail)
        self._count += 1

    def close(self) -> None:
        if self._output is Output.json:
            self._stream.write("\n]\n" if self._count else "[]\n")
        self._stream.flush()


def _sink(out: Path | None) -> AbstractContextManager[TextIO]:
    if out is None:
        return nullcontext(sys.stdout)
    try:
        return out.open("w", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {out}: {error.strerror}", field="--out") from error


def progress_bar() -> Progress:
    """A progress bar on standard error; silent where that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
