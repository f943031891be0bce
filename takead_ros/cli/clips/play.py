"""``takead clips play``: a clip as a moving picture."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import say
from takead_ros.domain.errors import TakeadError
from takead_ros.files import new_output

EXAMPLE = "Example: [bold]takead clips play CLIP --out takeover.mp4 --speed 2[/bold]"


def play(
    clip: Path = typer.Argument(..., help="A clip's folder."),
    out: Path | None = typer.Option(None, help="New file, .gif or .mp4; default: <clip>/play.gif."),
    speed: float = typer.Option(1.0, min=0.1, max=20.0, help="Times real time."),
    as_json: str | None = JSON,
) -> None:
    """Make an animated top-down picture: the scene, both sides' plans, and who drives."""
    json_file(as_json)
    if importlib.util.find_spec("PIL") is None:
        raise TakeadError("pictures need Pillow; get it with: pip install 'takead_ros[sim]'")
    from takead_ros.pictures.clip_video import write_clip_video

    if out is None and not clip.is_dir():
        raise TakeadError(f"clip '{clip}': is a file, in which no picture can lie; name another place with --out")
    target = out or clip / "play.gif"
    with new_output(target):
        count = write_clip_video(clip, target, speed)
    found = {"clip": str(clip), "out": str(target), "pictures": count, "speed": speed}
    if as_json != STDOUT:
        say(f"{count} pictures -> {target}")
    give_json(found, as_json)
