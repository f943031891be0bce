"""Mutation test of the takeover package: how many small changes to the code do the tests notice?

    pip install 'takead_ros[mutation]'
    python -m benchmarks.mutation [--modules limits,mrm] [--sample 300] [--jobs 2]
    python -m benchmarks.mutation --json mutation.json --markdown docs/results/mutation.md

mutmut makes the mutants, in a copy of the package; the rows of the transition table, which are data, are changed here:
a row left out, moved below the next, without one of its conditions, or with another event. The tests are collected
once; each mutant is then tried in a fork of that process, by the tests that run the function it is in, until one fails:
first those that noticed another mutant of it, then the quickest. What is slow, or needs more than a function's
arguments, is left out (the exhaustive, the random, the broken-message and the node tests): the score has to hold
without it. With ``--json`` the outcomes are kept as they come, and a run that was broken off goes on where it was.
``--tests-added`` tries again what survived, and leaves what was noticed: a test more takes no notice back.
``equivalent.yaml`` names the mutants that no test can notice, with the reason, one by one or all of a
function; they count as survivors in the score.
"""

from __future__ import annotations

import os

os.environ["NUMBA_DISABLE_JIT"] = "1"  # mutants of the kernels run as Python; before numba is loaded

import argparse
import hashlib
import json
import math
import random
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mutation.campaign import SURVIVED, Campaign
from benchmarks.mutation.mutants import MODULES, ROOT, ROWS, make_mutants
from benchmarks.mutation.report import markdown

TESTS = (
    "transitions",
    "transitions_automation",
    "machine",
    "rows",
    "triggers",
    "policy_health",
    "speed_and_road",
    "plans",
    "collisions",
    "following",
    "conduct",
    "course",
    "alarms",
    "prediction",
    "events_and_print",
    "inputs",
    "limits",
    "manoeuvre",
    "reckoning",
    "joystick",
    "engagement",
    "command",
    "field_defects",
    "limit_kernels",
    "notice",
    "haptics",
    "transitions_handback",
    "roll_out",
    "view_kernels",
)
OF_SOURCES = "not test_the_core_neither_reads and not test_what_is_printed"  # the source is another one here


def digest(paths: list[Path]) -> str:
    """Of the content of these files."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(paths))).hexdigest()


def still_true(before: dict[str, Any], package: str, tests: str, only_added: bool) -> dict[str, int]:
    """The outcomes of an earlier run that hold for this package and these tests (digests)."""
    outcomes: dict[str, int] = before["outcomes"]
    return outcomes if before["package"] == package and (before["tests"] == tests or only_added) else {}


def _refuse(text: str) -> float:
    raise ValueError(f"{text}: expected finite numbers")  # files.parse_json would load what is to be mutated


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modules", default=",".join((*MODULES, ROWS)))
    parser.add_argument("--tests", default=",".join(TESTS), help="files of test/takeover, without test_ and .py")
    parser.add_argument("--sample", type=int, help="try this many mutants, drawn by chance with a fixed seed")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin with no other mutant after this long")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where the outcomes are kept, and a broken run goes on from")
    parser.add_argument("--tests-added", action="store_true", help="try again what survived by --json")
    parser.add_argument("--markdown", type=Path, help="write the result below '<!-- mutation -->' in this file")
    arguments = parser.parse_args()
    modules = tuple(arguments.modules.split(","))
    package = digest(list((ROOT / "takead_ros").rglob("*.py")))
    helpers = (ROOT / "test" / "support").glob("*.py")
    tests = digest([*(ROOT / "test" / "takeover").glob("*.py"), *helpers, *Path(__file__).parent.glob("*.py")])
    kept = arguments.json.resolve() if arguments.json else None
    done: dict[str, int] = {}
    rehearsal: dict[str, Any] = {}
    if kept and kept.exists():
        before = json.loads(kept.read_text("utf-8"), parse_constant=_refuse)
        done = still_true(before, package, tests, arguments.tests_added)
        if (before["package"], before["tests"]) == (package, tests):
            rehearsal = before.get("rehearsal", {})

    def keep(outcomes: dict[str, int]) -> None:
        if kept:
            content = {"package": package, "tests": tests, "outcomes": outcomes, "rehearsal": campaign.rehearsal}
            kept.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", "utf-8")

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        mutants = make_mutants(Path(folder), modules)
        sys.path[:0] = [folder, f"{folder}/test"]
        campaign = Campaign(mutants, arguments.jobs, arguments.minutes, done, keep)
        campaign.rehearsal = rehearsal
        if arguments.tests_added:
            campaign.again = {name for name, outcome in done.items() if outcome == SURVIVED}
        if ROWS in modules:
            campaign.add_tables()
        random.Random(2026).shuffle(campaign.mutants)  # what a run reaches is a sample of all
        del campaign.mutants[arguments.sample or len(campaign.mutants) :]
        files = [f"test/takeover/test_{name}.py" for name in arguments.tests.split(",")]
        options = ["-q", "-s", "-p", "no:cacheprovider", "--rootdir", folder, "-k", OF_SOURCES]
        code = pytest.main([*options, *files], plugins=[campaign])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) or not campaign.outcomes:
            return int(code) or 1
        os.chdir(ROOT)
    keep(campaign.outcomes)
    tried = [mutant for mutant in campaign.mutants if mutant.name in campaign.outcomes]
    text = markdown(tried, len(campaign.mutants), campaign.outcomes, campaign.tests, version("mutmut"))
    print(text)
    if arguments.markdown:
        mark = "<!-- mutation -->\n"
        head = arguments.markdown.read_text("utf-8").split(mark)[0] if arguments.markdown.exists() else ""
        arguments.markdown.write_text(f"{head}{mark}\n{text}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
