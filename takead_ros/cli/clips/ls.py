"""``takead clips ls``: what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from takead_ros.cli.clips.shelf import end, open_shelf
from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import say, stdout
from takead_ros.recording import clip_folders
from takead_ros.recording.select import Filter, matching

EXAMPLE = "Example: [bold]takead clips ls runs/demo/round-1/clips --trigger collision_predicted --json -[/bold]"


def list_(
    folder: Path = typer.Argument(..., help="Folder with clips (takead drive --bags FOLDER)."),
    trigger: str = typer.Option("", help="Only this trigger, such as collision_predicted."),
    classification: str = typer.Option("", help="Only this class, such as takeover or casual_override."),
    min_severity: float = typer.Option(0.0, help="Only at least this severe, 0 to 1."),
    model: str = typer.Option("", help="Only this model: the beginning of its sha256."),
    scenario: str = typer.Option("", help="Only this scenario."),
    since: str = typer.Option("", help="Only created on this date or later, YYYY-MM-DD."),
    until: str = typer.Option("", help="Only created on this date or earlier, YYYY-MM-DD."),
    as_json: str | None = JSON,
) -> None:
    """List the clips in a folder, and those that wait for repair."""
    json_file(as_json)
    wanted = Filter(trigger, classification, min_severity, model, scenario, since, until)
    shelf = open_shelf(folder)
    clips = matching(shelf, wanted)
    unfinished = clip_folders.list_unfinished(folder)
    rows = [{"path": str(path), **manifest.model_dump(mode="json")} for path, manifest in clips]
    broken = [{"path": str(item.path), "why": item.why} for item in shelf.broken]
    found = {"clips": rows, "unfinished": [str(path) for path in unfinished], "broken": broken}
    if as_json != STDOUT:
        lines = [("clip", "class", "trigger", "who", "sev", "s", "events", "lost")]
        for path, manifest in clips:
            name = str(path.relative_to(folder)) if path != folder else path.name
            lines.append(
                (
                    name,
                    manifest.judged,
                    manifest.trigger,
                    manifest.who,
                    f"{manifest.severity:.2f}",
                    f"{manifest.seconds:.1f}",
                    str(len(manifest.events)),
                    str(manifest.lost),
                )
            )
        for line in _laid_out(lines, stdout.width):
            say(line)
        say(f"{len(clips)} clips in {folder}")
        say("sev: severity of the trigger, 0 to 1; s: length; lost: messages")
        if unfinished:
            say(f"{len(unfinished)} cut off while being recorded; repair with: takead clips recover {folder}")
    give_json(found, as_json)
    end(shelf)


def _laid_out(rows: Sequence[tuple[str, ...]], columns: int) -> list[str]:
    """A line for each row; where that is wider than ``columns``, its name in one and the rest below it.

    No table of rich's: it would break the names, which are there to be copied.
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        name, *rest = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        figures = "  ".join(rest).rstrip()
        wide = sum(widths) + 2 * (len(widths) - 1) > columns
        lines += [name.rstrip(), f"  {figures}"] if wide else [f"{name}  {figures}"]
    return lines
