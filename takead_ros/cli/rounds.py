"""``takead train rounds``: the outer loop."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import typer

from takead_ros.cli.demo import tell, tell_stopped
from takead_ros.cli.options import PERCEPTION, RAY, WORKERS_KIND, place
from takead_ros.console import ProgressBars, show_table
from takead_ros.domain.errors import TakeadError
from takead_ros.runs.workers import open_workers
from takead_ros.simulators import SIMULATOR, SIMULATORS

OWN = (
    "parent",
    "base",
    "out",
    "clips",
    "collected",
    "demos",
    "cache_in",
    "workers",
    "as_json",
)  # of 'takead train round'

app = typer.Typer(add_completion=False, rich_markup_mode="rich")
_WORKERS = typer.Option(2, min=1, max=256, help="How many at once; the results do not depend on it.")


@app.command(epilog="Example: [bold]takead train rounds --rounds 3 --suite demo --out runs/rounds --workers 2[/bold]")
def rounds(
    ctx: typer.Context,
    out: Path = typer.Option(..., help="Folder of the loop; an unfinished one in it is continued."),
    rounds: int = typer.Option(3, min=1, help="Rounds in all; more of them go on with the same folder."),
    suite: str = typer.Option("demo", help="A suite, or one scenario family (see: takead scenarios ls)."),
    parent: str = typer.Option("baseline", help="The policy to begin with: an ONNX file, or a shipped model by name."),
    demonstrations: int = typer.Option(4, min=1, help="Training seeds that the expert drives, for each family."),
    demonstrated: str = typer.Option("", help="Suite of the demonstrations (default: the same)."),
    drives: int = typer.Option(6, min=1, help="Collection seeds of a round, for each family."),
    selection: int = typer.Option(10, min=1, help="Selection seeds of the gate, for each family."),
    record: str = typer.Option("clips", help="clips: learn from takeovers. all: from every frame of the drives."),
    from_first: bool = typer.Option(
        True, help="Each round trains the first model on the clips of all rounds; else its parent, further."
    ),
    sim: str = typer.Option(SIMULATOR, help=f"The simulator: {', '.join(SIMULATORS)}."),
    batched: bool = typer.Option(
        False,
        "--batched",
        help="With --sim vector: takeovers and gate many episodes at once, several times as fast; no clips are kept.",
    ),
    params: Path | None = typer.Option(None, help="Parameters of the nodes: a ROS parameter file (see config/)."),
    perception: str | None = PERCEPTION,
    options: str = typer.Option("", help="Further options of 'takead train round', such as '--seed 1'."),
    workers: int = _WORKERS,
    workers_kind: str = WORKERS_KIND,
    ray: str | None = RAY,
) -> None:
    """Drive, be taken over, train, gate, again: a new model is promoted only where it beats its parent.

    Each round drives the present policy on collection seeds of its own, trains on the takeovers of all rounds, and
    lets parent and new model drive the same selection seeds. Test seeds are never driven. Ctrl-C at any time.
    """
    from takead_ros.cli.tables import rounds_table
    from takead_ros.cli.trainer import TrainRound, readers
    from takead_ros.policy.shipped import model_path
    from takead_ros.runs.episode import EpisodeRunner
    from takead_ros.runs.evaluate_batched import BatchRunner
    from takead_ros.runs.loop import Loop
    from takead_ros.runs.loop_state import LoopPlan
    from takead_ros.runs.spec import read_parameters, record_of

    where = place(workers, workers_kind, ray)
    plan = LoopPlan(
        suite=suite,
        demonstrations=demonstrations,
        drives=drives,
        selection=selection,
        simulator=sim,
        demonstrated=demonstrated,
        record=record_of(record),
        from_first=from_first,
        batched=batched,
        parameters=read_parameters(params, perception),
    )
    trainer = TrainRound(_trainer_options(options, ctx.parent), readers(where))
    try:
        with (
            open_workers(EpisodeRunner, where) as pool,
            open_workers(BatchRunner, where) as batches,
            Loop(out, plan, model_path(parent), trainer, pool, batches, ProgressBars, tell) as loop,
        ):
            state = loop.run(rounds)
    except KeyboardInterrupt as stop:
        tell_stopped(out)
        raise typer.Exit(130) from stop
    show_table(rounds_table(state))
    if state.ended:
        tell(f"  {state.ended}: no further round")
    tell(f"  the model to deploy: {out / state.deployed[0]} (sha256 {state.deployed[1][:12]})")


def _trainer_options(options: str, train: Any) -> list[str]:
    """The words of ``options``, refused here where 'takead train round' would: it comes to them after hours."""
    try:
        words = shlex.split(options)
    except ValueError as problem:
        raise TakeadError(f"--options {options!r}: {problem}; expected them as a shell takes them") from problem
    needed = ["--parent", "baseline", "--clips", ".", "--out", "."]
    command = train.command.commands["round"]
    typed = command.make_context("round", list(words), parent=train, resilient_parsing=True)
    for option in typed.command.params:
        if option.name in OWN and typed.get_parameter_source(option.name).name == "COMMANDLINE":
            raise TakeadError(f"--options {options!r}: the loop itself says {option.opts[0]}; expected others")
    command.make_context("round", [*needed, *words], parent=train)  # which refuses what no stage can have
    return words
