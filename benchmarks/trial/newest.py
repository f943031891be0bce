"""Slow cases of the verbs that came last: Ctrl-C, kills, full disks, a second process and another user, for each."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.trial.elsewhere import as_nobody
from benchmarks.trial.outputs import small_disk
from benchmarks.trial.slow import CLIP, Failed, end, slow, start, when
from takead_ros.files import LOCK_SUFFIX, PART_MARK, locked

VECTOR = ("--sim", "vector", "--suite", "intersection_right")
MADE = ("drive", "--model", "expert", *VECTOR, "--seeds", "training:0-1", "--record", "all", "--bags", "driven")
QUICK = "--dagger-epochs 1 --preference-epochs 1 --draws 64 --threads 1"


def collect(out: str, last: int = 1) -> tuple[str, ...]:
    where = ("--suite", "intersection_right", "--seeds", f"collection:0-{last}", "--workers", "1")
    return ("train", "collect", "--model", "novice", *where, "--out", out)


def agents(out: str, epochs: int = 60) -> tuple[str, ...]:
    how = ("--epochs", str(epochs), "--windows", "1", "--threads", "1", "--workers", "1")
    return ("train", "agents", "driven", "--out", out, *how)


def rounds(out: str) -> tuple[str, ...]:
    size = ("--rounds", "1", "--demonstrations", "1", "--drives", "2", "--selection", "2", "--workers", "1")
    return ("train", "rounds", "--batched", *VECTOR, *size, "--options", QUICK, "--out", out)


def evaluate(out: str) -> tuple[str, ...]:
    how = ("--seeds", "0-3", "--passes", "unassisted", "--json", out)
    return ("eval", "--model", "novice", "--batched", *VECTOR, *how)


def dream(out: str) -> tuple[str, ...]:
    return ("dream", "whole", "--model", "novice", "--agents", "learned", "--seconds", "4", "--out", out)


def bundle(out: str) -> tuple[str, ...]:
    return ("model", "bundle", "baseline", "--release", "4", "--out", out)


def begun(*paths: str) -> Callable[[Path], bool]:
    return lambda folder: all((folder / path).exists() for path in paths)


def holds(path: str, count: int) -> Callable[[Path], bool]:
    """So many lines are in a journal."""
    return lambda folder: (folder / path).exists() and (folder / path).read_bytes().count(b"\n") >= count


# verb -> its command by the name of its output, the output, and when it is in the middle of its work
MAKERS = {
    "collect": (collect("rows"), "rows", begun("rows/.lock", "rows/episodes.jsonl")),
    "agents": (agents("a.pt"), "a.pt", begun("a.pt.state")),
    "eval batched": (evaluate("e.json"), "e.json", begun("e.json.episodes.jsonl")),
    "rounds batched, demonstrating": (rounds("loop"), "loop", begun("loop/demonstrations/episodes.jsonl")),
    "rounds batched, collecting": (rounds("loop"), "loop", begun("loop/round-1/collected/episodes.jsonl")),
    "rounds batched, training": (rounds("loop"), "loop", begun("loop/round-1/training/.lock")),
}
VERBS = {name: "eval" if name.startswith("eval") else "train" for name in MAKERS}


@functools.cache
def _driven() -> Path:
    """Where two demonstrations lie; driven once for all cases."""
    folder = Path(tempfile.mkdtemp(prefix="takead-trial-made-"))
    atexit.register(shutil.rmtree, folder)
    end(start(folder, *MADE), 0)
    return folder / "driven"


def prepare(folder: Path) -> None:
    """Two demonstrations in ``driven``, the first of them also as ``whole``."""
    shutil.copytree(_driven(), folder / "driven")
    shutil.copytree(min((folder / "driven").rglob("*.mcap")).parent, folder / "whole")


def left_over(folder: Path) -> list[str]:
    """Locks and half-written files; but for clips that were being recorded, which 'takead clips recover' is for."""
    marks = (LOCK_SUFFIX, PART_MARK)
    found = [path for path in folder.rglob("*") if any(mark in path.name for mark in marks)]
    return [str(path) for path in found if not any(part.endswith(".recording") for part in path.parts)]


def _stopped(name: str, how: signal.Signals) -> Callable[[Path], None]:
    """Stopped in the middle, the same command goes on, to the same files as one that nobody stopped."""
    command, out, ready = MAKERS[name]

    def run(folder: Path) -> None:
        if name == "agents":
            prepare(folder)
        child = start(folder, *command)
        when(lambda: ready(folder), child)
        child.send_signal(how)
        if how is signal.SIGINT:
            end(child, 130, "the same command goes on")
            # A lock may lie there still, held by nobody: Ctrl-C in an import ends a process at once.
            if parts := [name for name in left_over(folder) if PART_MARK in name]:
                raise Failed(f"left {parts}")
        else:
            end(child, -how)
        end(start(folder, *command), 0)
        if left_over(folder):
            raise Failed(f"left {left_over(folder)} at the end")
        if not (folder / out).exists():
            raise Failed(f"made no {out}")

    return run


def _two(name: str) -> Callable[[Path], None]:
    """A second process at the same output is told who the first one is, and the first one ends well."""
    command, _, ready = MAKERS[name]

    def run(folder: Path) -> None:
        if name == "agents":
            prepare(folder)
        first = start(folder, *command)
        when(lambda: ready(folder), first)
        end(start(folder, *command), 2, "in use by", str(first.pid))
        end(first, 0)

    return run


for _name in MAKERS:
    slow(f"Ctrl-C, then the same command: {_name}", VERBS[_name], "new user")(_stopped(_name, signal.SIGINT))
for _name in ("collect", "agents", "eval batched", "rounds batched, collecting"):
    slow(f"killed, then the same command: {_name}", VERBS[_name], "breaker")(_stopped(_name, signal.SIGKILL))
    if _name not in ("collect", "eval batched"):  # over too soon; below
        slow(f"two at once: {_name}", VERBS[_name], "breaker")(_two(_name))


@slow("stopped and gone on is what was never stopped: collect", "train", "breaker")
def _(folder: Path) -> None:
    child = start(folder, *collect("rows", 32))  # two groups; stopped after the first
    when(lambda: holds("rows/episodes.jsonl", 33)(folder), child)
    child.send_signal(signal.SIGINT)
    end(child, 130)
    end(start(folder, *collect("rows", 32), "--json", "a.json"), 0)
    end(start(folder, *collect("whole", 32), "--json", "b.json"), 0)
    for one, other in (("a.json", "b.json"), ("rows/episodes.jsonl", "whole/episodes.jsonl")):
        if (folder / one).read_bytes() != (folder / other).read_bytes():
            raise Failed(f"{one} is not {other}")


@slow("the loop killed while its child collects: nobody goes on writing", "train", "breaker")
def _(folder: Path) -> None:
    child = start(folder, *rounds("loop"))
    when(lambda: (folder / "loop" / "round-1" / "collected" / LOCK_SUFFIX).exists(), child)
    collecting = int((folder / "loop" / "round-1" / "collected" / LOCK_SUFFIX).read_text().split()[1])
    child.kill()
    end(child, -signal.SIGKILL)
    for _ in range(200):
        if not Path(f"/proc/{collecting}").exists() or "Z" in Path(f"/proc/{collecting}/stat").read_text().split()[2]:
            return
        subprocess.run(["sleep", "0.05"], check=True)
    os.kill(collecting, signal.SIGKILL)
    raise Failed("'takead train collect' outlived the loop by 10 s")


# outputs of one file: dream and bundle ------------------------------------------------------------------------------


def _ctrl_c_late(command: tuple[str, ...], out: str) -> Callable[[Path], None]:
    """Ctrl-C while the output's place is held: nothing is left of it."""

    def run(folder: Path) -> None:
        prepare(folder)
        child = start(folder, *command)
        when(lambda: (folder / f"{out}{LOCK_SUFFIX}").exists(), child)
        child.send_signal(signal.SIGINT)
        end(child, 130, "stopped")
        if left_over(folder) or (folder / out).exists():
            raise Failed(f"left {left_over(folder) or out}")

    return run


def _held(command: tuple[str, ...], out: str) -> Callable[[Path], None]:
    """This process holds the output's place."""

    def run(folder: Path) -> None:
        prepare(folder)
        if "." not in out:
            (folder / out).mkdir()
        with locked(folder / out):
            end(start(folder, *command), 2, "in use by", str(os.getpid()))

    return run


for _name, _verb, _command, _out in (
    ("dream", "dream", dream("d.gif"), "d.gif"),
    ("bundle", "model", bundle("b.tar.zst"), "b.tar.zst"),
    ("eval batched", "eval", evaluate("e.json"), "e.json"),
    ("collect", "train", collect("rows"), "rows"),
):
    slow(f"two at once: {_name}", _verb, "breaker")(_held(_command, _out))
    if _verb in ("dream", "model"):
        slow(f"Ctrl-C while it writes: {_name}", _verb, "breaker")(_ctrl_c_late(_command, _out))


# full disks -----------------------------------------------------------------------------------------------------------


def _full(size: str, command: tuple[str, ...], again: bool) -> Callable[[Path], None]:
    """Says that the disk is full and leaves nothing half-written; with more room the same command ends well
    (``again``: which is tried)."""

    def run(folder: Path) -> None:
        prepare(folder)
        with small_disk(folder, size) as disk:
            end(start(folder, *command), 2, "No space left")
            if left_over(disk):
                raise Failed(f"left {left_over(disk)}")
            if again:
                subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
                end(start(folder, *command), 0)

    return run


for _name, _verb, _size, _command in (
    ("collect", "train", "96k", collect("disk/rows", 3)),
    ("agents", "train", "256k", agents("disk/a.pt", 2)),
    ("rounds batched, demonstrating", "train", "256k", rounds("disk/loop")),
    ("rounds batched, collecting", "train", "2m", rounds("disk/loop")),
    ("eval batched", "eval", "12k", evaluate("disk/e.json")),
    ("dream", "dream", "16k", dream("disk/d.gif")),
    ("bundle", "model", "64k", bundle("disk/b.tar.zst")),
):
    slow(f"a disk that fills: {_name}", _verb, "breaker", root=True)(_full(_size, _command, "rounds" not in _name))


# another user -------------------------------------------------------------------------------------------------------


def _as_nobody(command: tuple[str, ...], code: int, *says: str) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        prepare(folder)
        subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
        end(as_nobody(folder, *command), code, *says)

    return run


for _name, _verb, _command, _code, _says in (
    ("collect", "train", collect("rows", 1), 0, ""),
    ("collect to root's", "train", collect("/root/rows"), 2, "Permission denied"),
    ("agents", "train", agents("a.pt", 1), 0, ""),
    ("agents to root's", "train", agents("/root/a.pt"), 2, "Permission denied"),
    ("rounds batched to root's", "train", rounds("/root/loop"), 2, "Permission denied"),
    ("eval batched to root's", "eval", evaluate("/root/e.json"), 2, "Permission denied"),
    ("dream", "dream", ("dream", CLIP, "--model", "recorded", "--out", "d.gif"), 0, "pictures -> d.gif"),
    ("dream to root's", "dream", dream("/root/d.gif"), 2, "Permission denied"),
    ("bundle", "model", bundle("b.tar.zst"), 0, "b.tar.zst"),
    ("bundle to root's", "model", bundle("/root/b.tar.zst"), 2, "Permission denied"),
    ("export of root's clips", "clips", ("clips", "export", CLIP, "--out", "x.parquet"), 0, "Permission denied"),
):
    slow(f"as nobody: {_name}", _verb, "new user", root=True)(_as_nobody(_command, _code, *([_says] if _says else [])))
