"""Whether a folder can be written to, asked before anything is driven or trained."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from takead_ros.domain.errors import TakeadError


def writable_folder(folder: Path) -> Path:
    """Make ``folder`` and prove that a file can be written in it; TakeadError names what stands in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as problem:
        raise TakeadError(
            f"output folder '{folder}': {problem.strerror}; expected a folder that can be made and written to"
        ) from problem
    return folder
