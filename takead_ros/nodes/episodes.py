"""What stands around the simulated world while it is driven: the row of scenarios, and the questions to the arbiter."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from takead_ros import scenarios
from takead_ros.host import wiring
from takead_ros.host.api import NodeHandle
from takead_ros.messages import interfaces
from takead_ros.messages.interfaces import Service
from takead_ros.scenarios.spec import Scenario
from takead_ros.scenarios.suites import load_suite

SECOND = 1_000_000_000
SETTLE_NS = SECOND  # from a reset to the first attempt to engage: the monitor forgets the world before
RETRY_NS = SECOND // 2  # between two attempts to engage
FAREWELL_NS = SECOND  # for the answer to disengage, between two episodes


def sequence(suite: str, first_seed: int) -> Iterator[Scenario]:
    """The families of a suite (or one family) in turn, then the next seed, for ever.

    Raises TakeadError for a suite that there is none of.
    """
    families = load_suite(suite).families  # before the first scenario is asked for
    return (scenarios.build(family, seed) for seed in _count(first_seed) for family in families)


def _count(first: int) -> Iterator[int]:
    while True:
        yield first
        first += 1


@contextmanager
def repeating(publish: Callable[[], None], period_s: float) -> Iterator[None]:
    """Call ``publish`` every ``period_s`` s of the wall clock from a thread while the block runs."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(period_s):
            publish()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Engager:
    """Asks the arbiter to engage once an episode has settled, and to disengage at its end, when the vehicle is set
    elsewhere; never waits for an answer, which shows in the commands that follow. Times are ns of the steady clock."""

    def __init__(self, node: NodeHandle, engages: bool) -> None:
        self._engages, self._logger = engages, node.get_logger()
        self._refused = ""
        self._engage = wiring.client(node, interfaces.ENGAGE)
        self._disengage = wiring.client(node, interfaces.DISENGAGE)
        self._asked: int | None = None  # when the last question was put
        self._begun = 0
        self._ended: int | None = None

    def begin(self, now: int) -> None:
        """An episode begins."""
        self._begun, self._asked, self._ended = now, None, None

    def waiting(self, now: int) -> None:
        """The episode waits for its driver."""
        if self._engages and now - self._begun > SETTLE_NS:
            self._ask(self._engage, interfaces.ENGAGE, now)

    def over(self, now: int, driven: bool) -> bool:
        """The episode is over; whether the next one may begin. driven: somebody still drives."""
        if self._ended is None:
            self._ended, self._asked = now, None
            self._ask(self._disengage, interfaces.DISENGAGE, now)
        return not driven or now - self._ended > FAREWELL_NS

    def _ask(self, client: Any, service: Service, now: int) -> None:
        if (self._asked is None or now - self._asked > RETRY_NS) and client.service_is_ready():
            self._asked = now
            client.call_async(service.service.Request()).add_done_callback(self._answered)

    def _answered(self, future: Any) -> None:
        response = future.result()
        refused = "" if response is None or response.accepted else f"{response.code}: {response.message}"
        if refused and refused != self._refused:
            self._logger.warning(f"the arbiter refused: {refused}")
        self._refused = refused
