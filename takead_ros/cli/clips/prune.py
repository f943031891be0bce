"""``takead clips prune``: which clips may go, by age, size and severity."""

from __future__ import annotations

import re
from contextlib import nullcontext
from datetime import datetime, timezone
from pathlib import Path

import typer

from takead_ros.cli.clips.shelf import end, open_shelf
from takead_ros.cli.json_output import JSON, STDOUT, give_json, json_file
from takead_ros.console import say
from takead_ros.domain.errors import TakeadError
from takead_ros.files import locked
from takead_ros.recording import clip_folders, retention, trash
from takead_ros.recording.clip import ClipManifest
from takead_ros.recording.clip_folders import Broken

AGES = {"h": 3600.0, "d": 86400.0}  # s
SIZES = {"MB": 1e6, "GB": 1e9, "TB": 1e12}  # bytes

EXAMPLE = "Example: [bold]takead clips prune clips --max-age 30d --max-size 20GB --yes[/bold]"


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
    with locked(folder) if yes and folder.is_dir() else nullcontext():  # nobody records into it meanwhile
        if empty_trash:
            if max_age or max_size or keep_severity is not None or include_unexported:
                raise TakeadError("--empty-trash goes alone; expected no other option but --yes and --json")
            _empty_trash(folder, yes, as_json)
        else:
            _prune(folder, max_age, max_size, keep_severity, include_unexported, yes, as_json)


def _prune(
    folder: Path,
    max_age: str,
    max_size: str,
    keep_severity: float | None,
    include_unexported: bool,
    yes: bool,
    as_json: str | None,
) -> None:
    age, size = _amount(max_age, "--max-age", AGES), _amount(max_size, "--max-size", SIZES)
    if age is None and size is None:
        raise TakeadError("nothing says which clips may go; expected --max-age, --max-size or both")
    policy = retention.RetentionPolicy(age, None if size is None else int(size), keep_severity, include_unexported)
    shelf = open_shelf(folder)
    decision = retention.choose_deletions([_stored(clip, manifest) for clip, manifest in shelf.clips], policy)
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
        done = f"moved to {folder / clip_folders.TRASH}" if yes else "to move to the trash (--yes does it)"
        say(f"{len(decision.delete)} {done}")
        if yes and decision.delete:
            say(f"their space is free after: takead clips prune {folder} --empty-trash --yes")
    give_json(found, as_json)
    end(shelf)


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
