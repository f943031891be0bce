"""Trying the mutants: in forks of one pytest process, by the tests that run what they change."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from mutmut.mutation import trampoline

from benchmarks.mutation.mutants import ROWS, Mutant, changed_tables

NOTICED, SURVIVED, TIMEOUT = 1, 0, 2


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
