"""``takead dream``: act again in the world that a takeover clip holds."""

from __future__ import annotations

import importlib.util
from dataclasses import asdict
from pathlib import Path

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.cli.options import PERCEPTION
from takead_ros.console import cell, say, show_table
from takead_ros.domain.errors import TakeadError, unknown
from takead_ros.files import new_output, refuse_existing, writable_folder
from takead_ros.policy.shipped import model_path
from takead_ros.prediction.model import load_road_user_model
from takead_ros.runs.dream import Dreamed, Happened, dream, open_driver, perception_in
from takead_ros.simulators.dream.clip_world import read_world
from takead_ros.simulators.dream.road_users import LEARNED, ROAD_USERS, SHIPPED
from takead_ros.simulators.perception import load_perception
from takead_ros.text_table import TableColumn, TextTable

app = typer.Typer(name="dream", rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False)


@app.command(
    epilog="Examples:\n\n"
    "[bold]takead dream CLIP --model baseline --out dream.gif[/bold]\n\n"
    "[bold]takead dream CLIP --model expert --at -1.0 --agents rules[/bold]\n\n"
    "[bold]takead dream CLIP --model baseline --agents learned[/bold]"
)
def dream_(
    clip: Path = typer.Argument(..., help="A clip's folder, or its .mcap file."),
    at: float | None = typer.Option(
        None, help="Where to begin: s from the takeover (without one: from the clip's start). By default -3."
    ),
    model: str | None = typer.Option(
        None,
        help="Who drives: an ONNX file, a shipped model, [bold]expert[/bold], or [bold]recorded[/bold]: the recorded "
        "commands. By default the clip's own model, where it is a shipped one.",
    ),
    agents: str = typer.Option("replay", help=f"What the other road users do: {', '.join(ROAD_USERS)}."),
    agents_model: str | None = typer.Option(
        None,
        help="The model of [bold]learned[/bold] agents: an ONNX file of 'takead train agents'; else the shipped one.",
    ),
    takeover: int | None = typer.Option(None, min=1, help="Which takeover of the clip; by default the most severe."),
    seconds: float | None = typer.Option(None, min=1.0, help="For how long; by default to the clip's end."),
    perception: str | None = PERCEPTION,
    out: Path | None = typer.Option(None, help="Draw both drives side by side to this new .gif."),
    as_json: str | None = JSON,
) -> None:
    """Make a world of a clip alone (its map, route, lights and road users), drive in it, and compare with the record.

    Replayed road users do what was recorded, whatever the ego does; with rules they keep their distance to what is in
    their way and mind the lights; learned ones do what a model expects of them beside what the ego plans.
    """
    json_file(as_json)
    if agents not in ROAD_USERS:
        raise unknown("--agents", agents, ROAD_USERS)
    if perception is not None:
        load_perception(perception)
    if out is not None:
        _check_picture(out)
    if agents_model is not None and agents != LEARNED:
        raise TakeadError(
            f"--agents-model '{agents_model}': --agents {agents} ask no model; expected --agents {LEARNED}"
        )
    learned = load_road_user_model(model_path(agents_model or SHIPPED)) if agents == LEARNED else None
    world = read_world(clip, at, seconds, takeover)
    driver = open_driver(model, world)
    result, before, after = dream(
        world, driver, agents, perception_in(world) if perception is None else perception, learned
    )
    if as_json != STDOUT:
        _tell(result)
    if out is not None:
        from takead_ros.pictures.dream_film import write_dream_film

        with new_output(out):
            count = write_dream_film(before, after, f"dreamed: {driver.name}, {agents}", out)
        if as_json != STDOUT:
            say(f"{count} pictures -> {out}")
    give_json(asdict(result), as_json)


def _check_picture(out: Path) -> None:
    if importlib.util.find_spec("PIL") is None:
        raise TakeadError("pictures need Pillow; get it with: pip install 'takead_ros[sim]'")
    if out.suffix.lower() != ".gif":
        raise TakeadError(f"output '{out}': expected a name ending in .gif")
    refuse_existing(out)
    writable_folder(out.parent)


def _tell(result: Dreamed) -> None:
    say(
        f"{result.seconds:.2f} s from {result.at_s:.2f} s from {result.event} on; {result.model} drives, "
        f"{result.agents}, perception {result.perception}"
    )
    made = TextTable([TableColumn(), TableColumn("recorded", wrap=True), TableColumn("dreamed", wrap=True)])
    for texts in zip(_ROWS, _row(result.recorded), _row(result.dreamed), strict=True):
        made.rows.append(tuple(map(cell, texts)))
    show_table(made)
    say(
        f"the ego ends {result.end_difference_m:.2f} m from where it was recorded (at most "
        f"{result.largest_difference_m:.2f} m apart); the dream ended: {result.end}"
    )
    for line in result.notes:
        say(line)


_ROWS = ("progress", "speed at the end", "contacts", "infractions", "smallest TTC")


def _row(happened: Happened) -> tuple[str, ...]:
    contacts = ", ".join(f"{touch.kind} {touch.id} at {touch.time_s:.2f} s" for touch in happened.contacts)
    infractions = ", ".join(f"{kind} at {time_s:.2f} s".replace("_", " ") for kind, time_s in happened.infractions)
    ttc = "none below 3 s" if happened.min_ttc_s is None else f"{happened.min_ttc_s:.2f} s"
    return (
        f"{happened.progress_m:.1f} m",
        f"{happened.speed_mps:.1f} m/s",
        contacts or "none",
        infractions or "none",
        ttc,
    )
