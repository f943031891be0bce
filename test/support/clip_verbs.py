"""The verbs of ``takead clips``, run in this process, and a manifest that says something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from takead_ros.cli import clips
from takead_ros.recording.clip import MANIFEST_FILE


def run(arguments: list[str], code: int = 0) -> str:
    result = CliRunner().invoke(clips.app, arguments, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def edited(clip: Path, **changes: Any) -> None:
    content = json.loads((clip / MANIFEST_FILE).read_text())
    for name, value in changes.items():
        place = content
        *parts, last = name.split("__")
        for part in parts:
            place = place[part]
        place[last] = value
    (clip / MANIFEST_FILE).write_text(json.dumps(content))
