"""``takead clips recover``: whole clips of what a kill or a bad disk left behind."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from takead_ros.cli.clips.shelf import closed_clips, end, open_clips
from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import say
from takead_ros.domain.errors import TakeadError
from takead_ros.recording.clip_folders import Broken, Shelf
from takead_ros.recording.recover import Recovered
from takead_ros.recording.recover import recover_clip as repair
from takead_ros.recording.verify import verify_clip as check

EXAMPLE = "Example: [bold]takead clips recover runs/demo/round-1/clips[/bold]"


def recover(
    path: Path = typer.Argument(..., help="A clip that was cut off or damaged, or a folder with clips."),
    as_json: str | None = JSON,
) -> None:
    """Make whole clips of those that a kill, a power cut or a bad disk left behind. Whole clips are not touched. Exit
    code 1 where one could not be repaired; the others are."""
    json_file(as_json)
    results: list[Recovered] = []
    failed: list[Broken] = []
    for clip in open_clips(path) + [clip for clip in closed_clips(path) if not check(clip).ok]:
        try:
            results.append(repair(clip))
        except TakeadError as problem:
            failed.append(Broken(clip, str(problem)))
    keys = ("source", "clip", "kept")
    rows = [{**asdict(r), **{k: str(v) if (v := getattr(r, k)) else None for k in keys}} for r in results]
    found = {"recovered": rows, "failed": [{"path": str(item.path), "why": item.why} for item in failed]}
    if as_json != STDOUT:
        for result in results:
            story = f"{result.messages} messages -> {result.clip}" if result.clip else "nothing could be saved"
            kept = f"; original kept as {result.kept}" if result.kept else ""
            say(f"{result.source.name}: {story} ({result.damage}{kept})")
        say(f"{sum(r.clip is not None for r in results)} of {len(results) + len(failed)} recovered")
    give_json(found, as_json)
    end(Shelf([], failed))
