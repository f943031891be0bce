"""One environment of a batch, seen as any simulator's episode is: scenes, and a log for the measures."""

from __future__ import annotations

import math

import numpy as np

from takead_ros.domain.navigation import Navigation
from takead_ros.domain.scene import ControlKind, EgoState, LightState, Objects, Scene, TrafficControl
from takead_ros.domain.visibility import in_view
from takead_ros.measures.episode_log import End, EpisodeLog
from takead_ros.scenarios.signals import PASSED, VISIBLE
from takead_ros.simulators.episode_recorder import EpisodeRecorder
from takead_ros.simulators.map_view import MapView
from takead_ros.simulators.vector.arrays import Layout, State
from takead_ros.simulators.vector.batch import Batch
from takead_ros.simulators.vector.compiled_scenario import CompiledScenario
from takead_ros.simulators.vector.ego import SingleTrack
from takead_ros.simulators.vector.step import ENDS


class Environment:
    """One environment of a batch as scenes and a log; whoever steps the batch calls ``record`` after each tick.

    ``navigation``: where the ego is on its route.
    """

    def __init__(self, batch: Batch, row: int, compiled: CompiledScenario) -> None:
        self.scenario = compiled.scenario
        self._batch, self._row = batch, row
        base = compiled.navigation
        self.navigation = Navigation(base.path.points, base.commands, base.start, base.goal, base.speed_limit)
        self._map_view = MapView(compiled.polylines)
        self._recorder = EpisodeRecorder(compiled.scenario, batch.step_s)
        self.record()

    @property
    def time_s(self) -> float:
        """s since the start of the episode."""
        return float(self._batch.state.tick[self._row]) * self._batch.step_s

    @property
    def end(self) -> End:
        """Whether, and why, the episode is over."""
        return ENDS[int(self._batch.state.end[self._row])]

    def observe(self, stamp: int | None = None) -> Scene:
        """The scene now, as the ego's sensors see it; stamp ns, by default the time since the start."""
        ego = self._ego()
        return Scene(
            stamp=round(self.time_s * 1e9) if stamp is None else stamp,
            ego=ego,
            objects=in_view(self._recorder.objects, ego.x, ego.y),
            polylines=self._map_view.around(ego.x, ego.y),
            route=self.navigation.route(),
            controls=self._recorder.controls,
        )

    def record(self) -> None:
        """Note the tick that was just made (or the start)."""
        state, navigation, row = self._batch.state, self.navigation, self._row
        s, lateral, error, furthest, limit = (float(value) for value in state.navigation[row])
        navigation.s, navigation.lateral, navigation.heading_error, navigation.furthest = s, lateral, error, furthest
        navigation.speed_limit = None if math.isnan(limit) else limit
        ego, objects = self._ego(), objects_in(self._batch.layout, state, row)
        if state.tick[row]:
            self._recorder.find_contacts(ego, objects, s)
        front = self._batch.vehicle.length / 2.0
        self._recorder.record(
            ego, navigation, float(state.ego[row, 9]), objects, controls_around(self._batch.layout, state, row, front)
        )

    def outcome(self) -> EpisodeLog:
        """The episode so far; ``end`` is RUNNING while it is not over."""
        return self._recorder.log(self.end)

    def _ego(self) -> EgoState:
        return ego_state(self._batch.state, self._row, self._batch.vehicle)


def ego_state(state: State, row: int, vehicle: SingleTrack) -> EgoState:
    """The ego of environment ``row``."""
    x, y, yaw, speed, lateral, turn, acceleration, across, steering, _ = (float(value) for value in state.ego[row])
    return EgoState(
        x=x,
        y=y,
        yaw=yaw,
        speed=speed,
        lateral_speed=lateral,
        yaw_rate=turn,
        acceleration=acceleration,
        lateral_acceleration=across,
        steering_angle=steering,
        length=vehicle.length,
        width=vehicle.width,
        wheelbase=vehicle.wheelbase,
        max_steering_angle=vehicle.full_lock,
    )


def objects_in(layout: Layout, state: State, row: int) -> Objects:
    """Everyone in the world of environment ``row``, in full view."""
    here = np.flatnonzero(state.gone[row, : layout.actor_count[row]] == 0)
    pose = state.pose[row, here]
    return Objects(
        here + 1,
        layout.kind[row, here],
        pose[:, 0],
        pose[:, 1],
        pose[:, 2],
        pose[:, 3],
        pose[:, 4],
        layout.length[row, here],
        layout.width[row, here],
        np.ones(len(here)),
    )


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
