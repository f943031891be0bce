"""``takead clips verify``: are the clips whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from takead_ros.cli.clips.shelf import closed_clips, open_clips
from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import say
from takead_ros.domain.errors import TakeadError
from takead_ros.recording.verify import verify_clip as check

EXAMPLE = "Example: [bold]takead clips verify runs/demo/round-1/clips[/bold]"


def verify(
    path: Path = typer.Argument(..., help="A clip, or a folder with clips."),
    as_json: str | None = JSON,
) -> None:
    """Read every byte of the clips and check them against their manifests. Exit code 1 where one is not whole."""
    json_file(as_json)
    reports = [check(clip) for clip in [*closed_clips(path), *open_clips(path)]]
    if not reports:
        raise TakeadError(f"'{path}': holds no clip; expected a clip, or a folder with clips")
    rows = [{**asdict(report), "path": str(report.path), "ok": report.ok} for report in reports]
    found = {"clips": rows}
    if as_json != STDOUT:
        for report in reports:
            word = "whole  " if report.ok else "DAMAGED"
            say(f"{word} {report.path} ({report.messages} messages, {report.lost} lost)")
            for problem in report.problems:
                say(f"        {problem}")
        say(f"{sum(r.ok for r in reports)} of {len(reports)} whole")
    give_json(found, as_json)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)
