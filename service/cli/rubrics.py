"""`assay rubric …`: what is shipped, what a form says, what is wrong with one, and forms from other products."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from service.cli import wiring
from service.cli.inputs import is_rubric_file, open_rubric, rubric_bytes
from service.cli.render import reading_console
from service.forms import FORM_FORMATS, import_form
from service.library import RubricLibrary, add_to_manifest
from service.lint import Finding, lint, lint_document
from service.rubric import Choice, Item, MultiChoice, Number, Scale, rubric_document, rubric_json_schema

app = typer.Typer(no_args_is_help=True, help="List, show, check and import rubrics.")


def _library() -> RubricLibrary:
    return RubricLibrary(wiring.load_settings().rubrics_path)


@app.command("list")
def list_rubrics() -> None:
    """List the shipped rubrics."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("Rubric", "Title", "Lang", "Channels", "Items", "Offline", "Scoring", "Pass"):
        numeric = name in {"Items", "Offline", "Pass"}
        table.add_column(name, justify="right" if numeric else "left", no_wrap=name == "Rubric")
    for rubric in _library().all():
        offline = sum(item.cues is not None or item.method == "metric" for item in rubric.items)
        table.add_row(
            Text(rubric.name, style="bold"),
            rubric.title,
            rubric.language,
            ", ".join(rubric.channels),
            str(len(rubric.items)),
            str(offline),
            rubric.scoring.method.replace("_", " "),
            "–" if rubric.pass_mark is None else f"{rubric.pass_mark:g} %",
        )
    reading_console().print(table)


@app.command("show")
def show(
    name: str = typer.Argument(help="id, id@version or a file"),
    as_json: bool = typer.Option(False, "--json", help="The whole rubric as JSON."),
) -> None:
    """Show one rubric: sections, items, answers, what is critical."""
    rubric = open_rubric(name, _library())
    if as_json:
        typer.echo(json.dumps(rubric.model_dump(mode="json"), ensure_ascii=False, indent=2))
        return
    console = reading_console()
    console.print(Text(f"{rubric.title}  ({rubric.name})", style="bold"))
    console.print(Text(rubric.digest, style="dim"))
    for section in rubric.sections:
        console.print(Text(f"\n{section.title}  (weight {section.weight:g})", style="bold"))
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        table.add_column(no_wrap=True)
        for item in section.items:
            table.add_row(
                Text(item.id, style="cyan"),
                item.question,
                _answers_of(item),
                item.method,
                f"w {item.weight:g}",
                _mark(item),
            )
        console.print(table)
    for source in rubric.sources:
        console.print(Text(f"· {source}", style="dim"))


@app.command("lint")
def lint_rubrics(
    names: list[str] = typer.Argument(None, help="ids or files; all shipped rubrics when none is given"),
) -> None:
    """Check rubrics; exit code 1 when there are errors."""
    findings = {name: _lint(name) for name in names or _library().names()}
    console = reading_console()
    for name, found in findings.items():
        errors = sum(finding.severity == "error" for finding in found)
        verdict = "ok" if not found else f"{errors} errors, {len(found) - errors} warnings"
        console.print(Text(f"{name}: {verdict}", style="bold" if found else "green"))
        for finding in found:
            style = "red" if finding.severity == "error" else "yellow"
            console.print(
                Text(f"  {finding.severity}", style=style), Text(f"{finding.path}  [{finding.code}]", style="dim")
            )
            console.print(f"    {finding.message} {finding.fix}", markup=False, soft_wrap=True)
    if any(finding.severity == "error" for found in findings.values() for finding in found):
        raise typer.Exit(1)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of rubrics."""
    typer.echo(json.dumps(rubric_json_schema(), ensure_ascii=False, indent=2))


@app.command("manifest")
def manifest() -> None:
    """Record the digests of new rubric versions; refuses when a recorded version has changed."""
    for name in add_to_manifest(_library()):
        typer.echo(f"recorded {name}")


@app.command("import")
def import_rubric(
    file: Path = typer.Argument(help="An evaluation form of another product", exists=True, dir_okay=False),
    form: str = typer.Option("auto", "--format", "-f", help=f"auto, {', '.join(FORM_FORMATS)}"),
) -> None:
    """Turn another product's form into a rubric (JSON on standard output); what cannot come along is listed."""
    imported = import_form(file.read_bytes(), format=form)
    typer.echo(json.dumps(rubric_document(imported.rubric), ensure_ascii=False, indent=2))
    for lost in imported.not_carried:
        typer.secho(f"not carried over: {lost.path}: {lost.what} ({lost.why})", err=True, fg=typer.colors.YELLOW)


def _lint(name: str) -> tuple[Finding, ...]:
    return lint_document(rubric_bytes(name)) if is_rubric_file(name) else lint(_library().get(name))


def _answers_of(item: Item) -> str:
    match item.answer:
        case Choice(options=options):
            return " | ".join(option.label for option in options)
        case MultiChoice(options=options):
            return "any of " + ", ".join(option.label for option in options)
        case Scale(levels=levels):
            return f"{levels[0].value}–{levels[-1].value}"
        case Number(unit=unit):
            return f"number{f' ({unit})' if unit else ''}"
        case _:
            return item.answer.type.replace("_", "/")


def _mark(item: Item) -> Text:
    if item.critical is None:
        return Text("")
    reach = "" if item.critical.auto_fail == "none" else f", fails the {item.critical.auto_fail}"
    return Text(f"critical ({item.critical.family}{reach})", style="red")
