"""``takead runs``: the runs there are, and one of them with its figures."""

from __future__ import annotations

from pathlib import Path

import typer
from rich import box
from rich.table import Table

from takead_ros.cli.rounds import rounds_table
from takead_ros.cli.tables import comparison_notes, comparison_table, evaluation_notes, evaluation_table
from takead_ros.console import cell, say, stdout
from takead_ros.domain.errors import TakeadError
from takead_ros.files import read_record
from takead_ros.runs.drive import JOURNAL
from takead_ros.runs.find import Run, find_runs
from takead_ros.runs.loop import COMPARISON
from takead_ros.runs.loop_state import STATE, read_state
from takead_ros.runs.results import PairedComparison, read_evaluation

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="List the runs below a folder; show one.",
)


@app.command("ls", epilog="Example: [bold]takead runs ls runs[/bold]")
def ls(folder: Path = typer.Argument(Path("runs"), help="Folder with runs in it.")) -> None:
    """List runs: loops, drives with bags, evaluations; how far they have come, and who is at work on them.

    Exit code 1 where one of them cannot be read; the others are listed all the same.
    """
    found = find_runs(folder)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("run", overflow="fold")
    for title in ("kind", "suite", "model", "done", "Score", ""):
        table.add_column(title, no_wrap=title != "suite", overflow="fold")
    for run in found:
        table.add_row(cell(str(run.path.relative_to(folder))), *map(cell, _cells(run)))
    stdout.print(table)
    for run in found:
        if run.fault or run.held:
            say(f"{run.path}: {run.fault or 'in use by ' + run.held}")
    say(f"{len(found)} runs")
    if any(run.fault for run in found):
        raise typer.Exit(1)


@app.command("show", epilog="Example: [bold]takead runs show runs/demo[/bold]")
def show(path: Path = typer.Argument(help="Folder of a loop, or the JSON of an evaluation or a drive.")) -> None:
    """Show one run: its rounds and comparison, or its figures, and the machine that they come from."""
    if (path / STATE).exists():
        _show_loop(path)
    elif path.is_dir():
        hint = "give drive --json FILE, then show that" if (path / JOURNAL).exists() else "see takead runs ls"
        raise TakeadError(f"'{path}': holds no {STATE}; expected the folder of a loop, or a JSON file ({hint})")
    else:
        content = read_evaluation(path)
        stdout.print(evaluation_table(content))
        for line in [*evaluation_notes(content), f"on {content.environment}; {content.simulator}"]:
            say(line)


def _show_loop(folder: Path) -> None:
    state = read_state(folder)
    plan = state.plan
    say(
        f"suite {plan.suite}; for each family {plan.demonstrations} demonstrations, {plan.drives} collection seeds a "
        f"round, {plan.selection} selection seeds"
    )
    stdout.print(rounds_table(state))
    if state.ended:
        say(f"{state.ended}: no further round")
    say(f"deployed: {state.deployed[0]} (sha256 {state.deployed[1]})")
    if (folder / COMPARISON).exists():
        found = read_record(PairedComparison, folder / COMPARISON, "the comparison of 'takead train final'")
        stdout.print(comparison_table(found))
        for line in [*comparison_notes(found), f"on {found.environment}; {found.simulator}"]:
            say(line)


def _cells(run: Run) -> list[str]:
    state = "broken" if run.fault else "running" if run.held else "" if run.done < run.total else "whole"
    score = "" if run.score is None else f"{run.score:.1f}"
    unit = " rounds" if run.kind == "loop" else ""
    return [run.kind, run.suite, run.model_sha256[:8], f"{run.done}/{run.total}{unit}", score, state]
