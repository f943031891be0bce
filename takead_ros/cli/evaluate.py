"""``takead eval``: how well a model, or the expert, drives on given seeds."""

from __future__ import annotations

from pathlib import Path

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.cli.options import PERCEPTION, RAY, WORKERS_KIND, place
from takead_ros.console import ProgressBars, note, say, show_table
from takead_ros.runs.workers import open_workers
from takead_ros.simulators import SIMULATOR, SIMULATORS

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.command(
    epilog="Examples:\n\n"
    "[bold]takead eval --model baseline --suite demo --seeds 0-9 --json runs/baseline.json[/bold]\n\n"
    "[bold]takead eval --model expert --suite cut_in --seeds 0-99 --workers 2 --json runs/expert.json[/bold]\n\n"
    "[bold]takead eval --model baseline --sim vector --batched --suite core --seeds selection:0-9[/bold]"
)
def eval_(
    model: str = typer.Option(
        ..., help="An ONNX file, a shipped model by name ([bold]baseline[/bold]), or [bold]expert[/bold]."
    ),
    suite: str = typer.Option("demo", help="A suite, or one scenario family (see: takead scenarios ls)."),
    seeds: str = typer.Option("0-9", help="Such as 0-9, 0-4,8 or selection:0-23. Plain numbers are test seeds."),
    passes: str = typer.Option(
        "unassisted,assisted", help="unassisted: the scores. assisted: takeovers per km and the expert's share."
    ),
    sim: str = typer.Option(SIMULATOR, help=f"The simulator: {', '.join(SIMULATORS)}."),
    params: Path | None = typer.Option(None, help="Parameters of the nodes: a ROS parameter file (see config/)."),
    perception: str | None = PERCEPTION,
    workers: int = typer.Option(1, min=1, max=256, help="How many at once; the results do not depend on it."),
    workers_kind: str = WORKERS_KIND,
    ray: str | None = RAY,
    batched: bool = typer.Option(
        False,
        "--batched",
        help="With --sim vector and a policy: many episodes at once, many times as fast. Decisions, takeovers "
        "and limits are those of the nodes, without them; in the unassisted pass nobody stops it off the road.",
    ),
    films: Path | None = typer.Option(
        None, "--film-failures", help="Draw each episode that failed to this folder, as FAMILY-SEED.gif."
    ),
    as_json: str | None = JSON,
) -> None:
    """Score a model, or the expert, in closed loop.

    Drives every seed and scenario family of the suite twice: alone for Driving Score, Success Rate and route
    completion, and with the expert ready to take over for takeovers per km and the expert-driven share.
    With --json FILE finished episodes are kept beside it: the same command continues.
    """
    from takead_ros.cli.tables import evaluation_notes, evaluation_table
    from takead_ros.pictures.films import MARK, film_failures
    from takead_ros.runs.drive import check_folder, check_passes, evaluate
    from takead_ros.runs.episode import EpisodeRunner
    from takead_ros.runs.evaluate_batched import BatchRunner, check_batched, evaluate_batched
    from takead_ros.runs.spec import read_parameters, run_spec

    where = place(workers, workers_kind, ray)
    spec = run_spec(model, suite, seeds, sim, read_parameters(params, perception))
    chosen = check_passes(passes, spec)
    if batched:
        check_batched(spec)
    keep = json_file(as_json)
    if films is not None:
        check_folder(films, MARK)
    label = f"evaluating {Path(spec.model).name}"
    if batched:
        with open_workers(BatchRunner, where) as groups, ProgressBars() as progress:
            content = evaluate_batched(spec, chosen, keep, groups, progress, label)
    else:
        with open_workers(EpisodeRunner, where) as pool, ProgressBars() as progress:
            content = evaluate(spec, chosen, keep, pool, progress, label)
    if as_json != STDOUT:
        show_table(evaluation_table(content))
        for line in evaluation_notes(content):
            say(line)
    give_json(content, as_json)
    if films is not None:
        with ProgressBars() as progress:
            drawn = film_failures(content, spec, films, where, progress)
        note(f"{len(drawn)} failures drawn to {films}")
