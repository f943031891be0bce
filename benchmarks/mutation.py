"""Mutation test of the takeover core: how many small changes to the code do the tests notice?

    pip install 'takead_ros[mutation]'
    python benchmarks/mutation.py [--modules limits,mrm] [--sample 300] [--jobs 2]
    python benchmarks/mutation.py --markdown docs/results/mutation.md

mutmut makes the mutants, in a copy of the package. The tests are collected once; each mutant is then tried in a fork of
that process, by the tests that run the function it is in, the quickest first, until one fails. The exhaustive, the
random and the node tests are left out: they are slow, and the score has to hold without them.
``mutation_equivalent.yaml`` names the mutants that no test can notice, with the reason; they count as survivors in
the score.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import gc
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from mutmut.mutation import trampoline
from mutmut.mutation.file_mutation import mutate_file_contents

ROOT = Path(__file__).resolve().parents[1]
CORE = ("arbiter", "command", "engagement", "inputs", "limits", "mrm", "state")
TESTS = ("transitions", "transitions_automation", "inputs", "limits_and_manoeuvre", "engagement_and_command",
         "field_defects")  # fmt: skip
OF_SOURCES = "test_the_core_neither_reads"  # about the source itself, which is another one here
NOTICED, SURVIVED, TIMEOUT = 1, 0, 2


@dataclass(frozen=True)
class Mutant:
    """``name`` as the trampolines know it, ``function`` that it changes, its lines taken out and put in."""

    name: str
    function: str
    removed: str
    added: str


def make_mutants(folder: Path, modules: tuple[str, ...]) -> list[Mutant]:
    """Copy the package and its tests to ``folder``, with mutants in the core's modules."""
    skip = shutil.ignore_patterns("__pycache__")
    for name in ("takead_ros", "test/takeover", "test/support", "msg", "srv", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "setup.cfg").write_text("[mutmut]\nsource_paths=takead_ros\n", "utf-8")  # mutmut looks for it
    mutants: list[Mutant] = []
    for module in modules:
        path = folder / "takead_ros" / "takeover" / f"{module}.py"
        made = mutate_file_contents(str(path), path.read_text("utf-8"))
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
        yield Mutant(f"{module}.{name}", f"{module}.{original}", removed, added)


class Campaign:
    """A pytest plugin whose test loop tries mutants in forks instead of running the tests once."""

    def __init__(self, mutants: list[Mutant], jobs: int) -> None:
        self._mutants, self._jobs = mutants, jobs
        self.outcomes: dict[str, int] = {}
        self.tests = 0

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Failed(f"{session.testsfailed} errors while collecting")
        tests = [item for item in session.items if isinstance(item, pytest.Function)]
        self.tests = len(tests)
        hit, cost = self._rehearsed(tests)
        gc.collect()
        gc.freeze()  # else a collection in a fork would copy all that they share
        running: dict[int, str] = {}
        for number, mutant in enumerate(self._mutants, 1):
            mine = sorted((i for i in range(len(tests)) if mutant.function in hit[i]), key=lambda i: cost[i])
            limit = 1.0 + 4.0 * sum(cost[i] for i in mine)
            running[self._forked(mutant, [tests[i] for i in mine], limit)] = mutant.name
            if len(running) >= self._jobs:
                self._wait(running)
            if number % 200 == 0:
                print(f"{number} of {len(self._mutants)}", file=sys.stderr, flush=True)
        while running:
            self._wait(running)
        return True

    def _rehearsed(self, tests: list[pytest.Function]) -> tuple[list[set[str]], list[float]]:
        """For each test, which functions of the core it runs and its CPU time (s). Raises what it raises."""
        now: set[str] = set()
        trampoline.record_trampoline_hit = lambda name, caller=None: now.add(name)
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

    def _forked(self, mutant: Mutant, tests: list[pytest.Function], limit_s: float) -> int:
        """Number of the process that tries ``mutant``, with at most ``limit_s`` of CPU time."""
        child = os.fork()
        if child:
            return child
        signal.signal(signal.SIGPROF, lambda *_: os._exit(TIMEOUT))
        signal.setitimer(signal.ITIMER_PROF, limit_s)
        os.environ["MUTANT_UNDER_TEST"] = mutant.name
        try:
            for test in tests:
                call(test)
        except BaseException:  # noqa: BLE001  (whatever a test raises, it noticed)
            os._exit(NOTICED)
        os._exit(SURVIVED)

    def _wait(self, running: dict[int, str]) -> None:
        child, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        self.outcomes[running.pop(child)] = code if code in (SURVIVED, TIMEOUT) else NOTICED


def call(test: pytest.Function) -> None:
    """Run a test's function with its parameters. The tests used here need no other fixtures."""
    callspec = getattr(test, "callspec", None)
    test.function(**callspec.params if callspec is not None else {})


def markdown(mutants: list[Mutant], outcomes: dict[str, int], tests: int, mutmut: str) -> str:
    """Score, one row a module, and every survivor with the reason where it is known to be equivalent."""
    reasons = yaml.safe_load((Path(__file__).parent / "mutation_equivalent.yaml").read_text("utf-8")) or []
    known = {(r["function"], r["removed"], r["added"]): r["reason"] for r in reasons}
    alive = [m for m in mutants if outcomes[m.name] == SURVIVED]
    score = 100.0 * (1.0 - len(alive) / len(mutants))
    tried, lived = (Counter(m.name.split(".")[2] for m in group) for group in (mutants, alive))
    rows = [f"| {name} | {tried[name]} | {tried[name] - lived[name]} | {lived[name]} |" for name in sorted(tried)]
    lines = [
        f"**{score:.1f} %**: {len(mutants) - len(alive)} of {len(mutants)} mutants were noticed "
        f"({list(outcomes.values()).count(TIMEOUT)} of them by a time limit), {len(alive)} survived. mutmut {mutmut}, "
        f"{tests} tests.",
        "", "| module | mutants | noticed | survived |", "|---|---|---|---|", *rows, "",
        "Survivors:", "", "| function | instead of | | why no test can notice it |", "|---|---|---|---|",
    ]  # fmt: skip
    for mutant in alive:
        function = mutant.function.removeprefix("takead_ros.takeover.").replace("ǁ", ".").replace(".x_", ".")
        function = function.replace(".x.", ".")
        cells = [f"`{text.replace('|', chr(92) + '|')}`" for text in (mutant.removed, mutant.added)]
        why = known.get((function, mutant.removed, mutant.added), "it can: a gap")
        lines.append(f"| {function} | {' | '.join(cells)} | {why} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modules", default=",".join(CORE))
    parser.add_argument("--sample", type=int, help="try this many mutants, drawn by chance with a fixed seed")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where the outcomes are kept")
    parser.add_argument("--markdown", type=Path, help="write the result below '<!-- mutation -->' in this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        mutants = make_mutants(Path(folder), tuple(arguments.modules.split(",")))
        if arguments.sample:
            mutants = random.Random(2026).sample(mutants, min(arguments.sample, len(mutants)))
        sys.path.insert(0, folder)
        campaign = Campaign(mutants, arguments.jobs)
        files = [f"test/takeover/test_{name}.py" for name in TESTS]
        options = ["-q", "-s", "-p", "no:cacheprovider", "--rootdir", folder, "-k", f"not {OF_SOURCES}"]
        code = pytest.main([*options, *files], plugins=[campaign])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) or not campaign.outcomes:
            return int(code) or 1
        os.chdir(ROOT)
    text = markdown(mutants, campaign.outcomes, campaign.tests, version("mutmut"))
    print(text)
    if arguments.json:
        arguments.json.write_text(json.dumps(campaign.outcomes, indent=1) + "\n", "utf-8")
    if arguments.markdown:
        mark = "<!-- mutation -->\n"
        head = arguments.markdown.read_text("utf-8").split(mark)[0] if arguments.markdown.exists() else ""
        arguments.markdown.write_text(f"{head}{mark}\n{text}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
