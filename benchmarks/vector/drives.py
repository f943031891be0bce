"""Drives of the expert in any simulator, as commands and what the ego did: what the vector world is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from takead_ros.domain.scene import FloatArray
from takead_ros.expert.memory import Memory
from takead_ros.expert.parameters import ExpertParameters
from takead_ros.expert.planner import plan
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators import Episode, Simulator

DECIDE = 2  # ticks of one decision (10 Hz)


@dataclass(frozen=True)
class Drive:
    """commands (T, 2): steering rad, acceleration m/s^2 of each tick; ego (T + 1, 6): x, y, yaw, speed, lateral speed,
    yaw rate before the first tick and after each; contact: the tick of the first contact, T where there was none."""

    scenario: Scenario
    commands: FloatArray
    ego: FloatArray
    contact: int
    end: str


def state(episode: Episode) -> tuple[float, ...]:
    """x, y, yaw, speed, lateral speed, yaw rate of the ego."""
    ego = episode.observe().ego
    return ego.x, ego.y, ego.yaw, ego.speed, ego.lateral_speed, ego.yaw_rate


def expert_drive(simulator: Simulator, scenario: Scenario, ticks: int = 10_000) -> Drive:
    """The expert drives ``scenario`` to its end, or for ``ticks``."""
    episode = simulator.reset(scenario)
    memory, parameters = Memory(), ExpertParameters()
    commands: list[tuple[float, float]] = []
    ego = [state(episode)]
    command = (0.0, 0.0)
    while not episode.done and len(commands) < ticks:
        if len(commands) % DECIDE == 0:
            output, memory = plan(episode.observe(), memory, parameters)
            command = output.steering_angle, output.acceleration
        episode.step(*command)
        commands.append(command)
        ego.append(state(episode))
    log = episode.outcome()
    contact = min((contact.tick for contact in log.contacts), default=len(commands))
    return Drive(scenario, np.array(commands), np.array(ego), contact, log.end.value)


def replay(simulator: Simulator, drive: Drive) -> Drive:
    """The same commands once more, in ``simulator``; those after the end of the episode there are left out."""
    episode = simulator.reset(drive.scenario)
    ego = [state(episode)]
    for steering, acceleration in drive.commands:
        if episode.done:
            break
        episode.step(float(steering), float(acceleration))
        ego.append(state(episode))
    log = episode.outcome()
    contact = min((contact.tick for contact in log.contacts), default=len(ego) - 1)
    return Drive(drive.scenario, drive.commands[: len(ego) - 1], np.array(ego), contact, log.end.value)


def apart(first: Drive, second: Drive, tick: int) -> float | None:
    """m between the two egos after ``tick`` ticks; None where a drive had ended or touched somebody by then."""
    if tick >= min(len(first.ego), len(second.ego)) or tick > min(first.contact, second.contact):
        return None
    return float(np.hypot(*(first.ego[tick, :2] - second.ego[tick, :2])))


def spread(values: Sequence[float]) -> dict[str, float]:
    """Percentiles of ``values``, JSON-ready."""
    names = {"p50": 50, "p90": 90, "p99": 99, "max": 100}
    return {name: float(np.percentile(values, share)) for name, share in names.items()}
