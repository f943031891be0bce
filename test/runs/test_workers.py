"""Worker processes: one that dies is an error that says what to do; a parent that dies takes its workers with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SUITE = "intersection_right"


def workers_of(parent: int) -> list[int]:
    """The spawned worker processes of ``parent``."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [pid for pid in map(int, children) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.fixture
def drive(tmp_path: Path) -> Any:
    """A running ``takead drive`` with two workers that are both at work."""
    command = [sys.executable, "-m", "takead_ros.cli.main", "drive", "--model", "expert", "--suite", SUITE]
    command += ["--seeds", "training:0-5", "--bags", str(tmp_path / "bags"), "--record", "all", "--workers", "2"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120.0
    while len(list((tmp_path / "bags").glob(f"{SUITE}-*"))) < 2:
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline, "the workers never started"
        time.sleep(0.05)
    yield child
    if child.poll() is None:
        child.kill()
        child.communicate()


def test_a_worker_that_dies_is_one_clear_error(drive: Any, takead: Any, tmp_path: Path) -> None:
    os.kill(workers_of(drive.pid)[0], signal.SIGKILL)
    _, err = drive.communicate(timeout=120)
    assert drive.returncode == 2
    assert "Traceback" not in err
    assert "worker process died" in " ".join(err.split())
    assert "the same command goes on" in " ".join(err.split())


def test_workers_end_with_a_killed_parent(drive: Any) -> None:
    workers = workers_of(drive.pid)
    assert len(workers) == 2
    drive.kill()
    drive.communicate()
    deadline = time.monotonic() + 20.0
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.1)
