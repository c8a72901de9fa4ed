"""`assay demo`: the bundled conversations scored before the reader's eyes, offline unless a model is configured."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import typer
from rich.console import Group
from rich.text import Text

from service.api.evaluating import ingest_limits
from service.cli import wiring
from service.cli.inputs import Rejection
from service.cli.render import overview_table, reading_console, scorecard_table
from service.cli.score import Order, drafts_in_order, progress_bar
from service.conversation import Conversation
from service.errors import BadInput
from service.ingest import read_conversation
from service.library import RubricLibrary
from service.rubric import Rubric
from service.scorecard import Draft
from service.settings import Settings

_SHOWN_IN_FULL = 3


def demo(
    folder: Path = typer.Argument(help="A folder of samples with its index.json"),
    full: int = typer.Option(_SHOWN_IN_FULL, "--full", help="How many scorecards to show whole."),
) -> None:
    """Score the bundled conversations and show what came out."""
    settings = wiring.load_settings()
    console = reading_console()
    pairs = load_samples(folder, settings)
    console.print(_introduction(settings, len(pairs)))
    started = time.perf_counter()
    drafts = asyncio.run(_draft_all(pairs, settings))
    seconds = time.perf_counter() - started
    for draft, rubric, conversation in drafts[:full]:
        console.print(scorecard_table(draft, rubric, conversation))
    console.print(Text("All drafts", style="bold"))
    console.print(overview_table(drafts, width=console.width))
    console.print(_closing(drafts, seconds))


def load_samples(folder: Path, settings: Settings) -> list[tuple[Conversation, Rubric]]:
    """Every sample that the folder's index lists, with its rubric. Raises BadInput when there is no index."""
    index = folder / "index.json"
    if not index.is_file():
        raise BadInput(f"no samples in {folder}: {index.name} is missing")
    entries: list[dict[str, Any]] = json.loads(index.read_text(encoding="utf-8"))["samples"]
    library = RubricLibrary(settings.rubrics_path)
    limits = ingest_limits(settings.limits)
    return [
        (
            read_conversation(
                (folder / entry["file"]).read_bytes(),
                limits=limits,
                name=entry["id"],
                channel=entry["channel"],
                language=entry["language"],
            ),
            library.get(entry["rubric"]),
        )
        for entry in entries
    ]


async def _draft_all(
    pairs: list[tuple[Conversation, Rubric]], settings: Settings
) -> list[tuple[Draft, Rubric, Conversation]]:
    done: list[tuple[Draft, Rubric, Conversation]] = []
    with progress_bar() as progress:
        task = progress.add_task("Scoring", total=len(pairs))
        async with wiring.drafter(settings) as drafter:
            rubrics = {id(conversation): rubric for conversation, rubric in pairs}
            order = Order(drafter, "auto", None, settings.llm_concurrency)
            async for one in drafts_in_order((one for one, _ in pairs), lambda one: rubrics[id(one)], order):
                if not isinstance(one, Rejection):
                    done.append(one)
                progress.advance(task)
    return done


def _introduction(settings: Settings, count: int) -> Text:
    text = Text()
    text.append(f"\nAssay drafts scorecards for {count} bundled conversations", style="bold")
    text.append(" (invented for illustration).\n")
    if settings.llm.model:
        text.append(f"Engine: the model {settings.llm.model}, with cues and metrics where the form says so.\n")
    else:
        text.append(
            "Engine: cues, offline, no key needed. Items that only a model or a person can judge stay open,\n"
            "so those drafts have a score range. Set ASSAY_LLM_MODEL and ASSAY_LLM_BASE_URL, or OPENAI_API_KEY.\n"
        )
    return text


def _closing(drafts: list[tuple[Draft, Rubric, Conversation]], seconds: float) -> Group:
    items = [result for draft, _, _ in drafts for result in draft.items]
    quotes = [
        (one, conversation) for draft, _, conversation in drafts for result in draft.items for one in result.evidence
    ]
    true_quotes = sum(
        conversation.turns[one.turn].text[one.start : one.end] == one.quote for one, conversation in quotes
    )
    unscored = sum(result.state == "unscored" for result in items)
    return Group(
        Text(),
        Text(
            f"{len(drafts)} conversations, {len(items)} items in {seconds:.1f} s: {unscored} open with a reason; "
            f"{true_quotes} of {len(quotes)} quotes stand in the transcript at their offsets.",
        ),
        Text(
            f"Next: {sys.argv[0]} score FILE --rubric support-chat scores your own file; "
            f"{sys.argv[0]} rubric list shows the forms.\n"
        ),
    )
