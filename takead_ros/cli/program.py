"""A program that is no verb, such as a benchmark: ends as verbs do, and writes its JSON as they do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from takead_ros.cli.ending import ended
from takead_ros.cli.interrupt import Interrupt
from takead_ros.files import refuse_existing, writable_folder


def new_file(text: str) -> Path:
    """A type for argparse: a new file. Raises TakeadError, before any work, where it cannot be written."""
    path = Path(text)
    refuse_existing(path)
    writable_folder(path.parent)
    return path


def end_with(main: Callable[[], int | None]) -> NoReturn:
    """Run ``main`` and end the process: bad input is one line and exit code 2, Ctrl-C 130 (``cli.ending``)."""

    def command() -> int:
        try:
            return main() or 0
        except SystemExit as end:  # argparse's
            if isinstance(end.code, str):
                sys.stderr.write(f"{end.code}\n")
            return end.code if isinstance(end.code, int) else 0 if end.code is None else 1

    with Interrupt() as interrupt:
        interrupt.raises()
        code = ended(command, sys.argv[1:], lambda: interrupt.seen)
    sys.exit(code)
