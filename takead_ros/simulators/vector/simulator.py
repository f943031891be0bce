"""The vector world behind the seam of every simulator: one environment as an episode."""

from __future__ import annotations

import math
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.navigation import Navigation
from takead_ros.domain.scene import ControlKind, EgoState, LightState, Objects, Scene, TrafficControl
from takead_ros.domain.visibility import in_view
from takead_ros.maps.lanemap import LaneMap
from takead_ros.measures.episode_log import End, EpisodeLog
from takead_ros.scenarios.signals import PASSED, VISIBLE
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators.layout import lay_out
from takead_ros.simulators.recorder import EpisodeRecorder
from takead_ros.simulators.vector.arrays import Layout, State
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario, compile_scenario
from takead_ros.simulators.vector.ego import METADRIVE, Vehicle
from takead_ros.simulators.vector.step import ENDS
from takead_ros.simulators.view import MapView


class Vector:
    """The simulator ``vector``: no physics engine, no messages; its ego moves as MetaDrive's does (``ego.Vehicle``)."""

    def __init__(self, step_s: float = 0.05, vehicle: Vehicle = METADRIVE) -> None:
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
        return VectorEpisode(compile_scenario(*on_lanes(scenario)), self._vehicle, offset_m, turn_rad)

    def close(self) -> None:
        """There is nothing to give back."""


class VectorEpisode:
    """One scenario in an environment of its own; satisfies ``simulators.api.Episode``."""

    def __init__(self, compiled: CompiledScenario, vehicle: Vehicle, offset_m: float, turn_rad: float) -> None:
        self.scenario, self._vehicle = compiled.scenario, vehicle
        self._batch = Batch(1, vehicle)
        self._batch.reset([0], [compiled], compiled.moved(offset_m, turn_rad)[None])
        base = compiled.navigation
        self.navigation = Navigation(base.path.points, base.commands, base.start, base.goal, base.speed_limit)
        self._map_view = MapView(compiled.polylines)
        self._recorder = EpisodeRecorder(compiled.scenario, self.step_s)
        self._ids = np.arange(1, len(compiled.scenario.actors) + 1)
        self._record()

    @property
    def step_s(self) -> float:
        """s of one step."""
        return self._batch.step_s

    @property
    def time_s(self) -> float:
        """s since the start of the episode."""
        return float(self._batch.state.tick[0]) * self.step_s

    @property
    def done(self) -> bool:
        """Whether the episode is over."""
        return self._end is not End.RUNNING

    @property
    def _end(self) -> End:
        return ENDS[int(self._batch.state.end[0])]

    def step(self, steering_angle: float, acceleration: float) -> None:
        """See ``simulators.api.Episode``. Raises TakeadError for a value that is not finite."""
        if not (math.isfinite(steering_angle) and math.isfinite(acceleration)):
            raise TakeadError(
                f"simulator: command ({steering_angle} rad, {acceleration} m/s^2), expected finite numbers"
            )
        self._batch.step(np.array([[steering_angle, acceleration]], dtype=np.float64))
        self._recorder.find_contacts(self._ego(), self._objects(), float(self._batch.state.navigation[0, 0]))
        self._record()

    def observe(self, stamp: int | None = None) -> Scene:
        """See ``simulators.api.Episode``."""
        ego = self._ego()
        return Scene(
            stamp=round(self.time_s * 1e9) if stamp is None else stamp,
            ego=ego,
            objects=in_view(self._recorder.objects, ego.x, ego.y),
            polylines=self._map_view.around(ego.x, ego.y),
            route=self.navigation.route(),
            controls=self._recorder.controls,
        )

    def outcome(self) -> EpisodeLog:
        """The episode so far; ``end`` is RUNNING while it is not over."""
        return self._recorder.log(self._end)

    def verdict(self) -> dict[str, float] | None:
        """The vector world has no benchmark of its own."""
        return None

    def _record(self) -> None:
        state, navigation = self._batch.state, self.navigation
        s, lateral, error, furthest, limit = (float(value) for value in state.navigation[0])
        navigation.s, navigation.lateral, navigation.heading_error, navigation.furthest = s, lateral, error, furthest
        navigation.speed_limit = limit
        self._recorder.record(
            self._ego(), navigation, float(state.ego[0, 9]), self._objects(),
            controls_around(self._batch.layout, state, 0, self._vehicle.length / 2.0),
        )  # fmt: skip

    def _ego(self) -> EgoState:
        return ego_state(self._batch.state, 0, self._vehicle)

    def _objects(self) -> Objects:
        return objects_in(self._batch.layout, self._batch.state, 0)


def on_lanes(scenario: Scenario) -> tuple[Scenario, LaneMap]:
    """The scenario, with whatever only its map knew of it, and its lanes."""
    lanes, scenario = lay_out(scenario)
    return scenario, LaneMap(lanes, None if scenario.limits else scenario.speed_limit)


def ego_state(state: State, row: int, vehicle: Vehicle) -> EgoState:
    """The ego of environment ``row``."""
    x, y, yaw, speed, lateral, turn, acceleration, across, steering, _ = (float(value) for value in state.ego[row])
    return EgoState(
        x=x, y=y, yaw=yaw, speed=speed, lateral_speed=lateral, yaw_rate=turn, acceleration=acceleration,
        lateral_acceleration=across, steering_angle=steering, length=vehicle.length, width=vehicle.width,
        wheelbase=vehicle.wheelbase, max_steering_angle=vehicle.full_lock,
    )  # fmt: skip


def objects_in(layout: Layout, state: State, row: int) -> Objects:
    """Everyone in the world of environment ``row``, in full view."""
    here = np.flatnonzero(state.gone[row, : layout.actor_count[row]] == 0)
    pose = state.pose[row, here]
    return Objects(
        here + 1, layout.kind[row, here], pose[:, 0], pose[:, 1], pose[:, 2], pose[:, 3], pose[:, 4],
        layout.length[row, here], layout.width[row, here], np.ones(len(here)),
    )  # fmt: skip


def controls_around(layout: Layout, state: State, row: int, front: float) -> tuple[TrafficControl, ...]:
    """The lights and signs that concern the ego of environment ``row`` here, nearest first (``Signals.around``)."""
    found = []
    for i in range(int(layout.control_count[row])):
        distance = float(layout.control_s[row, i] - state.navigation[row, 0] - front)
        if PASSED <= distance <= VISIBLE:
            x, y, yaw = layout.control_x[row, i], layout.control_y[row, i], layout.control_yaw[row, i]
            kind, light = ControlKind(int(layout.control_kind[row, i])), LightState(int(state.light_state[row, i]))
            found.append(TrafficControl(i + 1, kind, light, float(x), float(y), float(yaw), distance))
    return tuple(sorted(found, key=lambda control: control.distance))
