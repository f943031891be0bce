"""``takead train collect``: takeovers of a policy in the vector world, as rows to learn from."""

from __future__ import annotations

from pathlib import Path

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.cli.options import PERCEPTION, RAY, WORKERS_KIND, place
from takead_ros.console import ProgressBars, note, say, show_table
from takead_ros.runs.workers import open_workers

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(
    epilog="Example: [bold]takead train collect --model baseline --suite deploy --seeds collection:0-9 "
    "--out runs/collected --workers 2[/bold]"
)
def collect_rows(
    model: str = typer.Option(..., help="The policy that drives: an ONNX file, or a shipped model by name."),
    out: Path = typer.Option(..., help="Folder of the rows; an unfinished one is continued."),
    suite: str = typer.Option("deploy", help="A suite, or one scenario family (see: takead scenarios ls)."),
    seeds: str = typer.Option("collection:0-9", help="Collection or training seeds."),
    params: Path | None = typer.Option(
        None, help="Thresholds of expert, monitor and arbiter: a ROS parameter file (see config/)."
    ),
    perception: str | None = PERCEPTION,
    workers: int = typer.Option(2, min=1, max=256, help="Processes; the results do not depend on it."),
    workers_kind: str = WORKERS_KIND,
    ray: str | None = RAY,
    as_json: str | None = JSON,
) -> None:
    """Drive in the vector world with the expert ready to take over, and keep what its takeovers teach.

    Many episodes at once, without nodes and bags, several times as fast as 'takead drive' and reading its clips. What
    comes of it is for 'takead train round --collected OUT'; a clip that people can look at comes of 'takead drive' on
    the same seed. Ctrl-C at any time: the same command goes on.
    """
    from takead_ros.cli.tables import evaluation_notes, evaluation_table
    from takead_ros.runs.spec import read_parameters, run_spec
    from takead_training.data.collect import Collector, collect

    json_file(as_json)
    where = place(workers, workers_kind, ray)
    spec = run_spec(model, suite, seeds, "vector", read_parameters(params, perception))
    try:
        with open_workers(Collector, where) as pool, ProgressBars() as progress:
            content = collect(spec, out, pool, progress, f"collecting {Path(spec.model).name}")
    except KeyboardInterrupt as stop:
        note(f"stopped; what is finished is kept in {out}, the same command goes on")
        raise typer.Exit(130) from stop
    if as_json != STDOUT:
        show_table(evaluation_table(content))
        for line in evaluation_notes(content):
            say(line)
    give_json(content, as_json)
