"""Slow cases: another user, and the wheel without the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.trial.slow import CLIP, ROOT, TAKEAD, end, slow, start
from trial.material import GOLDEN

RUNTIME = ROOT / ".venv-runtime" / "bin" / "takead"


# In mounts of its own, where the interpreter can be read even if it lies in root's home. /root/closed is root's alone.
_AS_NOBODY = """set -e
mount --bind "$1" "$2"
mount -t tmpfs -o mode=755 none /root
mkdir -p "$1" && mount --bind "$2" "$1" && mkdir -m 700 /root/closed
shift 2
exec setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
"""


def as_nobody(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The program as the user nobody, who may write nothing but ``folder``."""
    folder.chmod(0o777)
    hold = folder / ".python"
    hold.mkdir(exist_ok=True)
    apart = ("unshare", "-m", "/bin/bash", "-c", _AS_NOBODY, "bash", sys.base_prefix, str(hold))
    return start(folder, *arguments, program=(*apart, *TAKEAD), HOME="/nonexistent")


def _nobody(*arguments: str, code: int, says: str) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        end(as_nobody(folder, *arguments), code, says)

    return run


for _verb, _arguments, _code, _says in (
    ("model", ("verify", "baseline"), 0, "sound"),
    ("clips", ("show", CLIP), 0, "trigger"),
    ("clips", ("ls", "/root/closed"), 2, "/root/closed"),
    ("drive", ("--model", "expert", "--bags", "/root/bags"), 2, "Permission denied"),
    ("clips", ("export", str(GOLDEN), "--out", "/root/x.parquet"), 2, "Permission denied"),
    ("clips", ("label", CLIP, "takeover"), 2, "Permission denied"),
):
    slow(f"as nobody: {_verb} {_arguments[0]} {Path(_arguments[-1]).name[:20]}", _verb, "new user", root=True)(
        _nobody(_verb, *_arguments, code=_code, says=_says)
    )


def _installed(*arguments: str, code: int = 0, says: str = "") -> Callable[[Path], None]:
    """The wheel, away from the repository."""

    def run(folder: Path) -> None:
        clean = {name: "" for name in os.environ if name.startswith("PYTHON")}
        end(start(folder, *arguments, program=(str(RUNTIME),), **clean), code, says)

    return run


for _verb, _rest, _code, _says in (
    ("doctor", (), 0, "onnxruntime"),
    ("model", ("verify", "baseline"), 0, "sound"),
    ("scenarios", ("ls",), 0, "cut_in"),
    ("eval", ("--model", "novice", "--suite", "intersection_right", "--seeds", "0"), 0, "intersection_right"),
    ("clips", ("show", CLIP), 0, "trigger"),
    ("replay", (CLIP, "--model", "novice"), 0, "the same"),
    ("takeover", ("table",), 0, "| from"),
    ("takeover", ("table", "--write"), 2, "no checkout"),
    ("joystick", ("ls",), 0, "xbox"),
    ("train", ("bc", "x", "--out", "y"), 2, "needs PyTorch"),
    ("export", ("x", "--out", "y"), 2, "needs PyTorch"),
):
    slow(f"the wheel alone: {_verb} {' '.join(_rest)[:24]}", _verb, "new user")(
        _installed(_verb, *_rest, code=_code, says=_says)
    )
