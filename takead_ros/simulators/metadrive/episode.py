"""Scripted scenarios in MetaDrive."""

from __future__ import annotations

from typing import Any

from takead_ros.maps.lanemap import Lane
from takead_ros.maps.roads import OpenDriveMap, Roads
from takead_ros.scenarios.road_users import Pose
from takead_ros.scenarios.spec import Scenario
from takead_ros.simulators.episode import ScriptedEpisode, VehicleState
from takead_ros.simulators.layout import lay_out
from takead_ros.simulators.metadrive.engine import CREEP, ScriptedEngine
from takead_ros.simulators.metadrive.environment import EGO


class MetaDriveEpisode(ScriptedEpisode):
    """Scripted road users around MetaDrive's vehicle, whose bodies they push aside and are pushed by.

    For tests and baselines, MetaDrive's own: ``ego_body``, ``bodies`` by actor, ``network`` (its roads).
    """

    def __init__(
        self, engine: ScriptedEngine, scenario: Scenario, lanes: list[Lane], offset_m: float, turn_rad: float
    ) -> None:
        self._engine = engine
        self.bodies, self.network = engine.bodies, engine.network
        self.ego_body: Any = None
        super().__init__(scenario, lanes, engine.step_s, EGO, offset_m, turn_rad)

    def _appear(self, i: int, pose: Pose) -> None:
        self._engine.spawn(i, self.scenario.actors[i], pose)

    def _place_ego(self, x: float, y: float, yaw: float, speed: float) -> None:
        self.ego_body = self._engine.place_ego(x, y, yaw, speed)

    def _drive_ego(self, steering: float, acceleration: float) -> None:
        ego = self._ego
        self._engine.step(steering, acceleration, ego.speed, self.road_users.poses)
        if acceleration <= 0.0 and ego.speed < CREEP:
            self._engine.hold(ego.x, ego.y, ego.yaw)

    def _vehicle_state(self) -> VehicleState:
        return self._engine.ego_state()

    def _fix(self, i: int) -> None:
        self._engine.fix(i)


class ScriptedScenarios:
    """Plays scripted scenarios, one after the other in one engine."""

    def __init__(self, step_s: float) -> None:
        self._engine = ScriptedEngine(step_s)

    def begin(self, scenario: Scenario, offset_m: float, turn_rad: float) -> MetaDriveEpisode:
        """Builds the scenario's roads and puts everybody on them."""
        lanes, scenario = lay_out(scenario)
        assert isinstance(scenario.roads, (Roads, OpenDriveMap))
        self._engine.build(scenario.roads)
        return MetaDriveEpisode(self._engine, scenario, lanes, offset_m, turn_rad)

    def close(self) -> None:
        """Gives the engine back."""
        self._engine.close()
