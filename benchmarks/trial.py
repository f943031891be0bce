"""The slow part of the trial: signals, kills, locks, full disks, other users, other installations. All of it for real.

    python benchmarks/trial.py [--only WORD | --list] [--markdown docs/results/trial.md]

Each case starts the program in a process of its own. The quick cases are in test/trial and run in ``make test``; the
table says how many there are of each kind. Exit code 1 where a case fails. Root is needed for a disk of two megabytes
(a tmpfs) and to become another user; without it those cases are left out, and said to be.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "test"))

from trial import material  # noqa: E402
from trial.case import Case, Who  # noqa: E402
from trial.cases import CASES  # noqa: E402
from trial.material import GOLDEN, clip_name  # noqa: E402

from takead_ros.cli.verbs import VERBS  # noqa: E402

TAKEAD = (sys.executable, "-m", "takead_ros.cli.main")
RUNTIME = ROOT / ".venv-runtime" / "bin" / "takead"
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
    time.sleep(20.0)
    child.send_signal(signal.SIGINT)
    end(child, 130, "none is kept")


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
    ("little memory", "eval", "ulimit -v 600000; takead eval --model expert --suite cut_in --seeds 0", 2, "", {}),
    ("few open files", "clips", "ulimit -n 16; takead clips ls $(dirname CLIP)", 0, "1 clips", {}),
):  # fmt: skip
    slow(_name, _verb, "breaker")(_shell(_command, _code, _says, **_environment))


# disks that fill, other users, other installations -----------------------------------------------------------------


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


def as_nobody(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The program as the user nobody, who may write nothing but ``folder``."""
    folder.chmod(0o777)
    code = (
        "import sys, os, unicodedata; import takead_ros.cli.verbs, takead_ros.cli.drive, takead_ros.cli.clips; "
        "os.setgid(65534); os.setuid(65534); sys.argv[0] = 'takead'; from takead_ros.cli.main import main; main()"
    )
    return start(folder, *arguments, program=(sys.executable, "-c", code), HOME="/nonexistent")


def _nobody(*arguments: str, code: int, says: str) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        end(as_nobody(folder, *arguments), code, says)

    return run


for _verb, _arguments, _code, _says in (
    ("model", ("verify", "baseline"), 0, "sound"),
    ("clips", ("show", CLIP), 0, "trigger"),
    ("clips", ("ls", "/root"), 2, "/root"),
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
    ("eval", ("--model", "baseline", "--suite", "intersection_right", "--seeds", "0"), 0, "intersection_right"),
    ("clips", ("show", CLIP), 0, "trigger"),
    ("replay", (CLIP, "--model", "baseline"), 0, "the same"),
    ("takeover", ("table",), 0, "| from"),
    ("takeover", ("table", "--write"), 2, "no checkout"),
    ("joystick", ("ls",), 0, "xbox"),
    ("train", ("bc", "x", "--out", "y"), 2, "needs PyTorch"),
    ("export", ("x", "--out", "y"), 2, "needs PyTorch"),
):
    slow(f"the wheel alone: {_verb} {' '.join(_rest)[:24]}", _verb, "new user")(
        _installed(_verb, *_rest, code=_code, says=_says)
    )


# ------------------------------------------------------------------------------------------------------------------


def kinds(cases: tuple[Case | Slow, ...] | list[Slow]) -> Counter[tuple[str, str]]:
    return Counter((case.verb, case.who) for case in cases)


def page(passed: int, failed: list[str], left_out: int, spent_s: float) -> str:
    """docs/results/trial.md."""
    quick, rest = kinds(CASES), kinds(SLOW)
    who = ("new user", "breaker", "attacker")
    lines = [
        "# The trial: a new user, a breaker and an attacker at every verb", "",
        "Each case is a command, what was done to its files before, the exit code that must come of it and what must",
        "be said. For every case it is checked as well that no traceback is shown, that bad input is one error, that",
        "no control character reaches the terminal, that no file changes which the command does not own, and that no",
        "lock or half-written file is left. Quick cases: `test/trial/cases_*.py`, in one process, part of `make test`.",
        "Slow ones (signals, kills, locks, full disks, another user, the wheel alone): `python benchmarks/trial.py`,",
        "which wrote this page.", "",
        "| verb | " + " | ".join(f"{name}, {part}" for part in ("quick", "slow") for name in who) + " | all |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for verb in sorted({verb for verb, _ in (*quick, *rest)}):
        row = [counts[verb, name] for counts in (quick, rest) for name in who]
        lines.append(f"| {verb} | {' | '.join(map(str, row))} | {sum(row)} |")
    row = [sum(n for (_, one), n in counts.items() if one == name) for counts in (quick, rest) for name in who]
    lines += [f"| all | {' | '.join(map(str, row))} | {sum(row)} |", ""]
    if not passed and not failed:
        return "\n".join(lines[:-1]) + "\n"
    lines.append(
        f"Slow cases in this run: {passed} as expected, {len(failed)} not, {left_out} left out, {spent_s:.0f} s, "
        f"Python {platform.python_version()}, {platform.system()}."
    )
    lines += [f"- not as expected: {name}" for name in failed]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="only cases whose name holds this")
    parser.add_argument("--list", action="store_true", help="run nothing: only count the cases")
    parser.add_argument("--markdown", type=Path, help="also write the page here")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else ignored below nohup, and by every child
    failed, passed, left_out, began = [], 0, 0, time.monotonic()
    for case in SLOW:
        if options.list or options.only not in case.name:
            continue
        if (case.root and os.geteuid()) or ("wheel" in case.name and not RUNTIME.exists()):
            left_out += 1
            print(f"left out  {case.name}", flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="takead-trial-") as folder:
            try:
                case.run(Path(folder))
                passed += 1
                print(f"ok        {case.name}", flush=True)
            except Failed as problem:
                failed.append(case.name)
                print(f"FAILED    {case.name}: {problem}", flush=True)
    text = page(passed, failed, left_out, time.monotonic() - began)
    print(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
