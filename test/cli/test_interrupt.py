"""Ctrl-C at each of the first lines that the console script runs: one line and exit code 130, wherever it comes."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Raises the signal at line event N inside takead_ros; not in the import machinery, which runs in between.
SCRIPT = """
import sys, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # else it stays ignored where the tests are in the background
left = int(sys.argv[1])
def watch(frame, event, argument):
    global left
    if "takead_ros" in frame.f_code.co_filename and event == "line":
        left -= 1
        if left == 0:
            sys.settrace(None)
            print(frame.f_code.co_filename, frame.f_lineno)
            sys.stdout.flush()
            signal.raise_signal(signal.SIGINT)
    return watch
sys.argv = ["takead", "takeover", "--help"]
sys.settrace(watch)
from takead_ros.cli.entry import main
main()
"""


def interrupted(line: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(line)], capture_output=True, text=True, timeout=60, check=False
    )


def first_inside() -> int:
    """The number of the first line event inside the ``try`` that the script's module begins with."""
    for number in range(1, 20):
        where = interrupted(number).stdout.splitlines()[0]
        if where.endswith("cli/entry.py 4"):
            return number
    raise AssertionError("cli/entry.py: its first import was not seen")


@pytest.mark.slow
def test_from_the_first_import_on_it_is_one_line() -> None:
    first = first_inside()
    assert first < 8  # what comes before: docstrings and the version
    for number in range(first, first + 40):
        done = interrupted(number)
        assert done.returncode == 130, (number, done.stdout, done.stderr)
        assert done.stderr.strip() == "stopped", (number, done.stdout, done.stderr)
