"""The command line: `assay score`, `serve`, `rubric …`, `demo`, `purge`.

Bad input ends with exit code 2 and one clear line on standard error; results go to standard output, progress to
standard error, so that output can be piped.
"""

from __future__ import annotations

import sys

import typer

from service import __version__
from service.cli import demo, operate, rubrics, score
from service.errors import AssayError

app = typer.Typer(
    name="assay",
    help="Draft contact-center QA scorecards from transcripts, every answer proven by a located quote.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("score")(score.score_files)
app.command("serve")(operate.serve)
app.command("purge")(operate.purge)
app.command("demo")(demo.demo)
app.add_typer(rubrics.app, name="rubric")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"assay {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    """Draft contact-center QA scorecards from transcripts, every answer proven by a located quote."""


def main() -> None:
    """Run the command line; an expected error is one line, not a traceback."""
    try:
        app()
    except AssayError as error:
        typer.secho(f"assay: {error}", err=True, fg=typer.colors.RED)
        sys.exit(2)
    except BrokenPipeError:
        # `assay score … | head` closed the pipe: that is the reader's right, not an error.
        sys.stderr.close()
        sys.exit(0)
