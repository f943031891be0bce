"""``takead train predictability``: which labels hold what their inputs do not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import ProgressBars, note, show_table, table
from takead_ros.domain.seeds import LAST_SEED
from takead_training.commands.parts import tell_refused
from takead_training.settings import Schedule

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(
    epilog="Example: [bold]takead train predictability runs/demonstrations --json runs/predictability.json[/bold]"
)
def predictability(
    clips: list[Path] = typer.Argument(help="Folders with clips of whole demonstrations (takead drive --record all)."),
    encoded: Path = typer.Option(Path("runs/cache"), "--cache", help="Where encoded clips are kept."),
    folds: int = typer.Option(3, min=2, max=20, help="Parts into which the episodes of each family are dealt."),
    epochs: int = typer.Option(8, min=1, help="Passes over the samples, for each of 2 x folds small networks."),
    seed: int = typer.Option(0, min=0, max=LAST_SEED, help="Seed of the order of samples and of the first weights."),
    threads: int = typer.Option(2, min=1, max=256, help="Threads of torch; the same number gives the same figures."),
    workers: int = typer.Option(2, min=1, max=256, help="Processes that read clips."),
    as_json: str | None = JSON,
) -> None:
    """Measure how well labels can be predicted from their own inputs, worst family first.

    Every episode is predicted by a small network that learned from the others. What it misses, a policy misses too: it
    is not in the encoding. "with memory": the ego's speeds so far, for how long it has stood and how far it has come
    since are told as well; where that helps, a history is what is missing.
    """
    json_file(as_json)
    from takead_training.predictability import measure_clips  # here, because torch takes seconds

    schedule = Schedule(epochs=epochs, batch=512, rate=2e-3, seed=seed, threads=threads)
    with ProgressBars() as shown:
        results, refused = measure_clips(clips, encoded, schedule, folds, workers, shown.report)
    tell_refused(one.why for one in refused)
    if as_json != STDOUT:
        rows = [
            (
                family,
                str(one.frames),
                f"{one.speed_deviation_mps:.1f}",
                f"{one.speed_rms_mps:.2f}",
                f"{one.speed_unexplained:.0%}",
                f"{one.aside_rms_m:.2f}",
                f"{one.memory_speed_unexplained:.0%}",
            )
            for family, one in results.items()
        ]
        columns = ("family", "frames", "m/s", "error", "unexplained", "path m", "with memory")
        show_table(
            table(
                *columns,
                rows=rows,
                title="held-out errors: speed 2 s ahead (deviation, error, share unexplained), path",
            )
        )
        note("a family that stays unexplained has labels that hold what the encoding does not")
    told = [{"family": family, **asdict(one)} for family, one in results.items()]
    give_json({"folds": folds, "epochs": epochs, "seed": seed, "families": told}, as_json)
