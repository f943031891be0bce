"""The clips that a verb is about, and how it ends where some could not be read."""

from __future__ import annotations

from pathlib import Path

import typer

from takead_ros.console import warn
from takead_ros.domain.errors import TakeadError
from takead_ros.recording import clip_folders
from takead_ros.recording.clip_folders import Shelf
from takead_ros.recording.writer import OPEN_SUFFIX


def open_shelf(folder: Path) -> Shelf:
    """The clips below ``folder``, with the reason for each that cannot be read, which ``end`` prints."""
    if not folder.is_dir():
        raise TakeadError(f"clip folder '{folder}': no such folder; expected one with clips in it")
    return clip_folders.read_clips(folder)


def closed_clips(path: Path) -> list[Path]:
    """``path`` itself where it is a closed clip, else those below it."""
    return [path] if path.is_file() else clip_folders.list_clips(path)


def open_clips(path: Path) -> list[Path]:
    """What was cut off while being recorded: ``path`` itself, or those below it."""
    if path.name.endswith(OPEN_SUFFIX) and path.is_dir():
        return [path]
    return [] if path.is_file() else clip_folders.list_unfinished(path)


def end(shelf: Shelf) -> None:
    """Name what could not be read; exit code 1 where there is any."""
    for item in shelf.broken:
        warn(f"{item.path} is left out: {item.why}")
    if shelf.broken:
        raise typer.Exit(1)
