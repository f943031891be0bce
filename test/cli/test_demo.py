"""A small demo, stopped by Ctrl-C in two of its stages, goes on with the same command to the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SMALL = (
    "--suite", "intersection_right", "--demonstrated", "intersection_right", "--families", "intersection_right",
    "--demonstrations", "1", "--drives", "1", "--selection", "1", "--tests", "1", "--many", "1",
    "--family-tests", "1", "--rounds", "1", "--epochs", "1", "--draws", "512", "--workers", "2",
)  # fmt: skip


def stop_when(command: list[str], there: Callable[[], bool]) -> subprocess.CompletedProcess[str]:
    """Run ``command`` and press Ctrl-C (SIGINT to its process group, as a terminal does) once ``there`` holds."""
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # make in the background starts everything with SIGINT ignored, a terminal does not
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160"},
    )
    try:
        deadline = time.monotonic() + 200.0
        while not there():
            assert child.poll() is None, child.communicate()[1]
            assert time.monotonic() < deadline, "the stage was never reached"
            time.sleep(0.05)
        os.killpg(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=100.0)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(command, child.returncode, out, err)


def table(out: str) -> str:
    """The comparison in what a demo prints."""
    return out.split("\nresult\n")[1].split("takeovers, old")[0]


@pytest.mark.timeout(900)
def test_ctrl_c_in_any_stage_leaves_a_run_that_the_same_command_finishes(
    takead: Any, untrained: Path, tmp_path: Path, one_error: Any
) -> None:
    run = tmp_path / "run"
    arguments = ("demo", "--out", str(run), "--model", str(untrained), *SMALL)
    command = [sys.executable, "-m", "takead_ros.cli.main", *arguments]

    in_first_drive = stop_when(command, lambda: any((run / "demonstrations").glob("*/*")))
    in_training = stop_when(command, lambda: (run / "round-1" / "training").exists())
    for stopped in (in_first_drive, in_training):
        assert stopped.returncode == 130, stopped.stderr
        assert "the same command goes on" in " ".join(stopped.stderr.split())
        assert "Traceback" not in stopped.stderr
    assert not (run / "report.html").exists()
    takeovers = (run / "round-1" / "collected" / "episodes.jsonl").read_bytes()

    finished = takead(*arguments, timeout=400.0)
    assert finished.returncode == 0, finished.stderr
    assert (run / "round-1" / "collected" / "episodes.jsonl").read_bytes() == takeovers
    assert "Driving Score" in finished.stdout
    assert "95 % interval" in finished.stdout
    page = (run / "report.html").read_text()
    shown = page.count("data:image/gif;base64,")
    assert shown == len(list((run / "takeovers").glob("*.gif"))) and page.count("<svg") >= 3
    inside = page.replace("url(#", "")
    assert [word for word in ('src="http', "<link", "<script", "url(") if word in inside] == []

    again = takead(*arguments)
    assert again.returncode == 0, again.stderr
    assert table(again.stdout) == table(finished.stdout)
    one_error(takead(*arguments, "--epochs", "2"), "other settings", "nothing is overwritten")
