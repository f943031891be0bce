"""The vector world behind the seam of every simulator: one environment as an episode."""

from __future__ import annotations

import math
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.scene import Scene
from takead_ros.maps.lanemap import LaneMap
from takead_ros.measures.episode_log import End, EpisodeLog
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators.layout import lay_out
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario, compile_scenario
from takead_ros.simulators.vector.ego import METADRIVE, SingleTrack
from takead_ros.simulators.vector.environment import Environment


class Vector:
    """The simulator ``vector``: no physics engine, no messages; ``ego.SingleTrack`` moves its ego as MetaDrive does."""

    def __init__(self, step_s: float = 0.05, vehicle: SingleTrack = METADRIVE) -> None:
        substeps = round(step_s / vehicle.physics_step)
        if substeps < 1 or abs(substeps * vehicle.physics_step - step_s) > 1e-9:
            raise TakeadError(f"simulator vector: step {step_s} s, expected a multiple of {vehicle.physics_step} s")
        self._vehicle = vehicle._replace(substeps=substeps)
        try:
            self.name = f"vector {version('takead_ros')}"
        except PackageNotFoundError:  # a source tree on the path
            self.name = "vector"

    def reset(self, scenario: Scenario, offset_m: float = 0.0, turn_rad: float = 0.0) -> VectorEpisode:
        """See ``simulators.api.Simulator``. Raises TakeadError for roads that only MetaDrive has."""
        compiled, batch = compile_scenario(*on_lanes(scenario)), Batch(1, self._vehicle)
        batch.reset([0], [compiled], compiled.moved(offset_m, turn_rad)[None])
        return VectorEpisode(batch, compiled)

    def close(self) -> None:
        """There is nothing to give back."""


class VectorEpisode:
    """The one environment of ``batch``, just reset to ``compiled``; satisfies ``simulators.api.Episode``."""

    def __init__(self, batch: Batch, compiled: CompiledScenario) -> None:
        self._batch = batch
        self._environment = Environment(self._batch, 0, compiled)

    @property
    def scenario(self) -> Scenario:
        """The scenario that is driven."""
        return self._environment.scenario

    @property
    def step_s(self) -> float:
        """s of one step."""
        return self._batch.step_s

    @property
    def time_s(self) -> float:
        """s since the start of the episode."""
        return self._environment.time_s

    @property
    def done(self) -> bool:
        """Whether the episode is over."""
        return self._environment.end is not End.RUNNING

    def step(self, steering_angle: float, acceleration: float) -> None:
        """See ``simulators.api.Episode``. Raises TakeadError for a value that is not finite."""
        if not (math.isfinite(steering_angle) and math.isfinite(acceleration)):
            raise TakeadError(
                f"simulator: command ({steering_angle} rad, {acceleration} m/s^2), expected finite numbers"
            )
        self._batch.step(np.array([[steering_angle, acceleration]], dtype=np.float64))
        self._environment.record()

    def observe(self, stamp: int | None = None) -> Scene:
        """See ``simulators.api.Episode``."""
        return self._environment.observe(stamp)

    def outcome(self) -> EpisodeLog:
        """The episode so far; ``end`` is RUNNING while it is not over."""
        return self._environment.outcome()

    def verdict(self) -> dict[str, float] | None:
        """The vector world has no benchmark of its own."""
        return None


def on_lanes(scenario: Scenario) -> tuple[Scenario, LaneMap]:
    """The scenario, with whatever only its map knew of it, and its lanes."""
    lanes, scenario = lay_out(scenario)
    return scenario, LaneMap(lanes, None if scenario.limits else scenario.speed_limit)
