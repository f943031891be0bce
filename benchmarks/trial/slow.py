"""A slow case of the trial: a program in a process of its own, what is done to it, and how it has to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "test"))

from trial.case import Who  # noqa: E402
from trial.material import GOLDEN, clip_name  # noqa: E402

TAKEAD = (sys.executable, "-m", "takead_ros.cli.main")
DRIVE = ("drive", "--model", "expert", "--suite", "intersection_right", "--record", "all")
CLIP = str(GOLDEN / clip_name())


class Failed(Exception):  # noqa: N818  # what a case found
    """What was not as it should be."""


@dataclass(frozen=True)
class Slow:
    """One slow case; ``run`` works in the folder that it is given."""

    name: str
    verb: str
    who: Who
    run: Callable[[Path], None]
    root: bool = False


SLOW: list[Slow] = []


def slow(name: str, verb: str, who: Who, root: bool = False) -> Callable[[Callable[[Path], None]], None]:
    def add(run: Callable[[Path], None]) -> None:
        SLOW.append(Slow(name, verb, who, run, root))

    return add


def start(
    folder: Path, *arguments: str, program: tuple[str, ...] = TAKEAD, **environment: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*program, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        encoding="utf-8", errors="replace", start_new_session=True, env={**os.environ, **environment},
    )  # fmt: skip


def end(child: subprocess.Popen[str], code: int, *says: str) -> str:
    """Wait for it; Failed where it ends otherwise, says something else, or shows a traceback."""
    try:
        out, err = child.communicate(timeout=500)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        raise Failed("did not end within 500 s") from None
    told = f"exit code {child.returncode}\n{out[-1500:]}\n{err[-1500:]}"
    if child.returncode != code:
        raise Failed(f"expected exit code {code}: {told}")
    if "Traceback" in out + err or "Exception ignored" in err:
        raise Failed(f"a traceback: {told}")
    for part in says:
        if part not in " ".join((out + " " + err).split()):
            raise Failed(f"does not say '{part}': {told}")
    return out


def when(ready: Callable[[], bool], child: subprocess.Popen[str]) -> None:
    """Wait until ``ready``, as long as the child runs."""
    began = time.monotonic()
    while not ready():
        if child.poll() is not None or time.monotonic() - began > 300.0:
            raise Failed(f"never came so far: {child.communicate()[1][-1500:]}")
        time.sleep(0.02)
