"""``takead train bc``: clone an expert's demonstrations."""

from __future__ import annotations

from pathlib import Path

import typer

from takead_ros.cli.json_output import JSON, json_file
from takead_ros.console import ProgressBars, warn
from takead_ros.files import refuse_existing
from takead_training.commands.parts import (
    ACCELERATOR,
    DEVICES,
    FORECAST,
    PRECISION,
    SEED,
    SPEED_DROPOUT,
    SPEED_TARGET,
    THREADS,
    UNSEEDED,
    WORKERS,
    phases,
    resumable,
    tell,
    tell_refused,
)
from takead_training.settings import DEFAULT_ARCHITECTURE, Clean, Imitation, Schedule

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(
    epilog="Examples:\n\n"
    "[bold]takead train bc runs/demonstrations --out runs/bc.pt --epochs 20[/bold]\n\n"
    "[bold]takead train bc runs/demonstrations --out runs/bc.pt --accelerator cuda --precision bf16-mixed[/bold]",
)
def bc(
    clips: list[Path] = typer.Argument(help="Folders with clips of whole demonstrations (takead drive --record all)."),
    out: Path = typer.Option(..., help="Checkpoint to write; 'takead export' makes a model of it."),
    epochs: int = typer.Option(20, min=1, help="Passes over the samples."),
    batch: int = typer.Option(256, min=1, help="Samples in a step."),
    rate: float = typer.Option(1e-3, min=0.0, help="Peak learning rate."),
    architecture: str = typer.Option(DEFAULT_ARCHITECTURE, help="The network, by its name."),
    perfect: list[Path] = typer.Option(
        [], help="JSON of 'takead drive': learn only from its episodes with a Driving Score of 100."
    ),
    thin_standing: bool = typer.Option(False, help="Of L standstill frames in a row keep the square root of L."),
    change_weight: float = typer.Option(1.0, help="How often frames where the expert changes something are drawn."),
    speed_target: str = SPEED_TARGET,
    speed_dropout: float = SPEED_DROPOUT,
    forecast: float = FORECAST,
    seed: int = SEED,
    threads: int = THREADS,
    workers: int = WORKERS,
    accelerator: str = ACCELERATOR,
    devices: int = DEVICES,
    precision: str = PRECISION,
    name: str = typer.Option("bc", help="Name of the model, for its manifest."),
    unseeded: bool = UNSEEDED,
    as_json: str | None = JSON,
) -> None:
    """Clone an expert's demonstrations: a first policy from nothing.

    Clips of takeovers are cloned as well, wherever the expert has a plan, and counted in a warning: 'takead train
    round' weighs them for what they are. Ctrl-C leaves OUT.state; the same command goes on from there. Seeds of the
    test and selection splits are refused.
    """
    refuse_existing(out)
    json_file(as_json)
    from takead_training.cloning import clone  # here, because torch takes seconds
    from takead_training.stages.bc import Cloning
    from takead_training.stages.devices import Devices

    settings = Cloning(
        Schedule(epochs=epochs, batch=batch, rate=rate, seed=seed, threads=threads),
        architecture,
        Clean(thin_standing, change_weight),
        Imitation(speed_target, speed_dropout, forecast=forecast),  # type: ignore[arg-type]  # Imitation checks it
    )
    hardware = Devices(accelerator, devices, precision)  # type: ignore[arg-type]  # it checks its words
    with resumable(), ProgressBars() as shown:
        made = clone(clips, out, settings, name, phases(shown), workers, unseeded, perfect, hardware)
    tell_refused(one.why for one in made.refused)
    if made.takeovers:
        warn(
            f"{made.takeovers} of {made.clips} clips are takeovers, no whole demonstrations; their frames are cloned "
            "like all others ('takead train round' is for takeovers)"
        )
    told = {"checkpoint": str(out), "clips": made.clips, "takeovers": made.takeovers}
    tell({**told, "refused": len(made.refused), "samples": made.samples, **made.figures}, as_json)
