"""``takead train agents``: a model of road users from clips."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import ProgressBars, fields, say, show_table, table
from takead_ros.files import refuse_existing
from takead_training.commands.parts import SEED, UNSEEDED, WORKERS, phases, resumable, tell_refused
from takead_training.settings import Prediction, Schedule

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog="Example: [bold]takead train agents runs/drives --out runs/agents.pt --epochs 12[/bold]")
def agents(
    clips: list[Path] = typer.Argument(help="Folders with clips; whole drives show most (takead drive --record all)."),
    out: Path = typer.Option(..., help="Checkpoint to write; 'takead export' makes a model of it."),
    epochs: int = typer.Option(Prediction().schedule.epochs, min=1, help="Passes over the samples."),
    batch: int = typer.Option(256, min=1, help="Samples in a step."),
    rate: float = typer.Option(1e-3, min=0.0, help="Peak learning rate."),
    modes: int = typer.Option(Prediction().modes, min=1, max=32, help="Ways on that are told of each road user."),
    windows: int = typer.Option(100, min=1, max=10_000, help="Held-out windows of 4 s to roll out."),
    seed: int = SEED,
    threads: int = typer.Option(1, min=1, max=256, help="Threads of torch; the same number gives the same weights."),
    workers: int = WORKERS,
    name: str = typer.Option("agents", help="Name of the model, for its manifest."),
    unseeded: bool = UNSEEDED,
    as_json: str | None = JSON,
) -> None:
    """Learn how road users move, from clips: a small prediction model that is told what the ego plans.

    Every tenth episode is held out: there all road users are rolled out for 4 s beside the recorded ego, and end so far
    from the record. Ctrl-C leaves OUT.state; the same command goes on from there. Seeds of the test and selection
    splits are refused.
    """
    refuse_existing(out)
    json_file(as_json)
    settings = Prediction(Schedule(epochs=epochs, batch=batch, rate=rate, seed=seed, threads=threads), modes=modes)
    from takead_training.prediction.learn import learn_road_users  # here, because torch takes seconds

    with resumable(), ProgressBars() as shown:
        made = learn_road_users(clips, out, settings, name, phases(shown), windows, workers, unseeded)
    tell_refused(one.why for one in made.refused)
    told = {
        "checkpoint": str(out),
        "clips": made.clips,
        "held_out": made.held_out,
        "refused": len(made.refused),
        "samples": made.samples,
        **made.figures,
    }
    errors = [asdict(one) for one in made.displacements]
    if as_json != STDOUT:
        fields({key: f"{value:.4g}" if isinstance(value, float) else value for key, value in told.items()}, 24)
        rows = [
            (one.agents, one.group, f"{one.horizon_s:g} s", str(one.count), f"{one.ade_m:.2f} m", f"{one.fde_m:.2f} m")
            for one in made.displacements
        ]
        show_table(table("held out", "of", "after", "count", "ADE", "FDE", rows=rows))
        say(
            f"{made.windows} windows of 4 s, everybody who moves in them, the ego as recorded. Replay would be 0 by "
            "definition; rules are told the recorded way and speeds of each, the others only what was until then"
        )
    give_json({**told, "windows": made.windows, "displacements": errors}, as_json)
