"""``takead drive``: closed loop with takeovers, each recorded as a clip."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import typer

from takead_ros.console import refuse_existing, stderr, stdout, write_json
from takead_ros.domain.errors import TakeadError
from takead_ros.runs.journal import Ledger
from takead_ros.runs.results import Job, job, summary, summary_table
from takead_ros.runs.workers import Fleet

LEDGER = "episodes.jsonl"
RECORDS = ("clips", "all")

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


def open_run(folder: Path, work: Job, record: str) -> Ledger:
    """The ledger of a folder of bags: a new or empty folder, or an unfinished run of the same settings."""
    if folder.exists() and not folder.is_dir():
        raise TakeadError(f"output '{folder}': is a file, expected a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / LEDGER).exists():
        raise TakeadError(
            f"output folder '{folder}' is not empty and holds no run; expected a new folder, or a run of the same "
            "settings to continue (nothing is overwritten)"
        )
    return Ledger(folder / LEDGER, {**work.settings(), "record": record})


def drive(work: Job, record: str, bags: Path | None, fleet: Fleet, ledger: Ledger | None, label: str) -> dict[str, Any]:
    """Drive with takeovers (the expert: alone), record, and sum up."""
    specs = work.specs(takeovers=work.model != "expert", bags=bags, record=record)
    return summary(work, {"assisted": fleet.run(specs, ledger, label)})


@app.command(
    epilog="Examples:\n\n"
    "[bold]takead drive --model models/baseline.onnx --suite demo --seeds collection:0-9 --bags runs/clips[/bold]\n\n"
    "[bold]takead drive --model expert --suite demo --seeds training:0-9 --bags runs/demonstrations --record all[/bold]"
)
def drive_(
    model: str = typer.Option(..., help="An ONNX policy, or the word [bold]expert[/bold] (demonstrations)."),
    suite: str = typer.Option("demo", help="A suite, or one scenario family (see: takead scenarios ls)."),
    seeds: str = typer.Option("collection:0-9", help="Such as collection:0-9 or training:0-99."),
    bags: Path | None = typer.Option(None, help="Record here: a folder for each episode. The same command continues."),
    record: str = typer.Option("clips", help="clips: one for each takeover. all: whole episodes."),
    workers: int = typer.Option(1, min=1, help="Processes; the results do not depend on it."),
    json_path: Path | None = typer.Option(None, "--json", help="Write the figures here."),
) -> None:
    """Drive in closed loop; the expert takes over where it must, and each takeover becomes an MCAP clip."""
    if record not in RECORDS:
        raise TakeadError(f"--record '{record}': expected one of {', '.join(RECORDS)}")
    work = job(model, suite, seeds)
    if json_path is not None:
        refuse_existing(json_path)
    ledger = open_run(bags, work, record) if bags is not None else None
    with Fleet(workers) as fleet:
        content = drive(work, record, bags, fleet, ledger, f"driving {Path(work.model).name}")
    stdout.print(summary_table(content))
    triggers = Counter(content["triggers"])
    if triggers:
        stdout.print("takeovers by trigger: " + ", ".join(f"{name} {count}" for name, count in triggers.most_common()))
    if bags is not None:
        clips = sum(len(episode["clips"]) for episode in content["episodes"])
        stdout.print(f"{clips} clips in {bags} (takead clips ls {bags})")
    if json_path is not None:
        write_json(json_path, content)
        stderr.print(f"written: {json_path}")
