"""``takead compare``: two evaluations of the same episodes as pairs."""

from __future__ import annotations

from pathlib import Path

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.cli.tables import comparison_notes, comparison_table
from takead_ros.console import say, show_table
from takead_ros.runs.results import comparison, read_evaluation

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.command(
    epilog="Examples:\n\n"
    "[bold]takead compare runs/eval/before.json runs/eval/after.json[/bold]\n\n"
    "[bold]takead compare runs/parent.json runs/child.json --json runs/child-against-parent.json[/bold]"
)
def compare_(
    before: Path = typer.Argument(help="Written by [bold]takead eval --json[/bold]."),
    after: Path = typer.Argument(help="The same seeds and suite, another model."),
    as_json: str | None = JSON,
) -> None:
    """Compare two evaluations of the same episodes.

    Each headline's paired difference, its bootstrap 95 % interval, and wins, draws and losses; then each scenario
    family's Driving Score. Green and red: the interval lies on one side of zero; yellow: not settled.
    """
    json_file(as_json)
    content = comparison(read_evaluation(before), read_evaluation(after))
    if as_json != STDOUT:
        show_table(comparison_table(content))
        for line in comparison_notes(content):
            say(line)
    give_json(content, as_json)
