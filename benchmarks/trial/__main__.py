"""The slow part of the trial: signals, kills, locks, full disks, other users, other installations. All of it for real.

    python -m benchmarks.trial [--only WORD | --list] [--markdown docs/results/trial.md]

Each case starts the program in a process of its own. The quick cases are in test/trial and run in ``make test``; the
table says how many there are of each kind. Exit code 1 where a case fails. Root is needed for a disk of two megabytes
(a tmpfs) and to become another user; without it those cases are left out, and said to be.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.trial import elsewhere, interrupted, newest, outputs  # noqa: F401  # their cases
from benchmarks.trial.elsewhere import RUNTIME
from benchmarks.trial.slow import SLOW, Failed, Slow
from trial.case import Case
from trial.cases import CASES

OTHERS = "\n## "


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
        "Slow ones (signals, kills, locks, full disks, another user, the wheel alone): `python -m benchmarks.trial`,",
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
    parser.add_argument("--markdown", type=Path, help="also write the page here; its sections below are kept")
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
        before = options.markdown.read_text(encoding="utf-8") if options.markdown.exists() else ""
        _, heading, kept = before.partition(OTHERS)  # what other commands measured
        options.markdown.write_text(text + heading + kept, encoding="utf-8")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
