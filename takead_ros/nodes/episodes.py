"""What stands around a drive in the simulated world: the scenario that follows, and the questions to the arbiter."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from takead_ros import scenarios
from takead_ros.domain.units import SECOND
from takead_ros.host import wiring
from takead_ros.host.api import NodeHandle
from takead_ros.measures.driving_score import score_episode
from takead_ros.messages import interfaces
from takead_ros.messages.interfaces import Service
from takead_ros.nodes.settings import SimulatorParameters
from takead_ros.scenarios.spec import Scenario
from takead_ros.scenarios.suites import load_suite
from takead_ros.simulators import Episode, open_simulator

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
        self._asked_at: int | None = None  # when the last question was put
        self._begun_at = 0
        self._ended_at: int | None = None

    def begin(self, now: int) -> None:
        """An episode begins."""
        self._begun_at, self._asked_at, self._ended_at = now, None, None

    def waiting(self, now: int) -> None:
        """The episode waits for its driver."""
        if self._engages and now - self._begun_at > SETTLE_NS:
            self._ask(self._engage, interfaces.ENGAGE, now)

    def over(self, now: int, driven: bool) -> bool:
        """The episode is over; whether the next one may begin. driven: somebody still drives."""
        if self._ended_at is None:
            self._ended_at, self._asked_at = now, None
            self._ask(self._disengage, interfaces.DISENGAGE, now)
        return not driven or now - self._ended_at > FAREWELL_NS

    def _ask(self, client: Any, service: Service, now: int) -> None:
        if (self._asked_at is None or now - self._asked_at > RETRY_NS) and client.service_is_ready():
            self._asked_at = now
            client.call_async(service.service.Request()).add_done_callback(self._answered)

    def _answered(self, future: Any) -> None:
        response = future.result()
        refused = "" if response is None or response.accepted else f"{response.code}: {response.message}"
        if refused and refused != self._refused:
            self._logger.warning(f"the arbiter refused: {refused}")
        self._refused = refused


class OneEpisode:
    """An episode that somebody else made and closes; nothing follows it."""

    def __init__(self, episode: Episode, simulator: str) -> None:
        self.episode, self.simulator = episode, simulator

    @property
    def finished(self) -> bool:
        """Whether there is nothing more to show."""
        return self.episode.done

    def begin(self, now: int) -> None: ...

    def waiting(self, now: int) -> None: ...

    def over(self, now: int, driven: bool) -> bool:
        return False

    def advance(self) -> None: ...

    def close(self) -> None: ...


class Episodes:
    """The scenarios of a suite one after another, for ever, in a simulator of its own. Raises TakeadError for
    parameters that name no suite or no simulator. Times are ns of the steady clock."""

    finished = False

    def __init__(self, node: NodeHandle, parameters: SimulatorParameters) -> None:
        p, self._logger = parameters, node.get_logger()
        self._engager = Engager(node, p.auto_engage)
        self._scenarios = sequence(p.family or p.suite, p.seed)
        self._simulator = open_simulator(p.simulator, p.period_s)
        self.simulator = self._simulator.name
        self.episode = self._simulator.reset(next(self._scenarios))

    def begin(self, now: int) -> None:
        """The episode is there to be driven."""
        self._engager.begin(now)
        self._logger.info(f"episode: {self.episode.scenario.family}, seed {self.episode.scenario.seed}")

    def waiting(self, now: int) -> None:
        """The episode waits for its driver."""
        self._engager.waiting(now)

    def over(self, now: int, driven: bool) -> bool:
        """The episode is done; whether to advance to the next one."""
        return self._engager.over(now, driven)

    def advance(self) -> None:
        """Score what was driven and make the next episode."""
        result = score_episode(self.episode.outcome())
        self.episode = self._simulator.reset(next(self._scenarios))
        self._logger.info(
            f"{result.scenario} seed {result.seed}: driving score {result.driving_score:.1f}, ended by {result.end}"
        )

    def close(self) -> None:
        self._simulator.close()
