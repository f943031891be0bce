"""Episodes along a route on a map of lanes: what those of most simulators share, and scripted ones.

A simulator that moves one ego among the scripted road users implements the three methods of ``ScriptedEpisode``; one
that has its own traffic those of ``RouteEpisode``. Worked example: docs/extending.md.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import box_corners
from takead_ros.domain.scene import EgoState, Objects, Scene
from takead_ros.domain.visibility import in_view
from takead_ros.maps.lanemap import Lane, LaneMap
from takead_ros.maps.navigation import navigate
from takead_ros.measures.episode_log import End, EpisodeLog
from takead_ros.scenarios.road_users import Pose, RoadUsers
from takead_ros.scenarios.signals import Signals
from takead_ros.scenarios.spec import Model, Scenario
from takead_ros.simulators.ending import EndRules
from takead_ros.simulators.episode_recorder import EpisodeRecorder
from takead_ros.simulators.map_view import MapView

VehicleState = tuple[float, float, float, float, float, float]  # x m, y m, yaw rad, speed, lateral speed m/s, rad/s


@dataclass(frozen=True)
class EgoShape:
    """The ego's box (length m, width m), wheelbase m and the largest angle rad of its front wheels."""

    length: float
    width: float
    wheelbase: float
    max_steering_angle: float


class RouteEpisode(ABC):
    """One scenario on ``lanes`` with steps of ``step_s`` s, for an ego of ``vehicle``'s measures.

    Satisfies ``simulators.api.Episode``. Beyond that, for tests and drawings: ``lane_map`` and ``navigation``.
    """

    def __init__(self, scenario: Scenario, lanes: list[Lane], step_s: float, vehicle: EgoShape) -> None:
        self.scenario, self.step_s, self.vehicle = scenario, step_s, vehicle
        self.lane_map = LaneMap(lanes, None if scenario.limits else scenario.speed_limit)
        self.navigation = navigate(self.lane_map, scenario.route, scenario.start, scenario.goal, scenario.speed_limit)
        self._tick, self._end, self._steering = 0, End.RUNNING, 0.0
        self._map_view = MapView(self.lane_map.polylines(scenario.route))
        self._signals = Signals(scenario.controls, self.navigation.path)
        self._recorder = EpisodeRecorder(scenario, step_s)
        self._sensed_at = -1

    def _start(self) -> None:
        """The first tick; called at the end of construction, when the ego is where it begins."""
        self._ego = self._ego_state(None)
        self._record(self._objects())

    @property
    def time_s(self) -> float:
        """s since the start of the episode."""
        return self._tick * self.step_s

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self._end is not End.RUNNING

    def step(self, steering_angle: float, acceleration: float) -> None:
        """Drives on for one step. steering_angle rad, positive left, cut at full lock; acceleration m/s^2, cut to
        what the simulator can do. Standing still, a negative acceleration holds the brake; the ego never reverses.

        Raises TakeadError for a value that is not finite.
        """
        if not (math.isfinite(steering_angle) and math.isfinite(acceleration)):
            raise TakeadError(
                f"simulator: command ({steering_angle} rad, {acceleration} m/s^2), expected finite numbers"
            )
        lock = self.vehicle.max_steering_angle
        self._steering = max(-lock, min(lock, steering_angle))
        self._drive(self._steering, acceleration)
        self._tick += 1
        self._ego = ego = self._ego_state(self._ego)
        self.navigation.update(ego.x, ego.y, ego.yaw)
        objects = self._objects()
        touched = self._recorder.find_contacts(ego, objects, self.navigation.s)
        if touched:
            self._wreck(touched)
            objects = self._objects()
        self._signals.advance(self.time_s, self.navigation.s, ego.speed, self.vehicle.length / 2.0)
        for start, limit in self.scenario.limits:
            if self.navigation.s >= start:
                self.navigation.speed_limit = limit
        self._record(objects)
        self._end = self._ending()

    def observe(self, stamp: int | None = None) -> Scene:
        """The scene now, limited to what the ego's sensors see where ``visibility`` says so; stamp ns, by default the
        time since the start."""
        if self._sensed_at != self._tick:
            self._sensed_at, self._sensed = self._tick, in_view(self._recorder.objects, self._ego.x, self._ego.y)
        return Scene(
            stamp=round(self.time_s * 1e9) if stamp is None else stamp,
            ego=self._ego,
            objects=self._sensed,
            polylines=self._map_view.around(self._ego.x, self._ego.y),
            route=self.navigation.route(),
            controls=self._recorder.controls,
        )

    def outcome(self) -> EpisodeLog:
        """The episode so far; ``end`` is RUNNING while it is not over."""
        return self._recorder.log(self._end)

    def verdict(self) -> dict[str, float] | None:
        """What the simulator itself says of the episode, where the scenario is one of its own; else None."""
        return None

    @abstractmethod
    def _drive(self, steering: float, acceleration: float) -> None:
        """One step of everybody: steering rad, positive left, within full lock; acceleration m/s^2."""

    @abstractmethod
    def _vehicle_state(self) -> VehicleState:
        """The ego as the simulator has it."""

    @abstractmethod
    def _objects(self) -> Objects:
        """Everyone but the ego, all in full view."""

    @abstractmethod
    def _wreck(self, ids: list[int]) -> None:
        """The ego has come to touch these objects."""

    @abstractmethod
    def _ending(self) -> End:
        """Whether, and why, the episode is over after the step that was just made."""

    def _ego_state(self, before: EgoState | None) -> EgoState:
        x, y, yaw, speed, lateral, yaw_rate = self._vehicle_state()
        return EgoState(
            x=x,
            y=y,
            yaw=yaw,
            speed=speed,
            lateral_speed=lateral,
            yaw_rate=yaw_rate,
            acceleration=0.0 if before is None else (speed - before.speed) / self.step_s,
            lateral_acceleration=speed * yaw_rate,
            steering_angle=self._steering,
            length=self.vehicle.length,
            width=self.vehicle.width,
            wheelbase=self.vehicle.wheelbase,
            max_steering_angle=self.vehicle.max_steering_angle,
        )

    def _record(self, objects: Objects) -> None:
        ego, navigation = self._ego, self.navigation
        corners = box_corners(ego.x, ego.y, ego.yaw, ego.length, ego.width)  # type: ignore[arg-type]
        off_road = float(self.lane_map.beyond(corners).max())
        self._recorder.record(
            ego, navigation, off_road, objects, self._signals.around(navigation.s, self.vehicle.length / 2.0)
        )


class ScriptedEpisode(RouteEpisode):
    """Scripted, reactive actors around the ego. An actor that was hit stays there, as an obstacle.

    ``offset_m``, ``turn_rad``: of the ego from its route, positive left. For tests and drawings: ``road_users``.
    """

    def __init__(
        self, scenario: Scenario, lanes: list[Lane], step_s: float, vehicle: EgoShape, offset_m: float, turn_rad: float
    ) -> None:
        super().__init__(scenario, lanes, step_s, vehicle)
        self.road_users = RoadUsers(scenario, self.lane_map)
        for i, pose in enumerate(self.road_users.poses):
            if pose is not None:
                self._appear(i, pose)
        x, y, yaw = self.navigation.path.at(scenario.start)
        x, y, yaw = x - math.sin(yaw) * offset_m, y + math.cos(yaw) * offset_m, yaw + turn_rad
        self._place_ego(x, y, yaw, scenario.speed)
        self.navigation.update(x, y, yaw)
        self._end_rules = EndRules(scenario.time_limit, step_s, x, y)
        self._start()

    @abstractmethod
    def _place_ego(self, x: float, y: float, yaw: float, speed: float) -> None:
        """Puts the ego at (x, y) m, heading ``yaw`` rad, with ``speed`` m/s; called once, in construction."""

    @abstractmethod
    def _drive_ego(self, steering: float, acceleration: float) -> None:
        """One step of the ego, as in ``_drive``; the road users have made theirs (``road_users.poses``)."""

    def _appear(self, i: int, pose: Pose) -> None:
        """Actor ``i`` comes into the world at ``pose``; for simulators with bodies of their own."""

    def _fix(self, i: int) -> None:
        """Actor ``i`` is a wreck from now on, which nobody can push away; for simulators with bodies of their own."""

    def _drive(self, steering: float, acceleration: float) -> None:
        users = self.road_users
        for i in users.come_and_go(self._ego, self.navigation.s, self.time_s):
            pose = users.poses[i]
            assert pose is not None
            self._appear(i, pose)
        users.advance(self._ego, self.navigation, self._signals, self.time_s, self.step_s)
        self._drive_ego(steering, acceleration)

    def _objects(self) -> Objects:
        return self.road_users.objects()

    def _wreck(self, ids: list[int]) -> None:
        for i in (number - 1 for number in ids):
            self.road_users.wreck(i)
            if self.scenario.actors[i].model is not Model.CONE:  # which is driven over
                self._fix(i)

    def _ending(self) -> End:
        return self._end_rules.check(self._ego, self.navigation, self.time_s)
