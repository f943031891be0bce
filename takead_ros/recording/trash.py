"""Takes clips away, and nothing else: into a trash folder first, from there for good, file by file.

A folder goes only where everything in it is known to be a clip's. No tree is ever removed: what somebody else put in a
folder stops its removal, also where it appears in the last moment.
"""

from __future__ import annotations

from pathlib import Path

from takead_ros.domain.errors import TakeadError
from takead_ros.files import LOCK_SUFFIX
from takead_ros.recording import clip_manifests
from takead_ros.recording.clip import MANIFEST_FILE
from takead_ros.recording.clip_folders import TRASH

METADATA_FILE = "metadata.yaml"
PICTURES = frozenset({"timeline.png", "play.gif", "play.mp4"})  # what ``takead clips`` puts there by default


def clip_files(folder: Path, clip_id: str) -> frozenset[str]:
    """Names of the files that a clip of that id may consist of."""
    return PICTURES | {f"{clip_id}_0.mcap", METADATA_FILE, MANIFEST_FILE, MANIFEST_FILE + LOCK_SUFFIX}


def foreign(folder: Path) -> str:
    """Why ``folder`` is not a clip and nothing else; empty where it is."""
    if folder.is_symlink() or not folder.is_dir():
        return "is no folder"
    try:
        return _foreign(folder)
    except OSError as problem:
        return f"cannot be looked into ({problem.strerror})"


def _foreign(folder: Path) -> str:
    names = {path.name for path in folder.iterdir()}
    known = clip_files(folder, folder.name)
    missing = sorted({f"{folder.name}_0.mcap", METADATA_FILE} - names)
    if missing:
        return f"lacks {missing[0]}, so it is no clip"
    strange = sorted(names - known) or sorted(
        path.name for path in folder.iterdir() if path.is_symlink() or not path.is_file()
    )
    if strange:
        return f"holds '{strange[0]}', which is no part of a clip"
    try:
        clip_id = clip_manifests.read_manifest(folder).clip_id
    except TakeadError as problem:
        return f"cannot be read ({problem})"
    return "" if clip_id == folder.name else f"calls itself '{clip_id}', which is not the folder's name"


def to_trash(clip: Path, root: Path) -> Path:
    """Move ``clip`` into the trash of ``root``, the folder that was asked about; returns where it is now.

    Raises TakeadError where it is more than a clip, or cannot be moved.
    """
    why = foreign(clip)
    if why:
        raise TakeadError(f"clip '{clip}': {why}; nothing was removed")
    trash = root / TRASH
    if trash.is_symlink():
        raise TakeadError(f"clip '{clip}': '{trash}' is a link; expected a folder (nothing was removed)")
    try:
        trash.mkdir(exist_ok=True)
        number, place = 1, trash / clip.name
        while place.exists():
            number += 1
            place = trash / f"{number}" / clip.name
            place.parent.mkdir(exist_ok=True)
        return clip.rename(place)
    except OSError as problem:
        raise TakeadError(
            f"clip '{clip}': {problem.strerror}; expected that it can be moved to '{trash}' (nothing was removed)"
        ) from problem


def trashed(root: Path) -> list[Path]:
    """What lies in the trash of ``root``."""
    trash = root / TRASH
    folders = sorted(trash.iterdir()) if trash.is_dir() and not trash.is_symlink() else []
    shelves = [path for path in folders if path.name.isdecimal() and path.is_dir() and not path.is_symlink()]
    numbered = [path for shelf in shelves for path in sorted(shelf.iterdir())]
    return [path for path in folders if path not in shelves] + numbered


def remove_clip(folder: Path) -> None:
    """Remove a clip for good: its own files one by one, then the empty folder.

    Raises TakeadError where it is more than a clip, or is not empty then.
    """
    why = foreign(folder)
    if why:
        raise TakeadError(f"clip '{folder}': {why}; nothing was removed")
    remove_files(folder, clip_files(folder, folder.name))


def remove_files(folder: Path, names: frozenset[str]) -> None:
    """Remove the files of these ``names`` from ``folder``, and the folder where it is then empty; else TakeadError."""
    for name in sorted(names):
        (folder / name).unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError as problem:
        raise TakeadError(f"folder '{folder}': holds more than a clip; the rest stays") from problem
