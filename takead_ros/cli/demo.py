"""``takead demo``: the whole loop once, small, and the report of it."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from takead_ros.cli.options import PERCEPTION, RAY, WORKERS_KIND, place
from takead_ros.cli.tables import comparison_table
from takead_ros.cli.trainer import TrainRound, readers
from takead_ros.console import ProgressBars, note, say, show_table
from takead_ros.domain.errors import TakeadError
from takead_ros.policy.shipped import model_path
from takead_ros.runs.episode import EpisodeRunner
from takead_ros.runs.evaluate_batched import BatchRunner
from takead_ros.runs.loop import Loop, final_comparison
from takead_ros.runs.loop_state import LoopPlan
from takead_ros.runs.spec import read_parameters
from takead_ros.runs.workers import open_workers
from takead_ros.runs.workplace import Workplace

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


def tell(text: str) -> None:
    """What the loop does now, on stdout."""
    say(text, "" if text.startswith(" ") else "bold")


@app.command(
    epilog="Example: [bold]takead demo --out runs/demo --workers 2[/bold]   (Ctrl-C, and the same command goes on)"
)
def demo(
    out: Path = typer.Option(Path("runs/demo"), help="Folder of the run; an unfinished run in it is continued."),
    model: str = typer.Option("baseline", help="The policy to begin with: an ONNX file, or a shipped model by name."),
    workers: int = typer.Option(2, min=1, max=256, help="How many at once; the results do not depend on it."),
    workers_kind: str = WORKERS_KIND,
    ray: str | None = RAY,
    params: Path | None = typer.Option(None, help="Parameters of the nodes: a ROS parameter file (see config/)."),
    perception: str | None = PERCEPTION,
    suite: str = typer.Option("demo", hidden=True),
    demonstrations: int = typer.Option(4, min=1, hidden=True, help="Training seeds for each family."),
    drives: int = typer.Option(6, min=1, hidden=True, help="Collection seeds for each family."),
    selection: int = typer.Option(3, min=1, hidden=True, help="Selection seeds for each family."),
    tests: int = typer.Option(6, min=1, hidden=True, help="Test seeds for each family."),
    dagger_epochs: int = typer.Option(16, min=1, hidden=True),
    preference_epochs: int = typer.Option(2, min=1, hidden=True),
    draws: int = typer.Option(12_000, min=1, hidden=True),
) -> None:
    """The whole loop once: drive the shipped policy, be taken over, learn from it, drive better.

    Writes bags, clips, the new model, the comparison and report.html to the run's folder. About 6 minutes on 2 cores.
    """
    where = place(workers, workers_kind, ray)
    tell("takead demo: drives a policy, lets the expert take over, learns from it, compares.")
    tell(
        f"  About 6 minutes on 2 cores ({workers} workers). Everything goes to {out}; Ctrl-C at any time, the same "
        "command goes on where it stopped."
    )
    begin = time.monotonic()
    plan = LoopPlan(
        suite=suite,
        demonstrations=demonstrations,
        drives=drives,
        selection=selection,
        parameters=read_parameters(params, perception),
    )
    options = ("--dagger-epochs", dagger_epochs, "--preference-epochs", preference_epochs, "--draws", draws)
    try:
        _run(out, plan, model_path(model), [str(word) for word in options], tests, where)
    except KeyboardInterrupt as stop:
        tell_stopped(out)
        raise typer.Exit(130) from stop
    say(f"finished in {(time.monotonic() - begin) / 60.0:.1f} minutes")


def tell_stopped(out: Path) -> None:
    """After Ctrl-C."""
    note(f"stopped; what is finished is kept in {out}, the same command goes on")


def _run(out: Path, plan: LoopPlan, model: Path, options: list[str], tests: int, where: Workplace) -> None:
    from takead_ros.pictures.report import write_report

    with open_workers(EpisodeRunner, where) as pool, open_workers(BatchRunner, where) as batches:
        with Loop(out, plan, model, TrainRound(options, readers(where)), pool, batches, ProgressBars, tell) as loop:
            state = loop.run(1)
        if state.ended:
            raise TakeadError(
                f"{state.ended}, so there is nothing to learn from; expected takeovers (a weaker model, or more seeds)"
            )
        tell("old and new policy on the same held-out test seeds")
        found = final_comparison(out, f"test:0-{tests - 1}", pool, ProgressBars)
    tell("result")
    show_table(comparison_table(found, families=False))
    tell("one takeover, old and new side by side; report")
    with ProgressBars() as progress:
        page = write_report(out, progress)
    say(f"report: {page}")
