"""``takead clips``: what was recorded, is it whole, and what does it show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from takead_ros.cli.output import stdout
from takead_ros.recording import reader, timeline
from takead_ros.recording.clip import ClipManifest
from takead_ros.recording.select import Filter, matching

app = typer.Typer(
    name="clips", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False,
    help="List, show, verify, repair, relabel, play and export takeover clips.",
)  # fmt: skip
JSON = typer.Option(False, "--json", help="Print JSON instead of a table.")


@app.command("ls", epilog="Example: [bold]takead clips ls runs/demo/clips --trigger collision_predicted --json[/bold]")
def list_(
    folder: Path = typer.Argument(..., help="Folder with clips."),
    trigger: str = typer.Option("", help="Only this trigger, such as collision_predicted."),
    classification: str = typer.Option("", help="Only this class, such as takeover or casual_override."),
    min_severity: float = typer.Option(0.0, help="Only at least this severe, 0 to 1."),
    model: str = typer.Option("", help="Only this model: the beginning of its sha256."),
    scenario: str = typer.Option("", help="Only this scenario."),
    since: str = typer.Option("", help="Only created on this date or later, YYYY-MM-DD."),
    until: str = typer.Option("", help="Only created on this date or earlier, YYYY-MM-DD."),
    as_json: bool = JSON,
) -> None:
    """List the clips in a folder, and those that wait for repair."""
    wanted = Filter(trigger, classification, min_severity, model, scenario, since, until)
    clips = matching(folder, wanted)
    unfinished = reader.list_unfinished(folder)
    if as_json:
        rows = [{"path": str(path), **json.loads(manifest.model_dump_json())} for path, manifest in clips]
        print_json({"clips": rows, "unfinished": [str(path) for path in unfinished]})
        return
    table = Table(box=None, pad_edge=False)
    for column in ("clip", "class", "trigger", "who", "sev", "s", "events", "lost"):
        right = column in ("sev", "s", "events", "lost")
        table.add_column(column, justify="right" if right else "left", overflow="fold", no_wrap=column != "clip")
    for path, manifest in clips:
        table.add_row(
            str(path.relative_to(folder)) if path != folder else path.name, manifest.judged, manifest.trigger,
            manifest.who, f"{manifest.severity:.2f}", f"{manifest.seconds:.1f}", str(len(manifest.events)),
            str(manifest.lost),
        )  # fmt: skip
    stdout.print(table)
    stdout.print(f"{len(clips)} clips in {folder}", highlight=False)
    if unfinished:
        stdout.print(
            f"{len(unfinished)} cut off while being recorded; repair with: takead clips recover {folder}",
            highlight=False,
        )


@app.command(epilog="Example: [bold]takead clips show runs/demo/clips/cut-in_s3_1a2b3c4d_000012350ms[/bold]")
def show(
    clip: Path = typer.Argument(..., help="A clip's folder."),
    picture: Path | None = typer.Option(None, help="Where the picture goes; default: <clip>/timeline.png."),
    as_json: bool = JSON,
) -> None:
    """Tell a clip's story: provenance, events, a timeline in the terminal and as a picture."""
    manifest = reader.manifest(clip)
    story = timeline.of(clip)
    target = timeline.draw(story, manifest, picture or clip / "timeline.png")
    if as_json:
        print_json({**json.loads(manifest.model_dump_json()), "picture": str(target), "frames": len(story.stamps)})
        return
    for line in describe(manifest):
        stdout.print(line, highlight=False, soft_wrap=True)
    stdout.print()
    for line in timeline.text(story, manifest, max(40, min(stdout.width, 100) - 12)):
        stdout.print(line, highlight=False, markup=False, soft_wrap=True)
    stdout.print(f"\npicture: {target}", highlight=False, soft_wrap=True)


def describe(manifest: ClipManifest) -> list[str]:
    """The manifest in a few lines for a person."""
    source = manifest.provenance
    origin = [f"scenario {source.scenario or '-'}", f"seed {'-' if source.seed is None else source.seed}"]
    origin += [f"suite {source.suite}"] if source.suite else []
    lines = [
        f"clip      {manifest.clip_id} ({manifest.state}, {manifest.seconds:.1f} s)",
        f"class     {manifest.judged}" + (f" (recorder said {manifest.classification})" if manifest.relabel else ""),
        f"trigger   {manifest.trigger}, severity {manifest.severity:.2f}, {manifest.who} drove: {manifest.why or '-'}",
        f"from      {', '.join(origin)}, model {source.model_sha256[:12] or '-'}, takead_ros {source.version or '-'}",
        f"frames    {', '.join(f'{count} {label}' for label, count in manifest.labels.items()) or '-'}",
    ]
    lost = [f"{topic} {c}" for topic, t in manifest.topics.items() if (c := manifest_loss(t.model_dump()))]
    lines.append(f"lost      {', '.join(lost) or 'nothing'}")
    if not manifest.complete_pre_window:
        lines.append("note      the ring's byte bound cut the time before the trigger short")
    if manifest.recovery:
        lines.append(f"repaired  {manifest.recovery.messages} messages saved; damage: {manifest.recovery.damage}")
    return lines


def manifest_loss(count: dict[str, Any]) -> str:
    """The losses of one topic in words; empty where there are none."""
    return " ".join(f"{name[5:]}={n}" for name, n in count.items() if name.startswith("lost_") and n)


def print_json(content: Any) -> None:
    """JSON on stdout, whatever the terminal's width."""
    typer.echo(json.dumps(content, indent=2, sort_keys=True))
