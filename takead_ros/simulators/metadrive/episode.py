"""Episodes in MetaDrive: what all of them share, and those of scripted scenarios."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from takead_ros.domain.errors import TakeadError
from takead_ros.domain.geometry import box_corners
from takead_ros.domain.scene import EgoState, Objects, Scene
from takead_ros.domain.visibility import in_view
from takead_ros.maps.lanemap import Lane, LaneMap
from takead_ros.maps.navigation import navigate
from takead_ros.maps.roads import SafeMetaDriveMap
from takead_ros.measures.episode_log import End, EpisodeLog
from takead_ros.scenarios.road_users import RoadUsers
from takead_ros.scenarios.signals import Signals
from takead_ros.scenarios.spec import Model, Scenario
from takead_ros.simulators.ending import EndRules
from takead_ros.simulators.layout import lay_out
from takead_ros.simulators.metadrive.engine import CREEP, ScriptedEngine
from takead_ros.simulators.metadrive.environment import EGO_LENGTH, EGO_WIDTH, MAX_STEERING_ANGLE, WHEELBASE
from takead_ros.simulators.recorder import EpisodeRecorder
from takead_ros.simulators.view import MapView

VehicleState = tuple[float, float, float, float, float, float]  # x m, y m, yaw rad, speed, lateral speed m/s, rad/s


class MetaDriveEpisode(ABC):
    """One scenario on ``lanes`` with steps of ``step_s`` s; everybody is in place already.

    Satisfies ``simulators.api.Episode``. Beyond that, for tests and drawings: ``lane_map`` and ``navigation``.
    """

    def __init__(self, scenario: Scenario, lanes: list[Lane], step_s: float) -> None:
        self.scenario, self.step_s = scenario, step_s
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
        """Drives on for one step. steering_angle rad, positive left, cut at full lock (40 deg); acceleration m/s^2,
        cut to -9..4. Standing still, a negative acceleration holds the brake; the ego never reverses.

        Raises TakeadError for a value that is not finite.
        """
        if not (math.isfinite(steering_angle) and math.isfinite(acceleration)):
            raise TakeadError(
                f"simulator: command ({steering_angle} rad, {acceleration} m/s^2), expected finite numbers"
            )
        self._steering = max(-MAX_STEERING_ANGLE, min(MAX_STEERING_ANGLE, steering_angle))
        self._drive(self._steering, acceleration)
        self._tick += 1
        self._ego = ego = self._ego_state(self._ego)
        self.navigation.update(ego.x, ego.y, ego.yaw)
        objects = self._objects()
        touched = self._recorder.find_contacts(ego, objects, self.navigation.s)
        if touched:
            self._wreck(touched)
            objects = self._objects()
        self._signals.advance(self.time_s, self.navigation.s, ego.speed, EGO_LENGTH / 2.0)
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
        """The ego as MetaDrive has it."""

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
            length=EGO_LENGTH,
            width=EGO_WIDTH,
            wheelbase=WHEELBASE,
            max_steering_angle=MAX_STEERING_ANGLE,
        )

    def _record(self, objects: Objects) -> None:
        ego, navigation = self._ego, self.navigation
        corners = box_corners(ego.x, ego.y, ego.yaw, ego.length, ego.width)  # type: ignore[arg-type]
        off_road = float(self.lane_map.beyond(corners).max())
        self._recorder.record(ego, navigation, off_road, objects, self._signals.around(navigation.s, EGO_LENGTH / 2.0))


class ScriptedEpisode(MetaDriveEpisode):
    """Scripted, reactive actors around MetaDrive's vehicle. Who was hit stays where that happened, in the way.

    ``offset_m``, ``turn_rad``: of the ego from its route, positive left. For tests and baselines: ``road_users``,
    ``vehicle`` (MetaDrive's own under the ego), ``bodies`` (MetaDrive's, by actor) and ``network`` (its roads).
    """

    def __init__(
        self, engine: ScriptedEngine, scenario: Scenario, lanes: list[Lane], offset_m: float, turn_rad: float
    ) -> None:
        super().__init__(scenario, lanes, engine.step_s)
        self._engine = engine
        self.road_users = RoadUsers(scenario, self.lane_map)
        for i, pose in enumerate(self.road_users.poses):
            if pose is not None:
                engine.spawn(i, scenario.actors[i], pose)
        x, y, yaw = self.navigation.path.at(scenario.start)
        x, y, yaw = x - math.sin(yaw) * offset_m, y + math.cos(yaw) * offset_m, yaw + turn_rad
        self.vehicle = engine.place_ego(x, y, yaw, scenario.speed)
        self.bodies, self.network = engine.bodies, engine.network
        self.navigation.update(x, y, yaw)
        self._end_rules = EndRules(scenario.time_limit, self.step_s, x, y)
        self._start()

    def _drive(self, steering: float, acceleration: float) -> None:
        ego, users = self._ego, self.road_users
        for i in users.come_and_go(ego, self.navigation.s, self.time_s):
            pose = users.poses[i]
            assert pose is not None
            self._engine.spawn(i, self.scenario.actors[i], pose)
        users.advance(ego, self.navigation, self._signals, self.time_s, self.step_s)
        self._engine.step(steering, acceleration, ego.speed, users.poses)
        if acceleration <= 0.0 and ego.speed < CREEP:
            self._engine.hold(ego.x, ego.y, ego.yaw)

    def _vehicle_state(self) -> VehicleState:
        return self._engine.ego_state()

    def _objects(self) -> Objects:
        return self.road_users.objects()

    def _wreck(self, ids: list[int]) -> None:
        for i in (number - 1 for number in ids):
            self.road_users.wreck(i)
            if self.scenario.actors[i].model is not Model.CONE:  # which is driven over
                self._engine.fix(i)

    def _ending(self) -> End:
        return self._end_rules.check(self._ego, self.navigation, self.time_s)


class ScriptedScenarios:
    """Plays scripted scenarios, one after the other in one engine."""

    def __init__(self, step_s: float) -> None:
        self._engine = ScriptedEngine(step_s)

    def begin(self, scenario: Scenario, offset_m: float, turn_rad: float) -> ScriptedEpisode:
        """Builds the scenario's roads and puts everybody on them."""
        lanes, scenario = lay_out(scenario)
        assert not isinstance(scenario.roads, SafeMetaDriveMap)
        self._engine.build(scenario.roads)
        return ScriptedEpisode(self._engine, scenario, lanes, offset_m, turn_rad)

    def close(self) -> None:
        """Gives the engine back."""
        self._engine.close()
