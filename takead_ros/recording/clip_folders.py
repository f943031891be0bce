"""Folders with clips in them: which are closed, which were cut off, and which cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.recording.clip import (
    MANIFEST_FILE,
    ClipManifest,
)
from takead_ros.recording.clip_manifests import read_manifest
from takead_ros.recording.writer import OPEN_SUFFIX

NOT_CLIPS = (OPEN_SUFFIX, ".recovering", ".damaged")  # folders that are no closed clips


TRASH = ".trash"  # where pruned clips wait for their end


@dataclass(frozen=True)
class Broken:
    """A clip that cannot be read, and why."""

    path: Path
    why: str


@dataclass(frozen=True)
class Shelf:
    """The closed clips of a folder, by name, and those that cannot be read: one bad clip never hides the others."""

    clips: list[tuple[Path, ClipManifest]]
    broken: list[Broken]


def read_clips(path: Path | str) -> Shelf:
    """The clip ``path`` itself (a folder or an ``.mcap`` file), or the closed clips below it, with their manifests.

    Raises TakeadError where ``path`` is neither.
    """
    path, shelf = Path(path), Shelf([], [])
    for clip in [path] if path.is_file() else list_clips(path):
        try:
            shelf.clips.append((clip, read_manifest(clip)))
        except TakeadError as problem:
            shelf.broken.append(Broken(clip, str(problem)))
    return shelf


def list_clips(folder: Path | str) -> list[Path]:
    """The closed clips below ``folder`` (or ``folder`` itself), by name: folders with a manifest, or with a bag that
    may hold the copy of a lost one. Raises TakeadError where it is no folder."""
    folder = Path(folder)
    if not folder.is_dir():
        raise TakeadError(f"clip folder '{folder}': no such folder; expected one with clips in it")
    bags = {path.parent for path in folder.rglob("*.mcap") if (path.parent / "metadata.yaml").is_file()}
    found = bags | {path.parent for path in folder.rglob(MANIFEST_FILE)}
    return sorted(path for path in found if not _is_no_clip(path, folder))


def _is_no_clip(path: Path, folder: Path) -> bool:
    return path.name.endswith(NOT_CLIPS) or TRASH in path.relative_to(folder).parts


def list_unfinished(folder: Path | str) -> list[Path]:
    """Clips below ``folder`` that were cut off while being recorded (or are being recorded right now)."""
    folder = Path(folder)
    if not folder.is_dir():
        raise TakeadError(f"clip folder '{folder}': no such folder; expected one with clips in it")
    found = (path for path in folder.rglob(f"*{OPEN_SUFFIX}") if path.is_dir() and not path.is_symlink())
    return sorted(path for path in found if TRASH not in path.relative_to(folder).parts)
