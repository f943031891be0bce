"""Slow cases: Ctrl-C and kills at every moment, and two processes at the same output."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.trial.slow import DRIVE, Failed, end, slow, start, when
from takead_ros.cli.verbs import VERBS
from trial.material import GOLDEN

# Ctrl-C -----------------------------------------------------------------------------------------------------------


def _ctrl_c_after(delay: float, *arguments: str) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        # As the installed script does it. Python itself is up; what it does before our first import is not ours.
        script = (sys.executable, "-c", "from takead_ros.cli.entry import main; main()")
        child = start(folder, *arguments, program=script, PYTHONPROFILEIMPORTTIME="1")
        assert child.stderr is not None
        while child.stderr.readline().rpartition("|")[2].strip() != "signal":
            if child.poll() is not None:
                raise Failed("never came so far")
        time.sleep(delay)
        child.send_signal(signal.SIGINT)
        end(child, 130)

    return run


for _delay in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2):
    slow(f"Ctrl-C {_delay} s after its first import, drive", "drive", "breaker")(
        _ctrl_c_after(_delay, *DRIVE, "--seeds", "training:0-9")
    )
    slow(f"Ctrl-C {_delay} s after its first import, train", "train", "breaker")(
        _ctrl_c_after(_delay, "train", "bc", str(GOLDEN.parents[1]), "--out", "x.pt", "--epochs", "1000")
    )


for _each in VERBS:  # all that happens so early is the same for each of them, until its own module is loaded
    for _delay in (0.0, 0.03):
        slow(f"Ctrl-C {_delay} s after its first import, {_each.name} --help", _each.name, "breaker")(
            _ctrl_c_after(_delay, _each.name, "--help")
        )


@slow("Ctrl-C in an episode, then the same command", "drive", "new user")
def _(folder: Path) -> None:
    arguments = (*DRIVE, "--seeds", "training:0-1", "--bags", "bags")
    child = start(folder, *arguments)
    when(lambda: any((folder / "bags").glob("*/*.recording")), child)
    child.send_signal(signal.SIGINT)
    end(child, 130, "the same command goes on")
    end(start(folder, *arguments), 0, "2 clips in bags")
    end(start(folder, "clips", "verify", "bags"), 0, "2 of 2 whole")


@slow("Ctrl-C without an output to keep anything", "eval", "new user")
def _(folder: Path) -> None:
    child = start(folder, "eval", "--model", "expert", "--suite", "cut_in", "--seeds", "0-99")
    when(lambda: _worked_s(child.pid) > 12.0, child)  # it drives: whatever else the machine does, imports take less
    child.send_signal(signal.SIGINT)
    end(child, 130, "none is kept")


def _worked_s(pid: int) -> float:
    """The CPU time of a process so far."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@slow("SIGTERM in an episode, then the same command", "drive", "breaker")
def _(folder: Path) -> None:
    arguments = (*DRIVE, "--seeds", "training:0", "--bags", "bags")
    child = start(folder, *arguments)
    when(lambda: any((folder / "bags").glob("*/*.recording")), child)
    child.terminate()
    end(child, -signal.SIGTERM)
    end(start(folder, "clips", "ls", "bags"), 0, "cut off while being recorded")
    end(start(folder, *arguments), 0, "1 clips in bags")


# killed, and two at once ------------------------------------------------------------------------------------------


@slow("a worker killed, then the same command", "drive", "breaker")
def _(folder: Path) -> None:
    arguments = (*DRIVE, "--seeds", "training:0-3", "--bags", "bags", "--workers", "2")
    child = start(folder, *arguments)
    when(lambda: any((folder / "bags").glob("*/*.recording")), child)
    os.kill(_workers(child.pid)[0], signal.SIGKILL)
    end(child, 2, "a worker process died")
    end(start(folder, *arguments), 0, "4 clips in bags")


def _workers(pid: int) -> list[int]:
    """The processes that ``pid`` computes in."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = [int(one) for one in children if "spawn_main" in Path(f"/proc/{one}/cmdline").read_text()]
    if not found:
        raise Failed("has no workers")
    return found


@slow("killed outright, then the same command", "drive", "breaker")
def _(folder: Path) -> None:
    arguments = (*DRIVE, "--seeds", "training:0", "--bags", "bags")
    child = start(folder, *arguments)
    when(lambda: any((folder / "bags").glob("*/*.recording")), child)
    child.kill()
    end(child, -signal.SIGKILL)
    end(start(folder, *arguments), 0, "1 clips in bags")


@slow("two with the same bags", "drive", "breaker")
def _(folder: Path) -> None:
    first = start(folder, *DRIVE, "--seeds", "training:0-1", "--bags", "bags")
    when(lambda: (folder / "bags" / ".lock").exists(), first)
    end(start(folder, *DRIVE, "--seeds", "training:0-1", "--bags", "bags"), 2, "in use by", str(first.pid))
    end(first, 0, "2 clips in bags")
    end(start(folder, "clips", "ls", "bags"), 0, "2 clips in bags")


@slow("two with the same json", "eval", "breaker")
def _(folder: Path) -> None:
    arguments = ("eval", "--model", "expert", "--suite", "intersection_right", "--seeds", "0-1", "--json", "e.json")
    first = start(folder, *arguments)
    when(lambda: (folder / "e.json.lock").exists(), first)
    end(start(folder, *arguments), 2, "in use by", str(first.pid))
    end(first, 0, "written: e.json")
