"""Runs the real ``takead`` as a user would: a subprocess, its exit code, its output."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Takead = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def takead() -> Takead:
    def run(
        *arguments: object, cwd: Path | None = None, timeout: float = 240.0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "takead_ros.cli.main", *map(str, arguments)],
            capture_output=True, text=True, timeout=timeout, check=False, cwd=cwd,
            env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", **environment},
        )  # fmt: skip

    return run


def one_error(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    """The contract of bad input: exit code 2, one error, no traceback, and it names what, where, what was expected."""
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    assert result.stderr.count("error:") + result.stderr.count("Error") == 1, result.stderr
    for part in parts:
        assert part in " ".join(result.stderr.split()), result.stderr
