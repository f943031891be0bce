"""``takead eval``: how well a model, or the expert, drives on given seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from takead_ros.console import refuse_existing, stderr, stdout, write_json
from takead_ros.domain.errors import TakeadError
from takead_ros.runs.journal import Ledger
from takead_ros.runs.results import Job, job, summary, summary_table
from takead_ros.runs.workers import Fleet

PASSES = ("unassisted", "assisted")

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


def parse_passes(text: str, model_is_expert: bool) -> tuple[str, ...]:
    """The passes named in ``text``, in their fixed order; the expert has no assisted one."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in PASSES]
    if unknown:
        raise TakeadError(f"--passes '{text}': '{unknown[0]}' is no pass, expected one or both of {','.join(PASSES)}")
    return ("unassisted",) if model_is_expert else tuple(name for name in PASSES if name in names)


def evaluate(work: Job, passes: tuple[str, ...], fleet: Fleet, ledger: Ledger | None, label: str) -> dict[str, Any]:
    """Drive every pass of ``work`` and sum up."""
    specs = {name: work.specs(takeovers=name == "assisted") for name in passes}
    results = fleet.run([spec for name in passes for spec in specs[name]], ledger, label)
    parts = {}
    for name in passes:
        parts[name], results = results[: len(specs[name])], results[len(specs[name]) :]
    return summary(work, parts)


@app.command(
    epilog="Examples:\n\n"
    "[bold]takead eval --model models/baseline.onnx --suite demo --seeds 0-9 --json runs/baseline.json[/bold]\n\n"
    "[bold]takead eval --model expert --suite cut_in --seeds 0-99 --workers 2 --json runs/expert.json[/bold]"
)
def eval_(
    model: str = typer.Option(..., help="An ONNX policy, or the word [bold]expert[/bold]."),
    suite: str = typer.Option("demo", help="A suite, or one scenario family (see: takead scenarios ls)."),
    seeds: str = typer.Option("0-9", help="Such as 0-9, 0-4,8 or selection:0-23. Plain numbers are test seeds."),
    passes: str = typer.Option(
        "unassisted,assisted", help="unassisted: the scores. assisted: takeovers per km and the expert's share."
    ),
    workers: int = typer.Option(1, min=1, help="Processes; the results do not depend on it."),
    json_path: Path | None = typer.Option(
        None, "--json", help="Write the figures here. Finished episodes are kept beside it: the same command continues."
    ),
) -> None:
    """Score a model, or the expert, in closed loop.

    Drives every seed and scenario family of the suite twice: alone for Driving Score, Success Rate and route
    completion, and with the expert ready to take over for takeovers per km and the expert-driven share.
    """
    work = job(model, suite, seeds)
    chosen = parse_passes(passes, work.model == "expert")
    ledger = None
    if json_path is not None:
        refuse_existing(json_path)
        ledger = Ledger(json_path.with_suffix(".episodes.jsonl"), {**work.settings(), "passes": list(chosen)})
    with Fleet(workers) as fleet:
        content = evaluate(work, chosen, fleet, ledger, f"evaluating {Path(work.model).name}")
    stdout.print(summary_table(content))
    if json_path is not None:
        write_json(json_path, content)
        stderr.print(f"written: {json_path}")
