"""Slow cases: where the output goes, and disks that fill."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.trial.slow import CLIP, DRIVE, TAKEAD, Failed, end, slow, start
from trial import material

# where the output goes --------------------------------------------------------------------------------------------


def _shell(command: str, code: int, *says: str, **environment: str) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        line = command.replace("takead", " ".join(TAKEAD)).replace("CLIP", CLIP)
        end(start(folder, "-c", line, program=("/bin/bash",), **environment), code, *says)

    return run


for _name, _verb, _command, _code, _says, _environment in (
    ("into head", "takeover", "takead takeover table | head -1", 0, "| from", {}),
    ("json into head", "scenarios", "takead scenarios show cut_in | head -1", 0, "{", {}),
    ("into a reader that is gone", "clips", "takead clips show CLIP | true; exit ${PIPESTATUS[0]}", 141, "", {}),
    ("to a full device", "takeover", "takead takeover table > /dev/full", 2, "No space left", {}),
    ("json to a full device", "model", "takead model show baseline --json - > /dev/full", 2, "No space left", {}),
    ("a log on a full device", "model", "takead model verify baseline --log-file /dev/full", 0, "sound", {}),
    ("no stdout", "clips", "takead clips show CLIP >&-", 0, "", {}),
    ("no stderr", "clips", "takead clips show none 2>&-", 2, "", {}),
    ("a terminal of latin-1", "clips", "takead clips show CLIP", 0, "trigger", {"PYTHONIOENCODING": "latin-1"}),
    ("a terminal of ASCII", "clips", "takead clips show CLIP", 0, "trigger", {"PYTHONIOENCODING": "ascii"}),
    ("the locale C", "clips", "takead clips show CLIP", 0, "trigger", {"LC_ALL": "C"}),
    ("a dumb terminal", "doctor", "takead doctor", 0, "onnxruntime", {"TERM": "dumb"}),
    ("one column", "clips", "takead clips ls $(dirname CLIP)", 0, "1 clips", {"COLUMNS": "1"}),
    ("no HOME", "model", "env -u HOME takead model verify baseline", 0, "sound", {}),
    ("a HOME that is not there", "model", "takead model verify baseline", 0, "sound", {"HOME": "/nowhere"}),
    ("a folder that is gone", "model", "mkdir x; cd x; rmdir ../x; takead model verify baseline", 2,
     "the working directory", {}),
    ("a name of bytes", "clips", "takead clips show $'\\xff\\xfe'", 2, "no such file", {}),
    ("Ctrl-C ignored under nohup", "scenarios",
     "trap '' INT; takead scenarios ls > out & sleep 1; kill -INT $!; wait $!", 0, "", {}),
    # (not at every limit: where it is OpenBLAS or a C++ library that finds no memory, it ends the process itself)
    ("little memory", "eval", "ulimit -v 450000; takead eval --model expert --suite cut_in --seeds 0", 2,
     "not enough memory", {}),
    ("less memory", "eval", "ulimit -v 300000; takead eval --model expert --suite cut_in --seeds 0", 2,
     "not enough memory", {}),
    ("few open files", "clips", "ulimit -n 16; takead clips ls $(dirname CLIP)", 0, "1 clips", {}),
):  # fmt: skip
    slow(_name, _verb, "breaker")(_shell(_command, _code, _says, **_environment))


# disks that fill --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@slow("a disk that fills while recording", "drive", "breaker", root=True)
def _(folder: Path) -> None:
    with small_disk(folder, "256k") as disk:
        end(start(folder, *DRIVE, "--seeds", "training:0-1", "--bags", "disk/bags"), 2, "No space left")
        if any("T" in path.name for path in disk.glob("*.part")):
            raise Failed("left a part")


@slow("a disk that is full before", "eval", "breaker", root=True)
def _(folder: Path) -> None:
    with small_disk(folder, "64k") as disk:
        (disk / "fill").write_bytes(b"x" * 65536)
        arguments = ("eval", "--model", "expert", "--suite", "cut_in", "--seeds", "0", "--json", "disk/e.json")
        end(start(folder, *arguments), 2, "No space left")


def _full_disk(size: str, *arguments: str) -> Callable[[Path], None]:
    """Nothing is left of an output that did not fit."""

    def run(folder: Path) -> None:
        with small_disk(folder, size) as disk:
            end(start(folder, *arguments), 2, "No space left")
            left = [path for path in disk.rglob("*") if path.is_file()]
            if left:
                raise Failed(f"left {left}")

    return run


for _name, _verb, _size, _typed in (
    ("playing", "clips", "16k", ("clips", "play", CLIP, "--out", "disk/a.gif")),
    ("drawing a timeline", "clips", "16k", ("clips", "show", CLIP, "--picture", "disk/a.png")),
    ("exporting to Parquet", "clips", "16k", ("clips", "export", CLIP, "--out", "disk/a.parquet")),
    ("exporting to Foxglove", "clips", "16k", ("clips", "export", CLIP, "--format", "foxglove", "--out", "disk/fox")),
    ("exporting to LeRobot", "clips", "16k", ("clips", "export", CLIP, "--format", "lerobot", "--out", "disk/set")),
    ("dreaming", "dream", "16k", ("dream", CLIP, "--model", "expert", "--out", "disk/a.gif")),
):
    slow(f"a disk that fills while {_name}", _verb, "breaker", root=True)(_full_disk(_size, *_typed))


@slow("a disk that fills while reporting", "report", "breaker", root=True)
def _(folder: Path) -> None:
    material.MATERIAL["run"](folder)
    with small_disk(folder, "96k") as disk:
        shutil.copytree(folder / "run", disk / "run")
        before = sorted(disk.rglob("*"))
        end(start(folder, "report", "disk/run"), 2, "No space left")
        if sorted(disk.rglob("*")) != before:
            raise Failed(f"left {sorted(disk.rglob('*'))}")


@slow("a disk that fills while training", "train", "breaker", root=True)
def _(folder: Path) -> None:
    with small_disk(folder, "1m") as disk:
        end(start(folder, *DRIVE, "--seeds", "training:0", "--bags", "driven"), 0)
        arguments = ("train", "bc", "driven", "--out", "disk/x.pt", "--epochs", "1", "--threads", "1")
        end(start(folder, *arguments), 2, "No space left")
        if list(disk.rglob("*.part*")) or (disk / "x.pt").exists():
            raise Failed(f"left {list(disk.iterdir())}")
