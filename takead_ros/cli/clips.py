"""``takead clips``: what was recorded, is it whole, and what does it show."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import shutil
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import typer

from takead_ros.console import stdout
from takead_ros.domain.errors import TakeadError
from takead_ros.recording import export as exporting
from takead_ros.recording import reader, retention, timeline
from takead_ros.recording.clip import CLASSIFICATIONS, MANIFEST_FILE, ClipManifest, Relabel
from takead_ros.recording.recover import recover as repair
from takead_ros.recording.select import Filter, matching
from takead_ros.recording.verify import verify as check
from takead_ros.recording.writer import OPEN_SUFFIX, write_durably

app = typer.Typer(
    name="clips", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False,
    help="List, show, verify, repair, relabel, play and export takeover clips.",
)  # fmt: skip
JSON = typer.Option(False, "--json", help="Print JSON instead of a table.")


@app.command(
    "ls", epilog="Example: [bold]takead clips ls runs/demo/round-1/clips --trigger collision_predicted --json[/bold]"
)
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
    lines = [("clip", "class", "trigger", "who", "sev", "s", "events", "lost")]
    for path, manifest in clips:
        name = str(path.relative_to(folder)) if path != folder else path.name
        lines.append((
            name, manifest.judged, manifest.trigger, manifest.who, f"{manifest.severity:.2f}",
            f"{manifest.seconds:.1f}", str(len(manifest.events)), str(manifest.lost),
        ))  # fmt: skip
    widths = [max(len(row[i]) for row in lines) for i in range(len(lines[0]))]
    for row in lines:
        # No table of rich's: it would break the names, which are there to be copied.
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        stdout.print(line.rstrip(), highlight=False, markup=False, soft_wrap=True)
    stdout.print(f"{len(clips)} clips in {folder}", highlight=False)
    if unfinished:
        stdout.print(
            f"{len(unfinished)} cut off while being recorded; repair with: takead clips recover {folder}",
            highlight=False,
        )


@app.command(epilog="Example: [bold]takead clips show runs/demo/round-1/clips/FAMILY-SEED/CLIP[/bold]")
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


@app.command(epilog="Example: [bold]takead clips verify runs/demo/round-1/clips[/bold]")
def verify(
    path: Path = typer.Argument(..., help="A clip, or a folder with clips."),
    as_json: bool = JSON,
) -> None:
    """Read every byte of the clips and check them against their manifests. Exit code 1 where one is not whole."""
    reports = [check(clip) for clip in _clips(path)]
    reports += [check(clip) for clip in _unfinished(path)]
    if not reports:
        raise TakeadError(f"'{path}': holds no clip; expected a clip, or a folder with clips")
    if as_json:
        rows = [{**asdict(report), "path": str(report.path), "ok": report.ok} for report in reports]
        print_json({"clips": rows})
    else:
        for report in reports:
            word = "whole  " if report.ok else "DAMAGED"
            stdout.print(f"{word} {report.path} ({report.messages} messages, {report.lost} lost)",
                         highlight=False, soft_wrap=True)  # fmt: skip
            for problem in report.problems:
                stdout.print(f"        {problem}", highlight=False, markup=False, soft_wrap=True)
        stdout.print(f"{sum(r.ok for r in reports)} of {len(reports)} whole", highlight=False)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


@app.command(epilog="Example: [bold]takead clips recover runs/demo/round-1/clips[/bold]")
def recover(
    path: Path = typer.Argument(..., help="A clip that was cut off or damaged, or a folder with clips."),
    as_json: bool = JSON,
) -> None:
    """Make whole clips of those that a kill, a power cut or a bad disk left behind. Whole clips are not touched."""
    broken = _unfinished(path) + [clip for clip in _clips(path) if not check(clip).ok]
    results = [repair(clip) for clip in broken]
    if as_json:
        keys = ("source", "clip", "kept")
        rows = [{**asdict(r), **{k: str(v) if (v := getattr(r, k)) else None for k in keys}} for r in results]
        print_json({"recovered": rows})
        return
    for result in results:
        story = f"{result.messages} messages -> {result.clip}" if result.clip else "nothing could be saved"
        kept = f"; original kept as {result.kept}" if result.kept else ""
        stdout.print(f"{result.source.name}: {story} ({result.damage}{kept})", highlight=False, soft_wrap=True)
    stdout.print(f"{sum(r.clip is not None for r in results)} of {len(results)} recovered", highlight=False)


@app.command(
    epilog="Example: [bold]takead clips label CLIP casual_override --by ann --note 'wanted the other lane'[/bold]"
)
def label(
    clip: Path = typer.Argument(..., help="A clip's folder."),
    classification: str = typer.Argument(..., help=f"One of {', '.join(CLASSIFICATIONS)}."),
    by: str = typer.Option("", help="Who says so."),
    note: str = typer.Option("", help="Why."),
    as_json: bool = JSON,
) -> None:
    """Say what a clip really is; the recorder's own classification stays beside it."""
    if classification not in CLASSIFICATIONS:
        raise TakeadError(f"class '{classification}': expected one of {', '.join(CLASSIFICATIONS)}")
    manifest = reader.manifest(clip)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    manifest.relabel = Relabel(classification=classification, by=by, note=note, at=now)
    write_durably(clip / MANIFEST_FILE, manifest.to_json())
    if as_json:
        print_json({"clip": str(clip), "recorder": manifest.classification, "relabel": manifest.relabel.model_dump()})
        return
    stdout.print(f"{clip.name}: {classification} (recorder said {manifest.classification})", highlight=False)


@app.command(epilog="Example: [bold]takead clips prune clips --max-age 30d --max-size 20GB --yes[/bold]")
def prune(
    folder: Path = typer.Argument(..., help="Folder with clips."),
    max_age: str = typer.Option("", help="Delete older ones, such as 30d or 12h."),
    max_size: str = typer.Option("", help="Delete the least severe, then oldest, until the rest fits, such as 20GB."),
    keep_severity: float = typer.Option(1.1, help="Never delete clips of at least this severity, 0 to 1."),
    include_unexported: bool = typer.Option(False, help="Also clips that were never exported."),
    yes: bool = typer.Option(False, "--yes", help="Delete; without it only what would be deleted is shown."),
    as_json: bool = JSON,
) -> None:
    """Apply a retention policy by age, size and severity."""
    policy = retention.Policy(
        _amount(max_age, "--max-age", {"h": 3600.0, "d": 86400.0}),
        None if (size := _amount(max_size, "--max-size", {"MB": 1e6, "GB": 1e9, "TB": 1e12})) is None else int(size),
        keep_severity, include_unexported,
    )  # fmt: skip
    decision = retention.decide([_stored(clip) for clip in reader.list_clips(folder)], policy)
    if yes:
        for clip, _ in decision.delete:
            shutil.rmtree(clip.path)
    if as_json:
        both = {"deleted" if yes else "would_delete": decision.delete, "withheld": decision.withheld}
        print_json({k: [{"path": str(c.path), "why": why, "bytes": c.size} for c, why in v] for k, v in both.items()})
        return
    for words, found in (("deleted" if yes else "would delete", decision.delete), ("withheld", decision.withheld)):
        for clip, why in found:
            stdout.print(f"{words} {clip.path} ({clip.size / 1e6:.1f} MB): {why}", highlight=False, soft_wrap=True)
    stdout.print(f"{len(decision.delete)} {'deleted' if yes else 'to delete (--yes does it)'}", highlight=False)


@app.command(
    epilog="Example: [bold]takead clips export runs/demo/round-1/clips --format parquet --out clips.parquet[/bold]"
)
def export(
    path: Path = typer.Argument(..., help="A clip, or a folder with clips."),
    out: Path = typer.Option(..., help="New file (parquet) or folder (lerobot)."),
    format_: str = typer.Option("parquet", "--format", help=f"One of {', '.join(exporting.FORMATS)}."),
    as_json: bool = JSON,
) -> None:
    """Write clips as tables for other tools: a row for each frame."""
    clips = _clips(path)
    count = exporting.export(clips, out, format_)
    if as_json:
        print_json({"clips": [str(clip) for clip in clips], "out": str(out), "format": format_, "frames": count})
        return
    stdout.print(f"{count} frames of {len(clips)} clips -> {out}", highlight=False, soft_wrap=True)


@app.command(epilog="Example: [bold]takead clips play CLIP --out takeover.mp4 --speed 2[/bold]")
def play(
    clip: Path = typer.Argument(..., help="A clip's folder."),
    out: Path | None = typer.Option(None, help="New file, .gif or .mp4; default: <clip>/play.gif."),
    speed: float = typer.Option(1.0, min=0.1, max=20.0, help="Times real time."),
    as_json: bool = JSON,
) -> None:
    """Make an animated top-down picture: the scene, both sides' plans, and who drives."""
    if importlib.util.find_spec("PIL") is None:
        raise TakeadError("pictures need Pillow; get it with: pip install 'takead_ros[sim]'")
    film = importlib.import_module("takead_ros.pictures.clip_video")
    target = out or clip / "play.gif"
    if target.exists():
        raise TakeadError(f"output '{target}' exists already; expected a new path (nothing is overwritten)")
    count = film.write(clip, target, speed)
    if as_json:
        print_json({"clip": str(clip), "out": str(target), "pictures": count, "speed": speed})
        return
    stdout.print(f"{count} pictures -> {target}", highlight=False, soft_wrap=True)


def _clips(path: Path) -> list[Path]:
    """``path`` itself where it is a closed clip, else those below it."""
    return [path] if path.is_file() else reader.list_clips(path)


def _unfinished(path: Path) -> list[Path]:
    if path.name.endswith(OPEN_SUFFIX) and path.is_dir():
        return [path]
    return [] if path.is_file() else reader.list_unfinished(path)


def _stored(clip: Path) -> retention.Stored:
    manifest = reader.manifest(clip)
    created = manifest.provenance.created
    try:
        age = (datetime.now(timezone.utc) - datetime.fromisoformat(created)).total_seconds() if created else None
    except (ValueError, TypeError):
        raise TakeadError(f"clip '{clip}': created '{created}': expected ISO 8601 with a time zone") from None
    return retention.Stored(clip, manifest, age, sum(file.stat().st_size for file in clip.iterdir()))


def _amount(text: str, option: str, units: dict[str, float]) -> float | None:
    if not text:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]+)", text)
    if match is None or match[2] not in units:
        raise TakeadError(f"{option} '{text}': expected a number and one of {', '.join(units)}")
    return float(match[1]) * units[match[2]]


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
