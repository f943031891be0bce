"""What the commands print and write: errors, tables, JSON, output folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as Eta

from takead_ros.domain.errors import TakeadError
from takead_ros.files import writable_folder

stdout = Console(soft_wrap=False)
stderr = Console(stderr=True)


def error(message: str) -> None:
    """One clear line on stderr."""
    stderr.print(f"[bold red]error:[/bold red] {message.replace('[', chr(92) + '[')}", soft_wrap=True, highlight=False)


def progress() -> Progress:
    """A progress bar with count and ETA on stderr; plain and silent where stderr is no terminal."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        Eta(),
        console=stderr,
        transient=False,
    )


def refuse_existing(path: Path) -> None:
    """TakeadError where an output file is already there."""
    if path.exists():
        raise TakeadError(f"output '{path}' exists already; expected a new path (nothing is overwritten)")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``. Raises TakeadError naming the file and what was expected."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise TakeadError(f"'{path}': {problem}; expected JSON written by 'takead demo' or 'takead eval'") from problem
    if not isinstance(content, dict):
        raise TakeadError(f"'{path}': holds a {type(content).__name__}, expected a JSON object")
    return content


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` as JSON, whole or not at all (a sibling file is renamed over ``path``)."""
    writable_folder(path.parent)
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_text(json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as problem:
        partial.unlink(missing_ok=True)
        raise TakeadError(
            f"output '{path}': {problem.strerror}; expected a writable place with space left"
        ) from problem
