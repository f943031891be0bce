"""``takead clips export``: clips for other tools, as tables or for Foxglove."""

from __future__ import annotations

from pathlib import Path

import typer

from takead_ros.cli.clips.shelf import end
from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import say, warn
from takead_ros.domain.errors import TakeadError
from takead_ros.pictures.foxglove.clips import FORMAT, export_foxglove
from takead_ros.recording import clip_folders
from takead_ros.recording import export as exporting

EXAMPLE = "Example: [bold]takead clips export runs/demo/round-1/clips --format parquet --out clips.parquet[/bold]"


def export(
    path: Path = typer.Argument(..., help="A clip, or a folder with clips."),
    out: Path = typer.Option(..., help="New file (parquet) or folder (lerobot; foxglove: an .mcap for each clip)."),
    format_: str = typer.Option("parquet", "--format", help=f"One of {', '.join((*exporting.FORMATS, FORMAT))}."),
    as_json: str | None = JSON,
) -> None:
    """Write clips as tables for other tools: a row for each frame; or, for Foxglove, copies with the picture that
    RViz shows of each scene (config/foxglove_layout.json). Exit code 1 where a clip could not be read; the
    others are written."""
    json_file(as_json)
    formats = (*exporting.FORMATS, FORMAT)
    if format_ not in formats:
        raise TakeadError(f"format '{format_}': expected one of {', '.join(formats)}")
    shelf = clip_folders.read_clips(path)
    if format_ == FORMAT:
        result = export_foxglove(shelf.clips, out)
    else:
        result = exporting.export_clips(shelf.clips, out, format_)
    shelf.broken.extend(result.broken)
    found = {
        "clips": [str(clip) for clip in result.clips],
        "out": str(out),
        "format": format_,
        "frames": result.frames,
        "broken": [{"path": str(item.path), "why": item.why} for item in shelf.broken],
        "not_noted": result.not_noted,
        "left_out": result.left_out,
    }
    if as_json != STDOUT:
        say(f"{result.frames} frames of {len(result.clips)} clips -> {out}")
        if result.left_out:
            say(f"left out, for some frame lacks it: {', '.join(result.left_out)}")
        for words in result.not_noted:
            warn(f"the export is not noted in the manifest: {words}")
    give_json(found, as_json)
    end(shelf)
