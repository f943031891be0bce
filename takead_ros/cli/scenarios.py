"""``takead scenarios``: the families and suites there are, and one scenario in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import ProgressBars, note, show_table, table
from takead_ros.domain.errors import TakeadError
from takead_ros.domain.seeds import parse_seeds, split_of
from takead_ros.files import new_output
from takead_ros.scenarios import ALL_FAMILIES, build
from takead_ros.scenarios.suites import Suite, load_suite, suite_names

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Scenario families and suites.",
)


@app.command("ls", epilog="Example: [bold]takead scenarios ls[/bold]")
def ls(as_json: str | None = JSON) -> None:
    """List the scenario families and the suites that they make up."""
    json_file(as_json)
    families = [
        (name, family.ability.value, " ".join(family.description.split())) for name, family in ALL_FAMILIES.items()
    ]
    suites = [load_suite(name) for name in suite_names()]
    if as_json != STDOUT:
        _list(families, suites)
    told = [{"name": name, "ability": ability, "description": text} for name, ability, text in families]
    give_json({"families": told, "suites": [asdict(suite) for suite in suites]}, as_json)


def _list(families: Sequence[tuple[str, str, str]], suites: Sequence[Suite]) -> None:
    title = "scenario families (each a pure function of a seed)"
    show_table(table("family", "ability", "what happens", rows=families, title=title))
    rows = ((suite.name, str(len(suite.families)), suite.description) for suite in suites)
    show_table(table("suite", "families", "description", rows=rows, title="suites"))


@app.command("show", epilog="Example: [bold]takead scenarios show cut_in --seed 7 --out runs/cut_in.gif[/bold]")
def show(
    family: str = typer.Argument(..., help="A scenario family."),
    seed: str = typer.Option("0", help="One seed, such as 7 or collection:7."),
    out: Path | None = typer.Option(None, help="Write the expert's drive through it here, as an animated GIF."),
) -> None:
    """Print everything that decides one scenario, as JSON, or show the expert driving through it."""
    numbers = parse_seeds(seed, "--seed")
    if len(numbers) != 1:
        raise TakeadError(f"--seed '{seed}': names {len(numbers)} seeds, expected one, such as 7 or collection:7")
    number = numbers[0]
    scenario = build(family, number)
    if out is None:
        typer.echo(
            json.dumps({"split": split_of(number), **asdict(scenario)}, indent=2, default=_plain, allow_nan=False)
        )
        return
    from takead_ros.pictures.side_by_side import animate_scenario as draw

    if out.suffix != ".gif":
        raise TakeadError(f"--out '{out}': expected a file name ending in .gif")
    with new_output(out), ProgressBars() as progress:
        draw(family, family, number, out, progress)
    note(f"written: {out}")


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else str(value)
