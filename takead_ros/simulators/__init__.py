"""The simulators there are, by name. None of them is imported before it is opened."""

from __future__ import annotations

from collections.abc import Callable

from takead_ros.domain.errors import unknown
from takead_ros.simulators.api import Episode, Simulator

SIMULATOR = "metadrive"  # where nobody asks for another
STEP_S = 0.05  # s of one step, likewise


def _metadrive(step_s: float) -> Simulator:
    from takead_ros.simulators.metadrive.simulator import MetaDrive

    return MetaDrive(step_s)


def _vector(step_s: float) -> Simulator:
    from takead_ros.simulators.vector.simulator import Vector

    return Vector(step_s)


SIMULATORS: dict[str, Callable[[float], Simulator]] = {"metadrive": _metadrive, "vector": _vector}


def open_simulator(name: str, step_s: float = STEP_S) -> Simulator:
    """The simulator ``name``, which steps by ``step_s`` s where a scenario does not ask for its own step.

    Raises TakeadError for a name that there is none of, a simulator that is not installed, or a step that it cannot do.
    """
    if name not in SIMULATORS:
        raise unknown("simulator", name, SIMULATORS)
    return SIMULATORS[name](step_s)


__all__ = ["SIMULATOR", "SIMULATORS", "STEP_S", "Episode", "Simulator", "open_simulator"]
