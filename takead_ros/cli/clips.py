"""``takead clips``: what was recorded, is it whole, and what does it show."""

from __future__ import annotations

import importlib
import importlib.util
import re
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import typer

from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import say, stdout, warn
from takead_ros.domain.errors import TakeadError
from takead_ros.files import refuse_existing
from takead_ros.recording import export as exporting
from takead_ros.recording import reader, retention, timeline, trash
from takead_ros.recording.clip import CLASSIFICATIONS, MANIFEST_FILE, ClipManifest, Relabel
from takead_ros.recording.reader import Broken, Shelf
from takead_ros.recording.recover import Recovered
from takead_ros.recording.recover import recover as repair
from takead_ros.recording.select import Filter, matching
from takead_ros.recording.verify import verify as check
from takead_ros.recording.writer import OPEN_SUFFIX, write_durably

app = typer.Typer(
    name="clips", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False,
    help="List, show, verify, repair, relabel, play and export takeover clips.",
)  # fmt: skip
AGES = {"h": 3600.0, "d": 86400.0}  # s
SIZES = {"MB": 1e6, "GB": 1e9, "TB": 1e12}  # bytes


@app.command(
    "ls", epilog="Example: [bold]takead clips ls runs/demo/round-1/clips --trigger collision_predicted --json -[/bold]"
)
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
    shelf = _shelf(folder)
    clips = matching(shelf, wanted)
    unfinished = reader.list_unfinished(folder)
    rows = [{"path": str(path), **manifest.model_dump(mode="json")} for path, manifest in clips]
    broken = [{"path": str(item.path), "why": item.why} for item in shelf.broken]
    found = {"clips": rows, "unfinished": [str(path) for path in unfinished], "broken": broken}
    if as_json != STDOUT:
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
            say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        say(f"{len(clips)} clips in {folder} (sev: severity of the trigger, 0 to 1; s: length; lost: messages)")
        if unfinished:
            say(f"{len(unfinished)} cut off while being recorded; repair with: takead clips recover {folder}")
    give_json(found, as_json)
    _end(shelf)


@app.command(epilog="Example: [bold]takead clips show runs/demo/round-1/clips/FAMILY-SEED/CLIP --picture a.png[/bold]")
def show(
    clip: Path = typer.Argument(..., help="A clip's folder."),
    picture: Path | None = typer.Option(None, help="Also draw the timeline into this new file, .png or .svg."),
    as_json: str | None = JSON,
) -> None:
    """Tell a clip's story: provenance, events, and a timeline."""
    json_file(as_json)
    manifest = reader.manifest(clip)
    story = timeline.of(clip)
    if picture is not None:
        if picture.suffix not in (".png", ".svg"):
            raise TakeadError(f"--picture '{picture}': unknown ending '{picture.suffix}', expected .png or .svg")
        refuse_existing(picture)
        timeline.draw(story, manifest, picture)
    drawn = None if picture is None else str(picture)
    found = {**manifest.model_dump(mode="json"), "picture": drawn, "frames": len(story.stamps)}
    if as_json != STDOUT:
        for line in describe(manifest):
            say(line)
        say()
        for line in timeline.text(story, manifest, max(40, min(stdout.width, 100) - 12)):
            say(line)
        if drawn:
            say()
            say(f"picture: {drawn}")
    give_json(found, as_json)


@app.command(epilog="Example: [bold]takead clips verify runs/demo/round-1/clips[/bold]")
def verify(
    path: Path = typer.Argument(..., help="A clip, or a folder with clips."),
    as_json: str | None = JSON,
) -> None:
    """Read every byte of the clips and check them against their manifests. Exit code 1 where one is not whole."""
    json_file(as_json)
    reports = [check(clip) for clip in [*_clips(path), *_unfinished(path)]]
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


@app.command(epilog="Example: [bold]takead clips recover runs/demo/round-1/clips[/bold]")
def recover(
    path: Path = typer.Argument(..., help="A clip that was cut off or damaged, or a folder with clips."),
    as_json: str | None = JSON,
) -> None:
    """Make whole clips of those that a kill, a power cut or a bad disk left behind. Whole clips are not touched. Exit
    code 1 where one could not be repaired; the others are."""
    json_file(as_json)
    results: list[Recovered] = []
    failed: list[Broken] = []
    for clip in _unfinished(path) + [clip for clip in _clips(path) if not check(clip).ok]:
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
    _end(Shelf([], failed))


@app.command(
    epilog="Example: [bold]takead clips label CLIP casual_override --by ann --note 'wanted the other lane'[/bold]"
)
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
    manifest = reader.manifest(clip)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    if manifest.relabel is not None:
        manifest.earlier_labels.append(manifest.relabel)
    manifest.relabel = Relabel(classification=classification, by=by, note=note, at=now)
    write_durably(clip / MANIFEST_FILE, manifest.to_json())
    found = {"clip": str(clip), "recorder": manifest.classification, "relabel": manifest.relabel.model_dump()}
    if as_json != STDOUT:
        say(f"{clip.name}: {classification} (recorder said {manifest.classification})")
    give_json(found, as_json)


@app.command(epilog="Example: [bold]takead clips prune clips --max-age 30d --max-size 20GB --yes[/bold]")
def prune(
    folder: Path = typer.Argument(..., help="Folder with clips."),
    max_age: str = typer.Option("", help="Take older ones away, such as 30d or 12h."),
    max_size: str = typer.Option("", help="Take the least severe, then oldest, until the rest fits, such as 20GB."),
    keep_severity: float | None = typer.Option(None, help="Never take clips of at least this severity, 0 to 1."),
    include_unexported: bool = typer.Option(False, help="Also clips that were never exported."),
    empty_trash: bool = typer.Option(False, help="Remove for good what lies in the folder's .trash."),
    yes: bool = typer.Option(False, "--yes", help="Do it; without it only what would be done is shown."),
    as_json: str | None = JSON,
) -> None:
    """Apply a retention policy by age, size and severity. Clips go to FOLDER/.trash first, from where they can be moved
    back; --empty-trash frees their space. Only folders that are clips and nothing else are ever moved or removed."""
    json_file(as_json)
    if empty_trash:
        if max_age or max_size or keep_severity is not None or include_unexported:
            raise TakeadError("--empty-trash goes alone; expected no other option but --yes and --json")
        _empty_trash(folder, yes, as_json)
        return
    age, size = _amount(max_age, "--max-age", AGES), _amount(max_size, "--max-size", SIZES)
    if age is None and size is None:
        raise TakeadError("nothing says which clips may go; expected --max-age, --max-size or both")
    policy = retention.RetentionPolicy(age, None if size is None else int(size), keep_severity, include_unexported)
    shelf = _shelf(folder)
    decision = retention.decide([_stored(clip, manifest) for clip, manifest in shelf.clips], policy)
    if yes:
        for clip, why in list(decision.delete):
            try:
                trash.to_trash(clip.path, folder)
            except TakeadError as problem:
                decision.delete.remove((clip, why))
                decision.withheld.append((clip, f"{why}, but {problem}"))
    both = {"trashed" if yes else "would_trash": decision.delete, "withheld": decision.withheld}
    rows = {k: [{"path": str(c.path), "why": why, "bytes": c.size} for c, why in v] for k, v in both.items()}
    found = {**rows, "broken": [{"path": str(item.path), "why": item.why} for item in shelf.broken]}
    if as_json != STDOUT:
        for words, items in (("moved" if yes else "would move", decision.delete), ("withheld", decision.withheld)):
            for clip, why in items:
                say(f"{words} {clip.path} ({clip.size / 1e6:.1f} MB): {why}")
        done = f"moved to {folder / reader.TRASH}" if yes else "to move to the trash (--yes does it)"
        say(f"{len(decision.delete)} {done}")
        if yes and decision.delete:
            say(f"their space is free after: takead clips prune {folder} --empty-trash --yes")
    give_json(found, as_json)
    _end(shelf)


def _empty_trash(folder: Path, yes: bool, as_json: str | None) -> None:
    removed, withheld = [], []
    for clip in trash.trashed(folder):
        why = trash.foreign(clip)
        if why:
            withheld.append(Broken(clip, why))
            continue
        if yes:
            trash.remove_clip(clip)
        removed.append(clip)
    key = "removed" if yes else "would_remove"
    rows = [{"path": str(item.path), "why": item.why} for item in withheld]
    found = {key: [str(clip) for clip in removed], "withheld": rows}
    if as_json != STDOUT:
        for clip in removed:
            say(f"{'removed' if yes else 'would remove'} {clip}")
        for item in withheld:
            say(f"withheld {item.path}: it {item.why}")
        say(f"{len(removed)} {'removed' if yes else 'to remove (--yes does it)'}")
    give_json(found, as_json)


@app.command(
    epilog="Example: [bold]takead clips export runs/demo/round-1/clips --format parquet --out clips.parquet[/bold]"
)
def export(
    path: Path = typer.Argument(..., help="A clip, or a folder with clips."),
    out: Path = typer.Option(..., help="New file (parquet) or folder (lerobot)."),
    format_: str = typer.Option("parquet", "--format", help=f"One of {', '.join(exporting.FORMATS)}."),
    as_json: str | None = JSON,
) -> None:
    """Write clips as tables for other tools: a row for each frame. Exit code 1 where a clip could not be read; the
    others are written."""
    json_file(as_json)
    shelf = reader.read_clips(path)
    result = exporting.export(shelf.clips, out, format_)
    shelf.broken.extend(result.broken)
    found = {
        "clips": [str(clip) for clip in result.clips], "out": str(out), "format": format_, "frames": result.frames,
        "broken": [{"path": str(item.path), "why": item.why} for item in shelf.broken],
        "not_noted": result.not_noted, "left_out": result.left_out,
    }  # fmt: skip
    if as_json != STDOUT:
        say(f"{result.frames} frames of {len(result.clips)} clips -> {out}")
        if result.left_out:
            say(f"left out, for some frame lacks it: {', '.join(result.left_out)}")
        for words in result.not_noted:
            warn(f"the export is not noted in the manifest: {words}")
    give_json(found, as_json)
    _end(shelf)


@app.command(epilog="Example: [bold]takead clips play CLIP --out takeover.mp4 --speed 2[/bold]")
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
    film = importlib.import_module("takead_ros.pictures.clip_video")
    if out is None and not clip.is_dir():
        raise TakeadError(f"clip '{clip}': is a file, in which no picture can lie; name another place with --out")
    target = out or clip / "play.gif"
    refuse_existing(target)
    count = film.write(clip, target, speed)
    found = {"clip": str(clip), "out": str(target), "pictures": count, "speed": speed}
    if as_json != STDOUT:
        say(f"{count} pictures -> {target}")
    give_json(found, as_json)


def _clips(path: Path) -> list[Path]:
    """``path`` itself where it is a closed clip, else those below it."""
    return [path] if path.is_file() else reader.list_clips(path)


def _unfinished(path: Path) -> list[Path]:
    if path.name.endswith(OPEN_SUFFIX) and path.is_dir():
        return [path]
    return [] if path.is_file() else reader.list_unfinished(path)


def _shelf(folder: Path) -> Shelf:
    """The clips below ``folder``, with the reason for each that cannot be read printed by ``_end``."""
    if not folder.is_dir():
        raise TakeadError(f"clip folder '{folder}': no such folder; expected one with clips in it")
    return reader.read_clips(folder)


def _end(shelf: Shelf) -> None:
    """Name what could not be read; exit code 1 where there is any."""
    for item in shelf.broken:
        warn(f"{item.path} is left out: {item.why}")
    if shelf.broken:
        raise typer.Exit(1)


def _stored(clip: Path, manifest: ClipManifest) -> retention.Stored:
    created = manifest.provenance.created
    try:
        age = (datetime.now(timezone.utc) - datetime.fromisoformat(created)).total_seconds() if created else None
        size = sum(file.lstat().st_size for file in clip.iterdir())
    except OSError as problem:
        return retention.Stored(clip, manifest, None, 0, f"cannot be looked into ({problem.strerror})")
    except (ValueError, TypeError):
        return retention.Stored(clip, manifest, None, 0, f"was made at '{created}', which is no time with a zone")
    return retention.Stored(clip, manifest, age, size, trash.foreign(clip))


def _amount(text: str, option: str, units: dict[str, float]) -> float | None:
    if not text:
        return None
    match = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([A-Za-z]+)", text)
    if match is None or match[2] not in units:
        raise TakeadError(f"{option} '{text}': expected a number of up to 12 digits and one of {', '.join(units)}")
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
