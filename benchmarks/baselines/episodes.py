"""Episodes of all drivers, one scored after another or in several processes, and their records."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator

from pydantic.dataclasses import dataclass

from benchmarks.baselines.in_lane import PERIOD, Command, Driver, constant_speed, lane_idm
from benchmarks.baselines.of_metadrive import metadrive_idm, metadrive_ppo
from takead_ros import scenarios
from takead_ros.measures.driving_score import score_episode
from takead_ros.measures.summary import Summary
from takead_ros.runs.results import RECORD, EpisodeResult
from takead_ros.simulators import Episode, Simulator, open_simulator


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Settings:
    """What must be the same for a run to be continued."""

    suite: str
    families: tuple[str, ...]
    seeds: tuple[int, ...]
    version: str
    simulator: str


@dataclass(frozen=True, kw_only=True, config=RECORD)
class DriverSummary(Summary):
    episodes: tuple[EpisodeResult, ...]


@dataclass(frozen=True, kw_only=True, config=RECORD)
class Baselines(Settings):
    """The JSON file."""

    drivers: dict[str, DriverSummary]


DRIVERS: dict[str, Callable[[Episode], Driver]] = {
    driver.__name__: driver for driver in (constant_speed, lane_idm, metadrive_idm, metadrive_ppo)
}
_simulator: Simulator | None = None  # MetaDrive allows one engine in a process


def episode(work: tuple[str, str, str, int]) -> EpisodeResult:
    """One scored episode of (driver, suite, family, seed)."""
    global _simulator
    name, suite, family, seed = work
    _simulator = _simulator or open_simulator("metadrive")
    driven = _simulator.reset(scenarios.build(family, seed))
    drive = DRIVERS[name](driven)
    every = round(PERIOD / driven.step_s)
    command: Command = (0.0, 0.0)
    tick = 0
    while not driven.done:
        if tick % every == 0:
            command = drive(driven)
        driven.step(*command)
        tick += 1
    return EpisodeResult(**vars(score_episode(driven.outcome(), suite)), triggers=(), driver=name)


def key(work: tuple[str, str, str, int]) -> str:
    return f"{work[0]}/{work[2]}/{work[3]}"


def run(work: list[tuple[str, str, str, int]], workers: int) -> Iterator[EpisodeResult]:
    """Results in the order of ``work``."""
    if workers == 1:
        yield from map(episode, work)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(episode, work)
