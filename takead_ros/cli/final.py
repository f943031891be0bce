"""``takead train final``: the one comparison of a loop on test seeds."""

from __future__ import annotations

from pathlib import Path

import typer

from takead_ros.cli.demo import tell, tell_stopped
from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.cli.options import RAY, WORKERS_KIND, place
from takead_ros.console import ProgressBars, show_table
from takead_ros.runs.workers import open_workers
from takead_ros.simulators import SIMULATORS

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog="Example: [bold]takead train final runs/rounds --seeds 0-19 --workers 2[/bold]")
def final(
    folder: Path = typer.Argument(help="Folder of 'takead train rounds' or 'takead demo'."),
    seeds: str = typer.Option("test:0-9", help="Test seeds, never driven before in this loop."),
    sim: str = typer.Option("", help=f"The simulator, in place of the loop's: {', '.join(SIMULATORS)}."),
    passes: str = typer.Option("unassisted,assisted", help="unassisted: the policy alone. assisted: with takeovers."),
    workers: int = typer.Option(2, min=1, max=256, help="How many at once; the results do not depend on it."),
    workers_kind: str = WORKERS_KIND,
    ray: str | None = RAY,
    as_json: str | None = JSON,
) -> None:
    """The first model of a loop against the deployed one on held-out seeds (then: takead report FOLDER)."""
    from takead_ros.cli.tables import comparison_notes, comparison_table
    from takead_ros.runs.drive import pass_names
    from takead_ros.runs.episode import EpisodeRunner
    from takead_ros.runs.final import final_comparison

    json_file(as_json)
    where, chosen = place(workers, workers_kind, ray), pass_names(passes)
    try:
        with open_workers(EpisodeRunner, where) as pool:
            found = final_comparison(folder, seeds, pool, ProgressBars, chosen, sim or None)
    except KeyboardInterrupt as stop:
        tell_stopped(folder)
        raise typer.Exit(130) from stop
    if as_json != STDOUT:
        show_table(comparison_table(found))
        for line in comparison_notes(found):
            tell("  " + line)
    give_json(found, as_json)
