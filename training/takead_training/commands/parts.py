"""What the verbs that train share: options, how they are stopped, and what they tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from takead_ros.cli.json_output import STDOUT, give_json
from takead_ros.console import ProgressBars, fields, note, warn
from takead_ros.domain.seeds import LAST_SEED
from takead_training.settings import Imitation

THREADS = typer.Option(2, min=1, max=256, help="Threads of torch; the same number gives the same weights.")
WORKERS = typer.Option(2, min=1, max=256, help="Processes that read clips.")
SEED = typer.Option(0, min=0, max=LAST_SEED, help="Seed of the order of samples and of the first weights.")
ACCELERATOR = typer.Option("cpu", help="What trains: auto, cpu, cuda (auto: CUDA where there is one).")
DEVICES = typer.Option(1, min=1, max=64, help="How many of them; a batch is shared out among them.")
PRECISION = typer.Option("32", help="Of the network: 32, bf16-mixed (with CUDA only).")
FORECAST = typer.Option(
    Imitation().forecast,
    "--forecast-weight",
    help="Weight of an auxiliary task: to say where each object is 1 and 2 s later (0: none).",
)
SPEED_TARGET = typer.Option(Imitation().speed_target, help="What the speed head learns: two_hot or nearest bins.")
SPEED_DROPOUT = typer.Option(0.0, help="Share of samples in which the ego's own speed is hidden.")
UNSEEDED = typer.Option(False, help="Learn from clips that name no seed too, as a vehicle's do.")


@contextmanager
def resumable() -> Iterator[None]:
    """Ctrl-C ends a training with a word on how to go on, and exit code 130."""
    try:
        yield
    except KeyboardInterrupt as stop:
        note("stopped; every finished epoch is kept, the same command goes on from there")
        raise typer.Exit(130) from stop


def phases(bars: ProgressBars) -> Callable[[str, int, int, dict[str, float]], None]:
    """Tells of each phase's progress, with the figures that say most."""

    def report(phase: str, done: int, total: int, figures: dict[str, float]) -> None:
        bars.report(phase, done, total, {name: value for name, value in figures.items() if name in ("loss", "right")})

    return report


def tell_refused(reasons: Iterable[str]) -> None:
    """Warn of each clip that nothing is learned from."""
    for why in reasons:
        warn(f"left out: {why}")


def tell(figures: dict[str, Any], as_json: str | None) -> None:
    """Print what came out, a line for each figure, and write it as JSON where that is asked for."""
    if as_json != STDOUT:
        fields({key: f"{value:.4g}" if isinstance(value, float) else value for key, value in figures.items()}, 24)
    give_json(figures, as_json)
