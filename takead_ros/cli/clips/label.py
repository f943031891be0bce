"""``takead clips label``: what a clip really is, in a person's judgement."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import say
from takead_ros.domain.errors import TakeadError
from takead_ros.recording.amend import amend
from takead_ros.recording.clip import CLASSIFICATIONS, ClipManifest, Relabel

EXAMPLE = "Example: [bold]takead clips label CLIP casual_override --by ann --note 'wanted the other lane'[/bold]"


def label(
    clip: Path = typer.Argument(..., help="A clip's folder."),
    classification: str = typer.Argument(..., help=f"One of {', '.join(CLASSIFICATIONS)}."),
    by: str = typer.Option("", help="Who says so."),
    note: str = typer.Option("", help="Why."),
    as_json: str | None = JSON,
) -> None:
    """Say what a clip really is; the recorder's own classification and earlier labels stay beside it."""
    json_file(as_json)
    if classification not in CLASSIFICATIONS:
        raise TakeadError(f"class '{classification}': expected one of {', '.join(CLASSIFICATIONS)}")
    if not clip.is_dir():
        raise TakeadError(f"clip '{clip}': expected a clip's folder, in which the label is written")
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    said = Relabel(classification=classification, by=by, note=note, at=now)

    def change(manifest: ClipManifest) -> None:
        if manifest.relabel is not None:
            manifest.earlier_labels.append(manifest.relabel)
        manifest.relabel = said

    manifest = amend(clip, change)
    found = {"clip": str(clip), "recorder": manifest.classification, "relabel": said.model_dump()}
    if as_json != STDOUT:
        say(f"{clip.name}: {classification} (recorder said {manifest.classification})")
    give_json(found, as_json)
