"""``takead compare``: two evaluations of the same episodes as pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from takead_ros.console import read_json, refuse_existing, stderr, stdout, write_json
from takead_ros.domain.errors import TakeadError
from takead_ros.measures.driving_score import EpisodeResult, compare
from takead_ros.runs.results import HEADLINES, comparison, judgement, signed

NEEDED = ("episodes", "suite", "seeds", "episode_count", "model", "model_sha256", "simulator")
COLOURS = {"better": "green", "worse": "red", "open": "yellow"}

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


def read_evaluation(path: Path) -> dict[str, Any]:
    """What ``takead eval --json`` or ``takead drive --json`` wrote. Raises TakeadError where it is something else."""
    content = read_json(path)
    missing = [name for name in NEEDED if name not in content]
    if missing:
        raise TakeadError(f"'{path}': keys {', '.join(missing)} are missing, expected JSON written by 'takead eval'")
    if any(not isinstance(episode, dict) or "assisted" not in episode for episode in content["episodes"]):
        raise TakeadError(f"'{path}': an episode has no 'assisted' part, expected JSON written by 'takead eval'")
    return content


def by_scenario(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """For each scenario family of two evaluations: the paired difference of its Driving Score."""

    def groups(content: Mapping[str, Any]) -> dict[str, list[EpisodeResult]]:
        result: dict[str, list[EpisodeResult]] = {}
        for episode in content["episodes"]:
            result.setdefault(episode["scenario"], []).append(EpisodeResult.from_dict(episode))
        return result

    old, new = groups(before), groups(after)
    return {
        name: asdict(compare(old[name], new[name], metrics=("driving_score",))["driving_score"]) for name in sorted(old)
    }


def _row(table: Table, title: str, key: str, written: str, found: Mapping[str, Any], sense: int) -> None:
    wins, losses = (found["higher"], found["lower"]) if sense > 0 else (found["lower"], found["higher"])
    colour = COLOURS[judgement(key, found)]
    table.add_row(
        title,
        written.format(found["old"]),
        written.format(found["new"]),
        f"[{colour}]{signed(written, found['difference'])}[/{colour}]",
        f"{signed(written, found['low'])} .. {signed(written, found['high'])}",
        f"{wins} / {found['equal']} / {losses}",
    )


def table(content: Mapping[str, Any], names: Sequence[str]) -> Table:
    """Means of both, paired difference with its 95 % interval, and on how many episodes the second did better."""
    result = Table(
        title=f"{names[1]} against {names[0]}: {content['episode_count']} episodes, the same for both "
        f"(suite {content['suite']})",
        title_justify="left",
    )
    result.add_column("", no_wrap=True)
    for title in (*names, "difference", "95 % interval", "better / equal / worse"):
        result.add_column(title, justify="right")
    for key, title, written, sense in HEADLINES:
        _row(result, title, key, written, content["differences"][key], sense)
    result.add_section()
    for name, found in content["scenarios"].items():
        _row(result, name, "driving_score", "{:.1f}", found, 1)
    return result


@app.command(
    epilog="Examples:\n\n"
    "[bold]takead compare runs/eval/before.json runs/eval/after.json[/bold]\n\n"
    "[bold]takead compare runs/parent.json runs/child.json --json runs/child-against-parent.json[/bold]"
)
def compare_(
    before: Path = typer.Argument(help="Written by [bold]takead eval --json[/bold]."),
    after: Path = typer.Argument(help="The same seeds and suite, another model."),
    json_path: Path | None = typer.Option(None, "--json", help="Write the figures here."),
) -> None:
    """Compare two evaluations of the same episodes.

    Each headline's paired difference, its bootstrap 95 % interval, and wins, draws and losses; then each scenario
    family's Driving Score. Green and red: the interval lies on one side of zero; yellow: not settled.
    """
    if json_path is not None:
        refuse_existing(json_path)
    old, new = read_evaluation(before), read_evaluation(after)
    content = {**comparison(old, new), "scenarios": by_scenario(old, new)}
    names = [old["model"], new["model"]] if old["model"] != new["model"] else [before.stem, after.stem]
    stdout.print(table(content, names))
    if json_path is not None:
        write_json(json_path, content)
        stderr.print(f"written: {json_path}")
