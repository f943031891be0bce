"""``takead runs``: the runs there are, and one of them with its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import say, show_table, table
from takead_ros.domain.errors import TakeadError
from takead_ros.files import read_record

if TYPE_CHECKING:
    from takead_ros.runs.find import Run
    from takead_ros.runs.loop_state import LoopState
    from takead_ros.runs.results import Evaluation, PairedComparison

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="List the runs below a folder; show one.",
)


@app.command("ls", epilog="Example: [bold]takead runs ls runs[/bold]")
def ls(folder: Path = typer.Argument(Path("runs"), help="Folder with runs in it."), as_json: str | None = JSON) -> None:
    """List runs: loops, drives with bags, evaluations; how far they have come, and who is at work on them.

    Exit code 1 where one of them cannot be read; the others are listed all the same.
    """
    from takead_ros.runs.find import find_runs

    json_file(as_json)
    found = find_runs(folder)
    if as_json != STDOUT:
        _list(folder, found)
    told = [{**asdict(run), "path": str(run.path)} for run in found]
    give_json({"runs": told}, as_json)
    if any(run.fault for run in found):
        raise typer.Exit(1)


def _list(folder: Path, runs: Sequence[Run]) -> None:
    rows = ((str(run.path.relative_to(folder)), *_cells(run)) for run in runs)
    show_table(table("run", "kind", "suite", "model", "done", "Score", "", rows=rows))
    for run in runs:
        if run.fault or run.held:
            say(f"{run.path}: {run.fault or 'in use by ' + run.held}")
    say(f"{len(runs)} runs")


@app.command("show", epilog="Example: [bold]takead runs show runs/demo[/bold]")
def show(
    path: Path = typer.Argument(help="Folder of a loop, or the JSON of an evaluation or a drive."),
    as_json: str | None = JSON,
) -> None:
    """Show one run: its rounds and comparison, or its figures, and the machine that they come from."""
    from takead_ros.runs.drive import JOURNAL
    from takead_ros.runs.loop_state import STATE, read_state
    from takead_ros.runs.results import read_evaluation

    json_file(as_json)
    content: object
    if (path / STATE).exists():
        state, found = read_state(path), _comparison(path)
        if as_json != STDOUT:
            _show_loop(state, found)
        content = {"loop": state, "comparison": found}
    elif path.is_dir():
        hint = "give drive --json FILE, then show that" if (path / JOURNAL).exists() else "see takead runs ls"
        raise TakeadError(f"'{path}': holds no {STATE}; expected the folder of a loop, or a JSON file ({hint})")
    else:
        content = read_evaluation(path)
        if as_json != STDOUT:
            _show_evaluation(content)
    give_json(content, as_json)


def _show_evaluation(content: Evaluation) -> None:
    from takead_ros.cli.tables import evaluation_notes, evaluation_table

    show_table(evaluation_table(content))
    for line in [*evaluation_notes(content), f"on {content.environment}; {content.simulator}"]:
        say(line)


def _comparison(folder: Path) -> PairedComparison | None:
    """The comparison of a loop on test seeds, where it has one."""
    from takead_ros.runs.final import COMPARISON
    from takead_ros.runs.results import PairedComparison

    if not (folder / COMPARISON).exists():
        return None
    return read_record(PairedComparison, folder / COMPARISON, "the comparison of 'takead train final'")


def _show_loop(state: LoopState, comparison: PairedComparison | None) -> None:
    from takead_ros.cli.tables import comparison_notes, comparison_table, rounds_table

    plan = state.plan
    say(
        f"suite {plan.suite}; for each family {plan.demonstrations} demonstrations, {plan.drives} collection seeds a "
        f"round, {plan.selection} selection seeds"
    )
    show_table(rounds_table(state))
    if state.ended:
        say(f"{state.ended}: no further round")
    say(f"deployed: {state.deployed[0]} (sha256 {state.deployed[1]})")
    if comparison is not None:
        show_table(comparison_table(comparison))
        for line in [*comparison_notes(comparison), f"on {comparison.environment}; {comparison.simulator}"]:
            say(line)


def _cells(run: Run) -> list[str]:
    state = "broken" if run.fault else "running" if run.held else "" if run.done < run.total else "whole"
    score = "" if run.score is None else f"{run.score:.1f}"
    unit = " rounds" if run.kind == "loop" else ""
    return [run.kind, run.suite, run.model_sha256[:8], f"{run.done}/{run.total}{unit}", score, state]
