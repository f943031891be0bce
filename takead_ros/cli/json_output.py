"""``--json``: one meaning in every verb. FILE is a new file that the result is written to; ``-`` is standard output."""

from __future__ import annotations

from pathlib import Path

import typer

from takead_ros.console import note
from takead_ros.files import new_output, refuse_existing, to_json, writable_folder, write_record

JSON = typer.Option(
    None,
    "--json",
    metavar="FILE",
    help="Write the result to this new file, as JSON; '-': to standard output, in place of the text.",
)
STDOUT = "-"


def json_file(target: str | None) -> Path | None:
    """The file that is meant, if any, checked before the work begins. Raises TakeadError where it cannot be written."""
    if target in (None, STDOUT):
        return None
    path = Path(str(target))
    refuse_existing(path)
    writable_folder(path.parent)
    return path


def give_json(content: object, target: str | None) -> None:
    """Write ``content`` where ``--json`` says, after the text: a disk that is full must not cost that too."""
    if target == STDOUT:
        typer.echo(to_json(content, indent=2))
    elif target is not None:
        with new_output(Path(target)):
            write_record(Path(target), content)
        note(f"written: {target}")
