"""Mutation test of the takeover package: how many small changes to the code do the tests notice?

    pip install 'takead_ros[mutation]'
    python benchmarks/mutation.py [--modules limits,mrm] [--sample 300] [--jobs 2]
    python benchmarks/mutation.py --json mutation.json --markdown docs/results/mutation.md

mutmut makes the mutants, in a copy of the package; the rows of the transition table, which are data, are changed here:
a row left out, moved below the next, without one of its conditions, or with another event. The tests are collected
once; each mutant is then tried in a fork of that process, by the tests that run the function it is in, until one fails:
first those that noticed another mutant of it, then the quickest. What is slow, or needs more than a function's
arguments, is left out (the exhaustive, the random, the broken-message and the node tests): the score has to hold
without it. With ``--json`` the outcomes are kept as they come, and a run that was broken off goes on where it was.
``--tests-added`` tries again what survived, and leaves what was noticed: a test more takes no notice back.
``mutation_equivalent.yaml`` names the mutants that no test can notice, with the reason, one by one or all of a
function; they count as survivors in the score.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import gc
import hashlib
import json
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from importlib.metadata import version
from operator import and_, or_
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["NUMBA_DISABLE_JIT"] = "1"  # mutants of the kernels run as Python; before numba is loaded

import pytest
import yaml
from mutmut.mutation import trampoline
from mutmut.mutation.file_mutation import mutate_file_contents

if TYPE_CHECKING:
    from takead_ros.takeover import machine

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "takead_ros" / "takeover"
MODULES = tuple(sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem not in ("__init__", "parameters")))
TESTS = ("transitions", "transitions_automation", "machine", "rows", "triggers", "speed_and_road", "plans",
         "collisions", "conduct", "course", "alarms", "prediction", "events_and_print", "inputs",
         "limits", "manoeuvre", "joystick", "engagement", "command", "field_defects", "limit_kernels", "notice",
         "transitions_handback", "roll_out", "view_kernels")  # fmt: skip
OF_SOURCES = "not test_the_core_neither_reads and not test_what_is_printed"  # the source is another one here
ROWS = "rows"  # in place of a module's name: the transition table
NOTICED, SURVIVED, TIMEOUT = 1, 0, 2


@dataclass(frozen=True)
class Mutant:
    """``name`` as the trampolines know it, ``function`` that it changes, its lines taken out and put in."""

    name: str
    function: str
    removed: str
    added: str
    module: str


def make_mutants(folder: Path, modules: tuple[str, ...]) -> list[Mutant]:
    """Copy the package and its tests to ``folder``, with mutants in the core's modules."""
    skip = shutil.ignore_patterns("__pycache__")
    for name in ("takead_ros", "test/takeover", "test/support", "msg", "srv", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "setup.cfg").write_text("[mutmut]\nsource_paths=takead_ros\n", "utf-8")  # mutmut looks for it
    mutants: list[Mutant] = []
    for module in sorted(set(modules) - {ROWS}):
        path = folder / "takead_ros" / "takeover" / f"{module}.py"
        plain = path.read_text("utf-8").replace("@kernel\n", "").replace("@part\n", "")  # what is decorated is left out
        made = mutate_file_contents(str(path), plain)
        path.write_text(made.code, "utf-8")
        mutants += described(f"takead_ros.takeover.{module}", made.code, set(made.mutant_names))
    return mutants


def described(module: str, code: str, names: set[str]) -> Iterator[Mutant]:
    """The mutants of a module with what they change."""
    lines = code.splitlines()
    bodies: dict[str, list[str]] = {}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name:
            bodies[node.name] = lines[node.lineno : node.end_lineno]
    for name in sorted(names, key=lambda n: (n.rpartition("_")[0], int(n.rpartition("_")[2]))):
        original = name.rpartition("__mutmut_")[0]
        changes = list(difflib.ndiff(bodies[f"{original}__mutmut_orig"], bodies[name]))
        removed, added = ("\n".join(line[2:].strip() for line in changes if line.startswith(sign)) for sign in "-+")
        yield Mutant(f"{module}.{name}", f"{module}.{original}", removed, added, module.rpartition(".")[2])


def changed_tables() -> dict[str, tuple[tuple[machine.Row, ...], str, str]]:
    """Each change to the transition table: its name, the rows then, and what was taken out and put in."""
    from takead_ros.takeover import machine, table
    from takead_ros.takeover.events import Booking

    known = {value.words: value for value in vars(machine).values() if isinstance(value, machine.Condition)}
    tables: dict[str, tuple[tuple[machine.Row, ...], str, str]] = {}

    def enter(what: str, i: int, new: list[machine.Row], added: str) -> None:
        rows = (*machine.ROWS[:i], *new, *machine.ROWS[i + 1 + (what == "below the next") :])
        tables[f"rows.{i}: {what}"] = (rows, " | ".join(table.cells(machine.ROWS[i])), added)

    for i, row in enumerate(machine.ROWS):
        enter("left out", i, [], "")
        if i + 1 < len(machine.ROWS) and row.origin & machine.ROWS[i + 1].origin:
            enter("below the next", i, [machine.ROWS[i + 1], row], "the same, below the next")
        for booking in Booking:
            if booking is not row.booking and row.booking is not Booking.NOTHING:
                enter(f"event '{booking.value}'", i, [replace(row, booking=booking)], booking.value)
        words = row.when.words.split(", ")
        for k in range(len(words) if len(words) > 1 else 0):
            rest = [known.get(word) or either(known, word) for word in words[:k] + words[k + 1 :]]
            enter(f"without '{words[k]}'", i, [replace(row, when=reduce(and_, rest))], ", ".join(r.words for r in rest))
    return tables


def either(known: dict[str, machine.Condition], words: str) -> machine.Condition:
    """The condition that the table prints as "(a or b)"."""
    return reduce(or_, (known[word] for word in words.strip("()").split(" or ")))


class Campaign:
    """A pytest plugin whose test loop tries mutants in forks instead of running the tests once."""

    def __init__(
        self,
        mutants: list[Mutant],
        jobs: int,
        minutes: float,
        done: dict[str, int],
        keep: Callable[[dict[str, int]], None],
    ):
        self._mutants, self._jobs, self._minutes, self._keep = mutants, jobs, minutes, keep
        self._tables: dict[str, Any] = {}
        self._noticed: dict[str, Counter[int]] = defaultdict(Counter)  # by function: how often by which test
        self.outcomes = done
        self.again: set[str] = set()  # to be tried although there is an outcome, which holds until then
        self.rehearsal: dict[str, tuple[list[str], float]] = {}  # by test: the functions that it runs, its CPU time (s)
        self.tests = 0

    def add_tables(self) -> None:
        """Enter the changes to the transition table among the mutants."""
        self._tables = changed_tables()
        self._mutants += [
            Mutant(name, "takead_ros.takeover.machine.x_first_hit", removed, added, ROWS)
            for name, (_, removed, added) in self._tables.items()
        ]

    @property
    def mutants(self) -> list[Mutant]:
        return self._mutants

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Failed(f"{session.testsfailed} errors while collecting")
        tests = [item for item in session.items if isinstance(item, pytest.Function) and is_plain(item)]
        self.tests = len(tests)
        hit, cost = self._remembered(tests)
        gc.collect()
        gc.freeze()  # else a collection in a fork would copy all that they share
        running: dict[int, tuple[Mutant, int]] = {}
        left = [m for m in self._mutants if m.name in self.again or m.name not in self.outcomes]
        start = time.monotonic()
        for number, mutant in enumerate(left, 1):
            if time.monotonic() - start > 60.0 * self._minutes:
                break
            before = self._noticed[mutant.function]
            rows = "test_rows.py" if mutant.module == ROWS else mutant.function  # those also read the rows as data
            concerned = (i for i in range(len(tests)) if mutant.function in hit[i] or rows in tests[i].nodeid)
            mine = sorted(concerned, key=lambda i: (-before[i], cost[i]))
            limit = 1.0 + 4.0 * sum(cost[i] for i in mine)
            child, told = self._forked(mutant, {i: tests[i] for i in mine}, limit)
            running[child] = mutant, told
            if len(running) >= self._jobs:
                self._wait(running)
            if number % 100 == 0:
                self._keep(self.outcomes)
                print(f"{number} of {len(left)}", file=sys.stderr, flush=True)
        while running:
            self._wait(running)
        return True

    def _remembered(self, tests: list[pytest.Function]) -> tuple[list[set[str]], list[float]]:
        """``_rehearsed``, or what an earlier run of the same tests found."""
        names = [test.nodeid for test in tests]
        if set(names) != set(self.rehearsal):
            found = zip(names, *self._rehearsed(tests), strict=True)
            self.rehearsal = {name: (sorted(hit), cost) for name, hit, cost in found}
        return [set(self.rehearsal[name][0]) for name in names], [self.rehearsal[name][1] for name in names]

    def _rehearsed(self, tests: list[pytest.Function]) -> tuple[list[set[str]], list[float]]:
        """For each test, which functions of the core it runs and its CPU time (s). Raises what it raises."""
        now: set[str] = set()
        setattr(trampoline, "record_trampoline_hit", lambda name, caller=None: now.add(name))  # noqa: B010
        hit, cost = [], []
        for test in tests:
            now.clear()
            os.environ["MUTANT_UNDER_TEST"] = "stats"
            call(test)
            os.environ["MUTANT_UNDER_TEST"] = ""
            start = time.process_time()
            call(test)
            cost.append(time.process_time() - start)
            hit.append(set(now))
        return hit, cost

    def _forked(self, mutant: Mutant, tests: dict[int, pytest.Function], limit_s: float) -> tuple[int, int]:
        """Number of the process that tries ``mutant``, with at most ``limit_s`` of CPU time, and a pipe in which it
        leaves the number of the test that noticed."""
        told, tell = os.pipe()
        child = os.fork()
        if child:
            os.close(tell)
            return child, told
        signal.signal(signal.SIGPROF, lambda *_: os._exit(TIMEOUT))
        signal.setitimer(signal.ITIMER_PROF, limit_s)
        os.environ["MUTANT_UNDER_TEST"] = "" if mutant.module == ROWS else mutant.name
        if mutant.module == ROWS:
            from takead_ros.takeover import machine

            machine.ROWS = self._tables[mutant.name][0]
        for number, test in tests.items():
            try:
                call(test)
            except BaseException:  # noqa: BLE001  (whatever a test raises, it noticed)
                os.write(tell, number.to_bytes(4, "little"))
                os._exit(NOTICED)
        os._exit(SURVIVED)

    def _wait(self, running: dict[int, tuple[Mutant, int]]) -> None:
        child, status = os.wait()
        mutant, told = running.pop(child)
        number = os.read(told, 4)
        os.close(told)
        if number:
            self._noticed[mutant.function][int.from_bytes(number, "little")] += 1
        code = os.waitstatus_to_exitcode(status)
        self.outcomes[mutant.name] = code if code in (SURVIVED, TIMEOUT) else NOTICED


def is_plain(test: pytest.Function) -> bool:
    """Whether a test is quick and needs nothing but its parameters."""
    callspec = getattr(test, "callspec", None)
    needs = set(test.fixturenames) - set(callspec.params if callspec is not None else ())
    drawn = hasattr(test.function, "hypothesis")  # another sample each time, and long to shrink
    return not needs and not drawn and test.get_closest_marker("slow") is None


def call(test: pytest.Function) -> None:
    """Run a test's function with its parameters. The tests used here need no other fixtures."""
    callspec = getattr(test, "callspec", None)
    test.function(**callspec.params if callspec is not None else {})


def markdown(mutants: list[Mutant], made: int, outcomes: dict[str, int], tests: int, mutmut: str) -> str:
    """Score, one row a module, and every survivor with the reason where it is known to be equivalent."""
    reasons = yaml.safe_load((Path(__file__).parent / "mutation_equivalent.yaml").read_text("utf-8")) or []
    known = {(r["function"], r.get("removed"), r.get("added")): r["reason"] for r in reasons}
    alive = [m for m in mutants if outcomes[m.name] == SURVIVED]
    score = 100.0 * (1.0 - len(alive) / len(mutants))
    tried, lived = (Counter(m.module for m in group) for group in (mutants, alive))
    sampled = "" if len(mutants) == made else f"A sample drawn by chance (seed 2026) of {made} mutants."
    rows = [f"| {name} | {tried[name]} | {tried[name] - lived[name]} | {lived[name]} |" for name in sorted(tried)]
    lines = [
        f"**{score:.1f} %**: {len(mutants) - len(alive)} of {len(mutants)} mutants were noticed "
        f"({list(outcomes.values()).count(TIMEOUT)} of them by a time limit), {len(alive)} survived. mutmut {mutmut}, "
        f"{tests} tests. {sampled}",
        "", "| module | mutants | noticed | survived |", "|---|---|---|---|", *rows, "",
        "Survivors:", "", "| function | instead of | | why no test can notice it |", "|---|---|---|---|",
    ]  # fmt: skip
    for mutant in alive:
        function = (
            f"row {mutant.name[5:]}"
            if mutant.module == ROWS
            else mutant.function.removeprefix("takead_ros.takeover.").replace("ǁ", ".").replace(".x_", ".")
        )
        function = function.replace(".x.", ".")
        cells = [f"`{text.replace('|', chr(92) + '|')}`" for text in (mutant.removed, mutant.added)]
        why = known.get((function, mutant.removed, mutant.added)) or known.get((function, None, None), "it can: a gap")
        lines.append(f"| {function} | {' | '.join(cells)} | {why} |")
    return "\n".join(lines) + "\n"


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
    tests = digest([*(ROOT / "test" / "takeover").glob("*.py"), *helpers, Path(__file__)])
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
